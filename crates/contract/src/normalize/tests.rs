//! Rows of odd and usual records, and the records rebuilt from them.

use std::borrow::Cow;

use super::*;
use crate::identity::IdentityKey;
use crate::item::Origin;
use crate::shape::{StoredLog, rebuild};

const TIME_NS: u64 = 1_795_219_206_986_000_000;
const ISO: &str = "2026-11-21T00:00:06.986Z";

fn origin() -> Origin<'static> {
    Origin {
        resource: vec![
            ("service.name".into(), Value::from("claude-code")),
            ("service.version".into(), Value::from("2.1.329")),
            ("team.id".into(), Value::from("platform")),
            ("region".into(), Value::from("eu")),
        ],
        scope_name: "com.anthropic.claude_code.events".into(),
        scope_version: "2.1.329".into(),
        ..Origin::default()
    }
}

fn record(attributes: Vec<(&'static str, Value<'static>)>) -> LogRecord<'static> {
    LogRecord {
        time_unix_nano: TIME_NS,
        observed_time_unix_nano: TIME_NS,
        body: Some(Value::from("claude_code.api_request")),
        attributes: attributes
            .into_iter()
            .map(|(key, value)| (Cow::Borrowed(key), value))
            .collect(),
        ..LogRecord::default()
    }
}

/// Normalises, asserts that the record can be rebuilt exactly, and hands the row to `look`.
fn check(record: &LogRecord<'_>, look: impl FnOnce(&Row<'_>)) {
    check_under(&origin(), record, look);
}

