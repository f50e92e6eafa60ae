//! Whatever the text: no panic, the same twice, nothing found a second time, and what was not found
//! stays as it was.

use contract::{Edit, Editor, Fate, Signal};
use proptest::prelude::*;
use redact::{Policy, Settings};

fn policy(change: impl FnOnce(&mut Settings)) -> Policy {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
        .policy(&[7; 32])
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn everything() -> Policy {
    policy(|settings| settings.detectors = redact::GROUPS.map(str::to_owned).to_vec())
}

/// What becomes of the value of an attribute; `None` when it goes.
fn redacted(policy: &Policy, key: &str, text: &str) -> Option<String> {
    let mut redactor = policy.redactor(Signal::Logs, None);
    if redactor.attribute(key) == Fate::Drop {
        return None;
    }
    match redactor.text(key, text) {
        Edit::Keep => Some(text.to_owned()),
        Edit::Replace(text) => Some(text),
        Edit::Remove => None,
    }
}

/// Texts out of what detectors look for: whole, cut, doubled, escaped, run together.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("gh~p_".to_owned()),
        Just("sk-~ant-api03-".to_owned()),
        Just("AK~IA".to_owned()),
        Just("ey~J".to_owned()),
        Just("-----BE~GIN RSA PRIVATE KEY-----".to_owned()),
        Just("-----E~ND RSA PRIVATE KEY-----".to_owned()),
        Just("Authorization: Bearer ".to_owned()),
        Just("password=".to_owned()),
        Just("\"api_key\": \"".to_owned()),
        Just("token token secret ".to_owned()),
        Just("postgres://user:".to_owned()),
        Just("@host/db".to_owned()),
        Just("Set-Cookie: ".to_owned()),
        Just("[masked:".to_owned()),
        Just("]".to_owned()),
        Just("\\u0067\\u0068".to_owned()),
        Just("\\\"".to_owned()),
        Just("\\\\".to_owned()),
        Just("\\n".to_owned()),
        Just("<task-notification>".to_owned()),
        Just("{\"mcp_server_name\":\"x\",\"y\":1}".to_owned()),
        "[A-Za-z0-9]{16,40}",
        "[A-Z2-7]{16}",
        "[0-9]{12,20}",
        "[a-z]{1,6}@[a-z]{1,6}\\.[a-z]{2,3}",
        "[a-f0-9]{32}",
        ".{0,6}",
        "[ \\-._:/@=&;,'\"\\\\]{1,3}",
        "\\PC{0,10}",
    ];
    proptest::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat().replace('~', ""))
}

fn key() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("prompt"),
        Just("tool_parameters"),
        Just("user.email"),
        Just("session.id"),
        Just("deploy.password"),
        Just("error"),
    ]
}

fn action() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("keep".to_owned()),
        Just("drop".to_owned()),
        Just("hash".to_owned()),
        (1..80_usize).prop_map(|characters| format!("truncate:{characters}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_redacted_is_redacted_once(text in text(), key in key(), content in action()) {
        let policy = policy(|settings| {
            settings.detectors = redact::GROUPS.map(str::to_owned).to_vec();
            settings.content = content.clone();
            settings.people = if content == "drop" { "drop" } else { "pseudonymise" }.to_owned();
        });
        if let Some(once) = redacted(&policy, key, &text) {
            prop_assert_eq!(redacted(&policy, key, &once), Some(once.clone()), "{:?}", text);
            prop_assert_eq!(redacted(&policy, key, &text), Some(once), "not the same twice");
        }
    }

    #[test]
    fn a_cut_text_is_no_longer_than_it_may_be(text in text(), characters in 1..60_usize) {
        let policy = policy(|settings| settings.content = format!("truncate:{characters}"));
        if let Some(short) = redacted(&policy, "prompt", &text) {
            let marker = if text.starts_with("<task-notification>") { 19 } else { 0 };
            prop_assert!(short.chars().count() <= characters + marker || text.contains("mcp_server_name"), "{}", short);
        }
    }

    #[test]
    fn words_stay_byte_for_byte(text in "([a-z]{1,9}[ ,.\n]){0,40}") {
        prop_assert_eq!(redacted(&everything(), "prompt", &text), Some(text.clone()));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = redacted(&everything(), "prompt", &text);
        let mut redactor = everything().redactor(Signal::Traces, None).into_tally();
        redactor.items += 1;
    }
}

/// A secret anywhere in a long text of anything: it must be gone, and only it.
#[test]
fn a_secret_is_found_wherever_it_stands() {
    let policy = policy(|_| {});
    let secret = ["gh", "p_", &"a1B2c3D4e5F6g7H8i9".repeat(2)].concat();
    for before in [
        "",
        "x ",
        "é",
        "\n",
        "=",
        "\\n",
        "\\\"",
        "{\"a\":\"",
        "😀",
        "\\\\n",
        "(",
    ] {
        for after in ["", " y", "é", "\\n", "\\\"", "\"}", "😀", ")"] {
            let text = format!("{before}{secret}{after}");
            assert_eq!(
                redacted(&policy, "prompt", &text),
                Some(format!("{before}[masked:github-token]{after}")),
                "{text}"
            );
        }
    }
}

#[test]
fn a_text_with_more_than_can_be_masked_goes() {
    let policy = policy(|_| {});
    let one = ["AK", "IA", "ABCDEFGHIJKLMNOP "].concat();
    assert_eq!(redacted(&policy, "prompt", &one.repeat(30_000)), None);
    assert!(redacted(&policy, "prompt", &one.repeat(300)).is_some());
    // Linear, whatever is written: names of secrets without end, and escapes in escapes.
    let started = std::time::Instant::now();
    for hard in [
        "token=".repeat(200_000),
        "password ".repeat(200_000),
        "\\".repeat(1 << 20),
        "eyJ".repeat(300_000),
    ] {
        let _ = redacted(&policy, "prompt", &hard);
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
