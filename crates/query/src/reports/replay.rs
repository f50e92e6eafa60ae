//! Everything that one prompt caused, in order.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::filter::text;
use super::measures::MEASURES;
use super::rows;
use crate::error::QueryError;
use crate::question::Question;

/// More events of one prompt are not sent; its totals count them all.
const EVENTS_MAX: usize = 5_000;

/// Totals of one prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromptTotals {
    /// Cost of the requests, US dollars.
    pub cost_usd: f64,
    /// Successful requests to a model.
    pub requests: u64,
    /// Input tokens beside the cache.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_creation_tokens: u64,
    /// Tool calls: finished ones and rejected ones.
    pub tool_calls: u64,
    /// Requests that failed for good.
    pub errors: u64,
}

/// What one prompt caused.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replay {
    /// The prompt's id.
    pub prompt_id: String,
    /// The session it was asked in.
    pub session_id: Option<String>,
    /// Who asked.
    pub person: Option<String>,
    /// Which product.
    pub product: Option<String>,
    /// Its first event, milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// Its last event, milliseconds since the Unix epoch.
    pub end_ms: i64,
    /// Totals of all its events.
    pub totals: PromptTotals,
    /// How many events there are.
    pub event_count: u64,
    /// Whether `events` has only the first 5,000 of them.
    pub truncated: bool,
    /// Its events by time, then by the client's own sequence.
    pub events: Vec<ReplayEvent>,
}

macro_rules! replay_event {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty,)+) => {
        /// One event of a prompt. What the event does not carry is left out.
        #[derive(Debug, Serialize, Deserialize, ToSchema)]
        pub struct ReplayEvent {
            /// When, as the client says; milliseconds since the Unix epoch.
            pub time_ms: i64,
            /// What happened.
            pub event: String,
            $($(#[doc = $doc])+ #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$kind>,)+
            /// Everything else that the event carries, by attribute key.
            #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "object")]
            #[schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>)]
            pub attributes: Option<Box<RawValue>>,
        }

        /// The columns that are read as they are named.
        const COLUMNS: &[&str] = &[$(stringify!($name)),+];
    };
}

replay_event! {
    /// The client's own count of events.
    sequence: u64,
    /// Whose work it is, when it is not the main agent's.
    agent_id: String,
    /// What kind of agent.
    agent_name: String,
    /// The model.
    model: String,
    /// What a request cost, US dollars.
    cost_usd: f64,
    /// Input tokens beside the cache.
    input_tokens: u64,
    /// Output tokens.
    output_tokens: u64,
    /// Tokens read from the prompt cache.
    cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    cache_creation_tokens: u64,
    /// Of these, those kept for five minutes.
    cache_creation_5m_tokens: u64,
    /// Of these, those kept for an hour.
    cache_creation_1h_tokens: u64,
    /// How long it took, milliseconds.
    duration_ms: u64,
    /// How long the first token took, milliseconds.
    ttft_ms: u64,
    /// The model provider's id of the request.
    request_id: String,
    /// The client's id of the request.
    client_request_id: String,
    /// What in the client asked.
    query_source: String,
    /// The speed asked for.
    speed: String,
    /// The effort asked for.
    effort: String,
    /// The tool.
    tool_name: String,
    /// The id that a decision shares with its result.
    tool_use_id: String,
    /// Where the tool comes from.
    tool_source: String,
    /// Whether the tool succeeded.
    success: bool,
    /// What was decided.
    decision: String,
    /// By whom or what.
    decision_source: String,
    /// How the client asks for permissions.
    permission_mode: String,
    /// What failed.
    error: String,
    /// What kind of failure.
    error_type: String,
    /// The HTTP status of a failure.
    status_code: u64,
    /// Which attempt, from 1.
    attempt: u64,
    /// The MCP server.
    mcp_server_name: String,
    /// The tool by the MCP server's own name.
    mcp_tool_name: String,
    /// The skill.
    skill_name: String,
    /// The plugin.
    plugin_name: String,
    /// The text of a prompt.
    prompt: String,
    /// Its length, characters.
    prompt_length: u64,
    /// What kind of prompt.
    prompt_kind: String,
    /// The command, when the prompt is one.
    command_name: String,
    /// The client's id of the message.
    message_uuid: String,
    /// The text of a response.
    response: String,
    /// Its length, characters.
    response_length: u64,
    /// What the tool was given, as the client wrote it.
    tool_input: String,
    /// What the tool was given, in the client's short form.
    tool_parameters: String,
    /// How much the tool was given, bytes.
    tool_input_size_bytes: u64,
    /// How much it answered, bytes.
    tool_result_size_bytes: u64,
}

/// A JSON object in a text column; anything else is absent.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let text = text.filter(|text| text.starts_with('{') && text != "{}");
    Ok(text.and_then(|text| RawValue::from_string(text).ok()))
}

#[derive(Deserialize)]
struct Whole {
    session_id: Option<String>,
    person: Option<String>,
    product: Option<String>,
    start_ms: i64,
    end_ms: i64,
    event_count: u64,
    #[serde(flatten)]
    totals: PromptTotals,
}

/// What the prompt of that id caused; `None` when nothing has that id.
pub async fn replay(
    question: &Question<'_>,
    prompt_id: &str,
) -> Result<Option<Replay>, QueryError> {
    let snapshot = question.snapshot().await?;
    let condition = format!("prompt_id = {}", text(prompt_id));
    let whole = format!(
        "SELECT max(session_id) AS session_id, max(person) AS person, max(product) AS product,
                min(time) AS start_ms, max(time) AS end_ms, count(*) AS event_count, {MEASURES}
         FROM events WHERE {condition} GROUP BY prompt_id"
    );
    let events = format!(
        "SELECT time AS time_ms, coalesce(event, '') AS event, {}, attributes FROM events
         WHERE {condition} ORDER BY time, sequence LIMIT {EVENTS_MAX}",
        COLUMNS.join(", ")
    );
    let (whole, events) = futures::try_join!(
        rows::<Whole>(question, &snapshot, whole),
        rows::<ReplayEvent>(question, &snapshot, events)
    )?;
    Ok(whole.into_iter().next().map(|whole| Replay {
        prompt_id: prompt_id.to_owned(),
        session_id: whole.session_id,
        person: whole.person,
        product: whole.product,
        start_ms: whole.start_ms,
        end_ms: whole.end_ms,
        totals: whole.totals,
        event_count: whole.event_count,
        truncated: whole.event_count > events.len() as u64,
        events,
    }))
}
