//! Spans on their way: what they are within, what they may show, and where they go.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{Came, FakeReceiver, Stage, counts};
use crate::event::{AtMention, HookExecutionStart, ToolDecision};
use crate::head::Agent;
use crate::trace::{
    Hook, HookOutcome, Interaction, LlmOutcome, LlmRequest, Tool, ToolOutcome, ToolOutput, ToolUse,
};

const BETA: (&str, &str) = ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
const SPANS: (&str, &str) = ("OTEL_TRACES_EXPORTER", "otlp");
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OUTSIDE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Spans on, events too.
fn stage(receiver: &FakeReceiver, more: &[(&str, &str)]) -> Stage {
    Stage::new(receiver.port, &[&[BETA, SPANS][..], more].concat())
}

/// What came: events and spans, in whichever order their requests came.
struct Sent {
    events: Vec<Value>,
    spans: Vec<Value>,
}

fn take(receiver: &FakeReceiver, requests: usize) -> Sent {
    let mut sent = Sent {
        events: vec![],
        spans: vec![],
    };
    for _ in 0..requests {
        let Came { path, body, .. } = receiver.next();
        let request: Value = serde_json::from_slice(&body).expect("JSON");
        let of = |groups: &str, scopes: &str, items: &str| {
            let items = &request[groups][0][scopes][0][items];
            items.as_array().expect("a list").clone()
        };
        match path.as_str() {
            "/v1/logs" => sent
                .events
                .extend(of("resourceLogs", "scopeLogs", "logRecords")),
            "/v1/traces" => sent
                .spans
                .extend(of("resourceSpans", "scopeSpans", "spans")),
            other => panic!("{other}"),
        }
    }
    sent
}

fn attribute<'a>(item: &'a Value, key: &str) -> &'a Value {
    let all = item["attributes"].as_array().expect("a list");
    let found = all.iter().find(|it| it["key"] == key);
    let value = found.and_then(|it| it["value"].as_object()?.values().next());
    value.unwrap_or(&Value::Null)
}

impl Sent {
    #[track_caller]
    fn span(&self, name: &str) -> &Value {
        let full = format!("claude_code.{name}");
        let found = self.spans.iter().find(|it| it["name"] == full.as_str());
        found.unwrap_or_else(|| panic!("no {name} in {:?}", self.spans))
    }

    #[track_caller]
    fn event(&self, name: &str) -> &Value {
        let found = self
            .events
            .iter()
            .find(|it| *attribute(it, "event.name") == name);
        found.unwrap_or_else(|| panic!("no {name} in {:?}", self.events))
    }
}

fn bash(turn: &Interaction, command: &str) -> Tool {
    turn.tool(ToolUse {
        tool_name: "Bash".to_owned(),
        tool_use_id: Some("toolu_1".to_owned()),
        full_command: Some(command.to_owned()),
        ..ToolUse::default()
    })
}

