//! Parts are read back and written anew with fewer rows.
//!
//! Invariant: the rows that stay are the same rows in the same order, and the new file holds no byte of
//! the others: dictionaries, statistics and filters are built from what stays.

use arrow::array::{ArrayRef, BooleanArray, new_null_array};
use arrow::compute::{cast, filter_record_batch};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::*;

/// The rows of a part's file, in their order, a batch at a time. The file must have been found sound.
pub(crate) struct Reader {
    table: Table,
    /// Which columns; all of the table's when absent.
    columns: Option<&'static [&'static str]>,
    rows: ParquetRecordBatchReader,
}

impl Reader {
    /// Reads the given columns, or all. The batches of one file are the same whatever the columns.
    pub(crate) fn open(
        table: Table,
        file: Bytes,
        columns: Option<&'static [&'static str]>,
    ) -> Result<Reader, ParquetError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let mask = match columns {
            Some(columns) => {
                ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied())
            }
            None => ProjectionMask::all(),
        };
        let rows = builder
            .with_projection(mask)
            .with_batch_size(CHUNK_ROWS)
            .build()?;
        Ok(Reader {
            table,
            columns,
            rows,
        })
    }

    /// The batch with the columns that were asked for, those that the file lacks as nulls.
    fn complete(&self, batch: &RecordBatch) -> Result<RecordBatch, ParquetError> {
        let schema = self.table.schema();
        let fields = schema.fields().iter();
        let wanted = fields.filter(|field| {
            self.columns
                .is_none_or(|columns| columns.contains(&field.name().as_str()))
        });
        let (mut fields, mut columns): (Vec<_>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
        for field in wanted {
            let column = match batch.column_by_name(field.name()) {
                Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
                Some(column) => cast(column, field.data_type())?,
                None => new_null_array(field.data_type(), batch.num_rows()),
            };
            fields.push(Arc::clone(field));
            columns.push(column);
        }
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}

/// About how many different prompts the rows of a part have that stay, counted where the value changes.
pub(crate) fn prompts_of(file: Bytes, table: Table) -> Result<u64, ParquetError> {
    let (mut last, mut prompts) = (None, 0);
    if table == Table::Quarantine {
        return Ok(prompts);
    }
    for batch in Reader::open(table, file, Some(&["prompt_id"]))? {
        let batch = batch?;
        let column = batch.column_by_name("prompt_id");
        let Some(texts) =
            column.and_then(|column| column.as_any().downcast_ref::<StringViewArray>())
        else {
            break;
        };
        for text in texts.iter().flatten() {
            if last.as_deref() != Some(text) {
                last = Some(text.to_owned());
                prompts += 1;
            }
        }
    }
    Ok(prompts)
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.rows.next()?;
        Some(
            batch
                .map_err(ParquetError::from)
                .and_then(|batch| self.complete(&batch)),
        )
    }
}

/// A part that is being written anew.
pub(crate) struct Rewriting {
    table: Table,
    writer: ArrowWriter<Vec<u8>>,
    times: Option<(i64, i64)>,
    rows: u64,
}

/// A part that was written anew.
pub(crate) struct Rewritten {
    pub(crate) file: Vec<u8>,
    pub(crate) rows: u64,
    /// Earliest and latest time, milliseconds since the Unix epoch.
    pub(crate) times: (i64, i64),
}

impl Rewriting {
    /// Begins a file for rows with about so many different prompts.
    pub(crate) fn begin(table: Table, prompts: u64) -> Result<Rewriting, ParquetError> {
        let schema = table.schema();
        let properties = properties(&schema, prompts);
        Ok(Rewriting {
            table,
            writer: ArrowWriter::try_new(Vec::new(), schema, Some(properties))?,
            times: None,
            rows: 0,
        })
    }

    /// Takes those rows of a batch that stay.
    pub(crate) fn keep(
        &mut self,
        batch: &RecordBatch,
        stays: &BooleanArray,
    ) -> Result<(), ParquetError> {
        self.keep_all(&filter_record_batch(batch, stays)?)
    }

    /// Takes all rows of a batch.
    pub(crate) fn keep_all(&mut self, kept: &RecordBatch) -> Result<(), ParquetError> {
        if kept.num_rows() == 0 {
            return Ok(());
        }
        for row in 0..kept.num_rows() {
            let ms = time_ms(self.table, kept, row);
            let (first, last) = self.times.unwrap_or((ms, ms));
            self.times = Some((first.min(ms), last.max(ms)));
        }
        self.rows += kept.num_rows() as u64;
        self.writer.write(kept)
    }

    /// The file; nothing when no row stayed.
    pub(crate) fn end(self) -> Result<Option<Rewritten>, ParquetError> {
        let Some(times) = self.times else {
            return Ok(None);
        };
        Ok(Some(Rewritten {
            file: self.writer.into_inner()?,
            rows: self.rows,
            times,
        }))
    }
}

/// When a row was, milliseconds since the Unix epoch.
pub(crate) fn time_ms(table: Table, rows: &RecordBatch, row: usize) -> i64 {
    let per_ms = if table == Table::Spans { 1_000_000 } else { 1 };
    TimeColumn::of(rows).at(row) / per_ms
}
