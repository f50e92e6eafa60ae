//! Every recorded request of spans, rebuilt from the calls that caused it, byte for byte.
//!
//! The calls are read from the spans themselves; what the emitter must work out by itself (what kind of
//! program a command starts, safe names, repeated ids, statuses) is not told to it.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::captures::{Scenario, assert_same, scenarios};
use crate::session::Session;
use crate::shared::lock;
use crate::surroundings::Surroundings;
use crate::trace::{
    BlockedOnUser, Execution, Interaction, LlmCall, LlmOutcome, LlmRequest, Tool, ToolOutcome,
    ToolUse,
};

/// A recorded span.
struct Recorded(Value);

impl Recorded {
    fn text<'a>(&'a self, key: &str) -> &'a str {
        self.0[key].as_str().unwrap_or_default()
    }

    fn nanos(&self, key: &str) -> u64 {
        self.text(key).parse().expect("a time")
    }

    fn kind(&self) -> &str {
        self.text("name")
            .strip_prefix("claude_code.")
            .expect("ours")
    }

    fn attribute(&self, key: &str) -> Option<&Value> {
        let all = self.0["attributes"].as_array().expect("a list");
        let found = all.iter().find(|it| it["key"] == key)?;
        found["value"].as_object()?.values().next()
    }

    fn own(&self, key: &str) -> Option<String> {
        self.attribute(key)?.as_str().map(str::to_owned)
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.attribute(key)?.as_u64()
    }
}

fn id<const N: usize>(hex: &str) -> [u8; N] {
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("digits");
    std::array::from_fn(byte)
}

/// A span while it is open.
enum Handle {
    Interaction(Interaction),
    Llm(LlmCall),
    Tool(Tool),
    Blocked(BlockedOnUser),
    Execution(Execution),
}

/// Starts a span as its program did.
fn start(session: &Session, recorded: &Recorded, open: &HashMap<String, Handle>) -> Handle {
    let turn = || match open.get(recorded.text("parentSpanId")) {
        Some(Handle::Interaction(turn)) => turn,
        _ => panic!("{} is not within a turn", recorded.kind()),
    };
    let tool = || match open.get(recorded.text("parentSpanId")) {
        Some(Handle::Tool(tool)) => tool,
        _ => panic!("{} is not within a tool", recorded.kind()),
    };
    match recorded.kind() {
        "interaction" => {
            let text = recorded.own("user_prompt").expect("a text");
            Handle::Interaction(session.prompt_with_id("p").interaction(&text))
        }
        "llm_request" => Handle::Llm(turn().llm_request(LlmRequest {
            model: recorded.own("model").expect("a model"),
            query_source: recorded.own("query_source_safe"),
            ..LlmRequest::default()
        })),
        "tool" => Handle::Tool(turn().tool(ToolUse {
            tool_name: recorded.own("tool_name").expect("a name"),
            tool_use_id: recorded.own("tool_use_id"),
            file_path: recorded.own("file_path"),
            full_command: recorded.own("full_command"),
            ..ToolUse::default()
        })),
        "tool.blocked_on_user" => Handle::Blocked(tool().blocked_on_user()),
        "tool.execution" => Handle::Execution(tool().execution()),
        other => panic!("{other}"),
    }
}

