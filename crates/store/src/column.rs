//! Column builders that cost nothing for columns a batch does not touch.
//!
//! Text of all columns of one batch lies in one block; a column holds 16-byte views into it. A value
//! that repeats (the person, the model, the session) is found again through a small cache and its
//! view reused, so a batch of one session stores its identity once.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, BooleanBuilder, Float64Builder, Int64Builder,
    NullBufferBuilder, StringViewArray, new_null_array,
};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Recently seen values a text column remembers; a power of two.
const RECENT: usize = 16;
/// Longest value that is inlined into its view (Arrow's string view layout).
const INLINE_MAX: usize = 12;
/// Rows up to which an untouched column shares one null array.
const SHARED_NULLS: usize = 1024;

/// A table's rows while a batch is being built.
pub(crate) struct TableBuilder {
    schema: SchemaRef,
    columns: Vec<Option<Column>>,
    block: Vec<u8>,
    rows: usize,
}

enum Column {
    Text(Views),
    Binary(Views),
    Int(Int64Builder),
    Float(Float64Builder),
    Flag(BooleanBuilder),
}

struct Views {
    views: Vec<u128>,
    nulls: NullBufferBuilder,
    recent: [u128; RECENT],
}

impl TableBuilder {
    pub(crate) fn new(schema: SchemaRef) -> TableBuilder {
        let columns = schema.fields().iter().map(|_| None).collect();
        TableBuilder {
            schema,
            columns,
            block: Vec::new(),
            rows: 0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Ends the row whose values were put since the last call.
    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
    }

    pub(crate) fn text(&mut self, at: usize, text: &str) {
        let rows = self.rows;
        let column = self.columns[at].get_or_insert_with(|| Column::Text(Views::new()));
        if let Column::Text(views) = column {
            views.put(rows, text.as_bytes(), &mut self.block);
        }
    }

    pub(crate) fn bytes(&mut self, at: usize, bytes: &[u8]) {
        let rows = self.rows;
        let column = self.columns[at].get_or_insert_with(|| Column::Binary(Views::new()));
        if let Column::Binary(views) = column {
            views.put(rows, bytes, &mut self.block);
        }
    }

    /// A whole number, or a count of milliseconds or nanoseconds in a time column.
    pub(crate) fn int(&mut self, at: usize, number: i64) {
        let rows = self.rows;
        let column = self.columns[at].get_or_insert_with(|| Column::Int(Int64Builder::new()));
        if let Column::Int(builder) = column {
            builder.append_nulls(rows - builder.values_slice().len());
            builder.append_value(number);
        }
    }

    pub(crate) fn float(&mut self, at: usize, number: f64) {
        let rows = self.rows;
        let column = self.columns[at].get_or_insert_with(|| Column::Float(Float64Builder::new()));
        if let Column::Float(builder) = column {
            builder.append_nulls(rows - builder.values_slice().len());
            builder.append_value(number);
        }
    }

    pub(crate) fn flag(&mut self, at: usize, flag: bool) {
        let rows = self.rows;
        let column = self.columns[at].get_or_insert_with(|| Column::Flag(BooleanBuilder::new()));
        if let Column::Flag(builder) = column {
            use arrow::array::ArrayBuilder;
            builder.append_nulls(rows - builder.len());
            builder.append_value(flag);
        }
    }

    /// One batch of the rows of several, with one block for all their text: a view into many small
    /// blocks would cost more than what it shows.
    pub(crate) fn merge(
        schema: SchemaRef,
        batches: &[&RecordBatch],
    ) -> Result<RecordBatch, ArrowError> {
        let mut builder = TableBuilder::new(Arc::clone(&schema));
        builder.rows = batches.iter().map(|batch| batch.num_rows()).sum();
        let mut plain: Vec<(usize, ArrayRef)> = Vec::new();
        for at in 0..schema.fields().len() {
            let arrays: Vec<&dyn Array> = batches
                .iter()
                .map(|batch| batch.column(at).as_ref())
                .collect();
            if arrays.iter().all(|array| array.null_count() == array.len()) {
                continue;
            }
            match schema.field(at).data_type() {
                DataType::Utf8View => {
                    builder.columns[at] =
                        Some(Column::Text(merge_text(&arrays, &mut builder.block)?))
                }
                DataType::BinaryView => {
                    builder.columns[at] =
                        Some(Column::Binary(merge_bytes(&arrays, &mut builder.block)?));
                }
                _ => plain.push((at, concat(&arrays)?)),
            }
        }
        let mut columns = builder.finish()?.columns().to_vec();
        for (at, array) in plain {
            columns[at] = array;
        }
        RecordBatch::try_new(schema, columns)
    }

    /// The batch of all rows so far.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        self.block.shrink_to_fit();
        let block = Buffer::from_vec(self.block);
        let fields = self.schema.fields().iter();
        let arrays = fields
            .zip(self.columns)
            .map(|(field, column)| finish_column(field, column, self.rows, &block))
            .collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(self.schema, arrays)
    }
}

