//! `usage` by hours: sums of parts where these say it, items where they do not.

use store::Table;

use super::ledger::ledger_with;
use super::usage::{of_points, of_requests, once};
use super::{as_sent, people, visible_over};
use crate::people::PeopleFiles;
use crate::reports::time;
use crate::sight::OWNER_COLUMNS;

/// What tells the rows of a digest apart, beside the hour.
const TOLD_APART: &str = "product, session_id, user_id, user_email, user_account_uuid, user_account_id, organization_id,
       terminal_type, app_version, team, department, cost_center, model, query_source, query_category, speed, effort,
       agent_name, skill_name, plugin_name, mcp_server_name, source, source_note, cost_basis, project,
       workspace_host_paths";
/// What else tells them apart, and is not shown: by what people are resolved, and whose a row is.
const NOT_SHOWN: [&str; 3] = ["token", OWNER_COLUMNS[0], OWNER_COLUMNS[1]];

/// The columns of a digest that the view has not, each behind a comma.
fn not_shown() -> String {
    let is_shown = |column: &str| {
        TOLD_APART
            .split([',', ' ', '\n'])
            .any(|known| known == column)
    };
    let columns = NOT_SHOWN.iter().filter(|name| !is_shown(name));
    columns.map(|name| format!(", {name}")).collect()
}

/// The digest of the items of a table: its rows of the view, summed up by hour, people as they were sent.
pub(crate) fn digest(table: Table) -> String {
    let apart = format!("{TOLD_APART}{}", not_shown());
    format!(
        "
SELECT date_trunc('hour', time) AS time, {apart}, sum(requests) AS requests, sum(cost_usd) AS cost_usd,
       sum(cache_saved_usd) AS cache_saved_usd, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
       sum(cache_read_tokens) AS cache_read_tokens, sum(cache_creation_tokens) AS cache_creation_tokens,
       min(time) AS first_time, max(time) AS last_time
FROM ({}) GROUP BY date_trunc('hour', time), {apart} ORDER BY session_id, user_id, time",
        over(table, &as_sent(table), &not_shown()),
    )
}

/// The rows of the view that a table's items make, when `items` are they; with `more` columns of theirs.
fn over(table: Table, items: &str, more: &str) -> String {
    match table {
        Table::Metrics => format!("WITH metrics AS ({items}) {}", of_points(more)),
        _ => format!(
            "WITH events AS ({items}), ledger AS ({}) {}",
            ledger_with(more),
            of_requests(more)
        ),
    }
}

/// Sessions whose items are looked at one by one.
const MIXED: &str = "_is_mixed(session_id)";

/// The tables that the view lies on when it is asked by hours: the digests, the items that have none,
/// those that have, and the parts of these that have mixed sessions.
pub(crate) fn sums(table: Table) -> String {
    format!("_sums_{}", table.name())
}

pub(crate) fn loose(table: Table) -> String {
    format!("_loose_{}", table.name())
}

pub(crate) fn digested(table: Table) -> String {
    format!("_digested_{}", table.name())
}

pub(crate) fn mixed(table: Table) -> String {
    format!("_mixed_{}", table.name())
}

/// All of them.
pub(crate) fn below_usage(table: Table) -> [String; 4] {
    [sums, loose, digested, mixed].map(|name| name(table))
}

/// The view, of digests where these say it: a row is of an hour or of an item, and has the times of the
/// first and the last item that it is of. Whole hours are those from `from_ms` until before `to_ms`.
pub(crate) fn usage_by_hour((from_ms, to_ms): (i64, i64)) -> String {
    let (from, to) = (time(from_ms), time(to_ms));
    let items = |table: Table, of: &str| {
        format!(
            "SELECT *, time AS first_time, time AS last_time FROM ({})",
            over(table, &format!("SELECT * FROM {of}"), "")
        )
    };
    let rows = |table: Table| {
        format!(
            "SELECT * FROM {sums} WHERE time >= {from} AND time < {to} AND NOT {MIXED}
             UNION ALL SELECT * FROM ({loose})
             UNION ALL SELECT * FROM ({cut}) WHERE (time < {from} OR time >= {to}) AND NOT {MIXED}
             UNION ALL SELECT * FROM ({mixed}) WHERE {MIXED}",
            sums = sums(table),
            loose = items(table, &loose(table)),
            cut = items(table, &digested(table)),
            mixed = items(table, &mixed(table)),
        )
    };
    let requested = format!(
        "SELECT session_id, user_id, person, time FROM {}
         UNION ALL SELECT session_id, user_id, person, time FROM {} WHERE event = 'api_request'",
        sums(Table::Events),
        loose(Table::Events),
    );
    once(&rows(Table::Events), &rows(Table::Metrics), &requested)
}

/// The items of `of`, a table, as the view of it shows them.
pub(crate) fn items_by_hour(table: Table, of: &str, files: &PeopleFiles) -> String {
    visible_over(table, of, files)
}

/// The digests of `of` as rows of the view.
pub(crate) fn sums_by_hour(of: &str, files: &PeopleFiles) -> String {
    let unit = |name| people::unit(name, files);
    format!(
        "
SELECT time, arrow_cast(NULL, 'Timestamp(ms, \"UTC\")') AS received_at, product, {person}, session_id, user_id, user_email,
       user_account_uuid, user_account_id, organization_id, terminal_type, app_version, {team}, {department}, {cost_center},
       model, query_source, query_category, speed, effort, agent_name, skill_name, plugin_name, mcp_server_name,
       CAST(NULL AS VARCHAR) AS prompt_id, source, source_note, requests, cost_usd, cost_basis,
       cost_usd * _net_per_usd() AS net_cost, _currency() AS currency, cache_saved_usd, project,
       input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, {basis}, workspace_host_paths,
       first_time, last_time
FROM {of}",
        person = people::name(files),
        team = unit("team"),
        department = unit("department"),
        cost_center = unit("cost_center"),
        basis = people::basis(files),
    )
}
