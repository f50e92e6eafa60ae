//! `tallybook replay`: everything one prompt caused, as a timeline in the terminal.

use std::fmt::Write;

use serde_json::Value;

use super::{io_runtime, say, start_logging};
use crate::cli::{LogArgs, ReplayArgs};
use crate::client;
use crate::failure::Failure;
use crate::plain;

/// Longest text of a prompt, response or error that is shown on one line.
const TEXT_CHARS_MAX: usize = 100;

pub(crate) fn run(args: ReplayArgs, log: &LogArgs) -> Result<(), Failure> {
    start_logging(log)?;
    let replay = io_runtime()?.block_on(fetch(&args))?;
    if args.json {
        return say(&serde_json::to_string_pretty(&replay).map_err(Failure::failed)?);
    }
    say(&timeline(&replay))
}

async fn fetch(args: &ReplayArgs) -> Result<Value, Failure> {
    if let Some(dir) = &args.source.data_dir {
        let engine = super::query::open(dir, args.source.config.as_deref()).await?;
        let found = query::reports::replay(
            &engine.question(::query::Sight::everything()),
            &args.prompt_id,
        )
        .await
        .map_err(Failure::failed)?;
        let replay = found.ok_or_else(|| {
            Failure::failed(format!("no events with prompt.id {}", args.prompt_id))
        })?;
        return serde_json::to_value(replay).map_err(Failure::failed);
    }
    let base = &args.source.target()?;
    let body = client::get(base, &["api", "v1", "prompts", &args.prompt_id]).await?;
    serde_json::from_slice(&body).map_err(Failure::failed)
}

fn timeline(replay: &Value) -> String {
    let mut out = String::new();
    let text = |key: &str| printable(replay[key].as_str().unwrap_or("unknown"));
    let totals = &replay["totals"];
    let _ = writeln!(
        out,
        "prompt {}  session {}",
        text("prompt_id"),
        text("session_id")
    );
    let _ = writeln!(
        out,
        "{}, {}  ${:.4}  {} requests, {} tool calls, {} errors\n",
        text("person"),
        text("product"),
        totals["cost_usd"].as_f64().unwrap_or_default(),
        totals["requests"],
        totals["tool_calls"],
        totals["errors"]
    );
    let events = replay["events"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let start = replay["start_ms"].as_i64().unwrap_or_default();
    let mut cost = 0.0;
    for event in events {
        cost += if event["event"] == "api_request" {
            event["cost_usd"].as_f64().unwrap_or_default()
        } else {
            0.0
        };
        let at_s = (event["time_ms"].as_i64().unwrap_or(start) - start) as f64 / 1e3;
        let indent = if event["agent_id"].is_null() {
            ""
        } else {
            "  "
        };
        let name = printable(event["event"].as_str().unwrap_or_default());
        let _ = writeln!(
            out,
            "{at_s:>9.3} s  ${cost:<9.4} {indent}{name:<20} {}",
            describe(event)
        );
    }
    out
}

/// What there is to say of one event, in one line.
fn describe(event: &Value) -> String {
    let text = |key: &str| event[key].as_str().map(printable).unwrap_or_default();
    let number = |key: &str| event[key].as_f64().unwrap_or_default();
    match event["event"].as_str().unwrap_or_default() {
        "user_prompt" => text("prompt"),
        "assistant_response" => text("response"),
        "api_request" => format!(
            "{}  ${:.4}  in {} out {} cache read {} written {}  {:.1} s",
            text("model"),
            number("cost_usd"),
            number("input_tokens"),
            number("output_tokens"),
            number("cache_read_tokens"),
            number("cache_creation_tokens"),
            number("duration_ms") / 1e3
        ),
        "api_error" => format!(
            "{}  {} {}",
            text("model"),
            event["status_code"],
            text("error")
        ),
        "tool_decision" => format!(
            "{}  {} by {}",
            tool(event),
            text("decision"),
            text("decision_source")
        ),
        "tool_result" => {
            let outcome = if event["success"] == false {
                "FAILED"
            } else {
                "ok"
            };
            format!(
                "{}  {outcome}  {:.1} s  {}",
                tool(event),
                number("duration_ms") / 1e3,
                text("error")
            )
        }
        _ => text("error"),
    }
}

fn tool(event: &Value) -> String {
    let name = event["tool_name"].as_str().unwrap_or_default();
    match (
        event["mcp_server_name"].as_str(),
        event["mcp_tool_name"].as_str(),
    ) {
        (Some(server), Some(tool)) => printable(&format!("{name} {server}/{tool}")),
        _ => printable(name),
    }
}

fn printable(text: &str) -> String {
    plain::printable(text, TEXT_CHARS_MAX)
}
