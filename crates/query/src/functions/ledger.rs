//! The figures of the ledger as functions of an event's columns.
//!
//! Each figure is a function of its own, so that a query computes those that it asks for. Of events
//! other than requests `_ledger_cost` is the cost that they carry, the others are NULL.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Array, Int64Array, StringViewArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::record_batch::RecordBatch;
use contract::{Claim, Entry, Model, Modifiers, Request, Tokens, enter, is_beyond_doubt};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::attribute::value_of;
use crate::cost::Cost;

/// What every figure is computed from, but for the client's own cost, which comes first.
pub(crate) const LEDGER_ARGUMENTS: &str = "event, model, speed, time, input_tokens, output_tokens, \
    cache_read_tokens, cache_creation_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens";
const COUNTS: usize = 6;

/// The ledger's costs of stored events; `None` when they lack a column that it needs.
pub(crate) fn costs(events: &RecordBatch, cost: &Cost) -> Option<Float64Array> {
    let names = std::iter::once("cost_usd").chain(LEDGER_ARGUMENTS.split(", "));
    let columns = names.map(|name| events.column_by_name(name).cloned());
    let columns: Vec<ArrayRef> = columns.collect::<Option<_>>()?;
    Some(Rows::of(&columns)?.costs(cost))
}

/// Which figure of an entry a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Figure {
    Cost,
    Basis,
    /// Takes `attributes`, too: what was sent in place of a cost is there.
    Note,
    List,
    ListLow,
    ListHigh,
    /// The list price without any cache, less the list price.
    CacheSaved,
}

const FIGURES: &[(&str, Figure)] = &[
    ("_ledger_cost", Figure::Cost),
    ("_ledger_basis", Figure::Basis),
    ("_ledger_note", Figure::Note),
    ("_list_cost", Figure::List),
    ("_list_cost_low", Figure::ListLow),
    ("_list_cost_high", Figure::ListHigh),
    ("_cache_saved", Figure::CacheSaved),
];

/// One function for each figure.
pub(super) fn figures(cost: &Cost) -> impl Iterator<Item = ScalarUDF> {
    FIGURES.iter().map(|(name, figure)| {
        ScalarUDF::from(Ledger {
            name,
            figure: *figure,
            cost: cost.clone(),
            signature: Signature::exact(argument_types(*figure), Volatility::Immutable),
        })
    })
}

fn argument_types(figure: Figure) -> Vec<DataType> {
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let text = DataType::Utf8View;
    let mut types = vec![
        DataType::Float64,
        text.clone(),
        text.clone(),
        text.clone(),
        time,
    ];
    types.extend([const { DataType::Int64 }; COUNTS]);
    types.extend(Some(text).filter(|_| figure == Figure::Note));
    types
}

#[derive(Debug)]
struct Ledger {
    name: &'static str,
    figure: Figure,
    cost: Cost,
    signature: Signature,
}

impl PartialEq for Ledger {
    fn eq(&self, other: &Ledger) -> bool {
        self.figure == other.figure && self.cost.book.version() == other.cost.book.version()
    }
}

impl Eq for Ledger {}

impl Hash for Ledger {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.figure.hash(state);
    }
}

impl ScalarUDFImpl for Ledger {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.figure {
            Figure::Basis | Figure::Note => DataType::Utf8View,
            _ => DataType::Float64,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let rows = Rows::of(&arrays).ok_or_else(|| {
            DataFusionError::Internal(format!("{} takes the columns of events", self.name))
        })?;
        let number = |of: fn(&Entry) -> Option<f64>| -> ArrayRef {
            let entries = rows.entries(&self.cost);
            Arc::new(
                entries
                    .map(|entry| entry.as_ref().and_then(of))
                    .collect::<Float64Array>(),
            )
        };
        let text = |of: fn(&Entry) -> Option<&'static str>| -> ArrayRef {
            let entries = rows.entries(&self.cost);
            Arc::new(
                entries
                    .map(|entry| entry.as_ref().and_then(of))
                    .collect::<StringViewArray>(),
            )
        };
        Ok(ColumnarValue::Array(match self.figure {
            Figure::Cost => Arc::new(rows.costs(&self.cost)),
            Figure::Basis => text(|entry| Some(entry.basis.name())),
            Figure::Note => text(|entry| entry.note.map(|note| note.name())),
            Figure::List => number(|entry| entry.list.map(|list| list.usd)),
            Figure::ListLow => number(|entry| entry.list.map(|list| list.low_usd)),
            Figure::ListHigh => number(|entry| entry.list.map(|list| list.high_usd)),
            Figure::CacheSaved => {
                number(|entry| entry.list.map(|list| list.uncached_usd - list.usd))
            }
        }))
    }
}

