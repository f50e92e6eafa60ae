//! The overview: totals with those of the period before, rankings, and the course over time.
//!
//! Three passes over the range, side by side: one for what people and sessions did, one for requests
//! by model, product and step, one for tools; and one for the totals of the period before.

use serde::{Deserialize, Serialize};
use store::Snapshot;
use utoipa::ToSchema;

use super::filter::Filter;
use super::measures::{MEASURES, TOKENS};
use super::rows;
use super::series::{Series, Steps, Sums};
use crate::engine::Engine;
use crate::error::QueryError;

/// How many rows a ranking has at most; totals count everything.
const RANKED_MAX: usize = 500;

/// Totals of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// Cost of all requests, US dollars.
    pub cost_usd: f64,
    /// Successful requests to a model.
    pub requests: u64,
    /// Prompts.
    pub prompts: u64,
    /// Sessions with at least one event.
    pub sessions: u64,
    /// People with at least one event.
    pub active_people: u64,
    /// Requests that failed for good.
    pub errors: u64,
    /// Tool calls: finished ones and rejected ones.
    pub tool_calls: u64,
    /// Tool calls that finished without success.
    pub tool_failures: u64,
    /// Tool calls that were rejected.
    pub tool_rejections: u64,
    /// Input tokens beside the cache.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_creation_tokens: u64,
}

/// What one person did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonRow {
    /// Who; null for events without an identity.
    pub person: Option<String>,
    /// Cost of the requests, US dollars.
    pub cost_usd: f64,
    /// Successful requests to a model.
    pub requests: u64,
    /// Prompts.
    pub prompts: u64,
    /// Sessions.
    pub sessions: u64,
    /// Tokens of all four kinds.
    pub tokens: u64,
}

/// What one model was used for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ModelRow {
    /// Which; null for requests that name none.
    pub model: Option<String>,
    /// Cost of the requests, US dollars.
    pub cost_usd: f64,
    /// Successful requests.
    pub requests: u64,
    /// Input tokens beside the cache.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_creation_tokens: u64,
}

/// How one tool was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolRow {
    /// Which; null for calls that name none.
    pub tool_name: Option<String>,
    /// Calls: finished ones and rejected ones.
    pub calls: u64,
    /// Calls that finished without success.
    pub failures: u64,
    /// Calls that were rejected.
    pub rejections: u64,
    /// The duration that 95 of 100 calls stayed within, milliseconds, approximately.
    pub p95_duration_ms: Option<f64>,
}

/// What one product was used for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProductRow {
    /// Which.
    pub product: Option<String>,
    /// Cost of the requests, US dollars.
    pub cost_usd: f64,
    /// Successful requests to a model.
    pub requests: u64,
}

/// The overview of a range.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Overview {
    /// Where the range begins, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// Before which time it ends, milliseconds since the Unix epoch.
    pub to_ms: i64,
    /// The length of a step of the series, milliseconds.
    pub step_ms: i64,
    /// Totals of the range.
    pub totals: Totals,
    /// Totals of the equally long period just before.
    pub previous: Totals,
    /// The course over time.
    pub series: Series,
    /// People, the dearest first.
    pub people: Vec<PersonRow>,
    /// Models, the dearest first.
    pub models: Vec<ModelRow>,
    /// Tools, the busiest first.
    pub tools: Vec<ToolRow>,
    /// Products, the dearest first.
    pub products: Vec<ProductRow>,
}

/// The overview of the events that pass a filter.
pub async fn overview(engine: &Engine, filter: &Filter) -> Result<Overview, QueryError> {
    filter.check()?;
    let snapshot = engine.store().snapshot();
    let steps = Steps::of(filter.from_ms, filter.to_ms);
    let previous = filter.previous();
    let (people, before, requests, tools) = futures::try_join!(
        rows::<Active>(engine, &snapshot, activity_sql(filter, RANKED_MAX)),
        rows::<Active>(engine, &snapshot, activity_sql(&previous, 0)),
        rows::<Requests>(engine, &snapshot, requests_sql(filter, &steps)),
        tools(engine, &snapshot, filter),
    )?;
    let (totals, people) = split(people);
    let of = |grouping| requests.iter().filter(move |row| row.grouping == grouping);
    Ok(Overview {
        from_ms: filter.from_ms,
        to_ms: filter.to_ms,
        step_ms: steps.step_ms,
        totals,
        previous: split(before).0,
        series: steps.fill(of(BY_STEP).filter_map(Requests::sums)),
        people,
        models: of(BY_MODEL)
            .filter(|row| row.requests > 0)
            .map(Requests::of_model)
            .collect(),
        tools,
        products: of(BY_PRODUCT)
            .filter(|row| row.requests > 0)
            .map(Requests::of_product)
            .collect(),
    })
}

