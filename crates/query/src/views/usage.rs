//! `usage`: cost and tokens of all clients, from events where a client sends them and from metrics
//! where it sends those only.
//!
//! Invariant: no dollar and no token is in it twice. Metrics repeat the sums of events, so the data
//! points of a session count only when the session has no request event at all, whenever these come.
//! Without `session.id` (clients may be told to leave it out, of both signals) the installation takes
//! its place, and only a day on which it sent no request event, nor on the day before or after, is
//! served from metrics: a data point may come a minute after midnight.

use store::Table;

use super::ledger::{PROJECT, QUERY_CATEGORY, ledger};
use super::{as_sent, people, visible_over};
use crate::people::PeopleFiles;
use crate::reports::time;

/// Metrics of older clients count some answers several times.
pub(super) const INFLATED_BEFORE: &str = "2.1.214";

/// The data points that say what events say, too; no cost or count beyond what columns of events hold.
pub(super) const SPENT_POINTS: &str = "
SELECT *, CASE WHEN name = 'claude_code.cost.usage' AND value <= 1000000 THEN value END AS point_cost_usd,
       CASE WHEN name = 'claude_code.token.usage' AND value <= 9007199254740992 THEN CAST(value AS BIGINT) END AS tokens
FROM metrics WHERE name IN ('claude_code.cost.usage', 'claude_code.token.usage') AND value IS NOT NULL";

const SHARED: &str = "time, received_at, product, person, session_id, user_id, user_email, user_account_uuid,
       user_account_id, organization_id, terminal_type, app_version, team, department, cost_center,
       model, query_source, query_category, speed, effort, agent_name, skill_name, plugin_name, mcp_server_name";

pub(super) fn usage() -> String {
    once(
        &of_requests(),
        &of_points(),
        "SELECT session_id, user_id, person, time FROM events WHERE event = 'api_request'",
    )
}

/// Requests, and the data points that no request covers. `requested` says of all times who sent requests.
///
/// What is covered is on the left of the joins: it is what these hold in memory, and the smaller part.
pub(super) fn once(requests: &str, points: &str, requested: &str) -> String {
    format!(
        "
WITH requested AS ({requested}), covered_sessions AS (
  SELECT DISTINCT session_id FROM requested WHERE session_id IS NOT NULL
), covered_days AS (
  SELECT DISTINCT installation, day + days.around AS day FROM (
    SELECT DISTINCT coalesce(user_id, person, '') AS installation, date_trunc('day', time) AS day
    FROM requested WHERE session_id IS NULL
  ) CROSS JOIN (VALUES (INTERVAL '-1 day'), (INTERVAL '0 day'), (INTERVAL '1 day')) AS days(around)
), told AS ({points})
SELECT * FROM ({requests})
UNION ALL
SELECT told.* FROM covered_sessions RIGHT ANTI JOIN (SELECT * FROM told WHERE session_id IS NOT NULL) AS told
  ON told.session_id = covered_sessions.session_id
UNION ALL
SELECT told.* FROM covered_days RIGHT ANTI JOIN (SELECT * FROM told WHERE session_id IS NULL) AS told
  ON coalesce(told.user_id, told.person, '') = covered_days.installation
     AND date_trunc('day', told.time) = covered_days.day"
    )
}

/// A request as a row of the view.
pub(super) fn of_requests() -> String {
    format!(
        "
SELECT {SHARED}, prompt_id, 'events' AS source, CAST(NULL AS VARCHAR) AS source_note,
       1 AS requests, cost_usd, cost_basis, net_cost, currency, cache_saved_usd, project,
       input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, person_basis
FROM ledger"
    )
}

/// A data point as a row of the view.
pub(super) fn of_points() -> String {
    format!(
        "
SELECT {SHARED}, CAST(NULL AS VARCHAR) AS prompt_id, 'metrics' AS source,
       CASE WHEN _version_before(app_version, '{INFLATED_BEFORE}') THEN 'may_be_inflated' END AS source_note,
       0 AS requests, point_cost_usd AS cost_usd,
       CASE WHEN point_cost_usd IS NOT NULL THEN 'client' END AS cost_basis,
       point_cost_usd * _net_per_usd() AS net_cost, _currency() AS currency,
       CAST(NULL AS DOUBLE) AS cache_saved_usd, {PROJECT},
       CASE WHEN type = 'input' THEN tokens END AS input_tokens,
       CASE WHEN type = 'output' THEN tokens END AS output_tokens,
       CASE WHEN type = 'cacheRead' THEN tokens END AS cache_read_tokens,
       CASE WHEN type = 'cacheCreation' THEN tokens END AS cache_creation_tokens, person_basis
FROM (SELECT *, {QUERY_CATEGORY} FROM ({SPENT_POINTS}))"
    )
}

