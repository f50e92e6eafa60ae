//! Asked, answered.

use std::time::{Duration, Instant};

use arrow::array::{Array, Int64Array};
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use serde::Serialize;
use store::Snapshot;
use utoipa::ToSchema;

use super::ask::{Ask, UNPRICED};
use super::range::Range;
use super::report::{ColumnKind, Parts, Unit};
use super::{hours, number, reduced, sql};
use crate::by_hour::ByHour;
use crate::engine::Answer;
use crate::error::QueryError;
use crate::kept::Words;
use crate::question::Question;

/// What a report says.
#[derive(Clone, Debug)]
pub struct ReportAnswer {
    /// What was asked.
    pub ask: Ask,
    /// What the ids of its totals have behind `REPORT.MEASURE@`.
    pub asked: String,
    /// What the ids of its rows begin with behind `REPORT.MEASURE@`; they go on with [`super::row_term`]
    /// for each dimension that the answer is broken down by.
    pub asked_of_rows: String,
    /// The columns of `rows`: dimensions, then measures. `totals` has the measures alone.
    pub columns: Vec<ReportColumn>,
    /// A row for each group; without grouping the totals.
    pub rows: Answer,
    /// The figures of everything that counts, in one row, whatever the limit cut off of `rows`.
    pub totals: Answer,
    /// The SQL that `rows` came from: `tallybook query` gives the same.
    pub sql: String,
    /// What there is to know about the figures, a sentence each.
    pub notes: Vec<String>,
    /// The money that net costs are in, as an ISO 4217 code.
    pub currency: String,
    /// Whether sums of parts were read where these say what is asked, and not every item.
    pub by_hour: bool,
    /// Whether it was answered before, and kept.
    pub is_kept: bool,
    /// Of which moment it is, milliseconds since the Unix epoch.
    pub as_of_ms: i64,
    /// Whether more may have come in since that moment: an older answer was allowed, and there was one.
    pub is_older: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// A column of a report.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ReportColumn {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it says.
    pub about: &'static str,
    /// Whether it is a figure.
    pub kind: ColumnKind,
    /// What it is counted in; dimensions are text.
    pub unit: Unit,
    /// How parts relate to the whole.
    pub parts: Parts,
}

/// Answers what is asked; rows and totals from one snapshot.
///
/// # Errors
/// As for any query.
pub async fn answer(question: &Question<'_>, ask: Ask) -> Result<ReportAnswer, QueryError> {
    let began = Instant::now();
    let snapshot = question.snapshot().await?;
    let make = async {
        let figures = figures(question, &snapshot, &ask).await?;
        let bytes = figures.rows.bytes() + figures.totals.bytes();
        let is_lasting = figures.rows.is_lasting && figures.totals.is_lasting;
        Ok((figures, bytes, is_lasting))
    };
    let told = question.kept_or_made(in_words(&ask), &snapshot, make);
    let told = told.await?;
    let Figures {
        ask,
        rows,
        totals,
        by_hour,
    } = told.answer;
    Ok(ReportAnswer {
        asked: number::asked(&ask, |_| true),
        asked_of_rows: number::asked_of_rows(&ask),
        columns: columns(&ask),
        notes: notes(&totals)
            .into_iter()
            .chain(reduced::note(&ask, snapshot.reduced_before_ms()))
            .collect(),
        rows,
        totals,
        sql: sql::rows(&ask),
        currency: question.cost().currency.clone(),
        by_hour,
        is_kept: told.is_kept,
        as_of_ms: told.as_of_ms,
        is_older: told.is_older,
        elapsed: began.elapsed(),
        ask,
    })
}

/// Rows and totals, and of what they are.
#[derive(Clone)]
struct Figures {
    ask: Ask,
    rows: Answer,
    totals: Answer,
    by_hour: bool,
}

fn in_words(ask: &Ask) -> Words {
    let (rows, totals) = (sql::rows(ask), sql::totals(ask));
    let timeless = Ask {
        range: TIMELESS,
        ..ask.clone()
    };
    Words {
        exactly: format!("{rows}\n{totals}\n{}", ask.limit),
        manner: format!("{}\n{}", sql::rows(&timeless), ask.limit),
        moments: vec![ask.range.from_ms, ask.range.to_ms],
    }
}