fn finish_column(
    field: &Field,
    column: Option<Column>,
    rows: usize,
    block: &Buffer,
) -> Result<ArrayRef, ArrowError> {
    let plain: ArrayRef = match column {
        None => return Ok(nulls(field.data_type(), rows)),
        Some(Column::Text(views)) => return views.finish_text(rows, block),
        Some(Column::Binary(views)) => return views.finish_bytes(rows, block),
        Some(Column::Int(mut builder)) => {
            builder.append_nulls(rows - builder.values_slice().len());
            Arc::new(builder.finish())
        }
        Some(Column::Float(mut builder)) => {
            builder.append_nulls(rows - builder.values_slice().len());
            Arc::new(builder.finish())
        }
        Some(Column::Flag(mut builder)) => {
            use arrow::array::ArrayBuilder;
            builder.append_nulls(rows - builder.len());
            Arc::new(builder.finish())
        }
    };
    if plain.data_type() == field.data_type() {
        return Ok(plain);
    }
    // Times are built as numbers; the layout is the same.
    let data = plain
        .to_data()
        .into_builder()
        .data_type(field.data_type().clone())
        .build()?;
    Ok(arrow::array::make_array(data))
}

fn merge_text(arrays: &[&dyn Array], block: &mut Vec<u8>) -> Result<Views, ArrowError> {
    let mut views = Views::new();
    for array in arrays {
        let text = array.as_any().downcast_ref::<StringViewArray>();
        for value in text.ok_or_else(|| ArrowError::CastError("a text column".into()))? {
            views.put_next(value.map(str::as_bytes), block);
        }
    }
    Ok(views)
}

fn merge_bytes(arrays: &[&dyn Array], block: &mut Vec<u8>) -> Result<Views, ArrowError> {
    let mut views = Views::new();
    for array in arrays {
        let bytes = array.as_any().downcast_ref::<BinaryViewArray>();
        for value in bytes.ok_or_else(|| ArrowError::CastError("a column of bytes".into()))? {
            views.put_next(value, block);
        }
    }
    Ok(views)
}

impl Views {
    fn new() -> Views {
        Views {
            views: Vec::new(),
            nulls: NullBufferBuilder::new(0),
            recent: [0; RECENT],
        }
    }

    fn pad(&mut self, rows: usize) {
        let missing = rows - self.views.len();
        self.views.resize(rows, 0);
        self.nulls.append_n_nulls(missing);
    }

    fn put(&mut self, rows: usize, bytes: &[u8], block: &mut Vec<u8>) {
        self.pad(rows);
        let view = self.view(bytes, block);
        self.views.push(view);
        self.nulls.append_non_null();
    }

    fn put_next(&mut self, value: Option<&[u8]>, block: &mut Vec<u8>) {
        match value {
            Some(bytes) => self.put(self.views.len(), bytes, block),
            None => {
                self.views.push(0);
                self.nulls.append_null();
            }
        }
    }

