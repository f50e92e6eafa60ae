//! An answer as one JSON document.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::answer::{ReportAnswer, ReportColumn};
use super::ask::Condition;
use crate::engine::Answer;
use crate::error::QueryError;
use crate::render;

/// What a report says, as the API answers it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportDocument {
    /// The report's name.
    report: &'static str,
    /// Its name for people.
    title: &'static str,
    /// The question it answers.
    about: &'static str,
    /// From this moment on, milliseconds since the Unix epoch.
    from_ms: i64,
    /// Until before this moment, milliseconds since the Unix epoch.
    to_ms: i64,
    /// In which days, weeks and hours are.
    time_zone: &'static str,
    /// By what it is broken down.
    group_by: Vec<&'static str>,
    /// The conditions that rows fulfil.
    #[serde(rename = "where")]
    conditions: Vec<String>,
    /// The columns of `rows`: dimensions, then measures.
    columns: Vec<ReportColumn>,
    /// A row for each group, a field for each column.
    #[schema(value_type = Vec<Object>)]
    rows: Box<RawValue>,
    /// The measures of everything that counts.
    #[schema(value_type = Object)]
    totals: Box<RawValue>,
    /// Whether there were more rows.
    truncated: bool,
    /// The money that net costs are in.
    currency: String,
    /// What the ids of the totals have behind `REPORT.MEASURE@`.
    asked: String,
    /// What the ids of the rows begin with behind `REPORT.MEASURE@`; they go on with `,dimension=value` for each
    /// dimension that it is broken down by, where `%`, `,` and control characters are percent-encoded.
    asked_of_rows: String,
    /// What there is to know about the figures.
    notes: Vec<String>,
    /// The SQL that the rows came from.
    sql: String,
    /// How long it took, milliseconds.
    elapsed_ms: u64,
    /// Of which moment it is, milliseconds since the Unix epoch: it counts all that was acknowledged until then.
    as_of_ms: i64,
    /// Whether more may have come in since: an older answer was allowed (`max_age_s`), and there was one. Its
    /// range is that of the question it was made for.
    is_older: bool,
}

impl ReportDocument {
    /// The document of an answer.
    ///
    /// # Errors
    /// None that an answer of the engine makes.
    pub fn of(answer: &ReportAnswer) -> Result<ReportDocument, QueryError> {
        let ask = &answer.ask;
        Ok(ReportDocument {
            report: ask.report.name,
            title: ask.report.title,
            about: ask.report.about,
            from_ms: ask.range.from_ms,
            to_ms: ask.range.to_ms,
            time_zone: ask.zone.name(),
            group_by: ask
                .group_by
                .iter()
                .map(|dimension| dimension.name)
                .collect(),
            conditions: ask.conditions.iter().map(Condition::to_string).collect(),
            columns: answer.columns.clone(),
            rows: raw(&answer.rows)?,
            totals: only(&answer.totals)?,
            truncated: answer.rows.truncated,
            currency: answer.currency.clone(),
            asked: answer.asked.clone(),
            asked_of_rows: answer.asked_of_rows.clone(),
            notes: answer.notes.clone(),
            sql: answer.sql.clone(),
            elapsed_ms: answer.elapsed.as_millis() as u64,
            as_of_ms: answer.as_of_ms,
            is_older: answer.is_older,
        })
    }
}

/// The rows of an answer as they are printed anywhere: the same figure is the same text.
pub(super) fn raw(answer: &Answer) -> Result<Box<RawValue>, QueryError> {
    let json = render::json(answer).map_err(QueryError::internal)?;
    serde_json::from_slice(&json).map_err(QueryError::internal)
}

/// The only row of an answer.
fn only(answer: &Answer) -> Result<Box<RawValue>, QueryError> {
    let rows: Vec<Box<RawValue>> =
        serde_json::from_str(raw(answer)?.get()).map_err(QueryError::internal)?;
    let first = rows.into_iter().next();
    first.ok_or_else(|| QueryError::internal("a report without totals"))
}
