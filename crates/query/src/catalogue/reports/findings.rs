//! Patterns of work that went round in circles, and what they cost.

use crate::catalogue::ask::Ask;
use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, MODEL, MONTH, PERSON, PRODUCT, SESSION, TEAM, WEEK,
    dimension,
};
use crate::catalogue::exclusions::COPIES;
use crate::catalogue::measures::{distinct, other, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};
use crate::catalogue::sql::{all_of, in_range};
use crate::reports::time;

const DAY_MS: i64 = 86_400_000;
/// The price is told for so many days, too.
const MONTH_DAYS: i64 = 30;

pub(super) static FINDINGS: Report = Report {
    name: "findings",
    title: "Findings",
    about: "Where did work go round in circles, and what did that cost?",
    definition: "Found by rules, within one prompt and without looking at content. fails_again: a tool fails that has failed twice \
        before. refused_again: a tool is asked for again after it was refused. same_call_again: the third call and later ones of a tool with as many \
        bytes asked and as many answered. cache_rebuilt: a request writes 20,000 tokens or more into the cache and reads none, although its session \
        had used the model before; the whole request is counted. A call costs what the request to the model cost that asked for it, shared evenly with \
        the other calls that it asked for; what names no request is found and costs nothing here. What came before is looked at for one day. A finding \
        is a question to ask, not a verdict: some repetitions are meant.",
    signals: &["tool_decision and tool_result events", "api_request events"],
    dimensions: &[
        PATTERN,
        TOOL,
        MODEL,
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        PRODUCT,
        APP_VERSION,
        SESSION,
        DAY,
        WEEK,
        MONTH,
    ],
    usual_group_by: &["pattern"],
    measures: &[
        sum(
            "wasted_usd",
            "Cost",
            "US dollars at list price of the requests behind what was found",
            Unit::Usd,
            "coalesce(sum(wasted_usd), 0)",
        ),
        // Of groups of one range they add up; of ranges they do not.
        other(
            "monthly_usd",
            "In 30 days",
            "the same, as if thirty days went on like the range",
            Unit::Usd,
            "coalesce(sum(wasted_usd * per_month), 0)",
        ),
        sum(
            "findings",
            "Findings",
            "calls and requests that a rule found",
            Unit::Count,
            "count(*)",
        ),
        distinct(
            "prompts",
            "Prompts",
            "distinct prompts in which something was found",
            Unit::Count,
            "count(DISTINCT prompt_id)",
        ),
        distinct(
            "sessions",
            "Sessions",
            "distinct sessions in which something was found",
            Unit::Count,
            "count(DISTINCT session_id)",
        ),
        distinct(
            "people",
            "People",
            "distinct people for whom the agent worked",
            Unit::Count,
            "count(DISTINCT person)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "calls without a prompt",
            why: "clients before 2.1.45 do not say of which prompt a call is",
            rows: "SELECT * FROM tool_calls WHERE prompt_id IS NULL",
        },
        COPIES,
    ],
    source: Source::Built(built),
};

const PATTERN: Dimension = dimension(
    "pattern",
    "Pattern",
    "fails_again, refused_again, same_call_again or cache_rebuilt",
    "pattern",
);
const TOOL: Dimension = dimension(
    "tool",
    "Tool",
    "the tool; of a connector server/tool, where the client says so; empty: a request to the model",
    "tool",
);

const SHARED: &str = "time, person, team, department, cost_center, product, app_version, session_id, prompt_id, model";

fn built(ask: &Ask) -> String {
    let before = time(ask.range.from_ms.saturating_sub(DAY_MS));
    let near = format!("time >= {before} AND time < {}", time(ask.range.to_ms));
    let length_ms = (ask.range.to_ms - ask.range.from_ms).max(1);
    format!(
        "SELECT *, {month_ms}.0 / {length_ms}.0 AS per_month FROM ({calls} UNION ALL {caches})
         WHERE {range} AND {conditions}",
        month_ms = MONTH_DAYS * DAY_MS,
        calls = calls(&near),
        caches = caches(&near),
        range = in_range(ask),
        conditions = all_of(ask, |_| true),
    )
}

/// Calls of tools that a rule finds, each with its share of the request that asked for it.
fn calls(near: &str) -> String {
    format!(
        "SELECT found.*, price.cost_usd / beside AS wasted_usd FROM (
           SELECT {SHARED}, tool, request_id, get_field(repeats, 'beside') AS beside,
                  CASE WHEN outcome = 'failed' AND get_field(repeats, 'nth') > 2 THEN 'fails_again'
                       WHEN outcome = 'refused' AND get_field(repeats, 'nth') > 1 THEN 'refused_again'
                       WHEN outcome = 'succeeded' AND get_field(repeats, 'nth_alike') > 2 AND tool_input_size_bytes IS NOT NULL
                            AND tool_result_size_bytes IS NOT NULL THEN 'same_call_again' END AS pattern
           FROM (
             SELECT *, _repeats(_key(tool), _key(outcome), tool_input_size_bytes, tool_result_size_bytes, _key(request_id))
                       OVER (PARTITION BY _key(session_id), _key(prompt_id) ORDER BY time) AS repeats
             FROM tool_calls WHERE {near} AND prompt_id IS NOT NULL
           )
         ) AS found
         LEFT JOIN (SELECT _key(request_id) AS asked_by, max(cost_usd) AS cost_usd FROM api_requests
                    WHERE {near} AND request_id IS NOT NULL GROUP BY _key(request_id)) AS price ON _key(request_id) = asked_by
         WHERE pattern IS NOT NULL"
    )
}

/// Requests that wrote a cache anew that there had been.
fn caches(near: &str) -> String {
    format!(
        "SELECT {SHARED}, CAST(NULL AS VARCHAR) AS tool, request_id, 1 AS beside, 'cache_rebuilt' AS pattern, cost_usd AS wasted_usd
         FROM (SELECT *, row_number() OVER (PARTITION BY session_id, model ORDER BY time) AS nth
               FROM api_requests WHERE {near} AND session_id IS NOT NULL)
         WHERE nth > 1 AND coalesce(cache_read_tokens, 0) = 0 AND cache_creation_tokens >= 20000"
    )
}
