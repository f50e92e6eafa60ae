//! MCP servers and connectors: whether they can be reached, and how their tools do.

use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, FOLDERS, HOUR, MCP_SERVER, MCP_TOOL, MONTH, PERSON,
    PRODUCT, TEAM, TERMINAL, WEEK, WEEKDAY, dimension,
};
use crate::catalogue::exclusions::COPIES;
use crate::catalogue::measures::{distinct, mean, other, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};

pub(super) static CONNECTORS: Report = Report {
    name: "connectors",
    title: "MCP servers and connectors",
    about: "Which connectors are used, how often do they fail, and how long do they take?",
    definition: "Calls are the tool calls of MCP servers that came to an end; connections are mcp_server_connection events. A server \
        has a name only where the client was told to send details (OTEL_LOG_TOOL_DETAILS); the others are summed up under no name. \
        The error rate of calls is of those that ran, that of connections of those that were tried.",
    signals: &[
        "tool_decision and tool_result events of MCP tools",
        "mcp_server_connection events",
    ],
    dimensions: &[
        MCP_SERVER,
        MCP_TOOL,
        KIND,
        OUTCOME,
        TRANSPORT,
        SCOPE,
        ERROR_CODE,
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
    usual_group_by: &["mcp_server_name"],
    measures: &[
        sum(
            "calls",
            "Calls",
            "calls of its tools that finished or were refused",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'call')",
        ),
        sum(
            "failures",
            "Failures",
            "calls that ran without success",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'call' AND outcome = 'failed')",
        ),
        mean(
            "failure_share",
            "Error rate",
            "failures of the calls that ran",
            Unit::Share,
            "CAST(count(*) FILTER (WHERE kind = 'call' AND outcome = 'failed') AS DOUBLE)
             / nullif(count(*) FILTER (WHERE kind = 'call' AND outcome IN ('succeeded', 'failed')), 0)",
        ),
        sum(
            "refusals",
            "Refused",
            "calls that were not allowed to run",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'call' AND outcome = 'refused')",
        ),
        mean(
            "mean_duration_ms",
            "Mean time",
            "how long a call ran, the mean",
            Unit::Ms,
            "avg(duration_ms) FILTER (WHERE kind = 'call')",
        ),
        other(
            "p50_duration_ms",
            "p50",
            "how long a call ran; approximate (t-digest)",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.5) FILTER (WHERE kind = 'call')",
        ),
        other(
            "p95_duration_ms",
            "p95",
            "how long a call ran; approximate (t-digest)",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.95) FILTER (WHERE kind = 'call')",
        ),
        sum(
            "connections",
            "Connections",
            "connections that were made",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'connection' AND outcome = 'connected')",
        ),
        sum(
            "failed_connections",
            "Failed connections",
            "connections that could not be made",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'connection' AND outcome = 'failed')",
        ),
        sum(
            "disconnections",
            "Disconnections",
            "connections that were lost",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'connection' AND outcome = 'disconnected')",
        ),
        mean(
            "connection_failure_share",
            "Connection error rate",
            "connections that could not be made, of those tried",
            Unit::Share,
            "CAST(count(*) FILTER (WHERE kind = 'connection' AND outcome = 'failed') AS DOUBLE)
             / nullif(count(*) FILTER (WHERE kind = 'connection' AND outcome IN ('connected', 'failed')), 0)",
        ),
        other(
            "p95_connection_ms",
            "Connecting, p95",
            "how long it took to connect; approximate (t-digest)",
            Unit::Ms,
            "approx_percentile_cont(CAST(duration_ms AS DOUBLE), 0.95) FILTER (WHERE kind = 'connection' AND outcome = 'connected')",
        ),
        distinct(
            "people",
            "People",
            "distinct people whose agent called or connected",
            Unit::Count,
            "count(DISTINCT person)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "pending calls",
            why: "they have come to no end yet",
            rows: "SELECT * FROM tool_calls WHERE tool_kind = 'mcp' AND outcome = 'pending'",
        },
        COPIES,
    ],
    source: Source::Rows(ROWS),
};

const ROWS: &str = "
SELECT time, person, team, department, cost_center, product, app_version, terminal_type, workspace_host_paths, mcp_server_name, mcp_tool_name,
       'call' AS kind, outcome, duration_ms, CAST(NULL AS VARCHAR) AS transport_type,
       CAST(NULL AS VARCHAR) AS server_scope, error_type AS error_code
FROM tool_calls WHERE tool_kind = 'mcp' AND outcome <> 'pending'
UNION ALL
SELECT time, person, team, department, cost_center, product, app_version, terminal_type, workspace_host_paths, mcp_server_name, mcp_tool_name,
       'connection' AS kind, attribute(attributes, 'status') AS outcome, duration_ms,
       attribute(attributes, 'transport_type') AS transport_type,
       attribute(attributes, 'server_scope') AS server_scope, attribute(attributes, 'error_code') AS error_code
FROM events WHERE event = 'mcp_server_connection'";

const KIND: Dimension = dimension("kind", "Kind", "call or connection", "kind");
const OUTCOME: Dimension = dimension(
    "outcome",
    "Outcome",
    "of a call succeeded, failed, refused or unknown; of a connection connected, failed or disconnected",
    "outcome",
);
const TRANSPORT: Dimension = dimension(
    "transport_type",
    "Transport",
    "stdio, sse, http or claudeai-proxy; of connections",
    "transport_type",
);
const SCOPE: Dimension = dimension(
    "server_scope",
    "Scope",
    "who set the server up: user, project, local or claudeai; of connections",
    "server_scope",
);
const ERROR_CODE: Dimension = dimension(
    "error_code",
    "Error",
    "what kind of failure, where the client says so",
    "error_code",
);
