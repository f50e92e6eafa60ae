//! Answers as JSON, CSV, Parquet, or a table for people.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
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

/// Comma-separated values with a header. A text, in a cell or in the header, that a spreadsheet would take
/// for a formula gets a leading `'`; numbers stay numbers.
pub fn csv(answer: &Answer) -> Result<Vec<u8>, ArrowError> {
    let mut out = Vec::new();
    {
        let mut writer = arrow_csv::WriterBuilder::new()
            .with_header(true)
            .with_timestamp_format(TIME_FORMAT.to_owned())
            .with_timestamp_tz_format(TIME_FORMAT.to_owned())
            .build(&mut out);
        if answer.batches.is_empty() {
            let empty = RecordBatch::new_empty(Arc::clone(&answer.schema));
            writer.write(&without_formulas(&empty)?)?;
        }
        for batch in &answer.batches {
            writer.write(&without_formulas(batch)?)?;
        }
    }
    Ok(out)
}

fn without_formulas(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let fields = batch.schema();
    let columns = fields.fields().iter().zip(batch.columns());
    let defused = columns.map(|(field, column)| {
        let texts = texts(column)?;
        let column = texts.map_or_else(|| Arc::clone(column), |texts| Arc::new(texts) as ArrayRef);
        let name = defuse(field.name());
        Ok((Field::new(name, column.data_type().clone(), true), column))
    });
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = defused
        .collect::<Result<Vec<_>, ArrowError>>()?
        .into_iter()
        .unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// The cells of a column of texts, or of what is written as one, as a spreadsheet may have them.
fn texts(column: &ArrayRef) -> Result<Option<StringViewArray>, ArrowError> {
    let kind = column.data_type();
    let of_texts = match kind {
        DataType::Dictionary(_, values) => values.is_string(),
        kind => kind.is_string(),
    };
    if of_texts {
        let cast = arrow::compute::cast(column, &DataType::Utf8View)?;
        let texts = cast.as_string_view().iter();
        return Ok(Some(texts.map(|text| text.map(defuse)).collect()));
    }
    if !kind.is_nested() {
        return Ok(None);
    }
    let options = options();
    let cells = ArrayFormatter::try_new(column.as_ref(), &options)?;
    let cell = |row| {
        column
            .is_valid(row)
            .then(|| defuse(cells.value(row).to_string()))
    };
    Ok(Some((0..column.len()).map(cell).collect()))
}

/// A text that no spreadsheet takes for a formula.
fn defuse(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    match text.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

fn options() -> FormatOptions<'static> {
    FormatOptions::default()
        .with_timestamp_format(Some(TIME_FORMAT))
        .with_timestamp_tz_format(Some(TIME_FORMAT))
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
            .map(|field| printable(field.name())),
    );
    let options = options();
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

/// Whether a character does something to what is around it on a terminal: moves the cursor, changes
/// colours, begins a line, or turns the direction of writing.
pub fn moves(symbol: char) -> bool {
    symbol.is_control()
        || matches!(
            symbol,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Telemetry may hold terminal escapes: nothing in a cell may do anything beside being read.
fn printable(text: &str) -> String {
    let mut out = String::new();
    for symbol in text.chars().take(CELL_CHARS_MAX) {
        match moves(symbol) {
            true => out.extend(symbol.escape_default()),
            false => out.push(symbol),
        }
    }
    if text.chars().nth(CELL_CHARS_MAX).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(columns: Vec<(&str, ArrayRef)>) -> Answer {
        let batch = RecordBatch::try_from_iter(columns).expect("a batch");
        Answer {
            schema: batch.schema(),
            batches: vec![batch],
            elapsed: Duration::ZERO,
            truncated: false,
            is_lasting: true,
        }
    }

    #[test]
    fn no_cell_is_a_formula_and_numbers_are_numbers() {
        let odd = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "plain = -1"];
        let list = arrow::array::ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>(
            odd.map(|_| Some(vec![Some(-1)])),
        );
        let many: arrow::array::DictionaryArray<arrow::datatypes::Int32Type> =
            odd.into_iter().collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("=view", Arc::new(StringViewArray::from_iter_values(odd))),
            (
                "text",
                Arc::new(arrow::array::StringArray::from_iter_values(odd)),
            ),
            ("many", Arc::new(many)),
            ("list", Arc::new(list)),
            (
                "number",
                Arc::new(arrow::array::Int64Array::from_value(-5, odd.len())),
            ),
        ];
        let out = csv(&answer(columns)).expect("CSV");
        let mut reader = csv::Reader::from_reader(&out[..]);
        assert_eq!(&reader.headers().expect("a header")[0], "'=view");
        let records: Vec<_> = reader.records().collect::<Result<_, _>>().expect("rows");
        for (record, text) in records.iter().zip(odd) {
            let wanted = match text {
                "plain = -1" => text.to_owned(),
                other => format!("'{other}"),
            };
            for column in 0..3 {
                assert_eq!(record[column], wanted, "column {column}");
            }
            assert_eq!((&record[3], &record[4]), ("[-1]", "-5"));
        }
        assert_eq!(records.len(), odd.len());
    }

    #[test]
    fn nothing_moves_in_a_table_for_people() {
        let odd =
            "a\u{1b}]0;title\u{7}\u{1b}[31m\u{9b}2J\u{202e}\u{2066}\u{200f}\u{61c}\r\n\u{2028}b";
        let cell: ArrayRef = Arc::new(StringViewArray::from_iter_values([odd]));
        let mut out = Vec::new();
        table(&answer(vec![(odd, cell)]), &mut out).expect("a table");
        let out = String::from_utf8(out).expect("UTF-8");
        let moving = out
            .chars()
            .filter(|symbol| moves(*symbol) && *symbol != '\n');
        assert_eq!(moving.count(), 0, "{out:?}");
    }
}
