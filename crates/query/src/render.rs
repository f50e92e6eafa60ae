//! Answers as JSON, CSV, Parquet, or a table for people.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::engine::Answer;

/// Times as clients write them.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";
/// A cell of a table for people is cut at this many characters; the other formats are whole.
const CELL_CHARS_MAX: usize = 60;

/// One array of row objects; absent values are null, numbers are numbers.
pub fn json(answer: &Answer) -> Result<Vec<u8>, ArrowError> {
    let mut writer = arrow_json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_format(TIME_FORMAT.to_owned())
        .with_timestamp_tz_format(TIME_FORMAT.to_owned())
        .build::<_, arrow_json::writer::JsonArray>(Vec::new());
    for batch in &answer.batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    let mut out = writer.into_inner();
    if out.is_empty() {
        out.extend_from_slice(b"[]");
    }
    out.push(b'\n');
    Ok(out)
}

/// Comma-separated values with a header. A text cell that a spreadsheet would take for a formula
/// gets a leading `'`.
pub fn csv(answer: &Answer) -> Result<Vec<u8>, ArrowError> {
    let mut out = Vec::new();
    {
        let mut writer = arrow_csv::WriterBuilder::new()
            .with_header(true)
            .with_timestamp_format(TIME_FORMAT.to_owned())
            .with_timestamp_tz_format(TIME_FORMAT.to_owned())
            .build(&mut out);
        if answer.batches.is_empty() {
            writer.write(&RecordBatch::new_empty(std::sync::Arc::clone(
                &answer.schema,
            )))?;
        }
        for batch in &answer.batches {
            writer.write(&without_formulas(batch)?)?;
        }
    }
    Ok(out)
}

fn without_formulas(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    use arrow::array::{Array, ArrayRef, StringViewArray};
    let defuse = |text: &str| match text.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n') => format!("'{text}"),
        _ => text.to_owned(),
    };
    let columns = batch.columns().iter().map(|column| {
        match column.as_any().downcast_ref::<StringViewArray>() {
            Some(text) => {
                let defused: StringViewArray = text.iter().map(|value| value.map(defuse)).collect();
                std::sync::Arc::new(defused) as ArrayRef
            }
            None => std::sync::Arc::clone(column),
        }
    });
    debug_assert!(
        batch
            .columns()
            .iter()
            .all(|column| column.len() == batch.num_rows())
    );
    RecordBatch::try_new(batch.schema(), columns.collect())
}

/// A Parquet file.
pub fn parquet(answer: &Answer) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(
        Vec::new(),
        std::sync::Arc::clone(&answer.schema),
        Some(properties),
    )?;
    for batch in &answer.batches {
        writer.write(batch)?;
    }
    writer.into_inner()
}

/// A table for people: control characters escaped, long cells cut, and a line that says how much.
pub fn table(answer: &Answer, out: &mut impl Write) -> Result<(), ArrowError> {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(
        answer
            .schema
            .fields()
            .iter()
            .map(|field| field.name().clone()),
    );
    let options = FormatOptions::default()
        .with_timestamp_format(Some(TIME_FORMAT))
        .with_timestamp_tz_format(Some(TIME_FORMAT));
    for batch in &answer.batches {
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            table.add_row(
                formatters
                    .iter()
                    .map(|cell| printable(&cell.value(row).to_string())),
            );
        }
    }
    let more = if answer.truncated {
        ", more were cut off"
    } else {
        ""
    };
    let rows = answer.rows();
    let noun = if rows == 1 { "row" } else { "rows" };
    writeln!(
        out,
        "{table}\n{rows} {noun} in {:.0} ms{more}",
        answer.elapsed.as_secs_f64() * 1e3
    )
    .map_err(io_error)
}

fn io_error(error: io::Error) -> ArrowError {
    ArrowError::IoError(error.to_string(), error)
}

/// Telemetry may hold terminal escapes: nothing in a cell may move the cursor or change colours.
fn printable(text: &str) -> String {
    let escaped = text.chars().take(CELL_CHARS_MAX).flat_map(|symbol| {
        let visible = !symbol.is_control();
        let shown = visible.then_some(symbol);
        shown.into_iter().chain(
            symbol
                .escape_default()
                .take(if visible { 0 } else { usize::MAX }),
        )
    });
    let mut out: String = escaped.collect();
    if text.chars().nth(CELL_CHARS_MAX).is_some() {
        out.push('…');
    }
    out
}
