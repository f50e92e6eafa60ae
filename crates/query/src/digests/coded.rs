//! Rows that are kept in memory: a text that repeats is kept once, its rows hold a number of one, two
//! or four bytes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, StringViewArray, UInt8Array, UInt16Array, UInt32Array, new_null_array,
};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Bytes of long texts that batches share.
const SHARED_BYTES_MAX: usize = 64 << 10;

/// The rows of one batch, coded.
#[derive(Debug)]
pub(crate) struct Coded {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
}

#[derive(Debug)]
enum Column {
    Plain(ArrayRef),
    /// Which of the values, in the smallest numbers that do.
    Text {
        codes: ArrayRef,
        values: StringViewArray,
    },
    /// Nothing but NULL.
    Empty(DataType),
}

impl Coded {
    pub(crate) fn of(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Coded, ArrowError> {
        let all = concat_batches(schema, batches)?;
        Ok(Coded {
            schema: Arc::clone(schema),
            columns: all.columns().iter().map(Column::of).collect(),
            rows: all.num_rows(),
        })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The texts of a column, each once; `None` when it has none.
    pub(super) fn texts(&self, column: usize) -> Option<&StringViewArray> {
        match self.columns.get(column)? {
            Column::Text { values, .. } => Some(values),
            Column::Plain(_) | Column::Empty(_) => None,
        }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let of = |column: &Column| match column {
            Column::Plain(values) => values.get_array_memory_size(),
            Column::Text { codes, values } => {
                codes.get_array_memory_size() + values.get_array_memory_size()
            }
            Column::Empty(_) => 0,
        };
        self.columns.iter().map(of).sum()
    }

    /// Some columns of some rows, as they were.
    pub(crate) fn rows_of(
        &self,
        columns: &[usize],
        from: usize,
        count: usize,
    ) -> Result<RecordBatch, ArrowError> {
        let arrays = columns
            .iter()
            .map(|at| self.columns[*at].slice(from, count));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let schema = Arc::new(self.schema.project(columns)?);
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(schema, arrays, &options)
    }
}

impl Column {
    fn of(array: &ArrayRef) -> Column {
        if array.null_count() == array.len() {
            return Column::Empty(array.data_type().clone());
        }
        match array.as_any().downcast_ref::<StringViewArray>() {
            Some(texts) => Column::text(texts),
            None => Column::Plain(Arc::clone(array)),
        }
    }

    fn text(texts: &StringViewArray) -> Column {
        let mut known: HashMap<&str, u32, foldhash::fast::RandomState> = HashMap::default();
        let mut values = Vec::new();
        let codes = texts.iter().map(|text| {
            let text = text?;
            Some(*known.entry(text).or_insert_with(|| {
                values.push(text);
                values.len() as u32 - 1
            }))
        });
        let codes: Vec<Option<u32>> = codes.collect();
        let narrow = codes.iter().copied();
        // A number that is a place among `values` fits.
        let codes: ArrayRef = match values.len() {
            0..=0x100 => Arc::new(
                narrow
                    .map(|code| code.map(|code| code as u8))
                    .collect::<UInt8Array>(),
            ),
            0x101..=0x1_0000 => Arc::new(
                narrow
                    .map(|code| code.map(|code| code as u16))
                    .collect::<UInt16Array>(),
            ),
            _ => Arc::new(narrow.collect::<UInt32Array>()),
        };
        Column::Text {
            codes,
            values: StringViewArray::from_iter_values(values).gc(),
        }
    }

    fn slice(&self, from: usize, count: usize) -> Result<ArrayRef, ArrowError> {
        match self {
            Column::Plain(values) => Ok(values.slice(from, count)),
            Column::Text { codes, values } => texts(values, &codes.slice(from, count)),
            Column::Empty(kind) => Ok(new_null_array(kind, count)),
        }
    }
}

/// Some of the texts. Those of a batch that refer to many long ones would take these along wherever it is put
/// down, so they are copied then.
fn texts(values: &StringViewArray, codes: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let taken = take(values, codes, None)?;
    let long = values.data_buffers().iter().map(|buffer| buffer.len());
    match taken.as_any().downcast_ref::<StringViewArray>() {
        Some(views) if long.sum::<usize>() > SHARED_BYTES_MAX => Ok(Arc::new(views.gc())),
        _ => Ok(taken),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::compute::concat_batches;

    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in() {
        for distinct in [3, 300, 70_000] {
            let count = distinct + 5;
            let text = |row: usize| {
                (!row.is_multiple_of(7)).then(|| format!("a longer text {}", row % distinct))
            };
            let texts: StringViewArray = (0..count).map(text).collect();
            let numbers: Int64Array = (0..count)
                .map(|row| (row % 3 > 0).then_some(row as i64))
                .collect();
            let none = StringViewArray::new_null(count);
            let columns: [(&str, ArrayRef, bool); 3] = [
                ("text", Arc::new(texts), true),
                ("number", Arc::new(numbers), true),
                ("none", Arc::new(none), true),
            ];
            let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
            let coded = Coded::of(&batch.schema(), std::slice::from_ref(&batch)).expect("coded");
            let pieces = [(0, 2), (2, count - 2)]
                .map(|(from, rows)| coded.rows_of(&[0, 1, 2], from, rows).expect("rows"));
            let all = concat_batches(&batch.schema(), &pieces).expect("rows");
            assert_eq!(all, batch, "{distinct}");
            assert_eq!((coded.rows(), coded.bytes() > 0), (count, true));
            let none = coded.rows_of(&[], 0, 2).expect("rows");
            assert_eq!((none.num_rows(), none.num_columns()), (2, 0));
        }
    }
}
