//! What failed.

use crate::catalogue::dimensions::{
    AGENT, APP_VERSION, COST_CENTER, DAY, DEPARTMENT, FOLDERS, HOUR, MCP_SERVER, MODEL, MONTH,
    ORGANIZATION, PERSON, PRODUCT, SESSION, TEAM, TERMINAL, TOOL, WEEK, WEEKDAY, dimension,
};
use crate::catalogue::exclusions::COPIES;
use crate::catalogue::measures::{distinct, mean, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};

pub(super) static ERRORS: Report = Report {
    name: "errors",
    title: "Errors",
    about: "What failed: requests, tools, connections; with which status, model and connector, after how many tries?",
    definition: "A failed request is an api_error event: one for each request that failed for good. Clients do not report errors that \
        a retry cured. Retries are the tries beyond the first of requests that failed. Refusals by the model's safeguards, tool \
        calls without success, connections of MCP servers that could not be made and the client's own internal errors count beside \
        them. The error rate is of all requests to models, successful ones included.",
    signals: &[
        "api_error, api_refusal and internal_error events",
        "tool_result events without success",
        "mcp_server_connection events that say failed",
        "api_request events, for the rate",
    ],
    dimensions: &[
        KIND,
        STATUS,
        ERROR_TYPE,
        MODEL,
        MCP_SERVER,
        TOOL,
        AGENT,
        ATTEMPT,
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        ORGANIZATION,
        PRODUCT,
        APP_VERSION,
        TERMINAL,
        FOLDERS,
        SESSION,
        DAY,
        WEEK,
        MONTH,
        HOUR,
        WEEKDAY,
    ],
    usual_group_by: &["kind", "status_code", "error_type"],
    measures: &[
        sum(
            "errors",
            "Errors",
            "failures of all kinds",
            Unit::Count,
            "count(kind)",
        ),
        sum(
            "failed_requests",
            "Failed requests",
            "requests to a model that failed for good",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'request')",
        ),
        mean(
            "request_error_share",
            "Error rate",
            "failed requests of all requests",
            Unit::Share,
            "CAST(count(*) FILTER (WHERE kind = 'request') AS DOUBLE)
             / nullif(count(*) FILTER (WHERE event IN ('api_error', 'api_request')), 0)",
        ),
        sum(
            "retries",
            "Retries",
            "tries beyond the first of requests that failed for good",
            Unit::Count,
            "coalesce(sum(CASE WHEN kind = 'request' AND attempt > 1 THEN attempt - 1 END), 0)",
        ),
        sum(
            "lost_ms",
            "Time lost",
            "how long failed requests took",
            Unit::Ms,
            "coalesce(sum(CASE WHEN kind = 'request' THEN duration_ms END), 0)",
        ),
        sum(
            "refusals",
            "Refusals",
            "answers that the model's safeguards refused",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'refusal')",
        ),
        sum(
            "tool_failures",
            "Failed calls",
            "tool calls without success",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'tool')",
        ),
        sum(
            "failed_connections",
            "Failed connections",
            "connections of MCP servers that could not be made",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'connection')",
        ),
        sum(
            "internal_errors",
            "Internal errors",
            "errors of the client itself",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'internal')",
        ),
        sum(
            "requests",
            "Requests",
            "requests that succeeded, for comparison",
            Unit::Count,
            "count(*) FILTER (WHERE event = 'api_request')",
        ),
        distinct(
            "people",
            "People",
            "distinct people who met a failure",
            Unit::Count,
            "count(DISTINCT CASE WHEN kind IS NOT NULL THEN person END)",
        ),
        distinct(
            "sessions",
            "Sessions",
            "distinct sessions with a failure",
            Unit::Count,
            "count(DISTINCT CASE WHEN kind IS NOT NULL THEN session_id END)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "api_retries_exhausted events",
            why: "they say once more that a request failed for good, beside its api_error",
            rows: "SELECT * FROM events WHERE event = 'api_retries_exhausted'",
        },
        Exclusion {
            what: "refused tool calls",
            why: "they did not run; see the report permissions",
            rows: "SELECT * FROM events WHERE event = 'tool_decision' AND decision = 'reject'",
        },
        COPIES,
    ],
    source: Source::Rows(ROWS),
};

const ROWS: &str = "
SELECT time, person, team, department, cost_center, organization_id, product, app_version, session_id, event, model, terminal_type, workspace_host_paths,
       mcp_server_name, tool_name, agent_name, status_code, error_type, attempt, duration_ms,
       CASE event WHEN 'api_error' THEN 'request' WHEN 'api_refusal' THEN 'refusal' WHEN 'tool_result' THEN 'tool'
                  WHEN 'mcp_server_connection' THEN 'connection' WHEN 'internal_error' THEN 'internal' END AS kind
FROM events WHERE event IN ('api_request', 'api_error', 'api_refusal', 'internal_error')
   OR (event = 'tool_result' AND success = false)
   OR (event = 'mcp_server_connection' AND attribute(attributes, 'status') = 'failed')";

const KIND: Dimension = dimension(
    "kind",
    "Kind",
    "request, refusal, tool, connection or internal; empty: requests that succeeded",
    "kind",
);
const STATUS: Dimension = dimension(
    "status_code",
    "Status",
    "the HTTP status; empty: none was received",
    "CAST(status_code AS VARCHAR)",
);
const ERROR_TYPE: Dimension = dimension(
    "error_type",
    "Error",
    "what kind of failure, where the client says so",
    "error_type",
);
const ATTEMPT: Dimension = dimension(
    "attempt",
    "Tries",
    "how often the request was tried",
    "CAST(attempt AS VARCHAR)",
);