#[test]
fn spans_nest_and_events_name_the_span_that_they_are_within() {
    let receiver = FakeReceiver::start(Some(&[]));
    let stage = stage(&receiver, &[]);
    let session = stage.telemetry.session_with_id("s");
    let turn = session.interaction("a question");
    let tool = bash(&turn, "ls");
    let blocked = tool.blocked_on_user();
    blocked.prompt().emit(ToolDecision::default());
    blocked.end("accept", "config", None);
    let inner = tool.llm_request(LlmRequest::default());
    let mut outer = turn.llm_request(LlmRequest::default());
    outer.attempt(1, Some("id-1"));
    outer.attempt(2, Some("id-2"));
    outer.answered_by("00-11111111111111111111111111111111-2222222222222222-01");
    outer.answered_by("nonsense");
    // Dropped without a word.
    drop(inner);
    outer.end(LlmOutcome::default());
    drop(tool);
    // Of the session, and within the turn.
    session.emit(AtMention::default());
    let prompt = turn.prompt().clone();
    drop(turn);
    prompt.emit(crate::event::Compaction::default());
    assert!(stage.telemetry.flush());
    let sent = take(&receiver, 2);
    let id = |name: &str| sent.span(name)["spanId"].clone();
    let parent = |name: &str| sent.span(name)["parentSpanId"].clone();
    assert_eq!(parent("interaction"), Value::Null);
    assert_eq!(parent("tool"), id("interaction"));
    assert_eq!(parent("tool.blocked_on_user"), id("tool"));
    let calls: Vec<_> = sent
        .spans
        .iter()
        .filter(|it| it["name"] == "claude_code.llm_request")
        .collect();
    assert_eq!(calls[0]["parentSpanId"], id("tool"));
    assert_eq!(*attribute(calls[0], "llm_request.context"), "tool");
    let attempts = [&calls[0], &calls[1]].map(|call| attribute(call, "attempt"));
    assert_eq!(attempts, [&Value::Null, &json!(2)]);
    assert_eq!(calls[1]["parentSpanId"], id("interaction"));
    assert_eq!(*attribute(calls[1], "llm_request.context"), "interaction");
    assert_eq!(
        attribute(&calls[1]["events"][1], "client_request_id"),
        "id-2"
    );
    let link = &calls[1]["links"];
    assert_eq!(link.as_array().map(Vec::len), Some(1), "{link}");
    assert_eq!(link[0]["spanId"], "2222222222222222");
    assert!(
        sent.spans
            .iter()
            .all(|it| it["traceId"] == sent.span("tool")["traceId"])
    );
    assert_eq!(sent.event("user_prompt")["spanId"], id("interaction"));
    assert_eq!(
        sent.event("tool_decision")["spanId"],
        id("tool.blocked_on_user")
    );
    assert_eq!(sent.event("at_mention")["spanId"], id("interaction"));
    assert_eq!(
        sent.event("compaction")["spanId"],
        Value::Null,
        "the turn is over"
    );
    assert_eq!(stage.telemetry.counts().spans, counts(5, 5, 0, 0, 0));
}

#[test]
fn while_spans_are_off_the_same_calls_send_events_alone() {
    let receiver = FakeReceiver::start(Some(&[]));
    for more in [&[][..], &[BETA, ("OTEL_TRACES_EXPORTER", "none")]] {
        let stage = Stage::new(receiver.port, more);
        let turn = stage
            .telemetry
            .session_with_id("s")
            .interaction("a question");
        let mut tool = bash(&turn, "ls");
        tool.output(ToolOutput::default());
        tool.execution().end(ToolOutcome::default());
        assert_eq!(tool.traceparent(), None);
        drop(tool);
        turn.prompt().emit(AtMention::default());
        drop(turn);
        assert!(stage.telemetry.flush());
        let sent = take(&receiver, 1);
        assert_eq!((sent.events.len(), sent.spans.len()), (2, 0));
        assert_eq!(sent.event("at_mention")["traceId"], Value::Null);
        assert!(receiver.came.try_recv().is_err());
    }
}

#[test]
fn content_in_spans_is_behind_its_gates() {
    let receiver = FakeReceiver::start(Some(&[]));
    let gates = [
        "OTEL_LOG_USER_PROMPTS",
        "OTEL_LOG_TOOL_DETAILS",
        "OTEL_LOG_TOOL_CONTENT",
    ];
    for word in ["0", "1"] {
        let settings = gates.map(|gate| (gate, word));
        let stage = stage(&receiver, &settings);
        let turn = stage
            .telemetry
            .session_with_id("s")
            .interaction("a secret question");
        let mut read = turn.tool(ToolUse {
            tool_name: "Read".to_owned(),
            file_path: Some("/secret".to_owned()),
            ..ToolUse::default()
        });
        read.output(ToolOutput {
            content: Some("secret".repeat(20_000)),
            file_path: Some("/secret".to_owned()),
            ..ToolOutput::default()
        });
        read.execution().end(ToolOutcome {
            error: Some("a secret error".to_owned()),
            error_class: Some("Error:ENOENT".to_owned()),
            ..ToolOutcome::default()
        });
        let mcp = turn.tool(ToolUse {
            tool_name: "mcp__secret__tool".to_owned(),
            workflow_name: Some("secret".into()),
            ..ToolUse::default()
        });
        drop((read, mcp, bash(&turn, "git push secret"), turn));
        assert!(stage.telemetry.flush());
        let sent = take(&receiver, 2);
        let is_shown = word == "1";
        assert_eq!(json!(sent.spans).to_string().contains("secret"), is_shown);
        let prompt = attribute(sent.span("interaction"), "user_prompt");
        assert_eq!(
            prompt,
            if is_shown {
                "a secret question"
            } else {
                "<REDACTED>"
            }
        );
        let execution = sent.span("tool.execution");
        let error = if is_shown {
            "a secret error"
        } else {
            "Error:ENOENT"
        };
        assert_eq!(attribute(execution, "error"), error);
        assert_eq!(execution["status"], json!({"code": 2, "message": error}));
        assert_eq!(attribute(execution, "error_class"), "Error_ENOENT");
        let named = |name: &str| {
            let found = sent
                .spans
                .iter()
                .find(|it| attribute(it, "tool_name") == name);
            found.expect("a tool")
        };
        let names = ["tool_name", "tool_name_safe", "gen_ai.tool.name"];
        assert_eq!(
            names.map(|key| attribute(named("mcp_tool"), key)),
            ["mcp_tool", "mcp_other", "mcp_tool"]
        );
        let words = ["bash_command_class", "bash_argv0"];
        assert_eq!(
            words.map(|key| attribute(named("Bash"), key)),
            ["vcs", "git"]
        );
        let output = &named("Read")["events"][0];
        if is_shown {
            assert_eq!(output["name"], "tool.output");
            let cut = ["content_truncated", "content_original_length"];
            assert_eq!(
                cut.map(|key| attribute(output, key)),
                [&json!(true), &json!(120_000)]
            );
        } else {
            assert_eq!(*output, Value::Null);
        }
    }
}

