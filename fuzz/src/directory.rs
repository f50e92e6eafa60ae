//! The store's own files and frames.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use base::sim::SimDisk;
use base::{Disk, ManualClock};
use bytes::Bytes;
use contract::Signal;
use store::{Config, Entry, Opened, PrepareError, Snapshot, Store, StoreError, Table, Transport};

use crate::script::Script;

const DIR: &str = "/data";
/// When everything is received: 2026-11-28.
const RECEIVED_NS: u64 = 1_795_824_000_000_000_000;
/// Two flushes and what is in the journal after them.
const REQUESTS: usize = 3;

/// A store's files, and how many rows it holds.
struct Kept {
    files: Vec<(PathBuf, Vec<u8>)>,
    rows: u64,
}

static KEPT: LazyLock<Kept> = LazyLock::new(|| crate::block_on(keep()));

async fn keep() -> Kept {
    let disk = SimDisk::new();
    let (store, _) = open(&disk).await.expect("a new store opens");
    for number in 0..REQUESTS {
        let entry = request(number as u8);
        let prepared = store.prepare(&entry).expect("prepares");
        store.append(&entry, prepared).await.expect("appends");
        if number + 1 < REQUESTS {
            store.flush().await.expect("flushes");
        }
    }
    let rows = rows(&store.snapshot().await);
    drop(store);
    let mut files = Vec::new();
    gather(&disk, Path::new(DIR), &mut files);
    files.sort();
    Kept { files, rows }
}

/// A log record and a point of a cumulative sum, told apart by a number.
fn request(number: u8) -> Entry {
    let json = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","sum":{{"isMonotonic":true,
        "aggregationTemporality":2,"dataPoints":[{{"startTimeUnixNano":"1","timeUnixNano":"{number}9",
        "asInt":"{number}"}}]}}}}]}}]}}]}}"#
    );
    let read = otlp::from_json(Signal::Metrics, json.as_bytes(), &otlp::Limits::default());
    Entry {
        signal: Signal::Metrics,
        transport: Transport::Http,
        received_ns: RECEIVED_NS,
        quarantined: Vec::new(),
        provenance: None,
        protobuf: read.expect("JSON").protobuf.into(),
    }
}

async fn open(disk: &SimDisk) -> Result<(Arc<Store>, Opened), StoreError> {
    let config = Config {
        disk: Arc::new(disk.clone()),
        ..Config::new(DIR)
    };
    Store::open(config, Arc::new(ManualClock::at(RECEIVED_NS))).await
}

fn gather(disk: &SimDisk, dir: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for name in disk.list(dir).expect("lists") {
        let path = dir.join(name);
        let bytes = disk.read(&path).expect("reads");
        files.push((path, bytes));
    }
    for name in disk.list_dirs(dir).expect("lists") {
        gather(disk, &dir.join(name), files);
    }
}

fn rows(snapshot: &Snapshot) -> u64 {
    let table = |table: &Table| {
        let parts = snapshot.parts(*table).map(|part| part.rows);
        let buffer = snapshot
            .batches(*table)
            .map(|batch| batch.num_rows() as u64);
        parts.chain(buffer).sum::<u64>()
    };
    Table::ALL.iter().map(table).sum()
}

/// One of a store's files, damaged in any way: the store refuses to open, or says what is missing, or
/// has everything.
pub(crate) fn files(input: &[u8]) {
    let kept = &*KEPT;
    let mut script = Script::new(input);
    let damaged = usize::from(script.byte()) % kept.files.len();
    let disk = SimDisk::new();
    for (number, (path, bytes)) in kept.files.iter().enumerate() {
        if number != damaged {
            disk.install(path, bytes);
        } else if let Some(bytes) = damage(&mut script, bytes.clone()) {
            disk.install(path, &bytes);
        }
    }
    crate::block_on(check(&disk, &kept.files[damaged].0, kept.rows));
}

/// The file as it is after some damage; nothing when it is gone.
fn damage(script: &mut Script<'_>, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    loop {
        let kind = script.byte() % 5;
        let at = script.number() % (bytes.len() + 1);
        match kind {
            0 if at < bytes.len() => bytes[at] ^= script.byte(),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at.., script.run().iter().copied())),
            3 => drop(bytes.splice(at..at, script.run().iter().copied())),
            4 => return None,
            _ => {}
        }
        if script.is_empty() {
            return Some(bytes);
        }
    }
}

async fn check(disk: &SimDisk, damaged: &Path, expected: u64) {
    let Ok((store, opened)) = open(disk).await else {
        return;
    };
    let found = rows(&store.snapshot().await);
    // The end of the journal may be an unfinished write, which nobody was promised.
    let may_lack =
        !opened.damaged.is_empty() || damaged.starts_with(Path::new(DIR).join("journal"));
    assert!(
        found == expected || (may_lack && found < expected),
        "{found} rows of {expected}, with {} damaged and nothing said: {opened:?}",
        damaged.display()
    );
}

/// Any bytes as a frame's payload: refused, or the same after it was written again; what it holds
/// becomes rows or is refused, each item with one fate.
pub(crate) fn entry(input: &[u8]) {
    static STORE: LazyLock<Arc<Store>> =
        LazyLock::new(|| crate::block_on(open(&SimDisk::new())).expect("opens").0);
    let payload = Bytes::copy_from_slice(input);
    let Ok(entry) = Entry::decode(&payload) else {
        return;
    };
    assert_eq!(Entry::decode(&entry.encode()).as_ref(), Ok(&entry));
    match STORE.prepare(&entry) {
        Ok(prepared) => assert!(prepared.quarantined <= prepared.items),
        Err(PrepareError::Refused(_)) => {}
        Err(internal) => panic!("{internal:?}"),
    }
}
