//! `usage`: cost and tokens of all clients, from events where a client sends them and from metrics
//! where it sends those only.
//!
//! Invariant: no dollar and no token is in it twice. Metrics repeat the sums of events, so the data
//! points of a session count only when the session has no request event at all, whenever these come.
//! Without `session.id` (clients may be told to leave it out, of both signals) the installation takes
//! its place, and only a day on which it sent no request event, nor on the day before or after, is
//! served from metrics: a data point may come a minute after midnight.

use super::ledger::{PROJECT, QUERY_CATEGORY};

/// Metrics of older clients count some answers several times.
pub(super) const INFLATED_BEFORE: &str = "2.1.214";

/// The data points that say what events say, too; no cost or count beyond what columns of events hold.
pub(super) const SPENT_POINTS: &str = "
SELECT *, CASE WHEN name = 'claude_code.cost.usage' AND value <= 1000000 THEN value END AS point_cost_usd,
       CASE WHEN name = 'claude_code.token.usage' AND value <= 9007199254740992 THEN CAST(value AS BIGINT) END AS tokens
FROM metrics WHERE name IN ('claude_code.cost.usage', 'claude_code.token.usage') AND value IS NOT NULL";

const SHARED: &str = "time, received_at, product, person, session_id, user_id, user_email, user_account_uuid,
       user_account_id, organization_id, terminal_type, app_version, team, department, cost_center,
       model, query_source, query_category, speed, effort, agent_name, skill_name, plugin_name, mcp_server_name";

pub(super) fn usage() -> String {
    once(
        &of_requests(""),
        &of_points(""),
        "SELECT session_id, user_id, person, time FROM events WHERE event = 'api_request'",
    )
}

/// Requests, and the data points that no request covers. `requested` says of all times who sent requests.
///
/// What is covered is on the left of the joins: it is what these hold in memory, and the smaller part.
pub(super) fn once(requests: &str, points: &str, requested: &str) -> String {
    format!(
        "
WITH requested AS ({requested}), covered_sessions AS (
  SELECT DISTINCT session_id FROM requested WHERE session_id IS NOT NULL
), covered_days AS (
  SELECT DISTINCT installation, day + days.around AS day FROM (
    SELECT DISTINCT coalesce(user_id, person, '') AS installation, date_trunc('day', time) AS day
    FROM requested WHERE session_id IS NULL
  ) CROSS JOIN (VALUES (INTERVAL '-1 day'), (INTERVAL '0 day'), (INTERVAL '1 day')) AS days(around)
), told AS ({points})
SELECT * FROM ({requests})
UNION ALL
SELECT told.* FROM covered_sessions RIGHT ANTI JOIN (SELECT * FROM told WHERE session_id IS NOT NULL) AS told
  ON told.session_id = covered_sessions.session_id
UNION ALL
SELECT told.* FROM covered_days RIGHT ANTI JOIN (SELECT * FROM told WHERE session_id IS NULL) AS told
  ON coalesce(told.user_id, told.person, '') = covered_days.installation
     AND date_trunc('day', told.time) = covered_days.day"
    )
}

/// A request as a row of the view, with `more` columns of the ledger.
pub(super) fn of_requests(more: &str) -> String {
    format!(
        "
SELECT {SHARED}, prompt_id, 'events' AS source, CAST(NULL AS VARCHAR) AS source_note,
       1 AS requests, cost_usd, cost_basis, net_cost, currency, cache_saved_usd, project,
       input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, person_basis, workspace_host_paths{more}
FROM ledger"
    )
}

/// A data point as a row of the view, with `more` columns of it.
pub(super) fn of_points(more: &str) -> String {
    format!(
        "
SELECT {SHARED}, CAST(NULL AS VARCHAR) AS prompt_id, 'metrics' AS source,
       CASE WHEN _version_before(app_version, '{INFLATED_BEFORE}') THEN 'may_be_inflated' END AS source_note,
       0 AS requests, point_cost_usd AS cost_usd,
       CASE WHEN point_cost_usd IS NOT NULL THEN 'client' END AS cost_basis,
       point_cost_usd * _net_per_usd() AS net_cost, _currency() AS currency,
       CAST(NULL AS DOUBLE) AS cache_saved_usd, {PROJECT},
       CASE WHEN type = 'input' THEN tokens END AS input_tokens,
       CASE WHEN type = 'output' THEN tokens END AS output_tokens,
       CASE WHEN type = 'cacheRead' THEN tokens END AS cache_read_tokens,
       CASE WHEN type = 'cacheCreation' THEN tokens END AS cache_creation_tokens, person_basis,
       CAST(NULL AS VARCHAR) AS workspace_host_paths{more}
FROM (SELECT *, {QUERY_CATEGORY} FROM ({SPENT_POINTS}))"
    )
}
