//! What comes out: lines, commits, pull requests, time, and what each costs.

use crate::catalogue::ask::Ask;
use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, HOUR, MONTH, ORGANIZATION, PERSON, PRODUCT, PROJECT,
    TEAM, WEEK, WEEKDAY,
};
use crate::catalogue::exclusions::REPEATED_POINTS;
use crate::catalogue::measures::{distinct, mean, other, sum};
use crate::catalogue::report::{Exclusion, Report, Source, Unit};
use crate::catalogue::sql::{all_of, in_range};
use crate::views::PROJECT as PROJECT_SQL;

pub(super) static PRODUCTIVITY: Report = Report {
    name: "productivity",
    title: "Productivity",
    about: "How many lines, commits, pull requests and hours came of it, which edits were accepted, and what did each cost?",
    definition: "Lines, commits, pull requests, active time and decisions on edits are told by metrics alone, so clients that send none \
        (Cowork, by design) have none of these here. Deltas and cumulative series both count by what each data point adds. Active \
        time is of the person (typing, reading) and of the agent together, and told apart beside it. Costs of each are the whole \
        cost of the same rows, of clients without metrics too: filter by product where that is not what is wanted. Edit acceptance \
        is accepted edits of all that were decided on.",
    signals: &[
        "metrics lines_of_code.count, commit.count, pull_request.count, active_time.total and code_edit_tool.decision",
        "api_request events, or claude_code.cost.usage of clients that send metrics only, for the cost",
    ],
    dimensions: &[
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        ORGANIZATION,
        PROJECT,
        PRODUCT,
        APP_VERSION,
        DAY,
        WEEK,
        MONTH,
        HOUR,
        WEEKDAY,
    ],
    usual_group_by: &["person"],
    measures: &[
        sum(
            "lines_added",
            "Lines added",
            "lines of code that the agent added",
            Unit::Count,
            "coalesce(sum(value) FILTER (WHERE name = 'claude_code.lines_of_code.count' AND type = 'added'), 0)",
        ),
        sum(
            "lines_removed",
            "Lines removed",
            "lines of code that the agent removed",
            Unit::Count,
            "coalesce(sum(value) FILTER (WHERE name = 'claude_code.lines_of_code.count' AND type = 'removed'), 0)",
        ),
        sum(
            "commits",
            "Commits",
            "commits that the agent made",
            Unit::Count,
            "coalesce(sum(value) FILTER (WHERE name = 'claude_code.commit.count'), 0)",
        ),
        sum(
            "pull_requests",
            "Pull requests",
            "pull requests that the agent opened",
            Unit::Count,
            "coalesce(sum(value) FILTER (WHERE name = 'claude_code.pull_request.count'), 0)",
        ),
        sum(
            "active_s",
            "Active time",
            "of people and of agents",
            Unit::Seconds,
            "coalesce(sum(value) FILTER (WHERE name = 'claude_code.active_time.total'), 0)",
        ),
        sum(
            "user_active_s",
            "Active time of people",
            "typing and reading",
            Unit::Seconds,
            "coalesce(sum(value) FILTER (WHERE name = 'claude_code.active_time.total' AND type = 'user'), 0)",
        ),
        sum(
            "agent_active_s",
            "Active time of agents",
            "tools and answers",
            Unit::Seconds,
            "coalesce(sum(value) FILTER (WHERE name = 'claude_code.active_time.total' AND type = 'cli'), 0)",
        ),
        sum(
            "edits_accepted",
            "Edits accepted",
            "edits that were allowed",
            Unit::Count,
            "coalesce(sum(value) FILTER (WHERE name = 'claude_code.code_edit_tool.decision' AND decision = 'accept'), 0)",
        ),
        sum(
            "edits_rejected",
            "Edits rejected",
            "edits that were refused",
            Unit::Count,
            "coalesce(sum(value) FILTER (WHERE name = 'claude_code.code_edit_tool.decision' AND decision = 'reject'), 0)",
        ),
        mean(
            "edit_acceptance_share",
            "Edit acceptance",
            "accepted edits of all that were decided on",
            Unit::Share,
            "sum(value) FILTER (WHERE name = 'claude_code.code_edit_tool.decision' AND decision = 'accept')
             / nullif(sum(value) FILTER (WHERE name = 'claude_code.code_edit_tool.decision' AND decision IN ('accept', 'reject')), 0)",
        ),
        sum(
            "cost_usd",
            "Cost",
            "US dollars at list price",
            Unit::Usd,
            "coalesce(sum(cost_usd), 0)",
        ),
        other(
            "cost_per_commit_usd",
            "Cost of a commit",
            "US dollars",
            Unit::Usd,
            "sum(cost_usd) / nullif(sum(value) FILTER (WHERE name = 'claude_code.commit.count'), 0)",
        ),
        other(
            "cost_per_pull_request_usd",
            "Cost of a pull request",
            "US dollars",
            Unit::Usd,
            "sum(cost_usd) / nullif(sum(value) FILTER (WHERE name = 'claude_code.pull_request.count'), 0)",
        ),
        other(
            "cost_per_line_usd",
            "Cost of a line",
            "US dollars by lines added and removed",
            Unit::Usd,
            "sum(cost_usd) / nullif(sum(value) FILTER (WHERE name = 'claude_code.lines_of_code.count'), 0)",
        ),
        other(
            "cost_per_active_hour_usd",
            "Cost of an active hour",
            "US dollars by active time of people and agents",
            Unit::Usd,
            "sum(cost_usd) * 3600 / nullif(sum(value) FILTER (WHERE name = 'claude_code.active_time.total'), 0)",
        ),
        other(
            "cost_per_edit_usd",
            "Cost of an accepted edit",
            "US dollars",
            Unit::Usd,
            "sum(cost_usd) / nullif(sum(value) FILTER (WHERE name = 'claude_code.code_edit_tool.decision' AND decision = 'accept'), 0)",
        ),
        distinct(
            "people",
            "People",
            "distinct people of whom there is any of this",
            Unit::Count,
            "count(DISTINCT person)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "data points that add nothing",
            why: "clients send points of zero, and resets of cumulative series",
            rows: "SELECT * FROM metrics WHERE value IS NULL OR value <= 0",
        },
        REPEATED_POINTS,
    ],
    source: Source::Built(built),
};

fn built(ask: &Ask) -> String {
    const SHARED: &str =
        "time, person, team, department, cost_center, organization_id, product, app_version";
    format!(
        "SELECT * FROM (
           SELECT {SHARED}, name, type, decision, value, CAST(NULL AS DOUBLE) AS cost_usd, {PROJECT_SQL}
           FROM metrics WHERE value > 0 AND name IN ('claude_code.lines_of_code.count', 'claude_code.commit.count',
             'claude_code.pull_request.count', 'claude_code.active_time.total', 'claude_code.code_edit_tool.decision')
           UNION ALL
           SELECT {SHARED}, 'usage' AS name, CAST(NULL AS VARCHAR) AS type, CAST(NULL AS VARCHAR) AS decision,
                  CAST(NULL AS DOUBLE) AS value, cost_usd, project FROM usage
         ) WHERE {} AND {}",
        in_range(ask),
        all_of(ask, |_| true),
    )
}
