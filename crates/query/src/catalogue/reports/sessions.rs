//! How people work in sessions.

use crate::catalogue::ask::Ask;
use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, HOUR, MONTH, ORGANIZATION, PERSON, PRODUCT, SESSION,
    TEAM, TERMINAL, WEEK, WEEKDAY,
};
use crate::catalogue::exclusions::{COPIES, METRICS_ONLY};
use crate::catalogue::measures::{distinct, greatest, mean, other, sum};
use crate::catalogue::report::{Exclusion, Report, Source, Unit};
use crate::catalogue::sql::{all_of, in_range};

pub(super) static SESSIONS: Report = Report {
    name: "sessions",
    title: "Sessions",
    about: "How many sessions were there, how long, and what happened in them?",
    definition: "A session counts when at least one of its events is in the range, with what it did in the range; one that goes on \
        over the end of a range counts in both. Its time is that of its first event in the range, its length the time from that to \
        the last, pauses included.",
    signals: &["all events with a session id"],
    dimensions: &[
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        ORGANIZATION,
        PRODUCT,
        APP_VERSION,
        TERMINAL,
        DAY,
        WEEK,
        MONTH,
        HOUR,
        WEEKDAY,
        SESSION,
    ],
    usual_group_by: &["person"],
    measures: &[
        distinct(
            "sessions",
            "Sessions",
            "sessions with an event in the range",
            Unit::Count,
            "count(*)",
        ),
        sum(
            "prompts",
            "Prompts",
            "prompts of people, commands and notifications",
            Unit::Count,
            "coalesce(sum(prompts), 0)",
        ),
        sum(
            "requests",
            "Requests",
            "successful requests to a model",
            Unit::Count,
            "coalesce(sum(requests), 0)",
        ),
        sum(
            "tool_calls",
            "Tool calls",
            "calls that finished or were refused",
            Unit::Count,
            "coalesce(sum(tool_calls), 0)",
        ),
        sum(
            "errors",
            "Errors",
            "requests that failed for good",
            Unit::Count,
            "coalesce(sum(errors), 0)",
        ),
        sum(
            "cost_usd",
            "Cost",
            "US dollars at list price",
            Unit::Usd,
            "coalesce(sum(cost_usd), 0)",
        ),
        other(
            "cost_per_session_usd",
            "Cost of a session",
            "US dollars, the mean",
            Unit::Usd,
            "sum(cost_usd) / nullif(count(*), 0)",
        ),
        other(
            "prompts_per_session",
            "Prompts of a session",
            "the mean",
            Unit::Count,
            "CAST(sum(prompts) AS DOUBLE) / nullif(count(*), 0)",
        ),
        mean(
            "mean_length_s",
            "Length",
            "from the first event to the last, the mean",
            Unit::Seconds,
            "avg(length_s)",
        ),
        other(
            "p50_length_s",
            "Length, median",
            "from the first event to the last; approximate (t-digest)",
            Unit::Seconds,
            "approx_percentile_cont(length_s, 0.5)",
        ),
        greatest(
            "longest_s",
            "Longest",
            "the length of the longest",
            Unit::Seconds,
            "max(length_s)",
        ),
        distinct(
            "people",
            "People",
            "distinct people with a session",
            Unit::Count,
            "count(DISTINCT person)",
        ),
    ],
    exclusions: &[
        METRICS_ONLY,
        Exclusion {
            what: "events without a session id",
            why: "clients may be told to leave it out; what belongs together cannot be known then",
            rows: "SELECT * FROM events WHERE session_id IS NULL",
        },
        COPIES,
    ],
    source: Source::Built(built),
};

fn built(ask: &Ask) -> String {
    format!(
        "SELECT * FROM (
           SELECT session_id, max(person) AS person, max(team) AS team, max(department) AS department,
                  max(cost_center) AS cost_center, max(organization_id) AS organization_id, max(product) AS product,
                  max(app_version) AS app_version, max(terminal_type) AS terminal_type, min(time) AS time,
                  CAST(CAST(max(time) AS BIGINT) - CAST(min(time) AS BIGINT) AS DOUBLE) / 1000 AS length_s,
                  count(*) FILTER (WHERE event = 'user_prompt') AS prompts,
                  count(*) FILTER (WHERE event = 'api_request') AS requests,
                  count(*) FILTER (WHERE event = 'api_error') AS errors,
                  count(*) FILTER (WHERE event = 'tool_result' OR (event = 'tool_decision' AND decision = 'reject')) AS tool_calls,
                  coalesce(sum(cost_usd) FILTER (WHERE event = 'api_request'), 0) AS cost_usd
           FROM events WHERE session_id IS NOT NULL AND {} GROUP BY session_id
         ) WHERE {}",
        in_range(ask),
        all_of(ask, |_| true),
    )
}