fn check_under(origin: &Origin<'_>, record: &LogRecord<'_>, look: impl FnOnce(&Row<'_>)) {
    let facts = OriginFacts::of(origin, IdentityKey(1));
    let mut normalizer = Normalizer::default();
    let row = normalizer.log(
        &facts,
        record,
        if record.time_unix_nano == 0 {
            TIME_NS
        } else {
            record.time_unix_nano
        },
    );
    let cell = |col: Col| row.cells[col as usize].clone();
    let stored = StoredLog {
        event: row.event,
        time_ms: if record.time_unix_nano == 0 {
            TIME_NS
        } else {
            record.time_unix_nano
        } / 1_000_000,
        shape: row.shape,
        envelope: row.envelope,
        attributes: row.attributes,
        resource: &facts.resource_json,
        trace_id: record.trace_id,
        span_id: record.span_id,
        cell: &cell,
    };
    let rebuilt = rebuild(&stored).expect("the row fits its shape");
    assert_eq!(format!("{rebuilt:?}"), format!("{record:?}"));
    look(&row);
}

fn text(text: &'static str) -> Cell<'static> {
    Cell::Str(Cow::Borrowed(text))
}

#[test]
fn a_usual_record_needs_no_overflow_and_no_envelope() {
    let usual = record(vec![
        ("team.id", Value::from("platform")),
        ("session.id", Value::from("s")),
        ("event.name", Value::from("api_request")),
        ("event.timestamp", Value::from(ISO)),
        ("event.sequence", Value::Int(4)),
        ("cost_usd", Value::Double(0.002_765_190_000_000_000_3)),
        ("cost_usd_micros", Value::Int(2765)),
        ("input_tokens", Value::from("12")),
        ("region", Value::from("eu")),
    ]);
    check(&usual, |row| {
        assert_eq!((row.product, row.event), ("claude-code", "api_request"));
        assert_eq!(
            (row.attributes, row.envelope, row.body.as_deref()),
            (None, None, None)
        );
        assert_eq!(row.cell(Col::Team), &text("platform"));
        assert_eq!(row.cell(Col::InputTokens), &Cell::Int(12));
        assert_eq!(row.cell(Col::AppVersion), &text("2.1.329"));
        assert_eq!(row.cell(Col::CostUsdMicros), &Cell::Null);
    });
}

#[test]
fn what_a_column_cannot_give_back_is_kept() {
    let odd = record(vec![
        ("event.name", Value::from("api_request")),
        ("input_tokens", Value::from("012")),
        ("output_tokens", Value::Int(-4)),
        ("cost_usd", Value::Double(f64::NAN)),
        ("status_code", Value::from("undefined")),
        ("unknown", Value::Array(r#"["a",1,1.5]"#.into())),
        ("empty", Value::Empty),
        ("bytes", Value::Bytes(Cow::Borrowed(&[1, 255]))),
        ("event.timestamp", Value::from("yesterday")),
        ("odd\u{1e}key", Value::Double(5.0)),
    ]);
    check(&odd, |row| {
        assert_eq!(row.cell(Col::InputTokens), &Cell::Int(12));
        for col in [Col::OutputTokens, Col::CostUsd, Col::StatusCode] {
            assert_eq!(row.cell(col), &Cell::Null, "{col:?}");
        }
        assert!(
            row.attributes
                .is_some_and(|json| json.contains("\"output_tokens\":-4"))
        );
    });
}

#[test]
fn the_cost_in_millionths_is_kept_in_any_form() {
    for micros in [
        Value::from("2765"),
        Value::Double(2765.0),
        Value::Int(2764),
        Value::Int(2765),
    ] {
        let both = record(vec![
            ("event.name", Value::from("api_request")),
            ("cost_usd", Value::Double(0.002_765)),
            ("cost_usd_micros", micros),
        ]);
        check(&both, |row| {
            assert_eq!(row.cell(Col::CostUsd), &Cell::Float(0.002_765))
        });
    }
    let alone = record(vec![("cost_usd_micros", Value::from("2765"))]);
    check(&alone, |row| {
        assert_eq!(row.cell(Col::CostUsd), &Cell::Float(0.002_765))
    });
}

#[test]
fn millionths_that_are_no_believable_cost_enter_no_sum() {
    for (micros, cost) in [
        (2_765, Cell::Float(0.002_765)),
        (1_000_000_000_000, Cell::Float(1e6)),
        (1_000_000_000_001, Cell::Null),
        (1 << 53, Cell::Null),
    ] {
        let alone = record(vec![("cost_usd_micros", Value::Int(micros))]);
        check(&alone, |row| {
            assert_eq!(row.cell(Col::CostUsd), &cost, "{micros}");
            assert_eq!(row.cell(Col::CostUsdMicros), &Cell::Int(micros));
        });
    }
}

#[test]
fn values_come_back_in_the_form_in_which_they_came() {
    check(
        &LogRecord {
            severity_number: -3,
            ..record(vec![
                ("map", Value::Map(r#"{"b":1e-5,"a":[1.50]}"#.into())),
                ("array", Value::Array(r#"[{"b":1,"a":2}]"#.into())),
                ("cost_usd", Value::Double(0.0)),
                ("cost_usd", Value::Double(-0.0)),
            ])
        },
        |row| assert_eq!(row.cell(Col::CostUsd), &Cell::Float(0.0)),
    );
}

#[test]
fn a_resource_s_value_is_repeated_only_where_the_shape_can_say_so() {
    let resource = vec![
        ("odd\u{1e}key".into(), Value::from("x")),
        ("zero".into(), Value::Double(0.0)),
    ];
    let origin = Origin {
        resource,
        ..Origin::default()
    };
    let repeating = record(vec![
        ("odd\u{1e}key", Value::from("x")),
        ("zero", Value::Double(-0.0)),
    ]);
    check_under(&origin, &repeating, |row| {
        assert_eq!(
            row.attributes,
            Some("{\"odd\\u001ekey\":\"x\",\"zero\":-0.0}")
        );
    });
}

#[test]
fn of_aliases_the_best_wins_and_of_duplicates_the_last() {
    let both = record(vec![
        ("event.name", Value::from("user_prompt")),
        ("prompt_text", Value::from("same")),
        ("prompt", Value::from("same")),
        ("error.message", Value::from("worse")),
        ("error", Value::from("better")),
        ("model", Value::from("first")),
        ("model", Value::from("last")),
    ]);
    check(&both, |row| {
        assert_eq!(row.cell(Col::Prompt), &text("same"));
        assert_eq!(row.cell(Col::Error), &text("better"));
        assert_eq!(row.cell(Col::Model), &text("last"));
        assert_eq!(row.cell(Col::PromptKind), &text("person"));
        assert_eq!(
            row.attributes,
            Some(r#"{"error.message":"worse","model":"first"}"#)
        );
    });
}

#[test]
fn input_counts_that_include_the_cache_are_converted() {
    let other = record(vec![
        ("event.name", Value::from("gemini_cli.api_response")),
        ("input_token_count", Value::Int(100)),
        ("cached_content_token_count", Value::Int(60)),
    ]);
    check(&other, |row| {
        assert_eq!(row.cell(Col::InputTokens), &Cell::Int(40));
        assert_eq!(row.cell(Col::CacheReadTokens), &Cell::Int(60));
    });
}

#[test]
fn tools_name_their_server_skill_and_agent() {
    let named = |tool: &'static str, parameters: &'static str| {
        record(vec![
            ("event.name", Value::from("tool_result")),
            ("tool_name", Value::from(tool)),
            ("tool_parameters", Value::from(parameters)),
            ("source", Value::from("config")),
        ])
    };
    check(
        &named(
            "mcp_tool",
            r#"{"mcp_server_name":"github","mcp_tool_name":"search"}"#,
        ),
        |row| {
            assert_eq!(
                (row.cell(Col::McpServerName), row.cell(Col::McpToolName)),
                (&text("github"), &text("search"))
            );
            assert_eq!(row.cell(Col::DecisionSource), &text("config"));
        },
    );
    check(&named("mcp__github__search", "{}"), |row| {
        assert_eq!(
            (row.cell(Col::McpServerName), row.cell(Col::McpToolName)),
            (&text("github"), &text("search"))
        );
    });
    check(&named("Agent", r#"{"subagent_type":"Explore"}"#), |row| {
        assert_eq!(row.cell(Col::AgentName), &text("Explore"));
    });
}

#[test]
fn unusual_envelopes_are_rebuilt() {
    let unusual = LogRecord {
        time_unix_nano: TIME_NS + 123,
        observed_time_unix_nano: 7,
        severity_number: 9,
        severity_text: "INFO".into(),
        body: Some(Value::Map(r#"{"a":1}"#.into())),
        dropped_attributes_count: 3,
        flags: 1,
        trace_id: Some([1; 16]),
        span_id: Some([2; 8]),
        event_name: "codex.tool_result".into(),
        attributes: Vec::new(),
    };
    check(&unusual, |row| {
        assert_eq!(row.event, "codex.tool_result");
        assert_eq!(row.body.as_deref(), Some(r#"{"a":1}"#));
    });
    check(&LogRecord::default(), |row| assert_eq!(row.event, ""));
    let slash = LogRecord {
        body: Some(Value::from("free text")),
        ..LogRecord::default()
    };
    check(&slash, |row| {
        assert_eq!((row.event, row.body.as_deref()), ("free text", None))
    });
}

#[test]
fn prompts_that_nobody_typed_are_marked() {
    let prompt = |text: &'static str, command: Option<&'static str>| {
        let mut attributes = vec![
            ("event.name", Value::from("user_prompt")),
            ("prompt", Value::from(text)),
        ];
        attributes.extend(command.map(|name| ("command_name", Value::from(name))));
        record(attributes)
    };
    for (sent, kind) in [
        (
            prompt("<task-notification>done</task-notification>", None),
            "notification",
        ),
        (prompt("/compact", Some("compact")), "command"),
        (prompt("hello", None), "person"),
    ] {
        check(&sent, |row| {
            assert_eq!(row.cell(Col::PromptKind), &text(kind))
        });
    }
}
