//! Cowork's settings on the wire: the spans that a file turns on, what they may show and how long it
//! may be.

use serde_json::{Value, json};

use super::stage::{FakeReceiver, Stage};
use crate::settings::Layers;
use crate::trace::{ToolOutput, ToolUse};

/// A turn with one tool, by a file with these keys beside the address; gives the spans and the events.
fn turn(keys: &Value, requests: usize) -> (Vec<Value>, Vec<Value>) {
    let receiver = FakeReceiver::start(Some(&[]));
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("cowork.json");
    let mut file = json!({
        "otlpEndpoint": format!("http://127.0.0.1:{}", receiver.port),
        "otlpProtocol": "http/json",
    });
    for (key, value) in keys.as_object().expect("an object") {
        file[key] = value.clone();
    }
    std::fs::write(&path, file.to_string()).expect("written");
    // What the person at the machine would rather have.
    let own = [
        ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_LOG_TOOL_CONTENT", "1"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "99999"),
        ("OTEL_LOGS_EXPORT_INTERVAL", "3600000"),
        ("OTEL_TRACES_EXPORT_INTERVAL", "3600000"),
    ];
    let stage = Stage::of(Layers::of(own).cowork_file(&path));
    let session = stage.telemetry.session_with_id("s");
    let turn = session.interaction("why ".repeat(2_000));
    let mut tool = turn.tool(ToolUse {
        tool_name: "Bash".to_owned(),
        ..ToolUse::default()
    });
    tool.output(ToolOutput {
        output: Some("secret".repeat(1_000)),
        ..ToolOutput::default()
    });
    drop((tool, turn));
    assert!(stage.telemetry.flush());
    assert_eq!(stage.said(), "");
    let (mut spans, mut events) = (vec![], vec![]);
    for _ in 0..requests {
        let came = receiver.next();
        let mut request: Value = serde_json::from_slice(&came.body).expect("JSON");
        let (into, [groups, scopes, items]) = match came.path.as_str() {
            "/v1/traces" => (&mut spans, ["resourceSpans", "scopeSpans", "spans"]),
            _ => (&mut events, ["resourceLogs", "scopeLogs", "logRecords"]),
        };
        let items = request[groups][0][scopes][0][items].take();
        into.extend(items.as_array().expect("a list").clone());
    }
    assert!(receiver.came.try_recv().is_err(), "nothing else came");
    (spans, events)
}

/// The text of an attribute.
fn text<'a>(item: &'a Value, key: &str) -> Option<&'a str> {
    let all = item["attributes"].as_array()?;
    let found = all.iter().find(|it| it["key"] == key)?;
    found["value"]["stringValue"].as_str()
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    let found = spans.iter().find(|it| it["name"] == name);
    found.expect("a span")
}

#[test]
fn tool_content_is_in_spans_no_longer_than_the_file_allows() {
    let content = ["userPrompts", "toolContent"];
    for (chars, limit) in [(json!(256), 256), (json!(null), 4_000)] {
        let keys = json!({
            "otlpTracesEnabled": true, "otlpContentCapture": content, "otlpAttrMaxChars": chars,
        });
        let (spans, events) = turn(&keys, 2);
        let output = &named(&spans, "claude_code.tool")["events"][0];
        let prompt = named(&spans, "claude_code.interaction");
        for (item, key) in [(output, "output"), (prompt, "user_prompt")] {
            let text = text(item, key).expect("a text");
            assert_eq!(text.encode_utf16().count(), limit, "{key}: {text}");
            assert!(text.ends_with("…[truncated]"), "{key}: {text}");
        }
        let prompt = text(&events[0], "prompt").expect("a text");
        assert_eq!(prompt.len(), 8_000, "events are as long as they were");
    }
}

#[test]
fn tool_content_that_is_not_captured_is_in_no_span() {
    let keys = json!({"otlpTracesEnabled": true, "otlpContentCapture": ["toolDetails"]});
    let (spans, _) = turn(&keys, 2);
    assert_eq!(spans.len(), 2);
    assert!(!json!(spans).to_string().contains("secret"), "{spans:?}");
}

#[test]
fn without_its_key_no_span_leaves() {
    for keys in [json!({}), json!({"otlpTracesEnabled": false})] {
        let (spans, events) = turn(&keys, 1);
        assert_eq!((spans.len(), events.len()), (0, 1), "{keys}");
    }
}
