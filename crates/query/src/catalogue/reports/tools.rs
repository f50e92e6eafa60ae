//! What the agents' tools do.

use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, FOLDERS, HOUR, MCP_SERVER, MODEL, MONTH, PERSON,
    PLUGIN, PRODUCT, SKILL, TEAM, TERMINAL, WEEK, WEEKDAY, dimension,
};
use crate::catalogue::exclusions::COPIES;
use crate::catalogue::measures::{distinct, greatest, mean, other, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};

pub(super) static TOOLS: Report = Report {
    name: "tools",
    title: "Tools",
    about: "Which tools were called, how often did they fail, and how long did they take?",
    definition: "A call is a tool_decision joined with its tool_result. It counts when it came to an end: it succeeded, failed, or \
        was refused; one without a result yet is pending and counts apart. Refused calls take no time. The share of failures is of \
        the calls that ran and say how it went. Calls that never start, because the tool is unknown or its arguments are wrong, leave no event.",
    signals: &["tool_decision and tool_result events"],
    dimensions: &[
        TOOL_OR_MCP,
        KIND,
        OUTCOME,
        ERROR_TYPE,
        MCP_SERVER,
        SKILL,
        PLUGIN,
        CALLER,
        MODEL,
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        PRODUCT,
        APP_VERSION,
        TERMINAL,
        FOLDERS,
        DAY,
        WEEK,
        MONTH,
        HOUR,
        WEEKDAY,
    ],
    usual_group_by: &["tool"],
    measures: &[
        sum(
            "calls",
            "Calls",
            "calls that finished or were refused",
            Unit::Count,
            "count(*) FILTER (WHERE outcome <> 'pending')",
        ),
        sum(
            "failures",
            "Failures",
            "calls that ran without success",
            Unit::Count,
            "count(*) FILTER (WHERE outcome = 'failed')",
        ),
        mean(
            "failure_share",
            "Failure rate",
            "failures of the calls that ran",
            Unit::Share,
            "CAST(count(*) FILTER (WHERE outcome = 'failed') AS DOUBLE)
             / nullif(count(*) FILTER (WHERE outcome IN ('succeeded', 'failed')), 0)",
        ),
        sum(
            "refusals",
            "Refused",
            "calls that were not allowed to run",
            Unit::Count,
            "count(*) FILTER (WHERE outcome = 'refused')",
        ),
        sum(
            "pending",
            "Pending",
            "calls without a result yet",
            Unit::Count,
            "count(*) FILTER (WHERE outcome = 'pending')",
        ),
        mean(
            "mean_duration_ms",
            "Mean time",
            "how long a call ran, the mean",
            Unit::Ms,
            "avg(duration_ms)",
        ),
        other(
            "p50_duration_ms",
            "p50",
            "how long a call ran; approximate (t-digest)",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.5)",
        ),
        other(
            "p95_duration_ms",
            "p95",
            "how long a call ran; approximate (t-digest)",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.95)",
        ),
        other(
            "p99_duration_ms",
            "p99",
            "how long a call ran; approximate (t-digest)",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.99)",
        ),
        greatest(
            "longest_ms",
            "Longest",
            "the longest call",
            Unit::Ms,
            "max(duration_ms)",
        ),
        sum(
            "result_bytes",
            "Results",
            "size of the results",
            Unit::Bytes,
            "coalesce(sum(tool_result_size_bytes), 0)",
        ),
        distinct(
            "people",
            "People",
            "distinct people for whom it was called",
            Unit::Count,
            "count(DISTINCT person)",
        ),
        distinct(
            "sessions",
            "Sessions",
            "distinct sessions in which it was called",
            Unit::Count,
            "count(DISTINCT session_id)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "pending calls",
            why: "they have come to no end yet: they are in the figure pending alone",
            rows: "SELECT * FROM tool_calls WHERE outcome = 'pending'",
        },
        COPIES,
    ],
    source: Source::Rows("tool_calls"),
};

const TOOL_OR_MCP: Dimension = dimension(
    "tool",
    "Tool",
    "the tool; of a connector server/tool, where the client says so",
    "tool",
);
const KIND: Dimension = dimension(
    "tool_kind",
    "Kind",
    "builtin, mcp, agent or skill",
    "tool_kind",
);
const OUTCOME: Dimension = dimension(
    "outcome",
    "Outcome",
    "succeeded, failed, refused, pending, or unknown",
    "outcome",
);
const ERROR_TYPE: Dimension = dimension(
    "error_type",
    "Error",
    "what kind of failure, where the client says so",
    "error_type",
);
const CALLER: Dimension = dimension(
    "caller_agent_name",
    "Called by",
    "the subagent that called it; empty: the main agent",
    "caller_agent_name",
);
