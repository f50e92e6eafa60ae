//! When people set tasks: hour by weekday, and outside office hours.

use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, HOUR, MONTH, ORGANIZATION, PERSON, PRODUCT, TEAM,
    WEEK, WEEKDAY, dimension,
};
use crate::catalogue::exclusions::{COPIES, METRICS_ONLY};
use crate::catalogue::measures::{distinct, mean, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};

pub(super) static ACTIVITY: Report = Report {
    name: "activity",
    title: "Activity by hour",
    about: "When are tasks set: at which hour of which weekday, and how much of it outside office hours?",
    definition: "A task is a prompt of a person or a slash command. Office hours are Monday to Friday, from 08:00 until before 18:00, in \
        the time zone that is asked for; everything else is off hours. Holidays are not known. Work of agents at night for a task of \
        the day shows in requests, not in tasks.",
    signals: &["user_prompt, api_request and tool_result events"],
    dimensions: &[
        WEEKDAY,
        HOUR,
        OFF_HOURS,
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        ORGANIZATION,
        PRODUCT,
        APP_VERSION,
        DAY,
        WEEK,
        MONTH,
    ],
    usual_group_by: &["weekday", "hour"],
    measures: &[
        sum(
            "tasks",
            "Tasks",
            "prompts of people and slash commands",
            Unit::Count,
            "count(*) FILTER (WHERE is_task)",
        ),
        sum(
            "off_hours_tasks",
            "Tasks off hours",
            "tasks outside office hours",
            Unit::Count,
            "count(*) FILTER (WHERE is_task AND is_off_hours)",
        ),
        mean(
            "off_hours_share",
            "Off hours",
            "the share of tasks outside office hours",
            Unit::Share,
            "CAST(count(*) FILTER (WHERE is_task AND is_off_hours) AS DOUBLE) / nullif(count(*) FILTER (WHERE is_task), 0)",
        ),
        sum(
            "weekend_tasks",
            "Tasks at weekends",
            "tasks on Saturdays and Sundays",
            Unit::Count,
            "count(*) FILTER (WHERE is_task AND is_weekend)",
        ),
        sum(
            "requests",
            "Requests",
            "successful requests to a model",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'api_request')",
        ),
        sum(
            "tool_runs",
            "Tool runs",
            "tool calls with a result",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'tool_result')",
        ),
        sum(
            "cost_usd",
            "Cost",
            "US dollars at list price",
            Unit::Usd,
            "coalesce(sum(cost_usd) FILTER (WHERE event = 'api_request'), 0)",
        ),
        distinct(
            "people",
            "People",
            "distinct people who set tasks",
            Unit::Count,
            "count(DISTINCT CASE WHEN is_task THEN person END)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "notifications",
            why: "the client's own note that a background task ended is no person's task",
            rows: "SELECT * FROM events WHERE event = 'user_prompt' AND prompt_kind = 'notification'",
        },
        METRICS_ONLY,
        COPIES,
    ],
    source: Source::Rows(ROWS),
};

const ROWS: &str = "
SELECT *, is_weekend OR CAST(to_char({local}, '%H') AS INT) NOT BETWEEN 8 AND 17 AS is_off_hours
FROM (
  SELECT time, event, person, team, department, cost_center, organization_id, product, app_version, session_id,
         prompt_id, cost_usd, event = 'user_prompt' AND coalesce(prompt_kind, 'person') <> 'notification' AS is_task,
         to_char({local}, '%u') IN ('6', '7') AS is_weekend
  FROM events WHERE event IN ('user_prompt', 'api_request', 'tool_result')
)";

const OFF_HOURS: Dimension = dimension(
    "off_hours",
    "Off hours",
    "true outside office hours",
    "CAST(is_off_hours AS VARCHAR)",
);
