//! How one figure is computed.
//!
//! Invariant: what is said is what is done. The SQL of the figure is the SQL that its value came from,
//! over the same views that `tallybook query` asks, and value, rows and exclusions are of one snapshot.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, SchemaRef};
use serde::Serialize;
use serde_json::value::RawValue;
use store::Snapshot;
use utoipa::ToSchema;

use super::ask::{Ask, Condition};
use super::json::raw;
use super::number::NumberId;
use super::report::{Exclusion, Measure, Parts};
use super::settings::{self, Setting};
use super::sql;
use crate::engine::Answer;
use crate::error::{ErrorKind, QueryError};
use crate::question::Question;

/// Rows of a sample.
const SAMPLE_ROWS: usize = 20;
/// What people wrote and machines answered: a sample of rows shows where a figure comes from without it.
const CONTENT: &[&str] = &[
    "prompt",
    "response",
    "tool_input",
    "tool_parameters",
    "attributes",
    "resource",
    "counted_resource",
    "error",
];

/// How one figure is computed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The figure's id in its normal form.
    pub id: String,
    /// The report that it is of.
    pub report: &'static str,
    /// The report's name for people.
    pub title: &'static str,
    /// The figure.
    pub figure: Measure,
    /// What it comes to; null: there is nothing that it could be computed from.
    #[schema(value_type = Object)]
    pub value: Box<RawValue>,
    /// The money that figures in the currency of the settings are in.
    pub currency: String,
    /// How the report is computed: what counts, what does not.
    pub definition: &'static str,
    /// What clients send that it rests on.
    pub signals: &'static [&'static str],
    /// In which days, weeks and hours are.
    pub time_zone: &'static str,
    /// From this moment on, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// Until before this moment, milliseconds since the Unix epoch.
    pub to_ms: i64,
    /// The conditions that rows fulfil.
    #[serde(rename = "where")]
    pub conditions: Vec<String>,
    /// The SQL of this figure; `tallybook query` gives the same.
    pub sql: String,
    /// The rows behind it.
    pub rows: Behind,
    /// What does not count although it is stored.
    pub exclusions: Vec<LeftOut>,
    /// The settings that it depends on.
    pub settings: Vec<Setting>,
    /// What there is to know about the figure, a sentence each.
    pub notes: Vec<String>,
    /// Where more is said.
    pub documentation: String,
}

/// The rows behind a figure.
#[derive(Debug, Serialize, ToSchema)]
pub struct Behind {
    /// How many there are.
    pub count: u64,
    /// The SQL of the sample: the newest rows, without content.
    pub sql: String,
    /// The columns of the sample.
    pub columns: Vec<String>,
    /// The sample.
    #[schema(value_type = Vec<Object>)]
    pub sample: Box<RawValue>,
}

/// What does not count although it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftOut {
    /// What it is.
    pub what: &'static str,
    /// Why it does not count.
    pub why: &'static str,
    /// How many rows there are in the range.
    pub count: u64,
    /// Whether they fulfil the conditions of the figure; else they are all in the range, because what is left out
    /// does not say what the conditions ask.
    pub narrowed: bool,
    /// The SQL of the rows.
    pub sql: String,
}

/// Says how a figure is computed.
///
/// # Errors
/// As for any query.
pub async fn explain(question: &Question<'_>, id: &NumberId) -> Result<Explanation, QueryError> {
    let (ask, snapshot) = (&id.ask, question.snapshot().await?);
    let sql = format!(
        "SELECT {} AS {} FROM {}",
        sql::figure(id.measure),
        id.measure.name,
        sql::counted(ask)
    );
    let left_out = ask
        .report
        .exclusions
        .iter()
        .map(|exclusion| left_out(question, &snapshot, ask, exclusion));
    let (value, rows, exclusions) = futures::try_join!(
        question.query_snapshot(snapshot.clone(), sql.clone(), 1),
        behind(question, &snapshot, ask),
        futures::future::try_join_all(left_out),
    )?;
    Ok(Explanation {
        id: id.to_string(),
        report: ask.report.name,
        title: ask.report.title,
        figure: *id.measure,
        value: cell(&value)?,
        currency: question.cost().currency.clone(),
        definition: ask.report.definition,
        signals: ask.report.signals,
        time_zone: ask.zone.name(),
        from_ms: ask.range.from_ms,
        to_ms: ask.range.to_ms,
        conditions: ask.conditions.iter().map(Condition::to_string).collect(),
        sql,
        rows,
        exclusions,
        settings: settings::of(question, ask),
        notes: notes(id),
        documentation: format!("docs/reports.md#{}", ask.report.name),
    })
}