/// A person's row, or the row of all.
#[derive(Debug, Deserialize)]
struct Active {
    is_total: bool,
    #[serde(flatten)]
    totals: Totals,
    person: Option<String>,
    tokens: u64,
}

/// Summed up by person and session first, so that the distinct counts are over few rows.
fn activity_sql(filter: &Filter, people: usize) -> String {
    let sums: Vec<String> = SUMMED
        .iter()
        .map(|name| format!("coalesce(sum({name}), 0) AS {name}"))
        .collect();
    format!(
        "WITH worked AS (
           SELECT person, session_id, {MEASURES} FROM events WHERE {} GROUP BY person, session_id
         ), summed AS (
           SELECT grouping(person) = 1 AS is_total, person, count(DISTINCT session_id) AS sessions,
                  count(DISTINCT person) AS active_people, {}
           FROM worked GROUP BY GROUPING SETS ((person), ())
         )
         SELECT *, {TOKENS} FROM summed ORDER BY is_total DESC, cost_usd DESC, prompts DESC, person LIMIT {}",
        filter.events(),
        sums.join(", "),
        people + 1,
    )
}

const SUMMED: &[&str] = &[
    "prompts",
    "requests",
    "errors",
    "tool_calls",
    "tool_failures",
    "tool_rejections",
    "cost_usd",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
];

/// The totals, and the people.
fn split(rows: Vec<Active>) -> (Totals, Vec<PersonRow>) {
    let totals = rows
        .iter()
        .find(|row| row.is_total)
        .map(|row| row.totals)
        .unwrap_or_default();
    let people = rows
        .into_iter()
        .filter(|row| !row.is_total)
        .map(|row| PersonRow {
            person: row.person,
            cost_usd: row.totals.cost_usd,
            requests: row.totals.requests,
            prompts: row.totals.prompts,
            sessions: row.totals.sessions,
            tokens: row.tokens,
        });
    (totals, people.collect())
}

/// Requests summed up by one of step, model and product.
#[derive(Debug, Deserialize)]
struct Requests {
    /// Which of the three: the two that it is not by are set bits.
    grouping: u8,
    step: Option<i64>,
    model: Option<String>,
    product: Option<String>,
    cost_usd: f64,
    requests: u64,
    errors: u64,
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_creation_tokens: u64,
}

const BY_STEP: u8 = 0b011;
const BY_MODEL: u8 = 0b101;
const BY_PRODUCT: u8 = 0b110;

fn requests_sql(filter: &Filter, steps: &Steps) -> String {
    format!(
        "SELECT grouping(step) * 4 + grouping(model) * 2 + grouping(product) AS grouping,
                step, model, product, {MEASURES}
         FROM (SELECT *, {} AS step FROM events WHERE event IN ('api_request', 'api_error') AND {})
         GROUP BY GROUPING SETS ((step), (model), (product))
         ORDER BY cost_usd DESC, requests DESC, model, product",
        steps.sql(),
        filter.events(),
    )
}

impl Requests {
    fn sums(&self) -> Option<Sums> {
        let step = usize::try_from(self.step?).ok()?;
        Some(Sums {
            step,
            cost_usd: self.cost_usd,
            requests: self.requests,
            errors: self.errors,
        })
    }

    fn of_model(&self) -> ModelRow {
        ModelRow {
            model: self.model.clone(),
            cost_usd: self.cost_usd,
            requests: self.requests,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cache_read_tokens: self.cache_read_tokens,
            cache_creation_tokens: self.cache_creation_tokens,
        }
    }

    fn of_product(&self) -> ProductRow {
        ProductRow {
            product: self.product.clone(),
            cost_usd: self.cost_usd,
            requests: self.requests,
        }
    }
}

async fn tools(
    engine: &Engine,
    snapshot: &Snapshot,
    filter: &Filter,
) -> Result<Vec<ToolRow>, QueryError> {
    let sql = format!(
        "SELECT tool_name, tool_calls AS calls, tool_failures AS failures, tool_rejections AS rejections,
                p95_duration_ms
         FROM (
           SELECT tool_name, {MEASURES}, approx_percentile_cont(0.95) WITHIN GROUP (
                    ORDER BY CASE WHEN event = 'tool_result' THEN duration_ms END) AS p95_duration_ms
           FROM events WHERE event IN ('tool_result', 'tool_decision') AND {} GROUP BY tool_name)
         WHERE tool_calls > 0
         ORDER BY calls DESC, tool_name LIMIT {RANKED_MAX}",
        filter.events(),
    );
    rows(engine, snapshot, sql).await
}
