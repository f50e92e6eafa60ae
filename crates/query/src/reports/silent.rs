//! What clients that send metrics only add to an overview: what they spent, and that they did.
//!
//! Most installations have no such client, and whoever has none pays little: the sessions of the data
//! points are looked for among those whose requests the pass over the events has seen. Only when one
//! is not there, the view `usage` is asked, which reads the requests of all time to be sure.

use arrow::array::StringViewArray;
use store::Snapshot;

use super::filter::Filter;
use super::tally::{SILENT, Tally};
use crate::engine::Answer;
use crate::error::QueryError;
use crate::question::Question;

/// Sessions of data points that are compared; with more, the view is asked in any case.
const SESSIONS_MAX: usize = 100_000;
/// A text of the type that columns have.
const TEXT: &str = "'Utf8View'";

/// Adds what they spent in the range of a filter and in the period before.
pub(super) async fn add_silent(
    question: &Question<'_>,
    snapshot: Snapshot,
    filter: &Filter,
    tally: Tally,
) -> Result<Tally, QueryError> {
    let Some(condition) = filter.with_previous().points() else {
        return Ok(tally);
    };
    let condition = format!("{condition} AND {}", filter.not_between());
    let sessions = format!(
        "SELECT DISTINCT session_id FROM metrics
         WHERE name IN ('claude_code.cost.usage', 'claude_code.token.usage') AND value > 0 AND {condition}"
    );
    let sessions = question
        .query_snapshot(snapshot.clone(), sessions, SESSIONS_MAX)
        .await?;
    if !has_others(&sessions, &tally)? {
        return Ok(tally);
    }
    let sql = format!(
        "SELECT time, arrow_cast('{SILENT}', {TEXT}) AS event, arrow_cast(NULL, {TEXT}) AS session_id, person, product,
                model, arrow_cast(NULL, {TEXT}) AS tool_name, CAST(NULL AS BOOLEAN) AS success,
                arrow_cast(NULL, {TEXT}) AS decision, CAST(NULL AS BIGINT) AS duration_ms, cost_usd, input_tokens,
                output_tokens, cache_read_tokens, cache_creation_tokens
         FROM usage WHERE source = 'metrics' AND {condition}"
    );
    let spent = question
        .fold_snapshot(snapshot, sql, tally.emptied())
        .await?;
    Ok(spent.iter().fold(tally, Tally::merge))
}

/// Whether there is a session, or a data point without one, of which no request was seen.
fn has_others(sessions: &Answer, tally: &Tally) -> Result<bool, QueryError> {
    let requested = tally.requested();
    for batch in &sessions.batches {
        let names = batch.column(0).as_any().downcast_ref::<StringViewArray>();
        let names = names.ok_or_else(|| QueryError::internal("session_id is no text"))?;
        let is_other = |name: Option<&str>| name.is_none_or(|name| !requested.contains(name));
        if names.iter().any(is_other) {
            return Ok(true);
        }
    }
    Ok(sessions.truncated)
}