fn notes(id: &NumberId) -> Vec<String> {
    let parts = match id.measure.parts {
        Parts::Sum => "The figures of its parts add up to it.",
        Parts::Distinct => {
            "The figures of its parts may add up to more: the same one can be in several of them."
        }
        Parts::Mean => "It lies between the least and the greatest figure of its parts.",
        Parts::Greatest => "It is the greatest figure of its parts.",
        Parts::Least => "It is the least figure of its parts.",
        Parts::Other => return Vec::new(),
    };
    vec![parts.to_owned()]
}

async fn behind(
    question: &Question<'_>,
    snapshot: &Snapshot,
    ask: &Ask,
) -> Result<Behind, QueryError> {
    let counted = sql::counted(ask);
    let shape = question.query_snapshot(
        snapshot.clone(),
        format!("SELECT * FROM {counted} LIMIT 0"),
        1,
    );
    let shape = shape.await?.schema;
    let (columns, has_time) = (shown(&shape), shape.column_with_name("time").is_some());
    let quoted: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let newest = if has_time { " ORDER BY time DESC" } else { "" };
    let sql = format!(
        "SELECT {} FROM {counted}{newest} LIMIT {SAMPLE_ROWS}",
        quoted.join(", ")
    );
    let (count, sample) = futures::try_join!(
        count(question, snapshot, &counted),
        question.query_snapshot(snapshot.clone(), sql.clone(), SAMPLE_ROWS),
    )?;
    Ok(Behind {
        count,
        sql,
        columns,
        sample: raw(&sample)?,
    })
}

/// The columns of a sample: no content, and nothing that is no single value.
fn shown(shape: &SchemaRef) -> Vec<String> {
    let plain = shape.fields().iter().filter(|field| {
        let single = !field.data_type().is_nested()
            && !matches!(
                field.data_type(),
                DataType::Binary | DataType::LargeBinary | DataType::BinaryView
            );
        single && !CONTENT.contains(&field.name().as_str())
    });
    plain.map(|field| field.name().clone()).collect()
}

async fn left_out(
    question: &Question<'_>,
    snapshot: &Snapshot,
    ask: &Ask,
    exclusion: &Exclusion,
) -> Result<LeftOut, QueryError> {
    let in_range = format!("({}) WHERE {}", exclusion.rows, sql::in_range(ask));
    let mut narrowed = true;
    let mut from = match ask.conditions.is_empty() {
        true => in_range.clone(),
        false => format!("{in_range} AND {}", sql::all_of(ask, |_| true)),
    };
    let mut counted = count(question, snapshot, &from).await;
    let foreign = |error: &QueryError| error.kind == ErrorKind::Invalid;
    if !ask.conditions.is_empty() && counted.as_ref().is_err_and(foreign) {
        (from, narrowed) = (in_range, false);
        counted = count(question, snapshot, &from).await;
    }
    Ok(LeftOut {
        what: exclusion.what,
        why: exclusion.why,
        count: counted?,
        narrowed,
        sql: format!("SELECT * FROM {from} LIMIT {SAMPLE_ROWS}"),
    })
}

async fn count(
    question: &Question<'_>,
    snapshot: &Snapshot,
    from: &str,
) -> Result<u64, QueryError> {
    let counting = format!("SELECT count(*) AS n FROM {from}");
    let answer = question
        .query_snapshot(snapshot.clone(), counting, 1)
        .await?;
    serde_json::from_str(cell(&answer)?.get()).map_err(QueryError::internal)
}

/// The only cell of an answer.
fn cell(answer: &Answer) -> Result<Box<RawValue>, QueryError> {
    let rows: Vec<BTreeMap<String, Box<RawValue>>> =
        serde_json::from_str(raw(answer)?.get()).map_err(QueryError::internal)?;
    let cell = rows
        .into_iter()
        .next()
        .and_then(|row| row.into_values().next());
    cell.ok_or_else(|| QueryError::internal("a figure without a value"))
}
