//! `ledger`: one row for each request to a model, with what it costs and what that rests on.
//!
//! Invariant: what a request costs is computed in one place, the column `cost_usd` of `events`. All
//! sums of all views and reports are sums of that column; what is here beside it explains it.

use crate::functions::LEDGER_ARGUMENTS;

/// The cost of an event: the ledger's where it is a request, with the client's own beside it.
pub(super) fn event_cost() -> String {
    format!("_ledger_cost(cost_usd, {LEDGER_ARGUMENTS}) AS cost_usd, cost_usd AS client_cost_usd")
}

/// Main agent, subagent or neither, in the one vocabulary that metrics have; events say more.
pub(super) const QUERY_CATEGORY: &str = "
CASE WHEN query_source IS NULL OR query_source IN ('sdk', 'main') OR query_source LIKE 'repl_main_thread%' THEN 'main'
     WHEN query_source IN ('hook_agent', 'subagent') OR query_source LIKE 'agent:%' THEN 'subagent'
     ELSE 'auxiliary' END AS query_category";

/// What was worked on: the repository as the client names it, else what the administrator set as
/// `project` on the resource. Newer clients repeat keys of the resource on every item.
pub(crate) const PROJECT: &str = "
coalesce(attribute(attributes, 'vcs.repository.name'), attribute(resource, 'vcs.repository.name'),
         attribute(attributes, 'vcs.repository.url.full'), attribute(resource, 'vcs.repository.url.full'),
         attribute(resource, 'project'), attribute(attributes, 'project')) AS project";

pub(super) fn ledger() -> String {
    ledger_with("")
}

/// With `more` columns of the events.
pub(super) fn ledger_with(more: &str) -> String {
    let arguments = format!("client_cost_usd, {LEDGER_ARGUMENTS}");
    format!(
        "
SELECT time, received_at, product, person, session_id, sequence, prompt_id, user_id, user_email, user_account_uuid,
       user_account_id, organization_id, terminal_type, app_version, team, department, cost_center,
       model, query_source, {QUERY_CATEGORY}, speed, effort, request_id, client_request_id,
       cost_usd, _ledger_basis({arguments}) AS cost_basis, _ledger_note({arguments}, attributes) AS cost_note,
       client_cost_usd, _list_cost({arguments}) AS list_cost_usd,
       _list_cost_low({arguments}) AS list_cost_low_usd, _list_cost_high({arguments}) AS list_cost_high_usd,
       _price_book_version() AS price_book_version,
       cost_usd * _net_per_usd() AS net_cost, _currency() AS currency,
       _cache_saved({arguments}) AS cache_saved_usd, {PROJECT},
       input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cache_creation_5m_tokens,
       cache_creation_1h_tokens, duration_ms, ttft_ms, agent_name, agent_id, skill_name, plugin_name,
       mcp_server_name, mcp_tool_name, person_basis, workspace_host_paths{more}
FROM events WHERE event = 'api_request'"
    )
}
