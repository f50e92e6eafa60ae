//! `tool_calls`: one row for each call of a tool, its decision joined with its result.
//!
//! Which events are of one call is found out by `_tool_call` (`functions/join_calls.rs`); here they
//! become a row. Invariant: a call is in the view once, however often its events were sent, and no call
//! is said to have run without a decision whose client may just not report decisions.

use super::ledger::QUERY_CATEGORY;
use crate::functions::TOOL_CALL_ARGUMENTS;

/// The last release that is not known to report every decision in all modes: to 2.1.50, calls of
/// `claude -p` come without.
const DECISIONS_AFTER: &str = "2.1.119";

/// Columns that say the same on a decision and on its result.
const SHARED: &[&str] = &[
    "product",
    "person",
    "prompt_id",
    "team",
    "department",
    "cost_center",
    "app_version",
    "tool_use_id",
    "tool_name",
    "tool_source",
    "mcp_server_name",
    "mcp_tool_name",
    "skill_name",
    "agent_name",
    "agent_id",
    "plugin_name",
    "request_id",
];
/// Columns of the decision.
const DECIDED: &[&str] = &["decision", "permission_mode"];
/// Columns of the result.
const FINISHED: &[&str] = &[
    "success",
    "duration_ms",
    "error",
    "error_type",
    "tool_input_size_bytes",
    "tool_result_size_bytes",
    "tool_input",
];
/// Columns that both have, and the result in fuller form.
const BOTH: &[&str] = &["decision_source", "tool_parameters"];

pub(super) fn tool_calls() -> String {
    let sides = sides();
    format!(
        "
WITH marked AS (
  SELECT *, _tool_call({TOOL_CALL_ARGUMENTS}) OVER (PARTITION BY session_id ORDER BY time, sequence) AS mark
  FROM (
    SELECT *, query_category <> 'auxiliary' AS is_agent
    FROM (SELECT *, {QUERY_CATEGORY} FROM events WHERE event IN ('tool_decision', 'tool_result', 'api_request'))
  )
), calls AS (
  SELECT session_id, get_field(mark, 'call') AS call, {sides}
  FROM marked WHERE get_field(mark, 'call') IS NOT NULL
  GROUP BY session_id, get_field(mark, 'call')
), judged AS (
  SELECT *, coalesce(finished_at, decided_at) AS time,
         CASE WHEN decision = 'reject' AND success IS NOT TRUE THEN 'refused'
              WHEN finished_at IS NULL THEN 'pending' WHEN success THEN 'succeeded'
              WHEN NOT success THEN 'failed' ELSE 'unknown' END AS outcome,
         CASE WHEN decision_source LIKE 'user%' THEN 'person' WHEN decision_source = 'hook' THEN 'hook'
              WHEN decision_source = 'config' THEN 'settings' END AS decided_by
  FROM calls
)
SELECT time, decided_at, finished_at, product, person, session_id, prompt_id, team, department, cost_center,
       app_version, tool_use_id, tool_name, decision, decision_source, tool_source, permission_mode,
       success, duration_ms, error, error_type, tool_input_size_bytes, tool_result_size_bytes,
       mcp_server_name, mcp_tool_name, skill_name, agent_name, agent_id, tool_input, tool_parameters, join_inferred,
       CASE WHEN mcp_server_name IS NOT NULL AND mcp_tool_name IS NOT NULL
            THEN concat(mcp_server_name, '/', mcp_tool_name) ELSE tool_name END AS tool,
       {TOOL_KIND}, plugin_name, outcome,
       CASE WHEN decided_at IS NOT NULL OR decision_source IS NOT NULL THEN 'decided'
            WHEN has_decisions OR (product IN ('claude-code', 'cowork', 'claude-code-desktop')
                                   AND _version_before('{DECISIONS_AFTER}', app_version))
            THEN 'without_decision' ELSE 'not_reported' END AS decision_state,
       decided_by, CASE WHEN outcome <> 'refused' AND decision_source NOT IN ('user_abort', 'user_reject')
                        THEN decided_by END AS approved_by,
       outcome <> 'refused' AND decision_source IS NOT NULL
         AND decision_source IN ('config', 'user_permanent') AS is_standing_grant,
       CASE WHEN decided_by = 'person' AND decided_at IS NOT NULL AND asked_at IS NOT NULL
            THEN greatest(0, CAST(decided_at AS BIGINT) - CAST(asked_at AS BIGINT)) END AS time_to_approve_ms,
       coalesce(decided_by = 'person' AND asked_at IS NOT NULL AND is_ask_inferred, false) AS approve_inferred,
       request_id, model, caller_agent_name
FROM judged"
    )
}

const TOOL_KIND: &str = "
CASE WHEN tool_source IN ('mcp', 'sdk_host_builtin_mcp') OR tool_name = 'mcp_tool' OR starts_with(tool_name, 'mcp__') THEN 'mcp'
     WHEN tool_name IN ('Agent', 'Task') THEN 'agent' WHEN tool_name = 'Skill' THEN 'skill'
     WHEN tool_name IS NOT NULL THEN 'builtin' END AS tool_kind";

/// The columns of a call from those of its one decision and its one result.
fn sides() -> String {
    let is =
        |event: &str, value: &str| format!("max(CASE WHEN event = '{event}' THEN {value} END)");
    let decided = |value: &str| is("tool_decision", value);
    let finished = |value: &str| is("tool_result", value);
    let mut columns: Vec<String> = Vec::new();
    for name in SHARED {
        columns.push(format!("max({name}) AS {name}"));
    }
    for name in DECIDED {
        columns.push(format!("{} AS {name}", decided(name)));
    }
    for name in FINISHED {
        columns.push(format!("{} AS {name}", finished(name)));
    }
    for name in BOTH {
        let (first, second) = match *name {
            "decision_source" => (decided(name), finished(name)),
            _ => (finished(name), decided(name)),
        };
        columns.push(format!("coalesce({first}, {second}) AS {name}"));
    }
    columns.push(format!("{} AS decided_at", decided("time")));
    columns.push(format!("{} AS finished_at", finished("time")));
    columns.push(format!(
        "{} AS asked_at",
        decided("get_field(mark, 'asked_at')")
    ));
    columns.push("max(get_field(mark, 'model')) AS model".to_owned());
    columns.push("max(get_field(mark, 'agent_name')) AS caller_agent_name".to_owned());
    for (name, flag) in [
        ("join_inferred", "is_by_order"),
        ("is_ask_inferred", "is_ask_inferred"),
        ("has_decisions", "has_decisions"),
    ] {
        columns.push(format!("bool_or(get_field(mark, '{flag}')) AS {name}"));
    }
    columns.join(", ")
}
