//! A page of prompts, newest first. A prompt's sums are over all of it, whichever of its events
//! brought it here.

use serde::{Deserialize, Serialize};
use store::Snapshot;
use utoipa::ToSchema;

use super::filter::{Filter, texts, time};
use super::measures::{MEASURES, TOKENS};
use super::{page, rows};
use crate::error::QueryError;
use crate::question::Question;

/// A list shows the beginning of a prompt; its replay shows the whole.
const PROMPT_CHARS_MAX: usize = 1_000;

/// One prompt, summed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Prompt {
    /// Its id.
    pub prompt_id: String,
    /// The session it was asked in.
    pub session_id: Option<String>,
    /// Who asked.
    pub person: Option<String>,
    /// Which product.
    pub product: Option<String>,
    /// Its first event, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Its last event, milliseconds since the Unix epoch.
    pub end_ms: Option<i64>,
    /// The first 1,000 characters of its text, where the client sent it.
    pub prompt: Option<String>,
    /// How long the text is, characters.
    pub prompt_length: Option<u64>,
    /// What kind of prompt, as the client says.
    pub prompt_kind: Option<String>,
    /// Cost of the requests, US dollars.
    pub cost_usd: f64,
    /// Successful requests to a model.
    pub requests: u64,
    /// Tokens of all four kinds.
    pub tokens: u64,
    /// Tool calls: finished ones and rejected ones.
    pub tool_calls: u64,
    /// Requests that failed for good.
    pub errors: u64,
}

/// A page of prompts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PromptPage {
    /// The prompts, the one that was asked last first.
    pub prompts: Vec<Prompt>,
    /// The `before_ms` of the next page; null on the last.
    pub next_before_ms: Option<i64>,
}

#[derive(Deserialize)]
struct Asked {
    prompt_id: String,
    time_ms: i64,
}

/// The prompts that pass a filter, newest first; those that began before `before_ms`, if given, and
/// those with a failed request only, if `errors`.
pub async fn prompts(
    question: &Question<'_>,
    filter: &Filter,
    limit: usize,
    before_ms: Option<i64>,
    errors: bool,
) -> Result<PromptPage, QueryError> {
    filter.check()?;
    let limit = limit.clamp(1, page::ROWS_MAX);
    let snapshot = question.snapshot().await?;
    let before = before_ms
        .map(|ms| format!("HAVING min(time) < {}", time(ms)))
        .unwrap_or_default();
    let failed = match errors {
        true => format!(
            "AND prompt_id IN ({})",
            filter.prompts_where("event = 'api_error'")
        ),
        false => String::new(),
    };
    let sql = format!(
        "SELECT prompt_id, min(time) AS time_ms FROM events
         WHERE prompt_id IS NOT NULL AND {} {failed} GROUP BY prompt_id {before}
         ORDER BY time_ms DESC, prompt_id LIMIT {}",
        filter.prompts(),
        limit + page::TIES_MAX,
    );
    let mut asked: Vec<Asked> = rows(question, &snapshot, sql).await?;
    let next_before_ms = page::cut(&mut asked, limit, |row| row.time_ms);
    if asked.is_empty() {
        return Ok(PromptPage {
            prompts: Vec::new(),
            next_before_ms,
        });
    }
    let ids = texts(asked.iter().map(|row| row.prompt_id.as_str()));
    let range = Filter::range(filter.from_ms, filter.to_ms).events();
    let condition = format!("prompt_id IN ({ids}) AND {range}");
    let prompts = prompts_of(
        question,
        &snapshot,
        &condition,
        page::ROWS_MAX + page::TIES_MAX,
    )
    .await?;
    Ok(PromptPage {
        prompts,
        next_before_ms,
    })
}

/// The prompts of the events that fulfil a condition, newest first.
pub(super) async fn prompts_of(
    question: &Question<'_>,
    snapshot: &Snapshot,
    condition: &str,
    limit: usize,
) -> Result<Vec<Prompt>, QueryError> {
    let sql = format!(
        "SELECT *, {TOKENS} FROM (
           SELECT prompt_id, max(session_id) AS session_id, max(person) AS person, max(product) AS product,
                  min(time) AS time_ms, max(time) AS end_ms,
                  max(left(prompt, {PROMPT_CHARS_MAX})) FILTER (WHERE event = 'user_prompt') AS prompt,
                  max(prompt_length) FILTER (WHERE event = 'user_prompt') AS prompt_length,
                  max(prompt_kind) AS prompt_kind, {MEASURES}
           FROM events WHERE prompt_id IS NOT NULL AND {condition} GROUP BY prompt_id)
         ORDER BY time_ms DESC, prompt_id LIMIT {limit}"
    );
    rows(question, snapshot, sql).await
}