    /// Arrow's string view: length, then either up to 12 bytes, or the first 4, block number and offset.
    fn view(&mut self, bytes: &[u8], block: &mut Vec<u8>) -> u128 {
        let length = bytes.len() as u128;
        if bytes.len() <= INLINE_MAX {
            let mut inline = [0_u8; 16];
            inline[4..4 + bytes.len()].copy_from_slice(bytes);
            return u128::from_le_bytes(inline) | length;
        }
        let slot = slot_of(bytes);
        let known = self.recent[slot];
        if known as u32 as usize == bytes.len() {
            let offset = (known >> 96) as usize;
            if &block[offset..offset + bytes.len()] == bytes {
                return known;
            }
        }
        let prefix = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let view = length | u128::from(prefix) << 32 | (block.len() as u128) << 96;
        block.extend_from_slice(bytes);
        self.recent[slot] = view;
        view
    }

    fn finish_text(mut self, rows: usize, block: &Buffer) -> Result<ArrayRef, ArrowError> {
        self.pad(rows);
        let views = ScalarBuffer::from(self.views);
        Ok(Arc::new(StringViewArray::try_new(
            views,
            vec![block.clone()],
            self.nulls.finish(),
        )?))
    }

    fn finish_bytes(mut self, rows: usize, block: &Buffer) -> Result<ArrayRef, ArrowError> {
        self.pad(rows);
        let views = ScalarBuffer::from(self.views);
        Ok(Arc::new(BinaryViewArray::try_new(
            views,
            vec![block.clone()],
            self.nulls.finish(),
        )?))
    }
}

/// A cheap spread over the cache's slots: ends differ where beginnings are alike.
fn slot_of(bytes: &[u8]) -> usize {
    let last = bytes.len() - 1;
    let mix = usize::from(bytes[last]) ^ usize::from(bytes[last / 2]).rotate_left(2) ^ bytes.len();
    mix % RECENT
}

/// An all-null array; small ones are slices of one shared array per type.
fn nulls(data_type: &DataType, rows: usize) -> ArrayRef {
    static SHARED: LazyLock<Vec<(DataType, ArrayRef)>> = LazyLock::new(|| {
        let mut types: Vec<DataType> = Vec::new();
        for table in crate::schema::Table::ALL {
            for field in table.schema().fields() {
                if !types.contains(field.data_type()) {
                    types.push(field.data_type().clone());
                }
            }
        }
        types
            .into_iter()
            .map(|kind| (kind.clone(), new_null_array(&kind, SHARED_NULLS)))
            .collect()
    });
    match SHARED.iter().find(|(kind, _)| kind == data_type) {
        Some((_, array)) if rows <= SHARED_NULLS => array.slice(0, rows),
        _ => new_null_array(data_type, rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Table;

    #[test]
    fn values_land_in_their_rows_and_repeats_share_their_bytes() {
        let long = "a value that is longer than twelve bytes";
        let mut builder = TableBuilder::new(Table::Events.schema());
        builder.text(2, long);
        builder.end_row();
        builder.int(0, 5);
        builder.end_row();
        builder.text(2, "short");
        builder.end_row();
        builder.text(2, long);
        builder.end_row();
        assert_eq!(builder.block.len(), long.len());
        let batch = builder.finish().expect("a batch");
        let text = batch
            .column(2)
            .as_any()
            .downcast_ref::<StringViewArray>()
            .expect("text");
        let got: Vec<_> = text.iter().collect();
        assert_eq!(got, [Some(long), None, Some("short"), Some(long)]);
        let time =
            arrow::compute::cast(batch.column(0), &DataType::Int64).expect("a time is a number");
        assert_eq!((time.null_count(), batch.num_rows()), (3, 4));
        assert_eq!(batch.column(3).null_count(), 4);
    }
}
