//! A page of sessions, newest first; and one session with its prompts.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use store::Snapshot;
use utoipa::ToSchema;

use super::filter::{Filter, text, texts, time};
use super::measures::{MEASURES, TOKENS};
use super::prompts::{Prompt, prompts_of};
use super::{page, rows};
use crate::error::QueryError;
use crate::question::Question;

/// How many prompts of one session are listed.
const PROMPTS_MAX: usize = 5_000;

/// One session, summed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Its id.
    pub session_id: String,
    /// Whose it is.
    pub person: Option<String>,
    /// Which product.
    pub product: Option<String>,
    /// Which version of its client.
    pub app_version: Option<String>,
    /// Where the client runs.
    pub terminal_type: Option<String>,
    /// Its first event, milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// Its last event, milliseconds since the Unix epoch.
    pub end_ms: i64,
    /// Prompts.
    pub prompts: u64,
    /// Successful requests to a model.
    pub requests: u64,
    /// Cost of the requests, US dollars.
    pub cost_usd: f64,
    /// Tokens of all four kinds.
    pub tokens: u64,
    /// Tool calls: finished ones and rejected ones.
    pub tool_calls: u64,
    /// Requests that failed for good.
    pub errors: u64,
    /// The models it used, by name.
    #[serde(default)]
    pub models: Vec<String>,
}

/// A page of sessions.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SessionPage {
    /// The sessions, the one that started last first.
    pub sessions: Vec<Session>,
    /// The `before_ms` of the next page; null on the last.
    pub next_before_ms: Option<i64>,
}

/// One session with its prompts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SessionDetail {
    /// The session, whole.
    pub session: Session,
    /// Its prompts in order.
    pub prompts: Vec<Prompt>,
}

#[derive(Deserialize)]
struct Started {
    session_id: String,
    start_ms: i64,
}

/// The sessions that have events that pass a filter, newest first; those that started before
/// `before_ms`, if given. Sums are over the events that pass.
pub async fn sessions(
    question: &Question<'_>,
    filter: &Filter,
    limit: usize,
    before_ms: Option<i64>,
) -> Result<SessionPage, QueryError> {
    filter.check()?;
    let limit = limit.clamp(1, page::ROWS_MAX);
    let snapshot = question.snapshot().await?;
    let before = before_ms
        .map(|ms| format!("HAVING min(time) < {}", time(ms)))
        .unwrap_or_default();
    let condition = filter.events();
    let sql = format!(
        "SELECT session_id, min(time) AS start_ms FROM events
         WHERE session_id IS NOT NULL AND {condition} GROUP BY session_id {before}
         ORDER BY start_ms DESC, session_id LIMIT {}",
        limit + page::TIES_MAX,
    );
    let mut started: Vec<Started> = rows(question, &snapshot, sql).await?;
    let next_before_ms = page::cut(&mut started, limit, |row| row.start_ms);
    let ids = texts(started.iter().map(|row| row.session_id.as_str()));
    let sessions = match started.is_empty() {
        true => Vec::new(),
        false => {
            summed(
                question,
                &snapshot,
                &format!("session_id IN ({ids}) AND {condition}"),
            )
            .await?
        }
    };
    Ok(SessionPage {
        sessions,
        next_before_ms,
    })
}

/// One session and its prompts, whatever their time; `None` when there is none of that id.
pub async fn session(
    question: &Question<'_>,
    id: &str,
) -> Result<Option<SessionDetail>, QueryError> {
    let snapshot = question.snapshot().await?;
    let condition = format!("session_id = {}", text(id));
    let (sessions, mut prompts) = futures::try_join!(
        summed(question, &snapshot, &condition),
        prompts_of(question, &snapshot, &condition, PROMPTS_MAX),
    )?;
    prompts.reverse();
    Ok(sessions
        .into_iter()
        .next()
        .map(|session| SessionDetail { session, prompts }))
}

#[derive(Deserialize)]
struct Used {
    session_id: String,
    model: String,
}

/// The sessions of the events that fulfil a condition, newest first.
async fn summed(
    question: &Question<'_>,
    snapshot: &Snapshot,
    condition: &str,
) -> Result<Vec<Session>, QueryError> {
    let sums = format!(
        "SELECT *, {TOKENS} FROM (
           SELECT session_id, max(person) AS person, max(product) AS product, max(app_version) AS app_version,
                  max(terminal_type) AS terminal_type, min(time) AS start_ms, max(time) AS end_ms, {MEASURES}
           FROM events WHERE {condition} GROUP BY session_id)
         ORDER BY start_ms DESC, session_id"
    );
    let models = format!(
        "SELECT session_id, model FROM events
         WHERE event = 'api_request' AND model IS NOT NULL AND {condition} GROUP BY session_id, model ORDER BY model"
    );
    let (mut sessions, used) = futures::try_join!(
        rows::<Session>(question, snapshot, sums),
        rows::<Used>(question, snapshot, models)
    )?;
    let mut models: HashMap<String, Vec<String>> = HashMap::new();
    for used in used {
        models.entry(used.session_id).or_default().push(used.model);
    }
    for session in &mut sessions {
        session.models = models.remove(&session.session_id).unwrap_or_default();
    }
    Ok(sessions)
}
