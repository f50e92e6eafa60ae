//! How long things take.

use crate::catalogue::dimensions::{
    AGENT, APP_VERSION, COST_CENTER, DAY, DEPARTMENT, EFFORT, HOUR, MCP_SERVER, MODEL, MONTH,
    ORGANIZATION, PERSON, PRODUCT, SPEED, TEAM, TOOL, WEEK, WEEKDAY,
};
use crate::catalogue::exclusions::COPIES;
use crate::catalogue::measures::{greatest, mean, other, sum};
use crate::catalogue::report::{Exclusion, Report, Source, Unit};
use crate::catalogue::reports::durations::DURATION;

pub(super) static PERFORMANCE: Report = Report {
    name: "performance",
    title: "Performance",
    about: "How long do requests take, when does the first token come, and how long do tools run?",
    definition: "Times are the client's own: a request from its start to the end of the answer, retries included; the first token \
        from the start of the request (newer clients only); a tool from its start to its result. Percentiles are approximate \
        (t-digest): exact for a few rows, within about a percent of the ranks for many. Output tokens/s are all output tokens by \
        all time of the requests that had any.",
    signals: &["api_request events", "tool_result events"],
    dimensions: &[
        MODEL,
        TOOL,
        MCP_SERVER,
        DURATION,
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
    usual_group_by: &["model"],
    measures: &[
        sum(
            "requests",
            "Requests",
            "successful requests to a model",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'api_request')",
        ),
        mean(
            "mean_request_ms",
            "Request, mean",
            "from start to end",
            Unit::Ms,
            "avg(duration_ms) FILTER (WHERE event = 'api_request')",
        ),
        other(
            "p50_request_ms",
            "Request, p50",
            "from start to end; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.5) FILTER (WHERE event = 'api_request')",
        ),
        other(
            "p95_request_ms",
            "Request, p95",
            "from start to end; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.95) FILTER (WHERE event = 'api_request')",
        ),
        other(
            "p99_request_ms",
            "Request, p99",
            "from start to end; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.99) FILTER (WHERE event = 'api_request')",
        ),
        greatest(
            "longest_request_ms",
            "Request, longest",
            "from start to end",
            Unit::Ms,
            "max(duration_ms) FILTER (WHERE event = 'api_request')",
        ),
        mean(
            "mean_ttft_ms",
            "First token, mean",
            "from start to the first token",
            Unit::Ms,
            "avg(ttft_ms) FILTER (WHERE event = 'api_request')",
        ),
        other(
            "p50_ttft_ms",
            "First token, p50",
            "from start to the first token; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(ttft_ms AS DOUBLE), 0.5) FILTER (WHERE event = 'api_request')",
        ),
        other(
            "p95_ttft_ms",
            "First token, p95",
            "from start to the first token; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(ttft_ms AS DOUBLE), 0.95) FILTER (WHERE event = 'api_request')",
        ),
        other(
            "p99_ttft_ms",
            "First token, p99",
            "from start to the first token; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(ttft_ms AS DOUBLE), 0.99) FILTER (WHERE event = 'api_request')",
        ),
        mean(
            "output_tokens_per_s",
            "Output tokens/s",
            "output tokens by the time of their requests",
            Unit::Tokens,
            "CAST(sum(output_tokens) FILTER (WHERE event = 'api_request' AND duration_ms > 0) AS DOUBLE) * 1000
             / nullif(sum(duration_ms) FILTER (WHERE event = 'api_request' AND duration_ms > 0 AND output_tokens IS NOT NULL), 0)",
        ),
        sum(
            "tool_runs",
            "Tool runs",
            "tool calls with a result",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'tool_result')",
        ),
        other(
            "p50_tool_ms",
            "Tool, p50",
            "from start to result; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.5) FILTER (WHERE event = 'tool_result')",
        ),
        other(
            "p95_tool_ms",
            "Tool, p95",
            "from start to result; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.95) FILTER (WHERE event = 'tool_result')",
        ),
        other(
            "p99_tool_ms",
            "Tool, p99",
            "from start to result; approximate",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.99) FILTER (WHERE event = 'tool_result')",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "requests that failed",
            why: "how long an answer takes says nothing of requests without one; see the report errors",
            rows: "SELECT * FROM events WHERE event = 'api_error'",
        },
        COPIES,
    ],
    source: Source::Rows(
        "SELECT * FROM events WHERE event IN ('api_request', 'tool_result')",
    ),
};
