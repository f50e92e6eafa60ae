//! What tools were asked to do, who allowed it, and how it ended.

use super::event;
use super::field::MCP_PREFIX;
use crate::content::Content;

event! {
    /// It was decided whether a tool may run.
    ToolDecision "tool_decision" complete(complete_decision) {
        /// accept or reject.
        decision: String = Text "decision",
        /// Who decided: config, hook, user_permanent, user_temporary, user_abort, user_reject.
        source: String = Text "source",
        /// The tool; `mcp__SERVER__TOOL` for one of an MCP server.
        tool_name: String = ToolName "tool_name",
        /// The model's id of the tool's use.
        tool_use_id: Option<String> = Text "tool_use_id",
        /// builtin, mcp or sdk_host_builtin_mcp; follows from the tool's name.
        tool_source: Option<String> = Text "tool_source",
        /// What the tool was told, as JSON; for an MCP tool it follows from the name.
        tool_parameters: Option<String> = Detail "tool_parameters",
        /// The permission mode: default, acceptEdits, plan, …
        permission_mode: Option<String> = Text "permission_mode",
        /// The request to the model that asked for the tool.
        request_id: Option<String> = Text "request_id",
        /// The subagent's id, where one asked.
        agent_id: Option<String> = Text "agent_id",
    }
}

fn complete_decision(event: &mut ToolDecision, _: &Content) {
    let is_mcp = event.tool_name.starts_with(MCP_PREFIX);
    let source = if is_mcp { "mcp" } else { "builtin" };
    event.tool_source.get_or_insert_with(|| source.to_owned());
    complete_parameters(&event.tool_name, &mut event.tool_parameters);
}

event! {
    /// A tool has run.
    ToolResult "tool_result" complete(complete_result) {
        /// The tool; `mcp__SERVER__TOOL` for one of an MCP server.
        tool_name: String = ToolName "tool_name",
        /// The model's id of the tool's use.
        tool_use_id: Option<String> = Text "tool_use_id",
        /// Whether it worked.
        success: bool = YesNo "success",
        /// How long it ran, in milliseconds.
        duration_ms: u64 = Digits "duration_ms",
        /// What kind of error it was.
        error_type: Option<String> = Text "error_type",
        /// The error's text.
        error: Option<String> = Detail "error",
        /// What the tool was told, as JSON; for an MCP tool it follows from the name.
        tool_parameters: Option<String> = Detail "tool_parameters",
        /// The tool's whole input, as JSON; long strings are cut.
        tool_input: Option<String> = Input "tool_input",
        /// The input's size in bytes; follows from the input.
        tool_input_size_bytes: Option<u64> = Digits "tool_input_size_bytes",
        /// The result's size in bytes.
        tool_result_size_bytes: Option<u64> = Digits "tool_result_size_bytes",
        /// Who allowed it, as in tool_decision's source.
        decision_source: Option<String> = Text "decision_source",
        /// accept.
        decision_type: Option<String> = Text "decision_type",
        /// Where the MCP server is configured: user, project, local, dynamic.
        mcp_server_scope: Option<String> = Text "mcp_server_scope",
        /// The commit that the tool made.
        vcs_ref_head_revision: Option<String> = Detail "vcs.ref.head.revision",
        /// The branch that it is on.
        vcs_ref_head_name: Option<String> = Detail "vcs.ref.head.name",
        /// branch or tag.
        vcs_ref_head_type: Option<String> = Detail "vcs.ref.head.type",
        /// The request to the model that asked for the tool.
        request_id: Option<String> = Text "request_id",
        /// The subagent's id, where one asked.
        agent_id: Option<String> = Text "agent_id",
    }
}

fn complete_result(event: &mut ToolResult, _: &Content) {
    complete_parameters(&event.tool_name, &mut event.tool_parameters);
    if event.tool_input_size_bytes.is_none() {
        let input = event.tool_input.as_deref();
        event.tool_input_size_bytes = input.map(|input| input.len() as u64);
    }
}

/// The parameters of an MCP tool: which server and which tool, for the name itself is not sent.
fn complete_parameters(tool_name: &str, parameters: &mut Option<String>) {
    let Some(rest) = tool_name.strip_prefix(MCP_PREFIX) else {
        return;
    };
    let (server, tool) = rest.split_once("__").unwrap_or((rest, ""));
    parameters.get_or_insert_with(|| {
        let (server, tool) = (
            serde_json::Value::from(server),
            serde_json::Value::from(tool),
        );
        format!("{{\"mcp_server_name\":{server},\"mcp_tool_name\":{tool}}}")
    });
}
