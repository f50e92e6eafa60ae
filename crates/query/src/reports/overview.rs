//! The overview: totals with those of the period before, rankings, and the course over time, from
//! one pass over the events, and one over the data points of clients that send metrics only, where
//! there are any.

use serde::Serialize;
use store::Snapshot;
use utoipa::ToSchema;

use super::filter::Filter;
use super::names::{ByName, Sum};
use super::series::{Series, Steps};
use super::silent::add_silent;
use super::tally::{COLUMNS, Calls, Distinct, Sums, Tally};
use crate::error::QueryError;
use crate::kept::Words;
use crate::question::Question;

/// How many rows a ranking has at most; totals count everything.
const RANKED_MAX: usize = 500;
/// About what one takes in memory at most: rankings, and a series of some hundred steps.
const OVERVIEW_BYTES: usize = 512 << 10;

/// Totals of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Totals {
    /// Cost of all requests, US dollars; of clients that send metrics only, what these say.
    pub cost_usd: f64,
    /// Successful requests to a model; metrics do not count them.
    pub requests: u64,
    /// Prompts.
    pub prompts: u64,
    /// Sessions with at least one event.
    pub sessions: u64,
    /// People with at least one event, or with cost or tokens by metrics only.
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
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
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
    /// Totals of the period that it is compared with; the equally long one just before without another.
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
    /// Of which moment it is, milliseconds since the Unix epoch: it counts all that was acknowledged until then.
    pub as_of_ms: i64,
    /// Whether more may have come in since: an older one was allowed, and there was one. Its range is that of
    /// the question it was made for.
    pub is_older: bool,
}

/// The overview of the events that pass a filter.
pub async fn overview(question: &Question<'_>, filter: &Filter) -> Result<Overview, QueryError> {
    filter.check()?;
    let snapshot = question.snapshot().await?;
    let make = async {
        Ok((
            made(question, &snapshot, filter).await?,
            OVERVIEW_BYTES,
            true,
        ))
    };
    let told = question.kept_or_made(in_words(filter), &snapshot, make);
    let told = told.await?;
    Ok(Overview {
        as_of_ms: told.as_of_ms,
        is_older: told.is_older,
        ..told.answer
    })
}

fn in_words(filter: &Filter) -> Words {
    let timeless = Filter {
        from_ms: 0,
        to_ms: 0,
        previous: Some((0, 0)),
        ..filter.clone()
    };
    let before = filter.previous();
    Words {
        exactly: format!("overview {filter:?}"),
        manner: format!("overview {timeless:?}"),
        moments: vec![filter.from_ms, filter.to_ms, before.0, before.1],
    }
}

async fn made(
    question: &Question<'_>,
    snapshot: &Snapshot,
    filter: &Filter,
) -> Result<Overview, QueryError> {
    let steps = Steps::of(filter.from_ms, filter.to_ms);
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE {} AND {}",
        filter.with_previous().events(),
        filter.not_between(),
    );
    let start = Tally::new(filter.from_ms, steps);
    let tallies = question
        .fold_snapshot(snapshot.clone(), sql, start.clone())
        .await?;
    let tally = tallies.iter().fold(start, Tally::merge);
    let tally = add_silent(question, snapshot.clone(), filter, tally).await?;
    let [before, now] = tally.distinct();
    let people = tally.people.ranked(|sums| sums.cost_usd);
    let mut all = Sums::default();
    people.iter().for_each(|(_, sums)| all.add(sums));
    Ok(Overview {
        from_ms: filter.from_ms,
        to_ms: filter.to_ms,
        step_ms: steps.step_ms,
        totals: totals(&all, now),
        previous: totals(&tally.before, before),
        people: people_rows(people, &tally),
        models: ranking(&tally.models, model),
        tools: tools(&tally),
        products: ranking(&tally.products, product),
        series: tally.series,
        as_of_ms: 0,
        is_older: false,
    })
}

fn totals(sums: &Sums, distinct: Distinct) -> Totals {
    let [
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_creation_tokens,
    ] = sums.tokens;
    Totals {
        cost_usd: sums.cost_usd,
        requests: sums.requests,
        prompts: sums.prompts,
        sessions: distinct.sessions,
        active_people: distinct.people,
        errors: sums.errors,
        tool_calls: sums.tool_calls,
        tool_failures: sums.tool_failures,
        tool_rejections: sums.tool_rejections,
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_creation_tokens,
    }
}

fn people_rows(people: Vec<(Option<String>, &Sums)>, tally: &Tally) -> Vec<PersonRow> {
    let sessions = tally.sessions_of();
    let row = |(person, sums): (Option<String>, &Sums)| PersonRow {
        sessions: sessions
            .get(&person.as_deref())
            .copied()
            .unwrap_or_default(),
        person,
        cost_usd: sums.cost_usd,
        requests: sums.requests,
        prompts: sums.prompts,
        tokens: sums.tokens.iter().sum(),
    };
    people.into_iter().take(RANKED_MAX).map(row).collect()
}

/// The names that something was spent under, the dearest first.
fn ranking<R>(sums: &ByName<Sums>, row: impl Fn((Option<String>, &Sums)) -> R) -> Vec<R> {
    let ranked = sums.ranked(|sums| sums.cost_usd).into_iter();
    ranked
        .filter(|(_, sums)| sums.requests > 0 || sums.has_spent())
        .take(RANKED_MAX)
        .map(row)
        .collect()
}

fn model((model, sums): (Option<String>, &Sums)) -> ModelRow {
    let [
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_creation_tokens,
    ] = sums.tokens;
    ModelRow {
        model,
        cost_usd: sums.cost_usd,
        requests: sums.requests,
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_creation_tokens,
    }
}

fn product((product, sums): (Option<String>, &Sums)) -> ProductRow {
    ProductRow {
        product,
        cost_usd: sums.cost_usd,
        requests: sums.requests,
    }
}

fn tools(tally: &Tally) -> Vec<ToolRow> {
    let ranked = tally.tools.ranked(|calls| calls.sums.tool_calls as f64);
    let row = |(tool_name, calls): (Option<String>, &Calls)| ToolRow {
        tool_name,
        calls: calls.sums.tool_calls,
        failures: calls.sums.tool_failures,
        rejections: calls.sums.tool_rejections,
        p95_duration_ms: calls.durations.p95_ms(),
    };
    ranked.into_iter().take(RANKED_MAX).map(row).collect()
}
