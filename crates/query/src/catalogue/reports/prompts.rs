//! What was asked, by kind of prompt, and what it took.

use crate::catalogue::ask::Ask;
use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, HOUR, MONTH, ORGANIZATION, PERSON, PRODUCT, TEAM,
    WEEK, WEEKDAY, dimension,
};
use crate::catalogue::exclusions::{COPIES, METRICS_ONLY};
use crate::catalogue::measures::{distinct, mean, other, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};
use crate::catalogue::sql::{all_of, in_range};
use crate::reports::time;

/// A prompt that began longer ago than this has no kind any more.
const BEFORE_MS: i64 = 7 * 86_400_000;

pub(super) static PROMPTS: Report = Report {
    name: "prompts",
    title: "Prompts",
    about: "What was asked, by whom or by what, and what did each prompt take?",
    definition: "Prompts are user_prompt events. Their kind is person, command (a slash command) or notification (the client's own \
        note that a background task ended). Cost, requests, tool calls and errors are those in the range that name the prompt; the \
        kind of a prompt that began up to a week before is known. What names no prompt has no kind.",
    signals: &["user_prompt, api_request, api_error, tool_result and tool_decision events"],
    dimensions: &[
        KIND,
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        ORGANIZATION,
        PRODUCT,
        APP_VERSION,
        COMMAND,
        DAY,
        WEEK,
        MONTH,
        HOUR,
        WEEKDAY,
    ],
    usual_group_by: &["kind"],
    measures: &[
        sum(
            "prompts",
            "Prompts",
            "prompts of all kinds",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'user_prompt')",
        ),
        sum(
            "person_prompts",
            "Prompts of people",
            "prompts that a person wrote",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'user_prompt' AND kind = 'person')",
        ),
        sum(
            "cost_usd",
            "Cost",
            "US dollars at list price",
            Unit::Usd,
            "coalesce(sum(cost_usd) FILTER (WHERE event = 'api_request'), 0)",
        ),
        sum(
            "requests",
            "Requests",
            "successful requests to a model",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'api_request')",
        ),
        sum(
            "tool_calls",
            "Tool calls",
            "calls that finished or were refused",
            Unit::Count,
            "count(*) FILTER (WHERE event IN ('tool_result', 'tool_decision'))",
        ),
        sum(
            "tool_failures",
            "Failed calls",
            "calls that finished without success",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'tool_result' AND success = false)",
        ),
        sum(
            "errors",
            "Errors",
            "requests that failed for good",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'api_error')",
        ),
        other(
            "cost_per_prompt_usd",
            "Cost of a prompt",
            "US dollars, the mean",
            Unit::Usd,
            "sum(cost_usd) FILTER (WHERE event = 'api_request') / nullif(count(*) FILTER (WHERE event = 'user_prompt'), 0)",
        ),
        other(
            "tool_calls_per_prompt",
            "Calls of a prompt",
            "tool calls, the mean",
            Unit::Count,
            "CAST(count(*) FILTER (WHERE event IN ('tool_result', 'tool_decision')) AS DOUBLE)
             / nullif(count(*) FILTER (WHERE event = 'user_prompt'), 0)",
        ),
        mean(
            "mean_length_characters",
            "Length",
            "characters of a prompt, the mean",
            Unit::Count,
            "avg(prompt_length) FILTER (WHERE event = 'user_prompt')",
        ),
        distinct(
            "people",
            "People",
            "distinct people whose prompts they are",
            Unit::Count,
            "count(DISTINCT CASE WHEN event = 'user_prompt' THEN person END)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "notifications among the prompts of people",
            why: "the client wrote them, no person did; they are in prompts and not in person_prompts",
            rows: "SELECT * FROM events WHERE event = 'user_prompt' AND prompt_kind = 'notification'",
        },
        METRICS_ONLY,
        COPIES,
    ],
    source: Source::Built(built),
};

const KIND: Dimension = dimension(
    "kind",
    "Kind",
    "person, command or notification; empty: outside any prompt",
    "kind",
);
const COMMAND: Dimension = dimension(
    "command_name",
    "Command",
    "the slash command, of a prompt that is one",
    "command_name",
);

fn built(ask: &Ask) -> String {
    let since = time(ask.range.from_ms.saturating_sub(BEFORE_MS));
    let until = time(ask.range.to_ms);
    format!(
        "SELECT * FROM (
           SELECT e.time, e.event, e.prompt_id, e.session_id, e.person, e.team, e.department, e.cost_center,
                  e.organization_id, e.product, e.app_version, coalesce(e.prompt_kind, asked.prompt_kind) AS kind,
                  coalesce(e.command_name, asked.command_name) AS command_name,
                  e.prompt_length, e.cost_usd, e.success
           FROM (SELECT * FROM events WHERE {} AND (event IN ('user_prompt', 'api_request', 'api_error', 'tool_result')
                 OR (event = 'tool_decision' AND decision = 'reject'))) AS e
           LEFT JOIN (
             SELECT prompt_id, max(prompt_kind) AS prompt_kind, max(command_name) AS command_name FROM events
             WHERE event = 'user_prompt' AND prompt_id IS NOT NULL AND time >= {since} AND time < {until} GROUP BY prompt_id
           ) AS asked ON e.prompt_id = asked.prompt_id
         ) WHERE {}",
        in_range(ask),
        all_of(ask, |_| true),
    )
}
