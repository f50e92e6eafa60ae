//! One immutable column file: the rows of one table and one day, sorted.
//!
//! Rows are sorted by session, then time, then sequence: what repeats within a session then costs
//! almost nothing, a prompt's events lie together, and a decision lies beside its result. Text is
//! dictionary-encoded except ids, which are their own dictionary. The file is Parquet with zstd,
//! column and page statistics, and a bloom filter on `prompt_id`.

mod rewrite;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int64Array, StringViewArray, TimestampMillisecondArray,
    TimestampNanosecondArray,
};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use contract::Col;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use crate::error::Unreadable;
use crate::schema::{Table, place};
use crate::state::Batch;

pub(crate) use rewrite::{Reader, Rewriting, Rewritten, prompts_of, time_ms};

/// The version of a part: which columns there are and what they mean. Written into the file's own
/// metadata and into the manifest.
pub(crate) const VERSION: u32 = 1;
/// Under which key the file's metadata has the version. Parts of version 1 may lack it.
const VERSION_KEY: &str = "tallybook.version";
/// Rows that are gathered from the buffer at a time.
const CHUNK_ROWS: usize = 8192;
const ZSTD_LEVEL: i32 = 3;
/// Columns whose values hardly ever repeat.
const UNREPEATED: &[&str] = &[
    "request_id",
    "client_request_id",
    "tool_use_id",
    "message_uuid",
    "prompt",
    "response",
    "tool_input",
    "raw",
    "item",
    "trace_id",
    "span_id",
];

/// What the manifest says of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which table its rows are of.
    pub table: Table,
    /// Object path under the data directory.
    pub path: String,
    /// Day by which its rows are filed, in days since the Unix epoch.
    pub day: u32,
    /// How many rows.
    pub rows: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Earliest `time` in it, milliseconds since the Unix epoch.
    pub time_min_ms: i64,
    /// Latest `time` in it, milliseconds since the Unix epoch.
    pub time_max_ms: i64,
    /// CRC-32C of the file.
    pub crc32c: u32,
    /// Version of the file's format.
    #[serde(default = "first_version")]
    pub version: u32,
    /// How far retention is with it; nothing where it has changed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Looked>,
}

/// What retention knows of a part that it has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// By which rules all of its rows were treated.
    pub rules: u64,
    /// The first day, since the Unix epoch, on which it is to be looked at again.
    pub until: u32,
    /// Whether rows of it are reduced to their figures.
    pub is_reduced: bool,
}

impl Part {
    /// Every file that belongs to the part at `path`: what goes when it goes, and is made anew when it is
    /// rewritten.
    pub(crate) fn files_at(path: &str) -> Vec<String> {
        vec![path.to_owned()]
    }

    /// Fails when a newer version wrote it.
    pub(crate) fn check_version(&self) -> Result<(), Unreadable> {
        if self.version > VERSION {
            return Err(Unreadable::Newer {
                found: self.version,
                known: VERSION,
            });
        }
        Ok(())
    }
}

/// Manifests did not say it while there was one version only.
fn first_version() -> u32 {
    1
}

/// The version that a part's own metadata names, when this program reads it.
pub(crate) fn version_of(metadata: &ParquetMetaData) -> Result<u32, String> {
    let entries = metadata.file_metadata().key_value_metadata();
    let entry = entries
        .into_iter()
        .flatten()
        .find(|entry| entry.key == VERSION_KEY);
    let Some(named) = entry else {
        return Ok(first_version());
    };
    let version = named.value.as_deref().and_then(|text| text.parse().ok());
    match version {
        Some(version) if version <= VERSION => Ok(version),
        Some(newer) => Err(format!(
            "it has version {newer}, and this program reads versions up to {VERSION}"
        )),
        None => Err("its version is not a number".to_owned()),
    }
}

/// Where a row of the buffer is: batch and row.
pub(crate) type At = (usize, usize);

/// The file of the given rows, and the range of their times in milliseconds.
pub(crate) fn write(
    table: Table,
    batches: &[Arc<Batch>],
    rows: Vec<At>,
) -> Result<(Vec<u8>, (i64, i64)), ParquetError> {
    let (rows, times) = sort(table, batches, rows)?;
    let schema = table.schema();
    let prompts = distinct_prompts(table, batches, &rows);
    let mut writer = ArrowWriter::try_new(
        Vec::new(),
        Arc::clone(&schema),
        Some(properties(&schema, prompts)),
    )?;
    for chunk in rows.chunks(CHUNK_ROWS) {
        let columns = (0..schema.fields().len())
            .map(|column| gather(batches, column, chunk))
            .collect::<Result<Vec<_>, _>>()?;
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
    }
    Ok((writer.into_inner()?, times))
}

fn gather(batches: &[Arc<Batch>], column: usize, rows: &[At]) -> Result<ArrayRef, ParquetError> {
    let arrays: Vec<&dyn Array> = batches
        .iter()
        .map(|batch| batch.rows.column(column).as_ref())
        .collect();
    Ok(interleave(&arrays, rows)?)
}

