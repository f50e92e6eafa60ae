//! `reconciliation`: what a client's events say against what its metrics say, never added.
//!
//! One row for each session, model, category of query and measure. Models are compared by their
//! canonical name (metrics of some clients say `claude-opus-4-8[1m]` where their events say
//! `claude-opus-4-8`), categories in the vocabulary of metrics. Without `session.id` an
//! installation's rows are compared as one session.

use super::ledger::QUERY_CATEGORY;
use super::usage::{INFLATED_BEFORE, SPENT_POINTS};

pub(super) fn reconciliation() -> String {
    const KEY: &str = "coalesce(session_id, concat('installation ', coalesce(user_id, person, ''))) AS session_key";
    format!(
        "
WITH events_side AS (
  SELECT session_key, model_key, query_category, max(session_id) AS session_id, max(person) AS person,
         max(product) AS product, max(app_version) AS app_version, min(time) AS time,
         coalesce(sum(cost_usd), 0) AS cost_usd, sum(coalesce(input_tokens, 0)) AS input_tokens,
         sum(coalesce(output_tokens, 0)) AS output_tokens, sum(coalesce(cache_read_tokens, 0)) AS cache_read_tokens,
         sum(coalesce(cache_creation_tokens, 0)) AS cache_creation_tokens
  FROM (SELECT *, {KEY}, coalesce(_model(model), '') AS model_key FROM ledger)
  GROUP BY session_key, model_key, query_category
), metrics_side AS (
  SELECT session_key, model_key, query_category, max(session_id) AS session_id, max(person) AS person,
         max(product) AS product, max(app_version) AS app_version, min(time) AS time,
         coalesce(sum(point_cost_usd), 0) AS cost_usd,
         sum(CASE WHEN type = 'input' THEN coalesce(tokens, 0) ELSE 0 END) AS input_tokens,
         sum(CASE WHEN type = 'output' THEN coalesce(tokens, 0) ELSE 0 END) AS output_tokens,
         sum(CASE WHEN type = 'cacheRead' THEN coalesce(tokens, 0) ELSE 0 END) AS cache_read_tokens,
         sum(CASE WHEN type = 'cacheCreation' THEN coalesce(tokens, 0) ELSE 0 END) AS cache_creation_tokens
  FROM (SELECT *, {QUERY_CATEGORY}, {KEY}, coalesce(_model(model), '') AS model_key FROM ({SPENT_POINTS}))
  GROUP BY session_key, model_key, query_category
), sides AS (
  SELECT least(e.time, m.time) AS time, coalesce(e.session_id, m.session_id) AS session_id,
         coalesce(e.person, m.person) AS person, coalesce(e.product, m.product) AS product,
         coalesce(e.app_version, m.app_version) AS app_version,
         nullif(coalesce(e.model_key, m.model_key), '') AS model,
         coalesce(e.query_category, m.query_category) AS query_category, measure,
         CASE WHEN e.session_key IS NOT NULL THEN CASE measure
           WHEN 'cost_usd' THEN e.cost_usd WHEN 'input_tokens' THEN CAST(e.input_tokens AS DOUBLE)
           WHEN 'output_tokens' THEN CAST(e.output_tokens AS DOUBLE)
           WHEN 'cache_read_tokens' THEN CAST(e.cache_read_tokens AS DOUBLE)
           ELSE CAST(e.cache_creation_tokens AS DOUBLE) END END AS events_value,
         CASE WHEN m.session_key IS NOT NULL THEN CASE measure
           WHEN 'cost_usd' THEN m.cost_usd WHEN 'input_tokens' THEN CAST(m.input_tokens AS DOUBLE)
           WHEN 'output_tokens' THEN CAST(m.output_tokens AS DOUBLE)
           WHEN 'cache_read_tokens' THEN CAST(m.cache_read_tokens AS DOUBLE)
           ELSE CAST(m.cache_creation_tokens AS DOUBLE) END END AS metrics_value
  FROM events_side e FULL OUTER JOIN metrics_side m
    ON e.session_key = m.session_key AND e.model_key = m.model_key AND e.query_category = m.query_category
  CROSS JOIN (VALUES ('cost_usd'), ('input_tokens'), ('output_tokens'), ('cache_read_tokens'),
                     ('cache_creation_tokens')) AS measures(measure)
), judged AS (
  SELECT *, coalesce(metrics_value, 0) - coalesce(events_value, 0) AS difference,
         CASE WHEN metrics_value IS NULL THEN 'events_only' WHEN events_value IS NULL THEN 'metrics_only'
              WHEN abs(metrics_value - events_value) <= CASE measure WHEN 'cost_usd' THEN 0.000001 ELSE 0.5 END
              THEN 'agree' ELSE 'differs' END AS verdict
  FROM sides
)
SELECT *, CASE WHEN verdict IN ('differs', 'metrics_only') AND _version_before(app_version, '{INFLATED_BEFORE}')
               THEN 'metrics_may_be_inflated' END AS note
FROM judged"
    )
}
