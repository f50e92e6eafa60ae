//! Rows of an answer as typed values: a field of a struct takes the column of its name.
//!
//! Numbers go from column to field as they are, never through text.

use std::fmt;

use arrow::array::{Array, BooleanArray, Float64Array, Int64Array, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::engine::Answer;
use crate::error::QueryError;

/// All rows of an answer.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<Vec<T>, QueryError> {
    let mut rows = Vec::with_capacity(answer.rows());
    for batch in &answer.batches {
        rows.extend(read_batch(batch, batch.num_rows()).map_err(QueryError::internal)?);
    }
    Ok(rows)
}

/// The first rows of a batch.
pub(super) fn read_batch<T: DeserializeOwned>(
    batch: &RecordBatch,
    count: usize,
) -> Result<Vec<T>, Fault> {
    let schema = batch.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let columns = batch
        .columns()
        .iter()
        .map(|column| Column::of(column.as_ref()));
    let columns: Vec<(&str, Column)> = names
        .zip(columns)
        .map(|(name, column)| Ok((name, column?)))
        .collect::<Result<_, Fault>>()?;
    let row = |row| {
        let cells = columns
            .iter()
            .map(|(name, column)| (*name, Cell { column, row }));
        T::deserialize(MapDeserializer::new(cells))
    };
    (0..count.min(batch.num_rows())).map(row).collect()
}

/// A column in the one of four shapes that it fits in. Times are whole milliseconds.
enum Column {
    Text(StringViewArray),
    Int(Int64Array),
    Float(Float64Array),
    Flag(BooleanArray),
}

impl Column {
    fn of(array: &dyn Array) -> Result<Column, Fault> {
        let as_type = |kind| cast(array, kind).map(|array| array.to_data());
        Ok(match array.data_type() {
            DataType::Boolean => Column::Flag(as_type(&DataType::Boolean)?.into()),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                Column::Float(as_type(&DataType::Float64)?.into())
            }
            DataType::Timestamp(_, zone) => {
                let millis = cast(
                    array,
                    &DataType::Timestamp(TimeUnit::Millisecond, zone.clone()),
                )?;
                Column::Int(cast(&millis, &DataType::Int64)?.to_data().into())
            }
            kind if kind.is_integer() => Column::Int(as_type(&DataType::Int64)?.into()),
            _ => Column::Text(as_type(&DataType::Utf8View)?.into()),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Column::Text(array) => array.is_null(row),
            Column::Int(array) => array.is_null(row),
            Column::Float(array) => array.is_null(row),
            Column::Flag(array) => array.is_null(row),
        }
    }
}

#[derive(Clone, Copy)]
struct Cell<'a> {
    column: &'a Column,
    row: usize,
}

impl<'a> IntoDeserializer<'a, Fault> for Cell<'a> {
    type Deserializer = Cell<'a>;

    fn into_deserializer(self) -> Cell<'a> {
        self
    }
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.column.is_null(self.row) {
            return visitor.visit_unit();
        }
        match self.column {
            Column::Text(array) => visitor.visit_str(array.value(self.row)),
            Column::Int(array) => visitor.visit_i64(array.value(self.row)),
            Column::Float(array) => visitor.visit_f64(array.value(self.row)),
            Column::Flag(array) => visitor.visit_bool(array.value(self.row)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.column.is_null(self.row) {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A row that is not of the shape that its report expects: a fault of ours.
#[derive(Debug)]
pub(super) struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a report's row is not as expected: {}", self.0)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Fault {
        Fault(message.to_string())
    }
}

impl From<ArrowError> for Fault {
    fn from(error: ArrowError) -> Fault {
        Fault(error.to_string())
    }
}