/// The columns of a batch.
struct Rows<'a> {
    cost: &'a Float64Array,
    event: &'a StringViewArray,
    model: &'a StringViewArray,
    speed: &'a StringViewArray,
    time: &'a TimestampMillisecondArray,
    /// Input, output, cache read, cache creation, and of that for five minutes and for an hour.
    counts: [&'a Int64Array; COUNTS],
    attributes: Option<&'a StringViewArray>,
}

impl<'a> Rows<'a> {
    /// `None` when the columns are not the expected ones.
    fn of(arrays: &'a [ArrayRef]) -> Option<Rows<'a>> {
        let any = |at: usize| arrays.get(at).map(|array| array.as_any());
        let text = |at| any(at)?.downcast_ref::<StringViewArray>();
        let count = |at| any(at)?.downcast_ref::<Int64Array>();
        Some(Rows {
            cost: any(0)?.downcast_ref()?,
            event: text(1)?,
            model: text(2)?,
            speed: text(3)?,
            time: any(4)?.downcast_ref()?,
            counts: [
                count(5)?,
                count(6)?,
                count(7)?,
                count(8)?,
                count(9)?,
                count(10)?,
            ],
            attributes: text(11),
        })
    }

    /// The ledger's costs; of other events, what they carry.
    fn costs(&self, cost: &Cost) -> Float64Array {
        let mut models = LastModel::default();
        let of_row = |row| {
            let usd = self.cost.is_valid(row).then(|| self.cost.value(row));
            if usd.is_some_and(is_beyond_doubt) {
                return usd;
            }
            match self.entry(row, cost, &mut models) {
                Some(entry) => entry.cost_usd,
                None => usd,
            }
        };
        (0..self.event.len()).map(of_row).collect()
    }

    /// An entry for each row that is a request.
    fn entries<'r>(&'r self, cost: &'r Cost) -> impl Iterator<Item = Option<Entry>> + 'r {
        let mut models = LastModel::default();
        (0..self.event.len()).map(move |row| self.entry(row, cost, &mut models))
    }

    fn entry<'b>(&self, row: usize, cost: &'b Cost, models: &mut LastModel<'b>) -> Option<Entry> {
        if !(self.event.is_valid(row) && self.event.value(row) == "api_request") {
            return None;
        }
        let usd = self.cost.is_valid(row).then(|| self.cost.value(row));
        let instead = || value_of(self.attributes?.value(row), "cost_usd");
        let instead = if usd.is_none() { instead() } else { None };
        let request = Request {
            at_ms: self.time.value(row),
            tokens: self.tokens(row),
            modifiers: Modifiers {
                fast: self.speed.is_valid(row) && self.speed.value(row) == "fast",
                us_only: cost.us_only,
                ..Modifiers::default()
            },
            claim: Claim::of(usd, instead.as_deref()),
        };
        Some(enter(
            &cost.book,
            models.find(self.model, row, cost),
            &request,
        ))
    }

    /// `None` when no count is known.
    fn tokens(&self, row: usize) -> Option<Tokens> {
        let count = |column: &Int64Array| {
            let number = column.is_valid(row).then(|| column.value(row));
            number.and_then(|number| u64::try_from(number).ok())
        };
        let counts = self.counts.map(count);
        if counts.iter().all(Option::is_none) {
            return None;
        }
        let [input, output, cache_read, creation, write_5m, write_1h] = counts;
        let split = match (write_5m, write_1h) {
            (None, None) => None,
            (write_5m, write_1h) => Some((write_5m.unwrap_or(0), write_1h.unwrap_or(0))),
        };
        let split_sum = split.map(|(write_5m, write_1h)| write_5m + write_1h);
        let cache_creation = creation.or(split_sum).unwrap_or(0);
        Some(Tokens {
            input: input.unwrap_or(0),
            output: output.unwrap_or(0),
            cache_read: cache_read.unwrap_or(0),
            cache_creation,
            // A split of something else says nothing about these tokens.
            split: split.filter(|_| split_sum == Some(cache_creation)),
        })
    }
}

/// The model of the row before: rows of one session lie together, and their names are the same bytes.
#[derive(Default)]
struct LastModel<'b> {
    known: Option<(u128, Option<Model<'b>>)>,
}

impl<'b> LastModel<'b> {
    fn find(&mut self, names: &StringViewArray, row: usize, cost: &'b Cost) -> Option<Model<'b>> {
        if names.is_null(row) {
            return None;
        }
        let view = names.views()[row];
        match self.known {
            Some((known, model)) if known == view => model,
            _ => {
                let model = cost.book.find(names.value(row));
                self.known = Some((view, model));
                model
            }
        }
    }
}
