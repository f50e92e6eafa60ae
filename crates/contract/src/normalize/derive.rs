//! Cells that no attribute of the item fills, from what else is known of it.
//!
//! Invariant: nothing here replaces what the item itself says.

use std::borrow::Cow;

use super::Context;
use crate::coerce::{Cell, dollars};
use crate::columns::{COLUMN_COUNT, Col};

/// How a prompt begins that the client itself wrote when a background task ended.
pub const TASK_NOTIFICATION: &str = "<task-notification>";

/// What tool parameters name, by which connectors, skills and agents are counted, and where it goes.
pub const TOOL_NAMES: [(&str, Col); 4] = [
    ("mcp_server_name", Col::McpServerName),
    ("mcp_tool_name", Col::McpToolName),
    ("skill_name", Col::SkillName),
    ("subagent_type", Col::AgentName),
];

/// Fills cells that no attribute of the item filled, from what else is known.
pub(super) fn fill_in<'r>(cells: &mut [Cell<'r>; COLUMN_COUNT], context: &Context<'r>) {
    for (col, text) in &context.facts.fallbacks {
        fill(cells, *col, Cow::Borrowed(text));
    }
    if cells[Col::CostUsd as usize] == Cell::Null
        && let Cell::Int(micros) = cells[Col::CostUsdMicros as usize]
        && let Some(dollars) = dollars(micros as f64 / 1e6)
    {
        cells[Col::CostUsd as usize] = Cell::Float(dollars);
    }
    let own_version = [&context.facts.scope_version, &context.facts.service_version];
    if let Some(version) = own_version.into_iter().find(|version| !version.is_empty()) {
        fill(cells, Col::AppVersion, Cow::Borrowed(version));
    }
    derive_from_tool(cells);
    if context.event == "user_prompt" {
        let kind = prompt_kind(cells);
        fill(cells, Col::PromptKind, Cow::Borrowed(kind));
    }
}

fn fill<'r>(cells: &mut [Cell<'r>; COLUMN_COUNT], col: Col, text: Cow<'r, str>) {
    let cell = &mut cells[col as usize];
    if *cell == Cell::Null {
        *cell = Cell::Str(text);
    }
}

fn text_of<'c>(cells: &'c [Cell<'_>; COLUMN_COUNT], col: Col) -> Option<&'c str> {
    match &cells[col as usize] {
        Cell::Str(text) => Some(text),
        _ => None,
    }
}

/// MCP server and tool, skill and agent are in the tool's name (to 2.0.76) or its parameters.
fn derive_from_tool(cells: &mut [Cell<'_>; COLUMN_COUNT]) {
    let Some(tool) = text_of(cells, Col::ToolName) else {
        return;
    };
    if let Some((server, name)) = tool
        .strip_prefix("mcp__")
        .and_then(|rest| rest.split_once("__"))
    {
        let (server, name) = (server.to_owned(), name.to_owned());
        fill(cells, Col::McpServerName, server.into());
        fill(cells, Col::McpToolName, name.into());
    }
    let Some(parameters) = text_of(cells, Col::ToolParameters) else {
        return;
    };
    if !TOOL_NAMES.iter().any(|(key, _)| parameters.contains(key)) {
        return;
    }
    let Ok(serde_json::Value::Object(parsed)) = serde_json::from_str(parameters) else {
        return;
    };
    for (key, col) in TOOL_NAMES {
        if let Some(serde_json::Value::String(text)) = parsed.get(key) {
            fill(cells, col, Cow::Owned(text.clone()));
        }
    }
}

/// Slash commands and task notifications are prompts too, but not a person's task.
fn prompt_kind(cells: &[Cell<'_>; COLUMN_COUNT]) -> &'static str {
    let prompt = text_of(cells, Col::Prompt).unwrap_or_default();
    if prompt.starts_with(TASK_NOTIFICATION) {
        "notification"
    } else if text_of(cells, Col::CommandName).is_some() {
        "command"
    } else {
        "person"
    }
}