/// In place of the range where it does not matter; of a week, so that every report has a text for it.
const TIMELESS: Range = Range {
    from_ms: 1_577_836_800_000,
    to_ms: 1_578_441_600_000,
};

async fn figures(
    question: &Question<'_>,
    snapshot: &Snapshot,
    ask: &Ask,
) -> Result<Figures, QueryError> {
    let by_hour = match hours::whole(ask, &question.people_files(), question.sight()) {
        Some(hours) => question.by_hour(snapshot, hours).await?,
        None => None,
    };
    let is_by_hour = by_hour.is_some();
    let (rows, totals) = rows_and_totals(question, (snapshot, by_hour), ask).await?;
    Ok(Figures {
        ask: ask.clone(),
        rows,
        totals,
        by_hour: is_by_hour,
    })
}

async fn rows_and_totals(
    question: &Question<'_>,
    (snapshot, by_hour): (&Snapshot, Option<ByHour>),
    ask: &Ask,
) -> Result<(Answer, Answer), QueryError> {
    let query = |sql: String, limit| {
        let sql = match &by_hour {
            Some(by_hour) => hours::of_rows(&sql, &by_hour.hours),
            None => sql,
        };
        question.query_by_hour(snapshot.clone(), sql, limit, by_hour.clone())
    };
    if let Some(both) = sql::rows_and_totals(ask) {
        let both = query(both, ask.limit + 1).await?;
        // Out of nothing the engine makes no totals.
        if both.rows() > 0 {
            return apart(both, ask);
        }
    }
    let totals = query(sql::totals(ask), 1).await?;
    if ask.group_by.is_empty() {
        return Ok((totals.clone(), totals));
    }
    // One after the other: each uses all threads, and side by side they would need twice the memory.
    Ok((query(sql::rows(ask), ask.limit).await?, totals))
}

/// The totals, which come first, without the dimensions; and the rows behind them.
fn apart(both: Answer, ask: &Ask) -> Result<(Answer, Answer), QueryError> {
    let all = concat_batches(&both.schema, &both.batches).map_err(QueryError::internal)?;
    let dimensions = ask.group_by.len();
    let figures = dimensions + ask.measures().count();
    let part = |columns: std::ops::Range<usize>, rows: RecordBatch| -> Result<Answer, QueryError> {
        let columns: Vec<usize> = columns.collect();
        let rows = rows.project(&columns).map_err(QueryError::internal)?;
        Ok(Answer {
            schema: rows.schema(),
            batches: vec![rows],
            ..both.clone()
        })
    };
    let totals = part(dimensions..figures, all.slice(0, 1))?;
    let rows = part(0..figures, all.slice(1, all.num_rows() - 1))?;
    Ok((
        rows,
        Answer {
            truncated: false,
            ..totals
        },
    ))
}

/// A cost that lacks something must say so where it is shown.
fn notes(totals: &Answer) -> Vec<String> {
    let unpriced = totals.batches.iter().filter_map(|batch| {
        let column = batch.column_by_name(UNPRICED)?;
        let column = column.as_any().downcast_ref::<Int64Array>()?;
        (!column.is_empty() && column.is_valid(0)).then(|| column.value(0))
    });
    let unpriced = unpriced.sum::<i64>();
    let what = match unpriced {
        0 => return Vec::new(),
        1 => "1 request is unpriced and".to_owned(),
        more => format!("{more} requests are unpriced and"),
    };
    vec![format!(
        "{what} in no sum of costs: neither the client nor the price book says what it costs."
    )]
}

fn columns(ask: &Ask) -> Vec<ReportColumn> {
    let dimensions = ask.group_by.iter().map(|dimension| ReportColumn {
        name: dimension.name,
        title: dimension.title,
        about: dimension.about,
        kind: ColumnKind::Dimension,
        unit: Unit::Text,
        parts: Parts::Other,
    });
    let measures = ask.measures().map(|measure| ReportColumn {
        name: measure.name,
        title: measure.title,
        about: measure.about,
        kind: ColumnKind::Measure,
        unit: measure.unit,
        parts: measure.parts,
    });
    dimensions.chain(measures).collect()
}
