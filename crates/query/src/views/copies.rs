//! Copies: one event or data point that came more than once because two collectors forward it, each
//! with an attribute of its own on the resource. The store keeps both and knows the sessions
//! that came under several resources; only in these are copies looked for. Which rows do not count is
//! found once (`aside.rs` of the crate); where they are too many for that, and in the view `copies`, each
//! question looks for them.
//!
//! Invariant: an answer counts one of several copies and nothing less than that: rows are copies of
//! each other only if they name a session or an installation and agree in everything that is not the
//! collector's, and rows under one resource never are. Which one counts: the one that came first. Points of a cumulative series hang
//! together, so of these one resource counts, the one that brought the series furthest.

use store::Table;

use crate::functions::is_split;
use crate::sight::OWNER_COLUMNS;

/// What copies of an event have in common, beside the columns that a question may narrow.
const EVENT_KEY: &str = "product, user_id, sequence, request_id,
    client_request_id, tool_use_id, message_uuid, model, query_source, cost_usd, cost_usd_micros, input_tokens,
    output_tokens, cache_read_tokens, cache_creation_tokens, duration_ms, prompt_length, response_length,
    tool_name, success, decision, decision_source, error, status_code, body, attributes";
/// What copies of a data point have in common; of a cumulative series, all of its points.
const POINT_KEY: &str = "product, start_time, user_id, model, type, query_source, speed, effort,
    tool_name, decision, decision_source, agent_name, skill_name, plugin_name, mcp_server_name, mcp_tool_name,
    attributes, temporality, CASE WHEN temporality = 'cumulative' THEN NULL ELSE time END,
    CASE WHEN temporality = 'cumulative' THEN NULL ELSE point_value END,
    CASE WHEN temporality = 'cumulative' THEN NULL ELSE count END";

/// A table as answers count it, as something to select from.
pub(super) fn once(table: Table, has_split: bool) -> String {
    let name = table.name();
    match has_split {
        false => format!("_{name}"),
        true => {
            let schema = table.schema();
            let columns: Vec<String> = schema
                .fields()
                .iter()
                .map(|field| format!("\"{}\"", field.name()))
                .collect();
            format!(
                "(SELECT {columns}, resource AS counted_resource FROM _{name} WHERE NOT {is_split}
                  UNION ALL
                  SELECT {columns}, counted_resource FROM {copies}
                  WHERE resource IS NOT DISTINCT FROM counted_resource)",
                columns = columns.join(", "),
                is_split = is_split(table),
                copies = with_first(table),
            )
        }
    }
}

/// The rows of events that answers do not count.
pub(super) fn set_aside(has_split: bool) -> String {
    if !has_split {
        return "(SELECT *, resource AS counted_resource FROM _events WHERE false)".to_owned();
    }
    let copies = with_first(Table::Events);
    format!("(SELECT * FROM {copies} WHERE resource IS DISTINCT FROM counted_resource)")
}

/// What is compared of the rows that may have copies: what they have in common, then by what one of them
/// counts, then whose a row is, as `sight/owner.rs` says it of a row.
pub(crate) fn compared(table: Table) -> String {
    let (seen, key, furthest) = of(table);
    let furthest = furthest.unwrap_or("CAST(NULL AS DOUBLE)");
    let [of_token, claimed] = OWNER_COLUMNS;
    format!(
        "SELECT _copy_key({seen}, {key}) AS key, resource, received_at, {furthest} AS furthest,
                coalesce(nullif(btrim({of_token}), ''), nullif(btrim({claimed}), '')) AS owner
         FROM _{} WHERE {}",
        table.name(),
        is_split(table),
    )
}

/// By what questions narrow, what else copies have in common, and how far a series was brought.
fn of(table: Table) -> (&'static str, &'static str, Option<&'static str>) {
    match table {
        Table::Metrics => (
            "name, session_id",
            POINT_KEY,
            Some("CASE WHEN temporality = 'cumulative' THEN point_value END"),
        ),
        _ => ("time, event, session_id, prompt_id", EVENT_KEY, None),
    }
}

/// The rows that may have copies, each with the resource under which the one that counts came. What
/// copies have in common is one hash, so that a sort does not carry all columns; but for those by
/// which questions narrow, which are left to be seen: a condition on them is met before the sort. A frame
/// of all rows is looked at once for each key; one that ends at a row, once for each row.
fn with_first(table: Table) -> String {
    let (seen, key, furthest) = of(table);
    let furthest = furthest.map(|furthest| format!("{furthest} DESC NULLS LAST, "));
    let furthest = furthest.unwrap_or_default();
    format!(
        "(SELECT *, first_value(resource) OVER (
            PARTITION BY {seen}, copy_key ORDER BY {furthest}received_at, resource
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS counted_resource
          FROM (SELECT *, _copy_key({key}) AS copy_key FROM _{} WHERE {}))",
        table.name(),
        is_split(table),
    )
}
