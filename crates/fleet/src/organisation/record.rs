//! The attributes of each event, in the order and with the types of the two client versions.
//!
//! The newer shape is that of recorded requests of 2.1.329; the older one has all numbers as text
//! and neither request ids nor tool use ids.

use super::ClientVersion;
use super::event::{Own, Request};
use super::tool::{Call, Kind};

/// Who asked the model, as far as the events tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    pub(super) query_source: &'static str,
    /// `agent_id` and `agent.name` of a subagent.
    pub(super) agent: Option<(&'a str, &'static str)>,
    /// `skill.name`, while a skill is at work.
    pub(super) skill: Option<&'static str>,
    /// `mcp_server.name` and `mcp_tool.name`, right after such a call.
    pub(super) mcp: Option<(&'static str, &'static str)>,
}

pub(super) fn user_prompt(
    client: ClientVersion,
    length: u64,
    text: Option<String>,
    message: impl FnOnce() -> String,
) -> Own {
    let text = text.unwrap_or_else(|| REDACTED.to_owned());
    let own = Own::with_room_for(4)
        .digits("prompt_length", length)
        .text("prompt", text.clone());
    if !client.is_modern() {
        return own;
    }
    own.text("prompt_text", text)
        .text("message.uuid", message())
}

const REDACTED: &str = "<REDACTED>";

pub(super) fn api_request(
    client: ClientVersion,
    request: &Request,
    ttft_ms: u64,
    request_id: &str,
    asker: &Asker<'_>,
) -> Own {
    let usage = &request.usage;
    let speed = if request.fast { "fast" } else { "normal" };
    let own = Own::with_room_for(18).text("model", request.model.name);
    if !client.is_modern() {
        return own
            .digits("input_tokens", usage.input)
            .digits("output_tokens", usage.output)
            .digits("cache_read_tokens", usage.cache_read)
            .digits("cache_creation_tokens", usage.cache_creation())
            .text("cost_usd", request.cost_usd.to_string())
            .digits("duration_ms", request.duration_ms)
            .maybe("speed", client.tells_speed().then_some(speed));
    }
    own.int("input_tokens", usage.input)
        .int("output_tokens", usage.output)
        .int("cache_read_tokens", usage.cache_read)
        .int("cache_creation_tokens", usage.cache_creation())
        .int("cache_creation_5m_tokens", usage.write_5m)
        .int("cache_creation_1h_tokens", usage.write_1h)
        .number("cost_usd", request.cost_usd)
        .int("cost_usd_micros", (request.cost_usd * 1e6).round() as u64)
        .int("duration_ms", request.duration_ms)
        .int("ttft_ms", ttft_ms)
        .text("request_id", request_id.to_owned())
        .text("speed", speed)
        .text("query_source", asker.query_source)
        .text("effort", request.effort)
        .maybe("agent.name", asker.agent.map(|(_, name)| name))
        .maybe("agent_id", asker.agent.map(|(id, _)| id.to_owned()))
        .maybe("skill.name", asker.skill)
        .maybe("mcp_server.name", asker.mcp.map(|(server, _)| server))
        .maybe("mcp_tool.name", asker.mcp.map(|(_, tool)| tool))
}

pub(super) fn assistant_response(
    length: u64,
    text: Option<String>,
    request_id: &str,
    message: String,
    model: &'static str,
    asker: &Asker<'_>,
) -> Own {
    Own::with_room_for(7)
        .int("response_length", length)
        .text("response", text.unwrap_or_else(|| REDACTED.to_owned()))
        .text("request_id", request_id.to_owned())
        .text("message.uuid", message)
        .text("model", model)
        .text("query_source", asker.query_source)
        .maybe("agent_id", asker.agent.map(|(id, _)| id.to_owned()))
}

/// A request that failed for good.
pub(super) struct Failure {
    pub(super) model: &'static str,
    pub(super) effort: &'static str,
    pub(super) error: &'static str,
    /// Absent when there was no HTTP answer.
    pub(super) status: Option<u64>,
    pub(super) duration_ms: u64,
    pub(super) attempts: u64,
}

pub(super) fn api_error(
    client: ClientVersion,
    failure: &Failure,
    request_id: impl FnOnce() -> String,
    asker: &Asker<'_>,
) -> Own {
    let own = Own::with_room_for(10)
        .text("model", failure.model)
        .text("error", failure.error);
    if !client.is_modern() {
        let status = failure
            .status
            .map_or_else(|| "undefined".to_owned(), |status| status.to_string());
        return own
            .text("status_code", status)
            .digits("duration_ms", failure.duration_ms)
            .digits("attempt", failure.attempts)
            .maybe("speed", client.tells_speed().then_some("normal"));
    }
    let own = match failure.status {
        Some(status) => own.int("status_code", status),
        None => own,
    };
    own.int("duration_ms", failure.duration_ms)
        .int("attempt", failure.attempts)
        .maybe("request_id", failure.status.map(|_| request_id()))
        .text("speed", "normal")
        .text("query_source", asker.query_source)
        .text("effort", failure.effort)
}