fn properties(schema: &SchemaRef, prompts: u64) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(
            ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default(),
        ))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_data_page_row_count_limit(20_000)
        .set_created_by("tallybook".to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(
            VERSION_KEY.to_owned(),
            VERSION.to_string(),
        )]));
    for field in schema.fields() {
        let column = ColumnPath::from(field.name().as_str());
        properties = match field.data_type() {
            DataType::Int64 | DataType::Timestamp(..) => properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED),
            DataType::Float64 => properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::BYTE_STREAM_SPLIT),
            _ if UNREPEATED.contains(&field.name().as_str()) => properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BYTE_ARRAY),
            _ => properties,
        };
    }
    if schema.field_with_name("prompt_id").is_ok() {
        let column = ColumnPath::from("prompt_id");
        properties = properties
            .set_column_bloom_filter_enabled(column.clone(), true)
            .set_column_bloom_filter_fpp(column.clone(), 0.01)
            .set_column_bloom_filter_max_ndv(column, prompts.max(1));
    }
    properties.build()
}

struct Key {
    session: u32,
    time: i64,
    sequence: i64,
    at: At,
}

/// The rows in the part's order, and the range of their times in milliseconds.
fn sort(
    table: Table,
    batches: &[Arc<Batch>],
    rows: Vec<At>,
) -> Result<(Vec<At>, (i64, i64)), ParquetError> {
    let keys_of = batches
        .iter()
        .map(|batch| SortColumns::of(table, &batch.rows))
        .collect::<Vec<_>>();
    let mut ranks: HashMap<&str, u32, foldhash::fast::FixedState> = HashMap::default();
    for (batch, row) in &rows {
        ranks.entry(keys_of[*batch].session(*row)).or_default();
    }
    let mut names: Vec<&str> = ranks.keys().copied().collect();
    names.sort_unstable();
    for (rank, name) in names.into_iter().enumerate() {
        ranks.insert(name, rank as u32);
    }
    let key = |at: At| {
        let columns = &keys_of[at.0];
        Key {
            session: ranks[columns.session(at.1)],
            time: columns.time(at.1),
            sequence: columns.sequence(at.1),
            at,
        }
    };
    let mut keys: Vec<Key> = rows.into_iter().map(key).collect();
    keys.sort_unstable_by_key(|key| (key.session, key.time, key.sequence, key.at));
    let per_ms = if table == Table::Spans { 1_000_000 } else { 1 };
    let times = keys.iter().map(|key| key.time / per_ms);
    let range = (
        times.clone().min().unwrap_or_default(),
        times.max().unwrap_or_default(),
    );
    Ok((keys.into_iter().map(|key| key.at).collect(), range))
}

/// The columns of one batch that decide its rows' order.
struct SortColumns<'a> {
    time: TimeColumn<'a>,
    session: Option<&'a StringViewArray>,
    sequence: Option<&'a Int64Array>,
}

enum TimeColumn<'a> {
    Millis(&'a TimestampMillisecondArray),
    Nanos(&'a TimestampNanosecondArray),
    None,
}

impl<'a> TimeColumn<'a> {
    fn of(rows: &'a RecordBatch) -> TimeColumn<'a> {
        let any = rows.column(0).as_any();
        match (any.downcast_ref(), any.downcast_ref()) {
            (Some(millis), _) => TimeColumn::Millis(millis),
            (_, Some(nanos)) => TimeColumn::Nanos(nanos),
            _ => TimeColumn::None,
        }
    }

    fn at(&self, row: usize) -> i64 {
        match self {
            TimeColumn::Millis(column) => column.value(row),
            TimeColumn::Nanos(column) => column.value(row),
            TimeColumn::None => 0,
        }
    }
}

impl<'a> SortColumns<'a> {
    fn of(table: Table, rows: &'a RecordBatch) -> SortColumns<'a> {
        let any = |column: usize| rows.column(column).as_any();
        let promoted = |col| (table != Table::Quarantine).then(|| any(place(table, col)));
        SortColumns {
            time: TimeColumn::of(rows),
            session: promoted(Col::SessionId).and_then(|column| column.downcast_ref()),
            sequence: promoted(Col::Sequence).and_then(|column| column.downcast_ref()),
        }
    }

    fn session(&self, row: usize) -> &'a str {
        self.session
            .filter(|column| column.is_valid(row))
            .map(|column| column.value(row))
            .unwrap_or_default()
    }

    fn time(&self, row: usize) -> i64 {
        self.time.at(row)
    }

    fn sequence(&self, row: usize) -> i64 {
        self.sequence
            .filter(|column| column.is_valid(row))
            .map_or(-1, |column| column.value(row))
    }
}

/// How many prompts the sorted rows have, counted where the value changes: enough to size a filter.
fn distinct_prompts(table: Table, batches: &[Arc<Batch>], rows: &[At]) -> u64 {
    if table == Table::Quarantine {
        return 0;
    }
    let columns: Vec<Option<&StringViewArray>> = batches
        .iter()
        .map(|batch| {
            batch
                .rows
                .column(place(table, Col::PromptId))
                .as_any()
                .downcast_ref()
        })
        .collect();
    let prompt = |at: &At| {
        columns[at.0]
            .filter(|column| column.is_valid(at.1))
            .map(|column| column.value(at.1))
    };
    let mut last = None;
    let changes = rows.iter().filter(|at| {
        let now = prompt(at);
        let changed = now.is_some() && now != last;
        last = now;
        changed
    });
    changes.count() as u64
}
