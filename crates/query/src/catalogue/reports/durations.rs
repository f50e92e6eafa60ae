//! How durations are spread: what a heatmap and a histogram are drawn from.

use crate::catalogue::dimensions::{
    AGENT, APP_VERSION, COST_CENTER, DAY, DEPARTMENT, EFFORT, HOUR, MCP_SERVER, MODEL, MONTH,
    ORGANIZATION, PERSON, PRODUCT, SPEED, TEAM, TOOL, WEEK, WEEKDAY, dimension,
};
use crate::catalogue::exclusions::COPIES;
use crate::catalogue::measures::{distinct, greatest, other, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};

pub(super) static DURATIONS: Report = Report {
    name: "durations",
    title: "Durations",
    about: "How are the durations of requests and tools spread: how many were quick, how many slow, and when?",
    definition: "The same requests and tools as in the report performance, each under the step that its duration reaches, on a scale of \
        10, 20, 50, 100 ms and so on: a step ends where the next begins, and the last has no end. Times are the client's own. \
        Percentiles are approximate (t-digest).",
    signals: &["api_request events", "tool_result events"],
    dimensions: &[
        DURATION,
        KIND,
        MODEL,
        TOOL,
        MCP_SERVER,
        SPEED,
        EFFORT,
        AGENT,
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
        HOUR,
        WEEKDAY,
    ],
    usual_group_by: &["kind", "duration_from_ms"],
    measures: &[
        sum(
            "timed",
            "Timed",
            "requests and tools that say how long they took",
            Unit::Count,
            "count(*)",
        ),
        other(
            "p50_ms",
            "p50",
            "half took at most so long; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.5)",
        ),
        other(
            "p95_ms",
            "p95",
            "all but one in twenty took at most so long; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.95)",
        ),
        other(
            "p99_ms",
            "p99",
            "all but one in a hundred took at most so long; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.99)",
        ),
        greatest(
            "longest_ms",
            "Longest",
            "the longest of them",
            Unit::Ms,
            "max(duration_ms)",
        ),
        sum(
            "spent_ms",
            "Time in all",
            "all durations added up; much of it passes side by side",
            Unit::Ms,
            "sum(duration_ms)",
        ),
        distinct(
            "prompts",
            "Prompts",
            "distinct prompts that waited for them",
            Unit::Count,
            "count(DISTINCT prompt_id)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "requests that failed",
            why: "how long an answer takes says nothing of requests without one; see the report errors",
            rows: "SELECT * FROM events WHERE event = 'api_error'",
        },
        Exclusion {
            what: "requests and tools without a duration",
            why: "their client does not say how long they took",
            rows: "SELECT * FROM events WHERE event IN ('api_request', 'tool_result') AND duration_ms IS NULL",
        },
        COPIES,
    ],
    source: Source::Rows(
        "SELECT * FROM events WHERE event IN ('api_request', 'tool_result') AND duration_ms IS NOT NULL",
    ),
};

const KIND: Dimension = dimension(
    "kind",
    "Kind",
    "request or tool",
    "CASE event WHEN 'api_request' THEN 'request' ELSE 'tool' END",
);

/// Three steps to a tenfold: as coarse as a reader can name, and fine enough to see two humps.
pub(super) const DURATION: Dimension = dimension(
    "duration_from_ms",
    "Duration from, ms",
    "the step of the scale that the duration reaches: 0, 10, 20, 50, 100 and so on to 1000000",
    "CASE WHEN duration_ms IS NULL THEN NULL WHEN duration_ms < 10 THEN 0 WHEN duration_ms < 20 THEN 10 WHEN duration_ms < 50 THEN 20
          WHEN duration_ms < 100 THEN 50 WHEN duration_ms < 200 THEN 100 WHEN duration_ms < 500 THEN 200
          WHEN duration_ms < 1000 THEN 500 WHEN duration_ms < 2000 THEN 1000 WHEN duration_ms < 5000 THEN 2000
          WHEN duration_ms < 10000 THEN 5000 WHEN duration_ms < 20000 THEN 10000 WHEN duration_ms < 50000 THEN 20000
          WHEN duration_ms < 100000 THEN 50000 WHEN duration_ms < 200000 THEN 100000 WHEN duration_ms < 500000 THEN 200000
          WHEN duration_ms < 1000000 THEN 500000 ELSE 1000000 END",
);