/// Ends it as its program did. The client counts the durations with another clock than the spans.
fn end(handle: Handle, recorded: &Recorded) {
    let duration_ms = recorded.number("duration_ms");
    match handle {
        Handle::Interaction(turn) => {
            turn.end_after(recorded.number("interaction.duration_ms").expect("one"));
        }
        Handle::Llm(call) => call.end(LlmOutcome {
            duration_ms,
            input_tokens: recorded.number("input_tokens"),
            output_tokens: recorded.number("output_tokens"),
            cache_read_tokens: recorded.number("cache_read_tokens"),
            cache_creation_tokens: recorded.number("cache_creation_tokens"),
            success: recorded.attribute("success").and_then(Value::as_bool),
            request_id: recorded.own("request_id"),
            ttft_ms: recorded.number("ttft_ms"),
            first_content_ms: recorded.number("first_content_ms"),
            effort: recorded.own("effort"),
            stop_reason: recorded.own("stop_reason"),
            ..LlmOutcome::default()
        }),
        Handle::Tool(tool) => tool.end(None, duration_ms),
        Handle::Blocked(blocked) => {
            let said = |key| recorded.own(key).expect("said");
            blocked.end(&said("decision"), &said("source"), duration_ms);
        }
        Handle::Execution(execution) => execution.end(ToolOutcome {
            duration_ms,
            success: recorded.attribute("success").and_then(Value::as_bool) == Some(true),
            error: recorded.own("error"),
            error_class: recorded.own("error_class"),
        }),
    }
}

/// The spans of each request.
fn recorded(scenario: &Scenario) -> Vec<(&str, &[u8], Vec<Recorded>)> {
    let requests = scenario.requests.iter();
    let requests = requests.filter(|request| request.file.contains("-traces."));
    let spans = |body: &[u8]| {
        let request: Value = serde_json::from_slice(body).expect("JSON");
        let spans = &request["resourceSpans"][0]["scopeSpans"][0]["spans"];
        let spans = spans.as_array().expect("a list");
        spans.iter().cloned().map(Recorded).collect()
    };
    requests
        .map(|it| (it.file.as_str(), &it.body[..], spans(&it.body)))
        .collect()
}

fn rebuild(scenario: &Scenario) -> usize {
    let requests = recorded(scenario);
    let mut all: Vec<&Recorded> = requests.iter().flat_map(|(_, _, spans)| spans).collect();
    let Some(first) = all.first() else { return 0 };
    let trace_id = id(first.text("traceId"));
    let next = Arc::new(Mutex::new([0; 8]));
    let given = Arc::clone(&next);
    let (shared, clock) = scenario.telemetry_as(Surroundings {
        new_trace_id: Arc::new(move || trace_id),
        new_span_id: Arc::new(move || *lock(&given)),
        ..Surroundings::default()
    });
    let session = all[0].own("session.id").expect("a session");
    let session = Session::new(&shared, session);
    // A parent's name is the beginning of its children's.
    let depth = |kind: &str| {
        ["interaction", "llm_request", "tool"]
            .iter()
            .position(|it| *it == kind)
    };
    all.sort_by_key(|it| (depth(it.kind()).unwrap_or(9), it.nanos("startTimeUnixNano")));
    let mut open: HashMap<String, Handle> = HashMap::new();
    for span in &all {
        *lock(&next) = id(span.text("spanId"));
        clock.store(span.nanos("startTimeUnixNano"), Ordering::Relaxed);
        let mut handle = start(&session, span, &open);
        for event in span.0["events"].as_array().expect("a list") {
            let time = event["timeUnixNano"].as_str().expect("a time");
            clock.store(time.parse().expect("a time"), Ordering::Relaxed);
            match &mut handle {
                Handle::Llm(call) => call.attempt(1, None),
                _ => panic!("{event}"),
            }
        }
        open.insert(span.text("spanId").to_owned(), handle);
    }
    let mut count = 0;
    for (file, body, spans) in &requests {
        for span in spans {
            clock.store(span.nanos("endTimeUnixNano"), Ordering::Relaxed);
            let handle = open.remove(span.text("spanId")).expect("open");
            end(handle, span);
        }
        let batch = lock(&shared.spans).take_batch();
        count += batch.len();
        let rebuilt = shared.encode_spans(&batch, otlp::Encoding::Json);
        assert_same(file, &rebuilt, body);
    }
    assert!(open.is_empty());
    count
}

#[test]
fn every_recorded_span_is_rebuilt_byte_for_byte() {
    let count: usize = scenarios().iter().map(rebuild).sum();
    assert_eq!(count, 41);
}
