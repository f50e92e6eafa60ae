//! A small agent that reports what it does. It sends where the environment says:
//!
//! ```sh
//! CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_LOGS_EXPORTER=console OTEL_METRICS_EXPORTER=console \
//!   CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1 OTEL_TRACES_EXPORTER=console \
//!   cargo run --release -p emitter --example agent
//! ```

use std::io::Write;
use std::time::{Duration, Instant};

use emitter::event::{ApiRequest, AssistantResponse, ToolDecision, ToolResult};
use emitter::trace::{Interaction, LlmOutcome, LlmRequest, ToolOutcome, ToolUse};
use emitter::{Start, Telemetry};

fn main() {
    let telemetry = Telemetry::from_env("example-agent", env!("CARGO_PKG_VERSION"));
    for finding in telemetry.findings() {
        // With standard error gone there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{finding}");
    }
    let session = telemetry.session(Start::Fresh);
    let turn = session.interaction("How many files are here?");
    let request_id = ask_model(&turn);
    list_files(&turn, &request_id);
    turn.prompt().emit(AssistantResponse {
        response: "I have counted them.".into(),
        model: "claude-opus-5-5".into(),
        request_id: Some(request_id),
        ..AssistantResponse::default()
    });
    // The turn's span ends here.
    drop(turn);
    session.count_agent_time(Duration::from_millis(900));
    let counts = telemetry.shutdown();
    let _ = writeln!(std::io::stderr(), "{counts:?}");
}

fn ask_model(turn: &Interaction) -> String {
    let request_id = "req_example_1".to_owned();
    let call = turn.llm_request(LlmRequest {
        model: "claude-opus-5-5".into(),
        query_source: Some("sdk".into()),
        ..LlmRequest::default()
    });
    let event = ApiRequest {
        model: "claude-opus-5-5".into(),
        input_tokens: 812,
        output_tokens: 96,
        cost_usd: 0.005168,
        duration_ms: 840,
        request_id: Some(request_id.clone()),
        query_source: Some("sdk".into()),
        ..ApiRequest::default()
    };
    call.end(LlmOutcome {
        stop_reason: Some("tool_use".into()),
        ..LlmOutcome::from(&event)
    });
    turn.prompt().emit(event);
    request_id
}

fn list_files(turn: &Interaction, request_id: &str) {
    let tool_use_id = Some("toolu_example_1".to_owned());
    let tool = turn.tool(ToolUse {
        tool_name: "Bash".into(),
        tool_use_id: tool_use_id.clone(),
        full_command: Some("ls".into()),
        ..ToolUse::default()
    });
    let question = tool.blocked_on_user();
    question.prompt().emit(ToolDecision {
        decision: "accept".into(),
        source: "config".into(),
        tool_name: "Bash".into(),
        tool_use_id: tool_use_id.clone(),
        request_id: Some(request_id.into()),
        ..ToolDecision::default()
    });
    question.end("accept", "config", None);
    let execution = tool.execution();
    let started = Instant::now();
    let listed = std::fs::read_dir(".").map(Iterator::count);
    let error = listed.as_ref().err().map(ToString::to_string);
    execution.end(ToolOutcome {
        success: listed.is_ok(),
        error: error.clone(),
        ..ToolOutcome::default()
    });
    turn.prompt().emit(ToolResult {
        tool_name: "Bash".into(),
        tool_use_id,
        success: listed.is_ok(),
        duration_ms: started.elapsed().as_millis() as u64,
        error,
        tool_input: Some(r#"{"command":"ls"}"#.into()),
        request_id: Some(request_id.into()),
        ..ToolResult::default()
    });
}
