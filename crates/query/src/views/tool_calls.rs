//! `tool_calls`: one row for each call of a tool, its decision joined with its result.
//!
//! Which events are of one call is found out by `_call` (`functions/join_calls.rs`); here they
//! become a row. Invariant: a call is in the view once, however often its events were sent, and no call
//! is said to have run without a decision whose client may just not report decisions.
//!
//! Calls that are kept (`calls.rs` of the crate) are rows between the two steps: put together, and not
//! judged yet, with people as they were sent.

use store::Table;

use super::ledger::QUERY_CATEGORY;
use super::{as_sent, people};
use crate::functions::{ACCEPTED, ANSWER, OTHER_ANSWER, REFUSED, RESULT};
use crate::people::PeopleFiles;

/// The last release that is not known to report every decision in all modes: to 2.1.50, calls of
/// `claude -p` come without.
const DECISIONS_AFTER: &str = "2.1.119";

/// Columns that say the same on a decision and on its result.
const SHARED: &[&str] = &[
    "session_id",
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
    "terminal_type",
    "workspace_host_paths",
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

/// Columns that the answers of the model are read for. A question that asks for none of them does
/// without these, which are half of the events.
pub(super) const OF_ANSWERS: &[&str] = &[
    "time_to_approve_ms",
    "approve_inferred",
    "model",
    "caller_agent_name",
];

/// What is known of an event to those functions, and over which events.
const ARGUMENTS: &str = "part, time, duration_ms, tool_use_key, request_key, user_key, prompt_key, tool_key, \
    agent_key, answering_agent, answering_model";
const SESSION: &str = "OVER (PARTITION BY session_key ORDER BY time, sequence)";

/// Columns that no kept call has: ids that hardly two calls share, and what tools were given and said.
pub(crate) const NOT_KEPT: &[&str] = &[
    "tool_use_id",
    "agent_id",
    "error",
    "tool_input",
    "tool_parameters",
];
/// What people are resolved by, of a kept call.
const OF_PEOPLE: &[&str] = &[
    "user_id",
    "user_email",
    "user_account_uuid",
    "user_account_id",
    "organization_id",
    "token",
];
/// Columns of a call that only the two events together say.
const JOINED: &[&str] = &[
    "decided_at",
    "finished_at",
    "asked_ms",
    "is_ask_inferred",
    "model",
    "caller_agent_name",
    "join_inferred",
    "has_decisions",
];

/// The view. Without answers, the columns of [`OF_ANSWERS`] say nothing.
pub(super) fn tool_calls(has_answers: bool) -> String {
    judged(&calls(&events("events", has_answers, SHARED), SHARED))
}

/// The calls of sessions that have a name, put together, people as they were sent: of the events of `_events`
/// that pass a condition on them. Those of an hour and a session lie together.
pub(crate) fn kept_calls(condition: &str) -> String {
    let shared = || SHARED.iter().filter(|name| **name != "person");
    let shared: Vec<&str> = shared().chain(OF_PEOPLE).copied().collect();
    let items = format!(
        "(SELECT * FROM ({}) WHERE session_id IS NOT NULL AND {condition})",
        as_sent(Table::Events)
    );
    let kept = |name: &&str| !NOT_KEPT.contains(name) && *name != "person";
    let columns = columns().into_iter().filter(kept);
    let columns: Vec<&str> = columns.chain(OF_PEOPLE.iter().copied()).collect();
    format!(
        "SELECT {} FROM ({}) ORDER BY date_trunc('hour', coalesce(finished_at, decided_at)), session_id, finished_at",
        columns.join(", "),
        calls(&events(&items, true, &shared), &shared),
    )
}

/// The calls of `of`, which are kept ones, with the people that they are of.
pub(crate) fn seen_calls(of: &str, files: &PeopleFiles) -> String {
    // Whose a call is, is asked of both of its events. Within a day both say the same (UTC).
    let of_both = |told: &str, name: &str| {
        let at = |time: &str| {
            let told = told.strip_suffix(&format!(" AS {name}")).unwrap_or(told);
            told.replacen("(time,", &format!("({time},"), 1)
        };
        match files.is_any() {
            true => format!(
                "greatest({}, {}) AS {name}",
                at("coalesce(decided_at, finished_at)"),
                at("time")
            ),
            false => told.to_owned(),
        }
    };
    let shown = columns()
        .into_iter()
        .filter(|name| !NOT_KEPT.contains(name));
    let shown = shown.map(|name| match name {
        "person" => of_both(&people::name(files), name),
        "team" | "department" | "cost_center" => of_both(&people::unit(name, files), name),
        _ => name.to_owned(),
    });
    let shown: Vec<String> = shown.collect();
    format!(
        "SELECT time, {} FROM (SELECT *, coalesce(finished_at, decided_at) AS time FROM {of})",
        shown.join(", ")
    )
}

/// The view, of kept calls where these say it: of the sessions for which `is_read` holds, the events are
/// read. The columns of [`NOT_KEPT`] say nothing.
pub(crate) fn tool_calls_of_kept((kept, events_of): (&str, &str), is_read: &str) -> String {
    let columns = columns().into_iter().map(|name| match name {
        name if NOT_KEPT.contains(&name) => {
            format!("arrow_cast(NULL, 'Utf8View') AS {name}")
        }
        name => name.to_owned(),
    });
    let columns: Vec<String> = columns.collect();
    let columns = columns.join(", ");
    let items = format!("(SELECT * FROM {events_of} WHERE session_id IS NULL OR {is_read})");
    judged(&format!(
        "SELECT {columns} FROM {kept} WHERE NOT ({is_read})
         UNION ALL SELECT {columns} FROM ({})",
        calls(&events(&items, true, SHARED), SHARED),
    ))
}

/// The columns of a call that is put together.
fn columns() -> Vec<&'static str> {
    let all = [SHARED, DECIDED, FINISHED, BOTH, JOINED];
    all.into_iter().flatten().copied().collect()
}

