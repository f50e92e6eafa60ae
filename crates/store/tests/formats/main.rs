//! Data directories that earlier versions have written are read with exact answers; what a later
//! version has written is refused by name, and nothing is changed.
//!
//! `history.rs` says how a fixture is made. Once committed it is never changed.

mod history;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use base::sim::SimDisk;
use base::{Disk, ManualClock};
use journal::{Journal, Sequence};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use store::{Config, Opened, Store, StoreError, Table};

const DATA: &str = "/data";
/// The newest, which is also what is written.
const NEWEST: &str = "v3";

/// A disk with the fixture of a version.
fn fixture(version: &str) -> SimDisk {
    let disk = SimDisk::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(version);
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(&root).expect("below the root");
            disk.install(
                &Path::new(DATA).join(inside),
                &fs::read(&path).expect("readable"),
            );
        }
    }
    disk
}

async fn open(disk: &SimDisk) -> Result<(Arc<Store>, Opened), StoreError> {
    let config = Config {
        disk: Arc::new(disk.clone()),
        ..Config::new(DATA)
    };
    // An hour later.
    let clock = Arc::new(ManualClock::at(history::NOW_NS));
    clock.advance(Duration::from_secs(3600));
    Store::open(config, clock).await
}

/// All rows of a table, from parts and buffer.
async fn rows(store: &Store, disk: &SimDisk, table: Table) -> Vec<RecordBatch> {
    let snapshot = store.snapshot().await;
    let mut rows: Vec<_> = snapshot.batches(table).cloned().collect();
    for part in snapshot.parts(table) {
        let bytes = disk
            .read(&Path::new(DATA).join(&part.path))
            .expect("is there");
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes));
        let reader = reader.expect("Parquet").build().expect("Parquet");
        rows.extend(reader.map(|batch| batch.expect("rows")));
    }
    rows
}

/// One line a row: text, whole numbers and decimals of the named columns.
async fn said(store: &Store, disk: &SimDisk, table: Table, columns: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in rows(store, disk, table).await {
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|name| cell(&batch, name, row));
            lines.push(cells.collect::<Vec<_>>().join(" "));
        }
    }
    lines.sort();
    lines
}

fn cell(batch: &RecordBatch, name: &str, row: usize) -> String {
    let column = batch.column_by_name(name).expect("the column");
    if column.is_null(row) {
        return "-".into();
    }
    if let Some(text) = column.as_string_view_opt() {
        return text.value(row).into();
    }
    if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        return numbers.value(row).to_string();
    }
    column.as_primitive::<Float64Type>().value(row).to_string()
}

/// The answers of the history, whichever version has written it.
async fn check_answers(version: &str) {
    let disk = fixture(version);
    let (store, opened) = open(&disk).await.expect("opens");
    assert_eq!(
        (opened.frames, opened.rows, opened.orphans),
        (2, 2, 0),
        "{version}: {opened:?}"
    );
    assert!(
        opened.damaged.is_empty() && store.damaged().is_empty(),
        "{version}"
    );

    let events = said(
        &store,
        &disk,
        Table::Events,
        &["session_id", "sequence", "cost_usd", "attributes"],
    )
    .await;
    let expected = [
        (1, 0.25),
        (2, 0.125),
        (2, 0.125),
        (4, 0.5),
        (5, 1.0),
        (6, 2.0),
    ]
    .map(|(sequence, cost)| format!("session-1 {sequence} {cost} {{\"of.a.later.client\":true}}"));
    assert_eq!(events, expected, "{version}");
    let metrics = said(&store, &disk, Table::Metrics, &["name", "value"]).await;
    let expected = [3, 4, 5].map(|value| format!("claude_code.cost.usage {value}"));
    assert_eq!(metrics, expected, "{version}");
    let spans = said(
        &store,
        &disk,
        Table::Spans,
        &["name", "span_id", "span_duration_ms"],
    )
    .await;
    let expected = ["01", "02"].map(|byte| format!("interaction {} 5.000001", byte.repeat(8)));
    assert_eq!(spans, expected, "{version}");
    let quarantine = said(&store, &disk, Table::Quarantine, &["reason", "item"]).await;
    assert_eq!(quarantine, ["not a log record [1]"], "{version}");

    for request in history::requests().iter().flatten() {
        let applied = history::send(&store, request).await;
        assert_eq!(
            (applied.accepted, applied.quarantined),
            (0, 0),
            "{version}: all is known"
        );
    }
    history::send(&store, &history::cumulative(4, 12.5)).await;
    let metrics = said(&store, &disk, Table::Metrics, &["value"]).await;
    assert_eq!(metrics, ["0.5", "3", "4", "5"], "{version}: sums go on");
    store.flush().await.expect("flushes");
    assert_eq!(
        rows(&store, &disk, Table::Events)
            .await
            .iter()
            .map(RecordBatch::num_rows)
            .sum::<usize>(),
        6
    );
}

