//! `_repeats(tool, outcome, asked_bytes, answered_bytes, request) OVER (PARTITION BY … ORDER BY time)`: how
//! often a call was made before, over the calls of one prompt in the order of time. All that is only
//! compared is a number (`_key`).
//!
//! One sort is enough for all that the rules of `findings` ask. As windows of SQL they were three, each of
//! all calls with all their columns, and took more memory than a question may have at ten million events.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::cast::as_int64_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};

const ARGUMENTS: usize = 5;

pub(super) fn repeats() -> WindowUDF {
    WindowUDF::from(Repeats {
        signature: Signature::exact(vec![DataType::Int64; ARGUMENTS], Volatility::Immutable),
    })
}

fn fields() -> Fields {
    let number = |name: &str| Field::new(name, DataType::Int64, false);
    Fields::from(vec![
        // Which call of this tool with this outcome it is, from 1.
        number("nth"),
        // The same among those of as many bytes asked and answered.
        number("nth_alike"),
        // How many calls its request asked for; 1 where that is not known.
        number("beside"),
    ])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Repeats {
    signature: Signature,
}

impl WindowUDFImpl for Repeats {
    fn name(&self) -> &str {
        "_repeats"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _arguments: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(OfPrompt))
    }

    fn field(&self, arguments: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let kind = DataType::Struct(fields());
        Ok(Arc::new(Field::new(arguments.name(), kind, true)))
    }
}

#[derive(Debug)]
struct OfPrompt;

impl PartitionEvaluator for OfPrompt {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let [tools, outcomes, asked, answered, requests] = values else {
            return Err(DataFusionError::Internal(format!(
                "_repeats takes {ARGUMENTS} columns"
            )));
        };
        let columns = [tools, outcomes, asked, answered].map(|column| as_int64_array(column));
        let [tools, outcomes, asked, answered] = columns;
        let (tools, outcomes, asked, answered) = (tools?, outcomes?, asked?, answered?);
        let kind = |row: usize| (at(tools, row), at(outcomes, row));
        let alike = |row: usize| (kind(row), at(asked, row), at(answered, row));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ordinals(num_rows, kind)),
            Arc::new(ordinals(num_rows, alike)),
            Arc::new(beside(as_int64_array(requests)?)),
        ];
        Ok(Arc::new(StructArray::try_new(fields(), columns, None)?))
    }
}

fn at(column: &Int64Array, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

/// Which row of its key each is, from 1.
fn ordinals<K: Eq + Hash>(rows: usize, key: impl Fn(usize) -> K) -> Int64Array {
    let mut seen: HashMap<K, i64> = HashMap::new();
    let ordinal = |row| {
        let count = seen.entry(key(row)).or_default();
        *count += 1;
        *count
    };
    (0..rows).map(ordinal).collect::<Vec<_>>().into()
}

/// How many rows have the request of each.
fn beside(requests: &Int64Array) -> Int64Array {
    let mut calls: HashMap<i64, i64> = HashMap::new();
    for request in requests.iter().flatten() {
        *calls.entry(request).or_default() += 1;
    }
    let of = |request: Option<i64>| request.map_or(1, |request| calls[&request]);
    requests.iter().map(of).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_tool_and_outcome_by_size_and_by_request() {
        let column =
            |values: [Option<i64>; 6]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
        let some = |values: [i64; 6]| column(values.map(Some));
        let values = [
            some([7, 7, 7, 8, 7, 7]),
            some([1, 1, 2, 1, 1, 1]),
            some([10, 10, 10, 10, 11, 10]),
            column([Some(5), Some(5), Some(5), Some(5), Some(5), None]),
            column([Some(100), Some(100), None, Some(101), None, Some(100)]),
        ];
        let found = OfPrompt.evaluate_all(&values, 6).expect("numbers");
        let found = found.as_any().downcast_ref::<StructArray>().expect("a row");
        let of = |at: usize| {
            as_int64_array(found.column(at))
                .expect("numbers")
                .values()
                .to_vec()
        };
        assert_eq!(of(0), [1, 2, 1, 1, 3, 4]);
        assert_eq!(of(1), [1, 2, 1, 1, 1, 1]);
        assert_eq!(of(2), [3, 3, 1, 1, 1, 3]);
    }
}
