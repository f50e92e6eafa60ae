//! Copies: one event or data point that came more than once because two collectors forward it, each
//! with an attribute of its own on the resource. The store keeps both and knows by name the sessions
//! that came under several resources; only in these are copies looked for.
//!
//! Invariant: an answer counts one of several copies and nothing less than that: rows are copies of
//! each other only if they name a session or an installation and agree in everything that is not the
//! collector's, and rows under one resource never are. Which one counts: the one that came first. Points of a cumulative series hang
//! together, so of these one resource counts, the one that brought the series furthest.

use store::{SplitSessions, Table};

use crate::reports::texts;

/// What copies of an event have in common.
const EVENT_KEY: &str = "time, product, event, session_id, user_id, sequence, prompt_id, request_id,
    client_request_id, tool_use_id, message_uuid, model, query_source, cost_usd, cost_usd_micros, input_tokens,
    output_tokens, cache_read_tokens, cache_creation_tokens, duration_ms, prompt_length, response_length,
    tool_name, success, decision, decision_source, error, status_code, body, attributes";
/// What all points of a series have in common.
const SERIES_KEY: &str = "product, name, start_time, session_id, user_id, model, type, query_source, speed, effort,
    tool_name, decision, decision_source, agent_name, skill_name, plugin_name, mcp_server_name, mcp_tool_name,
    attributes, temporality";

/// A table as answers count it, as something to select from.
pub(super) fn once(table: Table, split: Option<&SplitSessions>) -> String {
    let name = table.name();
    match split {
        None => format!("_{name}"),
        Some(split) => {
            let is_split = condition(split);
            let first = first_resource(table);
            format!(
                "(SELECT *, resource AS counted_resource FROM _{name} WHERE NOT ({is_split})
                  UNION ALL
                  SELECT * FROM (SELECT *, {first} AS counted_resource FROM _{name} WHERE {is_split})
                  WHERE resource IS NOT DISTINCT FROM counted_resource)"
            )
        }
    }
}

/// The rows of events that answers do not count.
pub(super) fn set_aside(split: Option<&SplitSessions>) -> String {
    let Some(split) = split else {
        return "(SELECT *, resource AS counted_resource FROM _events WHERE false)".to_owned();
    };
    let (is_split, first) = (condition(split), first_resource(Table::Events));
    format!(
        "(SELECT * FROM (SELECT *, {first} AS counted_resource FROM _events WHERE {is_split})
          WHERE resource IS DISTINCT FROM counted_resource)"
    )
}

fn condition(split: &SplitSessions) -> String {
    if split.is_any {
        return "coalesce(session_id, user_id) IS NOT NULL".to_owned();
    }
    let names = texts(split.names.iter().map(String::as_str));
    format!("coalesce(session_id, user_id, '') IN ({names})")
}

fn first_resource(table: Table) -> String {
    let first = |key: &str, order: &str| {
        format!("first_value(resource) OVER (PARTITION BY {key} ORDER BY {order})")
    };
    match table {
        Table::Metrics => format!(
            "CASE WHEN temporality = 'cumulative' THEN {} ELSE {} END",
            first(
                SERIES_KEY,
                "point_value DESC NULLS LAST, received_at, resource"
            ),
            first(
                &format!("time, point_value, count, {SERIES_KEY}"),
                "received_at, resource"
            ),
        ),
        _ => first(EVENT_KEY, "received_at, resource"),
    }
}
