//! A small agent that reports what it does. It sends where the environment says:
//!
//! ```sh
//! CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_LOGS_EXPORTER=console OTEL_METRICS_EXPORTER=console \
//!   cargo run --release -p emitter --example agent
//! ```

use std::io::Write;
use std::time::{Duration, Instant};

use emitter::event::{ApiRequest, AssistantResponse, ToolDecision, ToolResult};
use emitter::{Prompt, Start, Telemetry};

fn main() {
    let telemetry = Telemetry::from_env("example-agent", env!("CARGO_PKG_VERSION"));
    for finding in telemetry.findings() {
        // With standard error gone there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{finding}");
    }
    let session = telemetry.session(Start::Fresh);
    let prompt = session.prompt("How many files are here?");
    let request_id = ask_model(&prompt);
    list_files(&prompt, &request_id);
    prompt.emit(AssistantResponse {
        response: "I have counted them.".into(),
        model: "claude-opus-5-5".into(),
        request_id: Some(request_id),
        ..AssistantResponse::default()
    });
    session.count_agent_time(Duration::from_millis(900));
    let counts = telemetry.shutdown();
    let _ = writeln!(std::io::stderr(), "{counts:?}");
}

fn ask_model(prompt: &Prompt) -> String {
    let request_id = "req_example_1".to_owned();
    prompt.emit(ApiRequest {
        model: "claude-opus-5-5".into(),
        input_tokens: 812,
        output_tokens: 96,
        cost_usd: 0.005168,
        duration_ms: 840,
        request_id: Some(request_id.clone()),
        query_source: Some("sdk".into()),
        ..ApiRequest::default()
    });
    request_id
}

fn list_files(prompt: &Prompt, request_id: &str) {
    let tool_use_id = Some("toolu_example_1".to_owned());
    prompt.emit(ToolDecision {
        decision: "accept".into(),
        source: "config".into(),
        tool_name: "Bash".into(),
        tool_use_id: tool_use_id.clone(),
        request_id: Some(request_id.into()),
        ..ToolDecision::default()
    });
    let started = Instant::now();
    let listed = std::fs::read_dir(".").map(Iterator::count);
    prompt.emit(ToolResult {
        tool_name: "Bash".into(),
        tool_use_id,
        success: listed.is_ok(),
        duration_ms: started.elapsed().as_millis() as u64,
        error: listed.err().map(|error| error.to_string()),
        tool_input: Some(r#"{"command":"ls"}"#.into()),
        request_id: Some(request_id.into()),
        ..ToolResult::default()
    });
}
