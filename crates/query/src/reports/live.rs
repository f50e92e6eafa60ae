//! Newly stored events, in the few words of a live list.

use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};
use store::Table;
use utoipa::ToSchema;

use super::rows;
use crate::error::QueryError;
use crate::functions::costs;
use crate::people::{Item, Resolver};
use crate::question::Question;
use crate::sight::withheld;

/// One newly stored event.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LiveItem {
    /// When it happened, as its client says; milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// When it was stored, by our own clock; milliseconds since the Unix epoch.
    pub received_ms: i64,
    /// Which product.
    pub product: Option<String>,
    /// What happened.
    pub event: String,
    /// Whose it is.
    pub person: Option<String>,
    /// Its session.
    pub session_id: Option<String>,
    /// Its prompt.
    pub prompt_id: Option<String>,
    /// The model, where it names one.
    pub model: Option<String>,
    /// What it cost, US dollars.
    pub cost_usd: Option<f64>,
    /// Tokens of all four kinds.
    pub tokens: Option<u64>,
    /// The tool, where it names one.
    pub tool_name: Option<String>,
    /// Whether a tool succeeded.
    pub success: Option<bool>,
    /// What was decided about a tool call.
    pub decision: Option<String>,
    /// What failed.
    pub error: Option<String>,
}

const COLUMNS: &[&str] = &[
    "time",
    "received_at",
    "product",
    "event",
    "session_id",
    "prompt_id",
    "model",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "tool_name",
    "success",
    "decision",
    "error",
    "user_id",
    "user_email",
    "user_account_uuid",
    "user_account_id",
    "organization_id",
    "resource",
    "token",
];

/// The columns of an event that a live list needs.
#[derive(Deserialize)]
struct Stored {
    time: Option<i64>,
    received_at: Option<i64>,
    product: Option<String>,
    event: Option<String>,
    session_id: Option<String>,
    prompt_id: Option<String>,
    model: Option<String>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_tokens: Option<u64>,
    cache_creation_tokens: Option<u64>,
    tool_name: Option<String>,
    success: Option<bool>,
    decision: Option<String>,
    error: Option<String>,
    user_id: Option<String>,
    user_email: Option<String>,
    user_account_uuid: Option<String>,
    user_account_id: Option<String>,
    organization_id: Option<String>,
    resource: Option<String>,
    token: Option<String>,
}

impl Stored {
    /// By what it is known whose it is.
    fn whose(&self, at_ms: i64) -> Item<'_> {
        Item {
            at_ms,
            session_id: self.session_id.as_deref(),
            user_id: self.user_id.as_deref(),
            user_email: self.user_email.as_deref(),
            user_account_uuid: self.user_account_uuid.as_deref(),
            user_account_id: self.user_account_id.as_deref(),
            organization_id: self.organization_id.as_deref(),
            resource: self.resource.as_deref(),
            token: self.token.as_deref(),
        }
    }
}

/// Newly stored events, as far as they may be seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// The first of them.
    pub items: Vec<LiveItem>,
    /// How many more there are.
    pub left_out: usize,
}

/// The first `count` of newly stored events that the question may see.
///
/// # Errors
/// The batch is not of events.
pub fn live_items(
    question: &Question<'_>,
    events: &RecordBatch,
    count: usize,
) -> Result<Live, QueryError> {
    let lacking = || QueryError::internal("newly stored events lack a column of theirs");
    let events = &match question.lens().owners() {
        Some(owners) => {
            let own = owners.rows(Table::Events, events).ok_or_else(lacking)?;
            filter_record_batch(events, &own).map_err(QueryError::internal)?
        }
        None => events.clone(),
    };
    let left_out = events.num_rows().saturating_sub(count);
    let events = &events.slice(0, events.num_rows() - left_out);
    let costs = costs(events, question.cost()).ok_or_else(lacking)?;
    let schema = events.schema();
    let wanted = COLUMNS.iter().map(|name| schema.index_of(name));
    let wanted: Vec<usize> = wanted
        .collect::<Result<_, _>>()
        .map_err(QueryError::internal)?;
    let events = events.project(&wanted).map_err(QueryError::internal)?;
    let mut rows: Vec<Stored> = rows::read_batch(&events, count).map_err(QueryError::internal)?;
    if !question.sight().has_content() {
        for error in rows.iter_mut().filter_map(|row| row.error.as_mut()) {
            *error = withheld(error).to_owned();
        }
    }
    let people = question.people_now();
    let item = |(row, cost_usd)| item(row, cost_usd, &people);
    let items = rows.into_iter().zip(&costs).map(item).collect();
    Ok(Live { items, left_out })
}

fn item(row: Stored, cost_usd: Option<f64>, people: &Resolver) -> LiveItem {
    let tokens = [
        row.input_tokens,
        row.output_tokens,
        row.cache_read_tokens,
        row.cache_creation_tokens,
    ];
    let time_ms = row.time.or(row.received_at).unwrap_or_default();
    let person = people.whose(row.whose(time_ms)).value.name;
    let person = person.map(std::borrow::Cow::into_owned);
    LiveItem {
        time_ms,
        received_ms: row.received_at.unwrap_or(time_ms),
        product: row.product,
        event: row.event.unwrap_or_default(),
        person,
        session_id: row.session_id,
        prompt_id: row.prompt_id,
        model: row.model,
        cost_usd,
        tokens: tokens
            .iter()
            .any(Option::is_some)
            .then(|| tokens.into_iter().flatten().sum()),
        tool_name: row.tool_name,
        success: row.success,
        decision: row.decision,
        error: row.error,
    }
}
