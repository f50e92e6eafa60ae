//! A figure of each value of each dimension, and of the whole.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use store::Snapshot;

use super::VALUES_MAX;
use super::wanted::Asked;
use crate::catalogue::ask::Ask;
use crate::catalogue::report::Source;
use crate::catalogue::sql;
use crate::engine::Answer;
use crate::error::QueryError;
use crate::question::Question;

/// The figures of the values of one dimension; without a value: of what has none.
pub(super) type Values = BTreeMap<Option<String>, f64>;

/// A figure over one range.
pub(super) struct Figures {
    pub(super) whole: f64,
    /// In the order in which dimensions are asked for.
    pub(super) values: Vec<Values>,
    /// There are more values than were read.
    pub(super) cut: bool,
}

/// One figure as it was read: of which dimension (behind the last: the whole), of which value.
type Line = (usize, Option<String>, f64);

impl Figures {
    pub(super) async fn read(
        question: &Question<'_>,
        snapshot: &Snapshot,
        ask: &Ask,
        asked: &Asked,
    ) -> Result<Figures, QueryError> {
        let mut figures = Figures {
            whole: 0.0,
            values: vec![Values::new(); asked.by.len()],
            cut: false,
        };
        let mut has_whole = false;
        for (sql, first) in texts(ask, asked) {
            let answer = question
                .query_snapshot(snapshot.clone(), sql, VALUES_MAX)
                .await?;
            figures.cut |= answer.truncated;
            for (at, value, figure) in lines(&answer, asked, first)? {
                match figures.values.get_mut(at) {
                    Some(values) => drop(values.insert(value, figure)),
                    None => (figures.whole, has_whole) = (figure, true),
                }
            }
        }
        if !has_whole {
            // Out of nothing grouping makes no whole.
            let answer = question
                .query_snapshot(snapshot.clone(), whole(ask, asked), 1)
                .await?;
            let lines = lines(&answer, asked, Some(asked.by.len()))?;
            figures.whole = lines.first().map_or(0.0, |line| line.2);
        }
        Ok(figures)
    }

    /// What is left of it when a part of its range is taken away; of sums alone.
    pub(super) fn without(mut self, part: &Figures) -> Figures {
        self.whole = settled(self.whole - part.whole);
        for (own, taken) in self.values.iter_mut().zip(&part.values) {
            for (value, figure) in own.iter_mut() {
                *figure = settled(*figure - taken.get(value).copied().unwrap_or_default());
            }
        }
        self
    }
}

/// A difference of sums of fractions, without the noise behind the ninth decimal.
fn settled(figure: f64) -> f64 {
    (figure * 1e9).round() / 1e9
}

/// What is asked of the engine, each with the dimension that all its lines are of; without one a line says itself.
fn texts(ask: &Ask, asked: &Asked) -> Vec<(String, Option<usize>)> {
    if asked.by.is_empty() {
        return Vec::new();
    }
    if let Source::Rows(_) = ask.report.source {
        return vec![(grouping_sets(ask, asked), None)];
    }
    // Such a source is made for its grouping: it is asked once for each.
    let one = |(at, dimension): (usize, &&'static _)| {
        let ask = Ask {
            group_by: vec![*dimension],
            ..ask.clone()
        };
        let value = sql::expression(&ask, dimension);
        let sql = format!(
            "SELECT {at} AS _at, CAST({value} AS VARCHAR) AS _value, {} AS _figure FROM {} GROUP BY 2
             ORDER BY _figure DESC NULLS LAST LIMIT {}",
            sql::figure(asked.id.measure),
            sql::counted(&ask),
            VALUES_MAX + 1,
        );
        (sql, Some(at))
    };
    asked.by.iter().enumerate().map(one).collect()
}

/// All dimensions out of one reading.
fn grouping_sets(ask: &Ask, asked: &Asked) -> String {
    let keys: Vec<String> = (0..asked.by.len()).map(|at| format!("_key_{at}")).collect();
    let named = asked.by.iter().zip(&keys);
    let values: Vec<String> = named
        .map(|(dimension, key)| {
            format!(
                "CAST({} AS VARCHAR) AS {key}",
                sql::expression(ask, dimension)
            )
        })
        .collect();
    let sets: Vec<String> = keys.iter().map(|key| format!("({key})")).collect();
    format!(
        "SELECT CAST(grouping({keys}) AS BIGINT) AS _at, coalesce({keys}, NULL) AS _value, {figure} AS _figure
         FROM (SELECT *, {values} FROM {counted}) GROUP BY GROUPING SETS ({sets}, ())
         ORDER BY _figure DESC NULLS LAST LIMIT {limit}",
        keys = keys.join(", "),
        figure = sql::figure(asked.id.measure),
        values = values.join(", "),
        counted = sql::counted(ask),
        sets = sets.join(", "),
        limit = VALUES_MAX + 1,
    )
}

fn whole(ask: &Ask, asked: &Asked) -> String {
    let ask = Ask {
        group_by: Vec::new(),
        ..ask.clone()
    };
    format!(
        "SELECT 0 AS _at, CAST(NULL AS VARCHAR) AS _value, {} AS _figure FROM {}",
        sql::figure(asked.id.measure),
        sql::counted(&ask)
    )
}

fn lines(answer: &Answer, asked: &Asked, of: Option<usize>) -> Result<Vec<Line>, QueryError> {
    let mut lines = Vec::with_capacity(answer.rows());
    for batch in &answer.batches {
        let column = |at: usize, kind| cast(batch.column(at), kind).map_err(QueryError::internal);
        let (sets, values, figures) = (
            column(0, &DataType::Int64)?,
            column(1, &DataType::Utf8)?,
            column(2, &DataType::Float64)?,
        );
        let (sets, values) = (sets.as_primitive::<Int64Type>(), values.as_string::<i32>());
        let figures = figures.as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            let value = values.is_valid(row).then(|| values.value(row).to_owned());
            let figure = if figures.is_valid(row) {
                figures.value(row)
            } else {
                0.0
            };
            let at = of.unwrap_or_else(|| grouped_by(sets.value(row), asked.by.len()));
            lines.push((at, value, figure));
        }
    }
    Ok(lines)
}

/// Which of so many keys a row is grouped by, of its `grouping(…)`: the first key has the highest bit, and
/// the bits of those that it is not grouped by are set. Behind the last: by none.
fn grouped_by(grouping: i64, keys: usize) -> usize {
    let by = (1_i64 << keys) - 1 - grouping;
    match by {
        0 => keys,
        bit => keys - 1 - bit.trailing_zeros() as usize,
    }
}
