//! What is counted, as SQL over events: the one place where the rules are written.

/// Counts, cost and tokens of a group of events.
pub(super) const MEASURES: &str = "
    count(*) FILTER (WHERE event = 'user_prompt') AS prompts,
    count(*) FILTER (WHERE event = 'api_request') AS requests,
    count(*) FILTER (WHERE event = 'api_error') AS errors,
    count(*) FILTER (WHERE event = 'tool_result' OR (event = 'tool_decision' AND decision = 'reject')) AS tool_calls,
    count(*) FILTER (WHERE event = 'tool_result' AND success = false) AS tool_failures,
    count(*) FILTER (WHERE event = 'tool_decision' AND decision = 'reject') AS tool_rejections,
    coalesce(sum(cost_usd) FILTER (WHERE event = 'api_request'), 0) AS cost_usd,
    coalesce(sum(input_tokens) FILTER (WHERE event = 'api_request'), 0) AS input_tokens,
    coalesce(sum(output_tokens) FILTER (WHERE event = 'api_request'), 0) AS output_tokens,
    coalesce(sum(cache_read_tokens) FILTER (WHERE event = 'api_request'), 0) AS cache_read_tokens,
    coalesce(sum(cache_creation_tokens) FILTER (WHERE event = 'api_request'), 0) AS cache_creation_tokens";

/// All four kinds of tokens, of a row that has the measures.
pub(super) const TOKENS: &str =
    "input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens AS tokens";