#[tokio::test]
async fn every_version_is_read_with_exact_answers() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut versions: Vec<_> = fs::read_dir(fixtures)
        .expect("fixtures")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .collect();
    versions.sort();
    assert_eq!(versions, ["v1", "v2", NEWEST]);
    for version in versions {
        check_answers(&version).await;
    }
}

/// The one file whose path begins so.
fn path_of(disk: &SimDisk, beginning: &str) -> PathBuf {
    let beginning = Path::new(DATA).join(beginning);
    let mut found: Vec<_> = disk.files().into_keys().collect();
    if found.contains(&beginning) {
        return beginning;
    }
    found.retain(|path| {
        path.to_string_lossy()
            .starts_with(&*beginning.to_string_lossy())
    });
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn sealed(body: &str) -> Vec<u8> {
    format!("{body}\ncrc32c {:08x}\n", crc32c::crc32c(body.as_bytes())).into_bytes()
}

/// Replaces text in a JSON file with a checksum.
fn reseal(disk: &SimDisk, beginning: &str, from: &str, to: &str) {
    let path = path_of(disk, beginning);
    let text = String::from_utf8(disk.read(&path).expect("is there")).expect("text");
    let (body, _) = text
        .trim_end()
        .rsplit_once('\n')
        .expect("a checksum's line");
    assert!(body.contains(from), "{body}");
    disk.install(&path, &sealed(&body.replacen(from, to, 1)));
}

/// Opens what `change` has made of the newest fixture: refused, with these words, and nothing changed.
async fn check_refused(words: &[&str], change: impl FnOnce(&SimDisk)) {
    let disk = fixture(NEWEST);
    // What a crash may have left is not tidied up either.
    for left in [
        "parts/events/2026-11-21/7.parquet",
        "identities/7.ids.unfinished",
    ] {
        disk.install(&Path::new(DATA).join(left), b"left by a crash");
    }
    change(&disk);
    let before = disk.files();
    let refused = open(&disk)
        .await
        .map(|(_, opened)| opened)
        .expect_err("newer");
    let text = refused.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    let after = disk.files();
    let changed: Vec<_> = after
        .iter()
        .filter(|(path, bytes)| before.get(*path) != Some(*bytes))
        .map(|(path, _)| path)
        .chain(before.keys().filter(|path| !after.contains_key(*path)))
        .collect();
    assert!(changed.is_empty(), "{words:?}: {changed:?}");
}

/// Both copies of the newest manifest.
fn reseal_manifest(disk: &SimDisk, from: &str, to: &str) {
    for folder in ["manifest", "manifest-copies"] {
        reseal(disk, &format!("{folder}/00000000000000000002"), from, to);
    }
}

const NEWEST_IDENTITIES: &str = "identities/00000000000000000002.ids";

#[tokio::test]
async fn what_a_newer_version_wrote_is_refused_by_name_and_left_alone() {
    check_refused(
        &["manifest/00000000000000000002.json", "version 9"],
        |disk| {
            reseal_manifest(disk, "\"version\": 3", "\"version\": 9");
        },
    )
    .await;
    check_refused(&["parts/", ".parquet", "version 9"], |disk| {
        reseal_manifest(disk, "\"version\": 1", "\"version\": 9");
    })
    .await;
    check_refused(&["series/00000000000000000002.json", "version 9"], |disk| {
        for copy in ["", ".copy"] {
            let path = format!("series/00000000000000000002.json{copy}");
            reseal(disk, &path, "\"version\": 2", "\"version\": 9");
        }
    })
    .await;
    check_refused(&[NEWEST_IDENTITIES, "version 9"], |disk| {
        for copy in ["", ".copy"] {
            let path = Path::new(DATA).join(format!("{NEWEST_IDENTITIES}{copy}"));
            disk.flip(&path, 4, 1 ^ 9);
        }
    })
    .await;
    check_refused(
        &["journal/journal-00000000000000000008.seg", "version 9"],
        |disk| {
            let path = path_of(disk, "journal/");
            let mut bytes = disk.read(&path).expect("is there");
            for copy in [0, 32] {
                bytes[copy + 8] = 9;
                let checksum = crc32c::crc32c(&bytes[copy..copy + 28]);
                bytes[copy + 28..copy + 32].copy_from_slice(&checksum.to_le_bytes());
            }
            disk.install(&path, &bytes);
        },
    )
    .await;
}

#[tokio::test]
async fn an_entry_of_a_newer_version_stays_in_the_journal() {
    let disk = fixture(NEWEST);
    let config = journal::Config::new(Path::new(DATA).join("journal"));
    let (journal, _) =
        Journal::open(config, Arc::new(disk.clone()), Sequence::ZERO).expect("opens");
    let newer = journal.append(bytes::Bytes::from_static(b"\x09 of later days"));
    let sequence = newer.await.expect("appends");
    drop(journal);
    for _ in 0..2 {
        let refused = open(&disk)
            .await
            .map(|(_, opened)| opened)
            .expect_err("newer");
        let text = refused.to_string();
        assert!(
            text.contains(&format!("journal frame {sequence} has version 9")),
            "{text}"
        );
    }
}