/// The calls that events make.
fn calls(events: &str, shared: &[&str]) -> String {
    let sides = sides(shared);
    format!(
        "
SELECT {sides} FROM (
  SELECT *, _call({ARGUMENTS}) {SESSION} AS mark, _asked({ARGUMENTS}) {SESSION} AS asked,
         _asking_model({ARGUMENTS}) {SESSION} AS asking_model, _asking_agent({ARGUMENTS}) {SESSION} AS asking_agent
  FROM ({events})
) WHERE mark IS NOT NULL GROUP BY session_key, mark >> 2"
    )
}

/// Calls as rows of the view.
fn judged(calls: &str) -> String {
    format!(
        "
WITH judged AS (
  SELECT *, coalesce(finished_at, decided_at) AS time,
         CASE WHEN decision = 'reject' AND success IS NOT TRUE THEN 'refused'
              WHEN finished_at IS NULL THEN 'pending' WHEN success THEN 'succeeded'
              WHEN NOT success THEN 'failed' ELSE 'unknown' END AS outcome,
         CASE WHEN decision_source LIKE 'user%' THEN 'person' WHEN decision_source = 'hook' THEN 'hook'
              WHEN decision_source = 'config' THEN 'settings' END AS decided_by
  FROM ({calls})
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
       CASE WHEN decided_by = 'person' AND decided_at IS NOT NULL AND asked_ms IS NOT NULL
            THEN greatest(0, CAST(decided_at AS BIGINT) - asked_ms) END AS time_to_approve_ms,
       coalesce(decided_by = 'person' AND asked_ms IS NOT NULL AND is_ask_inferred, false) AS approve_inferred,
       request_id, model, caller_agent_name, terminal_type, workspace_host_paths
FROM judged"
    )
}

const TOOL_KIND: &str = "
CASE WHEN tool_source IN ('mcp', 'sdk_host_builtin_mcp') OR tool_name = 'mcp_tool' OR starts_with(tool_name, 'mcp__') THEN 'mcp'
     WHEN tool_name IN ('Agent', 'Task') THEN 'agent' WHEN tool_name = 'Skill' THEN 'skill'
     WHEN tool_name IS NOT NULL THEN 'builtin' END AS tool_kind";

/// The events that calls are put together from. All of them are sorted by session before anything is
/// summed up: what is only compared is a number, and of all else only those columns are read and kept
/// that a question asks for. What names no session is looked at by installation.
fn events(of: &str, has_answers: bool, shared: &[&'static str]) -> String {
    let kinds = match has_answers {
        true => "'tool_decision', 'tool_result', 'api_request'",
        false => "'tool_decision', 'tool_result'",
    };
    let of_answers = |name: &str| match has_answers {
        true => format!("_compact({name})"),
        false => "CAST(NULL AS VARCHAR)".to_owned(),
    };
    let shown = shared.iter().chain(DECIDED).chain(FINISHED).chain(BOTH);
    let shown = shown.map(|name| match *name {
        "success" | "duration_ms" | "tool_input_size_bytes" | "tool_result_size_bytes" => {
            (*name).to_owned()
        }
        text => format!("_compact({text}) AS {text}"),
    });
    format!(
        "
SELECT time, sequence, _key(coalesce(session_id, user_id)) AS session_key, _key(tool_use_id) AS tool_use_key, _key(request_id) AS request_key,
       _key(user_id) AS user_key, _key(prompt_id) AS prompt_key, _key(tool_name) AS tool_key, _key(agent_id) AS agent_key,
       {} AS answering_agent, {} AS answering_model,
       CAST(CASE WHEN event = 'tool_result' THEN {RESULT} WHEN event = 'tool_decision' AND decision = 'reject' THEN {REFUSED}
                 WHEN event = 'tool_decision' THEN {ACCEPTED} WHEN query_category = 'auxiliary' THEN {OTHER_ANSWER}
                 ELSE {ANSWER} END AS TINYINT) AS part,
       {}
FROM (SELECT *, {QUERY_CATEGORY} FROM {of} WHERE event IN ({kinds}))",
        of_answers("agent_name"),
        of_answers("model"),
        shown.collect::<Vec<_>>().join(", "),
    )
}

/// The columns of a call from those of its one decision and its one result.
fn sides(shared: &[&str]) -> String {
    let decided =
        |value: &str| format!("max(CASE WHEN part IN ({ACCEPTED}, {REFUSED}) THEN {value} END)");
    let finished = |value: &str| format!("max(CASE WHEN part = {RESULT} THEN {value} END)");
    let mut columns: Vec<String> = Vec::new();
    for name in shared {
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
    let asked = decided("asked");
    columns.extend([
        format!("{asked} >> 1 AS asked_ms"),
        format!("coalesce({asked} & 1 = 1, false) AS is_ask_inferred"),
        "max(asking_model) AS model".to_owned(),
        "max(asking_agent) AS caller_agent_name".to_owned(),
        "bool_or(mark & 1 = 1) AS join_inferred".to_owned(),
        "bool_or(mark & 2 = 2) AS has_decisions".to_owned(),
    ]);
    columns.join(", ")
}
