//! What each column of the views on tables gives away.
//!
//! Invariant: a column that is not named here is withheld from everybody who may not see everything; a
//! new one is so until somebody says here that it is harmless.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Numbers, times, words of a vocabulary, ids of nobody.
    Plain,
    /// An id of a person.
    Person,
    /// An id of a machine.
    Machine,
    /// What else says who or where somebody is.
    Naming,
    /// JSON with members of all kinds: the resource, where nothing is said.
    Environment,
    /// JSON with members of all kinds.
    Members,
    /// What somebody wrote, answered, or was told: that there was something is shown.
    Said,
    /// The same; not even that is shown.
    Content,
}

/// What a column of a view holds; `None`: nobody knows.
pub(super) fn holds(view: &str, column: &str) -> Option<Holds> {
    let of = match (view, column) {
        // What it is made of is masked in items, member by member; sums do not know how.
        ("sums", "project") => Holds::Content,
        ("roster", "id") => Holds::Person,
        ("roster", "name") => Holds::Naming,
        (_, "user_email" | "user_account_uuid" | "user_account_id") => Holds::Person,
        // A token may be one machine's, or one person's.
        (_, "user_id" | "token") => Holds::Machine,
        (_, "workspace_host_paths") => Holds::Naming,
        (_, "resource" | "counted_resource" | "scope") => Holds::Environment,
        (_, "attributes") => Holds::Members,
        (_, "prompt" | "response" | "error" | "tool_input" | "tool_parameters") => Holds::Said,
        (_, "body" | "item") => Holds::Content,
        (_, "span_status_message" | "span_events" | "span_links") => Holds::Content,
        (_, name) if PLAIN.contains(&name) => Holds::Plain,
        _ => return None,
    };
    Some(of)
}

/// Whether a column of any view is one that holds content, or members of which nobody knows that they do not.
pub(crate) fn may_hold_content(column: &str) -> bool {
    use Holds::{Content, Environment, Members, Said};
    let of = holds("", column);
    matches!(of, Some(Said | Content | Members | Environment))
}

const PLAIN: &[&str] = &[
    // Of all; `person` is masked by who resolves it.
    "time",
    "received_at",
    "product",
    "person",
    "person_basis",
    "organization_id",
    "organization",
    "team",
    "department",
    "cost_center",
    "client_team",
    "client_department",
    "client_cost_center",
    // Of events.
    "event",
    "session_id",
    "sequence",
    "prompt_id",
    "terminal_type",
    "app_version",
    "app_entrypoint",
    "model",
    "query_source",
    "speed",
    "effort",
    "request_id",
    "client_request_id",
    "cost_usd",
    "client_cost_usd",
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
    "tool_use_id",
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
    "agent_id",
    "prompt_length",
    "prompt_kind",
    "command_name",
    "message_uuid",
    "response_length",
    "trace_id",
    "span_id",
    // Of metrics and spans.
    "name",
    "type",
    "start_time",
    "unit",
    "kind",
    "temporality",
    "value",
    "point_value",
    "count",
    "description",
    "end_time",
    "parent_span_id",
    "span_kind",
    "span_duration_ms",
    "span_status_code",
    // Of calls that are kept.
    "decided_at",
    "finished_at",
    "asked_ms",
    "is_ask_inferred",
    "caller_agent_name",
    "join_inferred",
    "has_decisions",
    // Of sums by hour.
    "query_category",
    "source",
    "source_note",
    "requests",
    "cost_basis",
    "net_cost",
    "currency",
    "cache_saved_usd",
    "first_time",
    "last_time",
    // Of the quarantine.
    "signal",
    "transport",
    "encoding",
    "reason",
    // Of the roster.
    "time_zone",
    "expected_from",
    "expected_to",
    "is_expected",
];

#[cfg(test)]
mod tests {
    use store::Table;

    use super::holds;

    #[test]
    fn every_column_of_every_table_is_known() {
        for table in Table::ALL {
            let schema = table.schema();
            let shown = schema.fields().iter().map(|field| field.name().as_str());
            for name in shown.filter(|name| !table.hidden().contains(name)) {
                assert!(holds(table.name(), name).is_some(), "{table:?} has {name}");
            }
            for hidden in table.hidden() {
                assert_eq!(holds(table.name(), hidden), None, "{hidden} is for nobody");
            }
        }
    }
}
