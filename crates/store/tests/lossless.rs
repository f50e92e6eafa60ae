//! Nothing that was sent is lost by understanding it: every recorded log record can be rebuilt from
//! its row, from the buffer and from the parts, exactly as it came.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::TimestampMillisecondArray;
use arrow::array::{Array, BooleanArray, Float64Array, Int64Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use base::SystemClock;
use bytes::Bytes;
use contract::{
    COLUMNS, Cell, Col, DataPoint, LogRecord, Metric, Origin, Quarantined, Signal, Sink, Span,
    StoredLog, Value, rebuild,
};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use store::{Config, Entry, Store, Table, Transport};

/// All recorded requests of log records, as protobuf.
fn requests() -> Vec<Bytes> {
    let captures = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/captures");
    let mut paths: Vec<PathBuf> = Vec::new();
    for scenario in fs::read_dir(captures).expect("captures") {
        let folder = scenario.expect("a folder").path();
        let files = fs::read_dir(&folder).into_iter().flatten();
        paths.extend(files.map(|file| file.expect("a file").path()));
    }
    paths.sort();
    paths.iter().filter_map(|path| request(path)).collect()
}

fn request(path: &Path) -> Option<Bytes> {
    let name = path.file_name()?.to_str()?;
    let body = || fs::read(path).expect("readable");
    if name.ends_with("-logs.pb") {
        return Some(body().into());
    }
    let is_json = name.ends_with("-logs.json");
    let json = is_json
        .then(|| otlp::from_json(Signal::Logs, &body(), &limits()))?
        .expect("OTLP");
    assert!(json.quarantined.is_empty(), "{name}");
    Some(json.protobuf.into())
}

fn limits() -> otlp::Limits {
    otlp::Limits::default()
}

/// Everything that the wire said of a record, and its resource as a JSON object.
#[derive(Default)]
struct Sent {
    resource: String,
    records: Vec<String>,
}

impl Sink for Sent {
    fn origin(&mut self, origin: &Origin<'_>) {
        let mut json = String::new();
        for (key, value) in &origin.resource {
            json.push_str(if json.is_empty() { "{" } else { "," });
            Value::Str(key.clone()).write_json(&mut json);
            json.push(':');
            value.write_json(&mut json);
        }
        self.resource = json + "}";
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        self.records.push(said(record, &self.resource));
    }

    fn point(&mut self, _: &Metric<'_>, _: &DataPoint<'_>) {}

    fn span(&mut self, _: &Span<'_>) {}

    fn quarantine(&mut self, item: Quarantined) {
        panic!("{}", item.reason);
    }
}

fn said(record: &LogRecord<'_>, resource: &str) -> String {
    format!("{record:?} under {resource}")
}

fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &str) -> &'a T {
    let column = batch
        .column_by_name(name)
        .unwrap_or_else(|| panic!("there is no column {name}"));
    column
        .as_any()
        .downcast_ref()
        .unwrap_or_else(|| panic!("{name} is {}", column.data_type()))
}

fn text<'a>(batch: &'a RecordBatch, name: &str, row: usize) -> Option<&'a str> {
    let column: &StringViewArray = column(batch, name);
    column.is_valid(row).then(|| column.value(row))
}

fn cell<'a>(batch: &'a RecordBatch, col: Col, row: usize) -> Cell<'a> {
    let column = batch
        .column_by_name(COLUMNS[col as usize].name)
        .expect("every promoted column");
    if column.is_null(row) {
        return Cell::Null;
    }
    let column = column.as_any();
    if let Some(text) = column.downcast_ref::<StringViewArray>() {
        Cell::Str(text.value(row).into())
    } else if let Some(numbers) = column.downcast_ref::<Int64Array>() {
        Cell::Int(numbers.value(row))
    } else if let Some(numbers) = column.downcast_ref::<Float64Array>() {
        Cell::Float(numbers.value(row))
    } else {
        Cell::Bool(
            column
                .downcast_ref::<BooleanArray>()
                .expect("a flag")
                .value(row),
        )
    }
}

fn id<const BYTES: usize>(hex: Option<&str>) -> Option<[u8; BYTES]> {
    let hex = hex?;
    let byte = |index: usize| u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).expect("hex");
    Some(std::array::from_fn(byte))
}

fn rebuilt(batch: &RecordBatch) -> Vec<String> {
    let times: &TimestampMillisecondArray = column(batch, "time");
    let record = |row: usize| {
        let resource = text(batch, "resource", row).expect("every row has a resource");
        let stored = StoredLog {
            event: text(batch, "event", row).unwrap_or_default(),
            time_ms: times.value(row) as u64,
            shape: text(batch, "shape", row).expect("every row has a shape"),
            envelope: text(batch, "envelope", row),
            attributes: text(batch, "attributes", row),
            resource,
            trace_id: id(text(batch, "trace_id", row)),
            span_id: id(text(batch, "span_id", row)),
            cell: &|col| cell(batch, col, row),
        };
        said(&rebuild(&stored).expect("the row fits its shape"), resource)
    };
    (0..batch.num_rows()).map(record).collect()
}

#[track_caller]
fn check(what: &str, mut found: Vec<String>, expected: &[String]) {
    found.sort();
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{what}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

#[tokio::test]
async fn every_recorded_event_can_be_rebuilt_from_buffer_and_parts() {
    let mut sent = Sent::default();
    let home = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(SystemClock::new());
    let (store, _) = Store::open(Config::new(home.path()), clock)
        .await
        .expect("opens");
    for protobuf in requests() {
        otlp::decode(Signal::Logs, &protobuf, &limits(), &mut sent).expect("OTLP");
        let entry = Entry {
            signal: Signal::Logs,
            transport: Transport::Http,
            received_ns: store.clock().now_unix_ns(),
            quarantined: Vec::new(),
            provenance: None,
            protobuf,
        };
        let prepared = store.prepare(&entry).expect("prepares");
        store.append(&entry, prepared).await.expect("appends");
    }
    let mut expected = sent.records;
    expected.sort();
    // Where the recorder refused a request, the client's repetition of it is recorded too.
    expected.dedup();
    assert!(expected.len() > 700, "{} records", expected.len());

    let snapshot = store.snapshot().await;
    let found = snapshot.batches(Table::Events).flat_map(rebuilt).collect();
    check("from the buffer", found, &expected);

    store.flush().await.expect("flushes");
    let snapshot = store.snapshot().await;
    assert_eq!(snapshot.batches(Table::Events).count(), 0);
    let mut found = Vec::new();
    for part in snapshot.parts(Table::Events) {
        let file = store
            .objects()
            .expect("files")
            .get(&part.path.as_str().into())
            .await
            .expect("is there");
        let file = file.bytes().await.expect("reads");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        for batch in reader.build().expect("Parquet") {
            found.extend(rebuilt(&batch.expect("rows")));
        }
    }
    check("from the parts", found, &expected);
}