#[test]
fn only_some_tools_show_what_they_gave_back() {
    let receiver = FakeReceiver::start(Some(&[]));
    let all = ["Read", "Bash", "Edit", "Write", "WebFetch", "mcp__a__b"];
    for (details, shown) in [("0", &all[..2]), ("1", &all[..4])] {
        let settings = [
            ("OTEL_LOG_TOOL_CONTENT", "1"),
            ("OTEL_LOG_TOOL_DETAILS", details),
        ];
        let stage = stage(&receiver, &settings);
        let turn = stage.telemetry.session_with_id("s").interaction("x");
        for name in all {
            let mut tool = turn.tool(ToolUse {
                tool_name: name.to_owned(),
                ..ToolUse::default()
            });
            tool.output(ToolOutput {
                output: Some("given".to_owned()),
                bash_command: Some("a command".to_owned()),
                ..ToolOutput::default()
            });
        }
        drop(turn);
        assert!(stage.telemetry.flush());
        let sent = take(&receiver, 2);
        let with: Vec<&Value> = sent
            .spans
            .iter()
            .filter(|it| it["events"] != json!([]))
            .collect();
        let names: Vec<&Value> = with.iter().map(|it| attribute(it, "tool_name")).collect();
        assert_eq!(names, shown, "details {details}");
        let command = attribute(&with[0]["events"][0], "bash_command");
        assert_eq!(command.is_string(), details == "1");
    }
}

#[test]
fn a_trace_from_outside_goes_on_and_its_events_name_it() {
    let receiver = FakeReceiver::start(Some(&[]));
    let outside = [("TRACEPARENT", OUTSIDE), ("TRACESTATE", "a=b")];
    let stage = stage(&receiver, &outside);
    let session = stage.telemetry.session_with_id("s");
    session.emit(AtMention::default());
    drop(session.interaction("x"));
    assert!(stage.telemetry.flush());
    let sent = take(&receiver, 2);
    let turn = sent.span("interaction");
    let place = ["traceId", "parentSpanId", "traceState"].map(|key| turn[key].clone());
    assert_eq!(place, [TRACE, "00f067aa0ba902b7", "a=b"]);
    assert_eq!(
        (&turn["flags"], attribute(turn, "parent.source")),
        (&json!(0x301), &json!("env"))
    );
    let event = sent.event("at_mention");
    let named = ["traceId", "spanId", "flags"].map(|key| event[key].clone());
    assert_eq!(named, [json!(TRACE), json!("00f067aa0ba902b7"), json!(1)]);

    // Events name it also where spans are off.
    let stage = Stage::new(receiver.port, &outside);
    stage.emit(1);
    assert!(stage.telemetry.flush());
    assert_eq!(take(&receiver, 1).event("at_mention")["traceId"], TRACE);
}

