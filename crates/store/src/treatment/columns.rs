//! What is done to which column. One that is not named is lost.

use crate::schema::Table;

/// What is done to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// It is a figure, or by what is counted.
    Stays,
    /// It goes with content.
    Content,
    /// It goes when figures are left alone.
    Lost,
    /// An id: hashed when figures are left alone.
    Id,
    /// Goes when figures are nobody's any more.
    Person,
    /// Says [`ERASED`] when figures are nobody's any more.
    Mark,
    /// An installation: hashed when figures are nobody's any more.
    Machine,
    /// JSON of attributes.
    Attributes,
    /// JSON of the resource.
    Resource,
}

pub(super) fn rule(table: Table, column: &str) -> Rule {
    match (table, column) {
        (Table::Events | Table::Metrics, "name" | "event") => Rule::Stays,
        (_, "attributes") => Rule::Attributes,
        (_, "resource") => Rule::Resource,
        (_, "user_email" | "user_account_uuid" | "token") => Rule::Person,
        (_, "user_account_id") => Rule::Mark,
        (_, "user_id") => Rule::Machine,
        (_, name) if CONTENT.contains(&name) => Rule::Content,
        (_, name) if IDS.contains(&name) => Rule::Id,
        (_, name) if FIGURES.contains(&name) => Rule::Stays,
        _ => Rule::Lost,
    }
}

const CONTENT: &[&str] = &[
    "error",
    "prompt",
    "response",
    "tool_input",
    "tool_parameters",
    "body",
    "shape",
    "envelope",
    "raw",
    "span_status_message",
    "span_events",
    "span_links",
    "item",
];

const IDS: &[&str] = &[
    "session_id",
    "prompt_id",
    "request_id",
    "client_request_id",
    "tool_use_id",
    "message_uuid",
    "agent_id",
    "trace_id",
    "span_id",
    "parent_span_id",
];

/// Numbers, times, words of a vocabulary, and by what an organisation counts.
const FIGURES: &[&str] = &[
    "time",
    "received_at",
    "product",
    "organization_id",
    "organization",
    "team",
    "department",
    "cost_center",
    "sequence",
    "terminal_type",
    "app_version",
    "app_entrypoint",
    "model",
    "query_source",
    "speed",
    "effort",
    "cost_usd",
    "cost_usd_micros",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cache_creation_5m_tokens",
    "cache_creation_1h_tokens",
    "duration_ms",
    "ttft_ms",
    "status_code",
    "attempt",
    "error_type",
    "tool_name",
    "success",
    "decision",
    "decision_source",
    "tool_source",
    "permission_mode",
    "tool_input_size_bytes",
    "tool_result_size_bytes",
    "mcp_server_name",
    "mcp_tool_name",
    "skill_name",
    "plugin_name",
    "agent_name",
    "prompt_length",
    "prompt_kind",
    "command_name",
    "response_length",
    "type",
    "start_time",
    "unit",
    "kind",
    "temporality",
    "value",
    "point_value",
    "count",
    "end_time",
    "span_kind",
    "span_duration_ms",
    "span_status_code",
    "signal",
    "transport",
    "encoding",
    "reason",
];
