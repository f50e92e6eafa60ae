//! Who was active, by hours: of digests where these say it, of items where they do not.
//!
//! People are counted, not items: of all work of a session within an hour one row is enough. So a digest
//! has a row for an hour of a session, and says of one of its items what it was.

use store::Table;

use super::by_hour::{digested, loose, mixed, sums};
use super::{as_sent, people};
use crate::people::PeopleFiles;
use crate::reports::time;
use crate::sight::OWNER_COLUMNS;

/// The events that are work.
pub(crate) const WORK_EVENTS: &str =
    "'user_prompt', 'api_request', 'api_error', 'tool_result', 'tool_decision'";
/// The metrics whose data points above zero are.
pub(crate) const WORK_METRICS: &str =
    "'claude_code.cost.usage', 'claude_code.token.usage', 'claude_code.active_time.total',
    'claude_code.lines_of_code.count', 'claude_code.commit.count', 'claude_code.pull_request.count',
    'claude_code.code_edit_tool.decision'";

/// By what people are resolved, and what else is told of them.
const TOLD_APART: &str =
    "product, session_id, user_id, user_email, user_account_uuid, user_account_id, organization_id,
       team, department, cost_center, token";
/// The columns of the views that are there by hours.
const SHOWN: &str = "time, person, product, team, department, cost_center, organization_id";
/// Sessions whose items are looked at one by one.
const MIXED: &str = "_is_mixed(session_id)";

/// The columns that say what an item is.
fn said(table: Table) -> &'static str {
    match table {
        Table::Metrics => "name, value",
        _ => "event",
    }
}

/// The digest of the items of a table that are work, people as they were sent.
pub(crate) fn active(table: Table) -> String {
    let apart = TOLD_APART.split(',').map(str::trim);
    let owners = OWNER_COLUMNS.iter().copied();
    let owners = owners.filter(|owner| !apart.clone().any(|known| known == *owner));
    let owners: String = owners.map(|owner| format!(", {owner}")).collect();
    let (said, is_work) = match table {
        Table::Metrics => (
            "min(name) AS name, max(value) AS value",
            format!("value > 0 AND name IN ({WORK_METRICS})"),
        ),
        _ => ("min(event) AS event", format!("event IN ({WORK_EVENTS})")),
    };
    format!(
        "
SELECT date_trunc('hour', time) AS time, {TOLD_APART}{owners}, {said}
FROM ({}) WHERE {is_work}
GROUP BY date_trunc('hour', time), {TOLD_APART}{owners} ORDER BY session_id, user_id, time",
        as_sent(table),
    )
}

/// The digests of `of` as rows of the view.
pub(crate) fn active_by_hour(table: Table, of: &str, files: &PeopleFiles) -> String {
    let unit = |name| people::unit(name, files);
    format!(
        "SELECT time, {person}, product, {team}, {department}, {cost_center}, organization_id, session_id, {said} FROM {of}",
        person = people::name(files),
        team = unit("team"),
        department = unit("department"),
        cost_center = unit("cost_center"),
        said = said(table),
    )
}

/// The view of a table, as far as it tells who was active: a row is of an hour or of an item. Whole hours
/// are those from `from_ms` until before `to_ms`.
pub(crate) fn active_of(table: Table, (from_ms, to_ms): (i64, i64)) -> String {
    let (from, to, columns) = (
        time(from_ms),
        time(to_ms),
        format!("{SHOWN}, {}", said(table)),
    );
    format!(
        "SELECT {columns} FROM {sums} WHERE time >= {from} AND time < {to} AND NOT {MIXED}
         UNION ALL SELECT {columns} FROM {loose}
         UNION ALL SELECT {columns} FROM {cut} WHERE (time < {from} OR time >= {to}) AND NOT {MIXED}
         UNION ALL SELECT {columns} FROM {mixed} WHERE {MIXED}",
        sums = sums(table),
        loose = loose(table),
        cut = digested(table),
        mixed = mixed(table),
    )
}
