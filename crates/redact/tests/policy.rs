//! What a policy makes of attributes, and what is wrong with one.

use contract::{Edit, Editor, Fate, Origin, Owner, Signal, Value};
use redact::{PatternSetting, Policy, Redactor, RuleSetting, Settings};

fn checked(settings: &Settings) -> Policy {
    settings
        .policy(&[7; 32])
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn rule(attribute: &str, action: &str) -> RuleSetting {
    RuleSetting {
        attribute: attribute.to_owned(),
        action: action.to_owned(),
        ..RuleSetting::default()
    }
}

fn asked(redactor: &mut Redactor<'_>, key: &str, text: &str) -> Option<String> {
    if redactor.attribute(key) == Fate::Drop {
        return None;
    }
    match redactor.text(key, text) {
        Edit::Keep => Some(text.to_owned()),
        Edit::Replace(text) => Some(text),
        Edit::Remove => None,
    }
}

fn check(settings: &Settings, key: &str, text: &str, expect: Option<&str>) {
    let policy = checked(settings);
    let mut redactor = policy.redactor(Signal::Logs, None);
    assert_eq!(
        asked(&mut redactor, key, text).as_deref(),
        expect,
        "{key}: {text}"
    );
}

#[test]
fn the_default_keeps_content_and_masks_secrets() {
    let default = Settings::default();
    check(
        &default,
        "prompt",
        "what is the weather",
        Some("what is the weather"),
    );
    check(
        &default,
        "user.email",
        "ada@example.com",
        Some("ada@example.com"),
    );
    let secret = format!(
        "use {}{} now",
        "gh",
        format_args!("p_{}", "a1B2c3D4e5F6g7H8i9".repeat(2))
    );
    check(
        &default,
        "prompt",
        &secret,
        Some("use [masked:github-token] now"),
    );
    check(
        &default,
        "db.password",
        "s3cret-pass",
        Some("[masked:assigned-secret]"),
    );
    check(
        &default,
        "cost_usd",
        "4111111111111111",
        Some("4111111111111111"),
    );
    check(
        &default,
        "note",
        "4111 1111 1111 1111",
        Some("[masked:card-number]"),
    );
}

#[test]
fn what_is_counted_by_stays_whatever_the_policy() {
    let mut all = Settings {
        content: "drop".to_owned(),
        people: "drop".to_owned(),
        other: "drop".to_owned(),
        ..Settings::default()
    };
    all.rule.push(rule("*", "drop"));
    for (key, text) in [
        ("cost_usd", "0.0123"),
        ("input_tokens", "12"),
        ("session.id", "0b5a"),
        ("model", "claude-opus-5"),
        ("event.name", "user_prompt"),
        ("request_id", "req_1"),
        ("tool_name", "Bash"),
    ] {
        check(&all, key, text, Some(text));
    }
    for key in ["prompt", "user.email", "team", "anything"] {
        check(&all, key, "x", None);
    }
    let content = Settings {
        content: "drop".to_owned(),
        ..Settings::default()
    };
    check(
        &content,
        "prompt",
        "<task-notification>done: x",
        Some("<task-notification>"),
    );
    check(&content, "prompt", "<REDACTED>", Some("<REDACTED>"));
    check(
        &content,
        "tool_parameters",
        r#"{"mcp_server_name":"github","query":"private"}"#,
        Some(r#"{"mcp_server_name":"github"}"#),
    );
    check(&content, "tool_parameters", r#"{"query":"private"}"#, None);
}

#[test]
fn the_first_rule_that_fits_decides() {
    let settings = Settings {
        rule: vec![
            RuleSetting {
                product: Some("cowork".to_owned()),
                ..rule("prompt*", "truncate:4")
            },
            RuleSetting {
                event: Some("user_prompt".to_owned()),
                ..rule("prompt", "drop")
            },
            RuleSetting {
                organization: Some("org-1".to_owned()),
                ..rule("user.*", "pseudonymise")
            },
            RuleSetting {
                signal: Some("traces".to_owned()),
                ..rule("*message", "hash")
            },
            RuleSetting {
                detectors: Some(vec!["emails".to_owned(), "secrets".to_owned()]),
                ..rule("note", "mask")
            },
        ],
        ..Settings::default()
    };
    let policy = checked(&settings);
    let origin = |product: &'static str| Origin {
        resource: vec![("service.name".into(), Value::from(product))],
        ..Origin::default()
    };
    let mut redactor = policy.redactor(Signal::Logs, None);
    redactor.origin(&origin("cowork"));
    redactor.item(&[("event.name".into(), Value::from("user_prompt"))], "");
    assert_eq!(
        asked(&mut redactor, "prompt_text", "abcdefg").as_deref(),
        Some("abcd")
    );
    redactor.origin(&origin("claude-code"));
    assert_eq!(
        asked(&mut redactor, "prompt", "abcdefg").as_deref(),
        Some("abcdefg")
    );
    redactor.item(&[("event.name".into(), Value::from("user_prompt"))], "");
    assert_eq!(asked(&mut redactor, "prompt", "abcdefg"), None);
    assert_eq!(asked(&mut redactor, "user.id", "u").as_deref(), Some("u"));
    redactor.item(&[("organization.id".into(), Value::from("org-1"))], "");
    assert!(asked(&mut redactor, "user.id", "u").is_some_and(|id| id.starts_with("person-")));
    assert_eq!(
        asked(&mut redactor, "note", "to ada@example.com").as_deref(),
        Some("to [masked:email]")
    );
    // What a token is bound to wins over what an item claims.
    let mut bound = policy.redactor(Signal::Logs, Some("org-2"));
    bound.origin(&origin("claude-code"));
    bound.item(&[("organization.id".into(), Value::from("org-1"))], "");
    assert_eq!(asked(&mut bound, "user.id", "u").as_deref(), Some("u"));
    let mut spans = policy.redactor(Signal::Traces, None);
    assert!(
        asked(&mut spans, "user.message", "hello").is_some_and(|text| text.starts_with("[hash:"))
    );
}

#[test]
fn a_mark_says_what_was_done_and_tells_items_apart() {
    let settings = Settings {
        content: "drop".to_owned(),
        ..Settings::default()
    };
    let policy = checked(&settings);
    let mark = |prompt: &str| {
        let mut redactor = policy.redactor(Signal::Logs, None);
        redactor.begin(Owner::Item);
        assert_eq!(asked(&mut redactor, "prompt", prompt), None);
        redactor.dropped(prompt.as_bytes());
        let key = ["AK", "IA", "ABCDEFGHIJKLMNOP"].concat();
        asked(&mut redactor, "error", &format!("{key} {key}"));
        redactor.end(None)
    };
    let (one, other) = (mark("one").expect("a mark"), mark("other").expect("a mark"));
    assert!(
        one.starts_with("prompt=drop error=mask:aws-access-key*2 #"),
        "{one}"
    );
    assert_ne!(one, other);
    assert_eq!(Some(one), mark("one"));
    let mut redactor = policy.redactor(Signal::Logs, None);
    redactor.begin(Owner::Item);
    asked(&mut redactor, "error", "nothing");
    assert_eq!(redactor.end(Some("before")), None);
}

#[test]
fn failing_closed_keeps_what_is_counted_and_nothing_else() {
    let policy = checked(&Settings::default());
    let mut redactor = policy.redactor(Signal::Logs, None);
    redactor.begin(Owner::Item);
    redactor.fail_closed(true, 0);
    redactor.begin(Owner::Item);
    for (key, text, stays) in [
        ("cost_usd", "0.0123", true),
        ("model", "claude-opus-5", true),
        ("session.id", "0b5a1c9e-1111-4222-8333-444455556666", true),
        ("session.id", "a text of somebody", false),
        ("prompt", "x", false),
        ("user.email", "ada@example.com", false),
        ("team", "x", false),
    ] {
        assert_eq!(
            asked(&mut redactor, key, text).is_some(),
            stays,
            "{key}: {text}"
        );
    }
    let mark = redactor.end(None).expect("a mark");
    assert!(mark.contains("prompt=failed"), "{mark}");
    redactor.fail_closed(false, 0);
    assert_eq!(asked(&mut redactor, "prompt", "x").as_deref(), Some("x"));
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_place() {
    let settings = Settings {
        content: "keeep".to_owned(),
        people: "truncate:3".to_owned(),
        other: "truncate:0".to_owned(),
        unreadable: Some("keep".to_owned()),
        detectors: vec!["secrets".to_owned(), "pasports".to_owned()],
        pattern: vec![
            PatternSetting {
                name: "ticket".to_owned(),
                regex: "T-[0-9+".to_owned(),
            },
            PatternSetting {
                name: "jwt".to_owned(),
                regex: "x+".to_owned(),
            },
            PatternSetting {
                name: "all".to_owned(),
                regex: "x*".to_owned(),
            },
            PatternSetting {
                name: "huge".to_owned(),
                regex: "(?:[a-z]{500}){500}".to_owned(),
            },
            PatternSetting {
                name: "No Name".to_owned(),
                regex: "y".to_owned(),
            },
        ],
        rule: vec![
            rule("cost_usd", "drop"),
            rule("", "drop"),
            rule("prompt", "shred"),
            rule("prompt", "mask"),
            RuleSetting {
                signal: Some("log".to_owned()),
                ..rule("prompt", "drop")
            },
            RuleSetting {
                signal: Some("metrics".to_owned()),
                event: Some("x".to_owned()),
                ..rule("prompt", "drop")
            },
            RuleSetting {
                detectors: Some(vec!["nothing".to_owned()]),
                ..rule("prompt", "keep")
            },
        ],
    };
    let problems = settings.policy(&[0; 32]).err().expect("problems");
    let said = problems.join("\n");
    for expected in [
        "redaction.content: \"keeep\" is none of keep, drop, hash, truncate:N",
        "redaction.people: \"truncate:3\"",
        "redaction.other: \"truncate:0\"",
        "redaction.unreadable: \"keep\"",
        "redaction.detectors: there is no detector \"pasports\"",
        "redaction.pattern 1 (ticket): regex: ",
        "redaction.pattern 2 (jwt): there is a detector of that name already",
        "redaction.pattern 3 (all): regex: it matches the empty text",
        "redaction.pattern 4 (huge): regex: it needs more than",
        "redaction.pattern 5 (No Name): a name has",
        "redaction.rule 1 (cost_usd): it is counted by",
        "redaction.rule 2: attribute is missing",
        "redaction.rule 3 (prompt): action: \"shred\"",
        "redaction.rule 4 (prompt): mask needs detectors",
        "redaction.rule 5 (prompt): signal: \"log\"",
        "redaction.rule 6 (prompt): only logs have events",
        "redaction.rule 7 (prompt): detectors: there is no detector \"nothing\"",
    ] {
        assert!(said.contains(expected), "no {expected:?} in\n{said}");
    }
}

#[test]
fn a_pattern_of_ones_own_masks_its_part() {
    let settings = Settings {
        pattern: vec![
            PatternSetting {
                name: "ticket".to_owned(),
                regex: r"TICKET-(?<s>\d{4,})".to_owned(),
            },
            PatternSetting {
                name: "project".to_owned(),
                regex: r"(?i)\bproject bluebird\b".to_owned(),
            },
        ],
        ..Settings::default()
    };
    check(
        &settings,
        "prompt",
        "see TICKET-12345 of Project Bluebird",
        Some("see TICKET-[masked:ticket] of [masked:project]"),
    );
}

#[test]
fn who_relies_on_it_is_warned() {
    let quiet = checked(&Settings::default());
    assert_eq!(quiet.warnings(), Vec::<String>::new());
    let settings = Settings {
        detectors: vec!["cards".to_owned()],
        rule: vec![RuleSetting {
            detectors: Some(Vec::new()),
            ..rule("note", "keep")
        }],
        ..Settings::default()
    };
    let policy = checked(&settings);
    assert_eq!(policy.warnings().len(), 2, "{:?}", policy.warnings());
    assert!(
        policy.summary().contains("NOT all secrets are masked"),
        "{}",
        policy.summary()
    );
}