#[test]
fn a_trace_that_is_not_kept_outside_is_not_kept_here() {
    let receiver = FakeReceiver::start(Some(&[]));
    let parent = OUTSIDE.replace("-01", "-00");
    let stage = stage(&receiver, &[("TRACEPARENT", &parent)]);
    let turn = stage.telemetry.session_with_id("s").interaction("x");
    let handed_on = turn.traceparent().expect("one");
    assert!(
        handed_on.starts_with(&parent[..36]) && handed_on.ends_with("-00"),
        "{handed_on}"
    );
    drop(turn);
    assert!(stage.telemetry.flush());
    let sent = take(&receiver, 1);
    assert_eq!(sent.event("user_prompt")["flags"], 0);
    assert_eq!(stage.telemetry.counts().spans, counts(0, 0, 0, 0, 0));
}

#[test]
fn the_place_in_the_trace_is_handed_on_where_that_is_allowed() {
    let receiver = FakeReceiver::start(Some(&[]));
    for (custom, more, is_allowed) in [
        (None, &[][..], true),
        (Some(true), &[], false),
        (
            Some(true),
            &[("CLAUDE_CODE_PROPAGATE_TRACEPARENT", "1")],
            true,
        ),
    ] {
        let layers = Stage::layers(receiver.port, &[&[BETA, SPANS], more].concat());
        let (settings, _) = crate::settings::Settings::read(layers);
        let agent = Agent {
            custom_base_url: custom,
            ..Agent::new("test", "1")
        };
        let telemetry = crate::Telemetry::new(agent, settings);
        let turn = telemetry.session_with_id("s").interaction("x");
        let execution = bash(&turn, "ls").execution();
        assert_eq!(
            execution.traceparent().is_some(),
            is_allowed,
            "{custom:?} {more:?}"
        );
    }
}

#[test]
fn detailed_tracing_has_spans_of_hooks_and_a_receiver_of_its_own() {
    let (usual, detailed) = (
        FakeReceiver::start(Some(&[])),
        FakeReceiver::start(Some(&[])),
    );
    let hook = || Hook {
        hook_event: "PreToolUse".to_owned(),
        hook_name: "PreToolUse:Write".to_owned(),
        num_hooks: 1,
        hook_definitions: Some("[\"secret\"]".to_owned()),
    };
    let work = |stage: &Stage| {
        let turn = stage.telemetry.session_with_id("s").interaction("x");
        turn.hook(hook()).end(HookOutcome {
            num_blocking: 1,
            error: Some("no".to_owned()),
            ..HookOutcome::default()
        });
        let request = LlmRequest {
            query_source: Some("agent:mine".to_owned()),
            ..LlmRequest::default()
        };
        turn.llm_request(request).end(LlmOutcome::default());
        turn.prompt().emit(HookExecutionStart {
            hook_definitions: Some("[\"secret\"]".to_owned()),
            ..HookExecutionStart::default()
        });
        drop(turn);
        assert!(stage.telemetry.flush());
    };
    let details = ("OTEL_LOG_TOOL_DETAILS", "1");
    let plain = stage(&usual, &[details]);
    work(&plain);
    let sent = take(&usual, 2);
    assert_eq!(sent.spans.len(), 2, "no hook");
    let start = sent.event("hook_execution_start");
    assert_eq!(attribute(start, "hook_definitions"), &Value::Null);
    let call = sent.span("llm_request");
    assert_eq!(attribute(call, "query_source"), &Value::Null);
    assert_eq!(attribute(call, "query_source_safe"), "agent.custom");

    let url = format!("http://127.0.0.1:{}", detailed.port);
    let pair = [
        ("ENABLE_BETA_TRACING_DETAILED", "1"),
        ("BETA_TRACING_ENDPOINT", &*url),
    ];
    for more in [&pair[..], &[&pair[..], &[details]].concat()] {
        let stage = stage(&usual, more);
        work(&stage);
        let sent = take(&detailed, 2);
        let source = attribute(sent.span("llm_request"), "query_source");
        assert_eq!(source, "agent:mine");
        let hook = sent.span("hook");
        assert_eq!(hook["status"], json!({"code": 2, "message": "no"}));
        assert_eq!(hook["parentSpanId"], sent.span("interaction")["spanId"]);
        assert_eq!(attribute(hook, "num_blocking"), 1);
        let definitions = [hook, sent.event("hook_execution_start")]
            .map(|item| attribute(item, "hook_definitions").is_string());
        assert_eq!(definitions, [more.len() == 3; 2]);
    }
    assert!(usual.came.try_recv().is_err(), "events go there too");
}