pub(super) fn api_retries_exhausted(failure: &Failure, asker: &Asker<'_>) -> Own {
    let own = Own::with_room_for(8)
        .text("model", failure.model)
        .text("error", failure.error);
    let own = match failure.status {
        Some(status) => own.int("status_code", status),
        None => own,
    };
    own.int("total_attempts", failure.attempts)
        .int(
            "total_retry_duration_ms",
            failure.attempts * 1100 + failure.duration_ms,
        )
        .text("speed", "normal")
        .text("query_source", asker.query_source)
        .text("effort", failure.effort)
}

/// What a tool's events share.
pub(super) struct ToolUse<'a> {
    pub(super) call: &'a Call,
    /// Which call of the process.
    pub(super) number: u64,
    /// Empty for clients that send none.
    pub(super) id: &'a str,
    /// Empty for clients that send none.
    pub(super) request_id: &'a str,
    pub(super) permission_mode: &'static str,
    pub(super) agent_id: Option<&'a str>,
}

pub(super) fn tool_decision(
    client: ClientVersion,
    tool_use: &ToolUse<'_>,
    accepted: bool,
    source: &'static str,
) -> Own {
    let call = tool_use.call;
    let own = Own::with_room_for(9)
        .text("decision", if accepted { "accept" } else { "reject" })
        .text("source", source)
        .text("tool_name", call.name);
    if !client.is_modern() {
        return own;
    }
    own.text("tool_use_id", tool_use.id.to_owned())
        .text(
            "tool_source",
            if call.tool.kind == Kind::Mcp {
                "mcp"
            } else {
                "builtin"
            },
        )
        .maybe("tool_parameters", call.parameters.clone())
        .text("permission_mode", tool_use.permission_mode)
        .text("request_id", tool_use.request_id.to_owned())
        .maybe("agent_id", tool_use.agent_id.map(str::to_owned))
}

/// How a tool call ended.
pub(super) struct Outcome {
    pub(super) duration_ms: u64,
    /// The error's type and text; `None` when the call succeeded.
    pub(super) failure: Option<(&'static str, &'static str)>,
    pub(super) result_bytes: u64,
    /// Who decided, where this event says so.
    pub(super) decided_by: Option<&'static str>,
    /// The commit that the call made, where this event says so.
    pub(super) revision: Option<String>,
    pub(super) content: bool,
}

pub(super) fn tool_result(client: ClientVersion, tool_use: &ToolUse<'_>, outcome: Outcome) -> Own {
    let Outcome {
        duration_ms,
        failure,
        result_bytes,
        decided_by,
        revision,
        content,
    } = outcome;
    let call = tool_use.call;
    let own = Own::with_room_for(16).text("tool_name", call.name);
    let scope = call.mcp.map(|mcp| mcp.scope);
    let error = failure.map(|(_, text)| text);
    if client == ClientVersion::V2_0_76 {
        // Of failures alone it tells the id, and under a name of its own.
        let own = own
            .maybe("use_id", failure.map(|_| tool_use.id.to_owned()))
            .yes_no("success", failure.is_none())
            .digits("duration_ms", duration_ms)
            .maybe("error", error)
            .maybe("tool_parameters", call.parameters.clone());
        let own = match failure {
            None => own.digits("tool_result_size_bytes", result_bytes),
            Some(_) => own,
        };
        return own
            .maybe("decision_source", decided_by)
            .maybe("decision_type", decided_by.map(|_| "accept"));
    }
    if !client.is_modern() {
        return own
            .yes_no("success", failure.is_none())
            .digits("duration_ms", duration_ms)
            .maybe("error", error)
            .maybe("decision_type", decided_by.map(|_| "accept"))
            .maybe("decision_source", decided_by)
            .digits("tool_result_size_bytes", result_bytes)
            .maybe("mcp_server_scope", scope)
            .maybe("tool_parameters", call.parameters.clone())
            .maybe("tool_input", call.input.clone());
    }
    let own = own
        .text("tool_use_id", tool_use.id.to_owned())
        .yes_no("success", failure.is_none())
        .digits("duration_ms", duration_ms)
        .maybe("error_type", failure.map(|(kind, _)| kind))
        .maybe("error", error.filter(|_| content))
        .maybe("tool_parameters", call.parameters.clone())
        .maybe("tool_input", call.input.clone())
        .digits("tool_input_size_bytes", call.input_bytes);
    let own = if failure.is_none() {
        own.digits("tool_result_size_bytes", result_bytes)
    } else {
        own
    };
    let made_commit = revision.is_some();
    own.maybe("decision_source", decided_by)
        .maybe("decision_type", decided_by.map(|_| "accept"))
        .maybe("mcp_server_scope", scope)
        .maybe("vcs.ref.head.revision", revision)
        .maybe("vcs.ref.head.name", made_commit.then_some("main"))
        .maybe("vcs.ref.head.type", made_commit.then_some("branch"))
        .text("request_id", tool_use.request_id.to_owned())
        .maybe("agent_id", tool_use.agent_id.map(str::to_owned))
}