/// What tells the rows of a digest apart, beside the hour.
const TOLD_APART: &str = "product, session_id, user_id, user_email, user_account_uuid, user_account_id, organization_id,
       terminal_type, app_version, team, department, cost_center, model, query_source, query_category, speed, effort,
       agent_name, skill_name, plugin_name, mcp_server_name, source, source_note, cost_basis, project";

/// The digest of the items of a table: its rows of the view, summed up by hour, people as they were sent.
pub(super) fn digest(table: Table) -> String {
    format!(
        "
SELECT date_trunc('hour', time) AS time, {TOLD_APART}, sum(requests) AS requests, sum(cost_usd) AS cost_usd,
       sum(cache_saved_usd) AS cache_saved_usd, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
       sum(cache_read_tokens) AS cache_read_tokens, sum(cache_creation_tokens) AS cache_creation_tokens,
       min(time) AS first_time, max(time) AS last_time
FROM ({}) GROUP BY date_trunc('hour', time), {TOLD_APART} ORDER BY session_id, user_id, time",
        over(table, &as_sent(table)),
    )
}

/// The rows of the view that a table's items make, when `items` are they.
fn over(table: Table, items: &str) -> String {
    match table {
        Table::Metrics => format!("WITH metrics AS ({items}) {}", of_points()),
        _ => format!(
            "WITH events AS ({items}), ledger AS ({}) {}",
            ledger(),
            of_requests()
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

/// The view, of digests where these say it: a row is of an hour or of an item, and has the times of the
/// first and the last item that it is of. Whole hours are those from `from_ms` until before `to_ms`.
pub(super) fn by_hour(files: &PeopleFiles, (from_ms, to_ms): (i64, i64)) -> String {
    let rows = |table: Table| {
        let (from, to) = (time(from_ms), time(to_ms));
        let items = |of: String| {
            let visible = visible_over(table, &of, files);
            format!(
                "SELECT *, time AS first_time, time AS last_time FROM ({})",
                over(table, &visible)
            )
        };
        format!(
            "SELECT * FROM ({sums}) WHERE time >= {from} AND time < {to} AND NOT {MIXED}
             UNION ALL SELECT * FROM ({loose})
             UNION ALL SELECT * FROM ({cut}) WHERE (time < {from} OR time >= {to}) AND NOT {MIXED}
             UNION ALL SELECT * FROM ({mixed}) WHERE {MIXED}",
            sums = of_sums(table, files),
            loose = items(loose(table)),
            cut = items(digested(table)),
            mixed = items(mixed(table)),
        )
    };
    let requested = format!(
        "SELECT session_id, user_id, person, time FROM ({})
         UNION ALL SELECT session_id, user_id, person, time FROM ({})",
        of_sums(Table::Events, files),
        over(
            Table::Events,
            &visible_over(Table::Events, &loose(Table::Events), files)
        ),
    );
    once(&rows(Table::Events), &rows(Table::Metrics), &requested)
}

/// Digests as rows of the view.
fn of_sums(table: Table, files: &PeopleFiles) -> String {
    let unit = |name| people::unit(name, files);
    format!(
        "
SELECT time, arrow_cast(NULL, 'Timestamp(ms, \"UTC\")') AS received_at, product, {person}, session_id, user_id, user_email,
       user_account_uuid, user_account_id, organization_id, terminal_type, app_version, {team}, {department}, {cost_center},
       model, query_source, query_category, speed, effort, agent_name, skill_name, plugin_name, mcp_server_name,
       CAST(NULL AS VARCHAR) AS prompt_id, source, source_note, requests, cost_usd, cost_basis,
       cost_usd * _net_per_usd() AS net_cost, _currency() AS currency, cache_saved_usd, project,
       input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, {basis}, first_time, last_time
FROM {sums}",
        person = people::name(files),
        team = unit("team"),
        department = unit("department"),
        cost_center = unit("cost_center"),
        basis = people::basis(files),
        sums = sums(table),
    )
}
