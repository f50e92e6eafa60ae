//! Who is active: the one rule, for the reports that count people by time.
//!
//! A person is active on a day when they caused work on it. Starting a client is none. Events and
//! metrics may both say so: people are counted, not items.

use super::ask::Ask;
use super::dimensions::{COST_CENTER, DEPARTMENT, ORGANIZATION, PERSON, PRODUCT, TEAM, dimension};
use super::report::{Dimension, Exclusion};
use super::sql::{all_of, local};
use crate::views::{WORK_EVENTS, WORK_METRICS};

/// What it says in definitions.
pub(super) const SIGNALS: &[&str] = &[
    "user_prompt, api_request, api_error, tool_result and tool_decision events",
    "data points above zero of the metrics cost.usage, token.usage, active_time.total, lines_of_code.count, commit.count, \
     pull_request.count and code_edit_tool.decision",
];
/// Events that are not work, and items of nobody.
pub(super) const IDLE: Exclusion = Exclusion {
    what: "events that are no work: clients that start, connect, load plugins and the like",
    why: "starting a client is not using it",
    rows: "SELECT * FROM events WHERE event NOT IN ('user_prompt', 'api_request', 'api_error', 'tool_result', 'tool_decision')",
};

/// By what active people can be told apart, beside time.
pub(super) const BY_PERSON: Dimension = PERSON;
pub(super) const BY_PRODUCT: Dimension = dimension(
    PRODUCT.name,
    PRODUCT.title,
    "the product; who uses two is in both rows and counts once in the whole",
    PRODUCT.sql,
);
pub(super) const BY_TEAM: Dimension = TEAM;
pub(super) const BY_DEPARTMENT: Dimension = DEPARTMENT;
pub(super) const BY_COST_CENTER: Dimension = COST_CENTER;
pub(super) const BY_ORGANIZATION: Dimension = ORGANIZATION;

/// Whether a dimension tells activities apart; any other is told of what was made of them.
pub(super) fn is_of_person(own: &Dimension) -> bool {
    const OF_PERSON: &[&str] = &[
        BY_PERSON.name,
        BY_PRODUCT.name,
        BY_TEAM.name,
        BY_DEPARTMENT.name,
        BY_COST_CENTER.name,
        BY_ORGANIZATION.name,
    ];
    OF_PERSON.contains(&own.name)
}

/// The columns that people are told apart by in this answer, each with a comma before it.
pub(super) fn grouped(ask: &Ask) -> String {
    let grouped = ask.group_by.iter().filter(|own| is_of_person(own));
    let names = grouped.filter(|own| own.name != PERSON.name);
    names.map(|own| format!(", {}", own.name)).collect()
}

/// `SELECT` of distinct `person`, grouped columns and `day` (days since 1970, in the zone asked for)
/// of activity in `time_range`, the conditions on people applied.
///
/// `IS TRUE` keeps the planner from seeing that a filtered column is constant: it then refuses windows
/// that are partitioned by it.
pub(super) fn days(ask: &Ask, time_range: &str) -> String {
    const COLUMNS: &str = "time, person, product, team, department, cost_center, organization_id";
    format!(
        "SELECT DISTINCT person{}, CAST(CAST({} AS DATE) AS INT) AS day FROM (
           SELECT {COLUMNS} FROM events WHERE person IS NOT NULL AND event IN ({WORK_EVENTS}) AND {time_range}
           UNION ALL
           SELECT {COLUMNS} FROM metrics WHERE person IS NOT NULL AND value > 0 AND name IN ({WORK_METRICS}) AND {time_range}
         ) WHERE ({}) IS TRUE",
        grouped(ask),
        local("time", ask),
        all_of(ask, is_of_person),
    )
}

/// Noon, in the zone asked for, of a column of days since 1970: a moment that no change of clocks skips.
pub(super) fn noon(day: &str, ask: &Ask) -> String {
    format!(
        "(CAST(CAST({day} AS DATE) AS TIMESTAMP) + INTERVAL '12 hours') AT TIME ZONE '{}'",
        ask.zone.name()
    )
}