#[test]
fn a_session_s_id_can_be_kept_out_of_spans() {
    let receiver = FakeReceiver::start(Some(&[]));
    for (word, is_sent) in [("true", true), ("false", false)] {
        let stage = stage(&receiver, &[("OTEL_METRICS_INCLUDE_SESSION_ID", word)]);
        let turn = stage
            .telemetry
            .session_with_id("the session")
            .interaction("x");
        drop(turn.llm_request(LlmRequest::default()));
        drop(turn);
        assert!(stage.telemetry.flush());
        let sent = take(&receiver, 2);
        for span in &sent.spans {
            let said = ["session.id", "gen_ai.conversation.id"].map(|key| attribute(span, key));
            assert_eq!(said.map(Value::is_string), [is_sent; 2], "{span}");
        }
    }
}

#[test]
fn spans_that_wait_are_bounded_and_the_end_sends_them() {
    let receiver = FakeReceiver::start(None);
    let stage = stage(
        &receiver,
        &[
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_TRACES_EXPORT_INTERVAL", "3600000"),
        ],
    );
    let turn = stage.telemetry.session_with_id("s").interaction("x");
    for _ in 0..512 {
        drop(bash(&turn, "ls"));
    }
    assert_eq!(
        receiver.next().path,
        "/v1/traces",
        "a full batch leaves at once"
    );
    for _ in 0..3000 {
        drop(bash(&turn, "ls"));
    }
    let full = stage.telemetry.counts().spans;
    assert_eq!((full.recorded, full.dropped), (3512, 3000 - 2048));
    let ended = stage
        .telemetry
        .shutdown_within(Duration::from_millis(50))
        .spans;
    assert_eq!(ended, counts(3512, 0, 0, 3512, 0), "everything has a fate");

    let receiver = FakeReceiver::start(Some(&[]));
    let stage = self::stage(&receiver, &[]);
    drop(stage.telemetry.session_with_id("s").interaction("x"));
    drop(stage);
    assert_eq!(take(&receiver, 2).spans.len(), 1);
}

#[test]
fn spans_that_cannot_be_delivered_wait_on_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let spool = ("TALLYBOOK_SPOOL_DIR", dir.path().to_str().expect("text"));
    // The port is free again when the listener is dropped.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let settings = [BETA, SPANS, spool, ("OTEL_LOGS_EXPORTER", "none")];
    let away = Stage::new(port, &settings);
    drop(away.telemetry.session_with_id("s").interaction("x"));
    assert!(away.telemetry.flush());
    assert_eq!(away.telemetry.counts().spans.spooled, 1);
    drop(away);
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    let receiver = FakeReceiver::listen(listener, Some(&[]));
    let back = Stage::new(port, &settings);
    assert!(back.telemetry.flush());
    assert_eq!(back.telemetry.counts().spans.resent, 1);
    assert_eq!(take(&receiver, 1).span("interaction")["flags"], 0x101);
}

#[test]
fn a_span_has_128_events_at_most() {
    let receiver = FakeReceiver::start(Some(&[]));
    let stage = stage(&receiver, &[]);
    let turn = stage.telemetry.session_with_id("s").interaction("x");
    let mut call = turn.llm_request(LlmRequest::default());
    for attempt in 1..=200 {
        call.attempt(attempt, None);
    }
    drop((call, turn));
    assert!(stage.telemetry.flush());
    let sent = take(&receiver, 2);
    let call = sent.span("llm_request");
    assert_eq!(call["events"].as_array().map(Vec::len), Some(128));
    assert_eq!(call["droppedEventsCount"], 72);
}

#[test]
fn a_clock_that_is_set_back_makes_no_span_of_less_than_nothing() {
    let receiver = FakeReceiver::start(Some(&[]));
    let layers = Stage::layers(receiver.port, &[BETA, SPANS]);
    let now = AtomicU8::new(9);
    let stage = Stage::built(layers, |builder| {
        builder.clock(move || u64::from(now.fetch_sub(1, Ordering::Relaxed)) * 1000)
    });
    drop(stage.telemetry.session_with_id("s").interaction("x"));
    assert!(stage.telemetry.flush());
    let sent = take(&receiver, 2);
    let turn = sent.span("interaction");
    assert_eq!(turn["startTimeUnixNano"], turn["endTimeUnixNano"]);
    assert_eq!(attribute(turn, "interaction.duration_ms"), 0);
}
