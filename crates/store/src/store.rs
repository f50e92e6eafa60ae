//! The store: append, snapshot, flush. The promise of an acknowledgement is kept here.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use base::{Clock, DirLock, Disk, OsDisk};
use bytes::Bytes;
use contract::{IdentityKey, Signal};
use journal::Journal;
use object_store::ObjectStore;
use tokio::sync::{Notify, RwLock, broadcast};

use crate::age::Age;
use crate::batch::{self, PrepareError, Prepared};
use crate::entry::Entry;
use crate::error::{AppendError, StoreError};
use crate::fates::Fates;
use crate::objects::Objects;
use crate::progress::{ReplayProgress, Replaying};
use crate::state::{Applied, Snapshot, State};

/// How many arrivals a slow watcher may lag behind before it is told that it missed some.
const WATCH_BACKLOG: usize = 256;

/// How a store is kept.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory; it belongs to one process.
    pub dir: PathBuf,
    /// The disk that the directory is on.
    pub disk: Arc<dyn Disk>,
    /// Whether a directory that is not there, or empty, becomes a new data directory.
    pub create: bool,
    /// Rows in the buffer at which a flush starts.
    pub flush_rows: usize,
    /// Bytes of buffered requests at which a flush starts.
    pub flush_bytes: usize,
    /// Bytes of buffered requests at which appends are refused until a flush has made room.
    pub buffer_bytes_max: usize,
    /// Age of the oldest unflushed row at which a flush starts.
    pub flush_age: Duration,
    /// Rows in memory at which appends are refused until a flush has made room.
    pub buffer_rows_max: usize,
    /// Structural limits of a request.
    pub limits: otlp::Limits,
}

impl Config {
    /// The usual limits, for a data directory.
    pub fn new(dir: impl Into<PathBuf>) -> Config {
        Config {
            dir: dir.into(),
            disk: Arc::new(OsDisk),
            create: true,
            flush_rows: 150_000,
            flush_bytes: 192 << 20,
            buffer_bytes_max: 512 << 20,
            flush_age: Duration::from_secs(600),
            buffer_rows_max: 500_000,
            limits: otlp::Limits::default(),
        }
    }

    /// Everything that is wrong, a sentence each.
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.flush_rows == 0 {
            problems.push("store.flush_rows must be at least 1".to_owned());
        }
        if self.buffer_rows_max < self.flush_rows {
            problems.push(format!(
                "store.buffer_rows_max ({}) must not be less than store.flush_rows ({})",
                self.buffer_rows_max, self.flush_rows
            ));
        }
        problems
    }
}

/// Sizes of a store now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rows in memory.
    pub buffer_rows: u64,
    /// Parts.
    pub parts: u64,
    /// Bytes of all parts.
    pub part_bytes: u64,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// When the latest request was stored, nanoseconds since the Unix epoch; 0 before the first. After
    /// a restart known for as long as its identities are.
    pub newest_received_ns: u64,
    /// The latest time in the parts, milliseconds since the Unix epoch.
    pub newest_part_ms: Option<i64>,
    /// Identities that deduplication remembers.
    pub identities: u64,
}

/// A data directory, open.
pub struct Store {
    pub(crate) config: Config,
    pub(crate) key: IdentityKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) objects: Objects,
    pub(crate) journal: Arc<Journal>,
    pub(crate) state: Mutex<State>,
    /// Held shared from before an entry is durable until it is applied; a flush takes it alone for
    /// a moment, and then knows that every durable entry is in the buffer it takes.
    pub(crate) gate: RwLock<()>,
    pub(crate) flushing: tokio::sync::Mutex<()>,
    /// The number of the last flush that was tried. A number is never used again: a flush that failed
    /// after its manifest was written keeps the objects that manifest names.
    pub(crate) flush_number: AtomicU64,
    pub(crate) flush_wanted: Notify,
    pub(crate) age: Age,
    pub(crate) replaying: Replaying,
    pub(crate) fates: Fates,
    pub(crate) arrivals: broadcast::Sender<Arc<RecordBatch>>,
    pub(crate) _lock: DirLock,
}

impl Store {
    pub(crate) fn arrivals() -> broadcast::Sender<Arc<RecordBatch>> {
        broadcast::channel(WATCH_BACKLOG).0
    }

    /// The CPU work of an entry: decode, normalise, build rows. Touches no shared state.
    pub fn prepare(&self, entry: &Entry) -> Result<Prepared, PrepareError> {
        batch::prepare(entry, &self.config.limits, self.key)
    }

    /// Makes an entry durable and its items queryable.
    ///
    /// When this returns `Ok`, the entry's journal frame is fsynced, its items are deduplicated
    /// against everything stored within the horizon, and the next snapshot has them: that is what
    /// an acknowledgement means. The caller must let the future finish even when its client is gone,
    /// so that what became durable is applied.
    ///
    /// While the journal is being replayed, only the first is done on return. The rest follows when
    /// the replay comes to the frame, and the next snapshot waits for that: so here too no answer
    /// lacks what was acknowledged, and what is a repetition is decided by the journal's order.
    pub async fn append(&self, entry: &Entry, prepared: Prepared) -> Result<Applied, AppendError> {
        self.enter(entry.protobuf.len())?;
        let _applied_before_any_flush = self.gate.read().await;
        // It stays so until the gate is left: a replay ends alone at the gate.
        let is_replaying = self.state().replayed.is_some();
        self.append_frame(entry.encode()).await?;
        if is_replaying {
            return Ok(Applied {
                waits_for_replay: true,
                ..Applied::default()
            });
        }
        let signal = prepared.signal;
        let (applied, full) = {
            let mut state = self.state();
            let applied = state
                .apply(prepared, self.age_ns())
                .map_err(|error| AppendError::Internal(error.to_string()))?;
            (applied, self.is_full(&state))
        };
        self.settle(signal, &applied);
        if full {
            self.flush_wanted.notify_one();
        }
        Ok(applied)
    }

    /// Lets a request of so many bytes in, if there is room for it.
    fn enter(&self, bytes: usize) -> Result<(), AppendError> {
        let refused = self.has_room().err();
        let refused = refused.or_else(|| self.replaying.admit(bytes).err());
        let Some(reason) = refused else {
            return Ok(());
        };
        self.flush_wanted.notify_one();
        Err(AppendError::Behind(reason))
    }

    async fn append_frame(&self, payload: Bytes) -> Result<(), AppendError> {
        self.journal
            .append(payload)
            .await
            .map(drop)
            .map_err(AppendError::Journal)
    }

    /// Counts the fates, and shows new events to those who watch.
    pub(crate) fn settle(&self, signal: Signal, applied: &Applied) {
        self.fates.add(
            signal,
            applied.accepted,
            applied.deduplicated,
            applied.quarantined,
        );
        if let Some(events) = applied
            .events
            .as_ref()
            .filter(|_| self.arrivals.receiver_count() > 0)
        {
            // A send fails only when the last watcher has just left.
            let _ = self.arrivals.send(Arc::new(events.clone()));
        }
    }

    /// A consistent view of everything acknowledged so far. While the journal is being replayed it
    /// waits until everything is applied that was acknowledged when it was asked for.
    pub async fn snapshot(&self) -> Snapshot {
        self.replaying
            .reached(self.journal.last_synced().get())
            .await;
        self.state().snapshot()
    }

    /// How far the replay of the journal is.
    pub fn replay_progress(&self) -> ReplayProgress {
        self.replaying.progress()
    }

    /// Where the parts are, for readers of files.
    pub fn objects(&self) -> Result<Arc<dyn ObjectStore>, StoreError> {
        self.objects.reader()
    }

    /// The ledger of fates since the start.
    pub fn fates(&self) -> &Fates {
        &self.fates
    }

    /// The store's clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Newly stored events as they are acknowledged, a batch a request.
    pub fn watch(&self) -> broadcast::Receiver<Arc<RecordBatch>> {
        self.arrivals.subscribe()
    }

    /// Whether an append may succeed now, and why not.
    pub fn ready(&self) -> Result<(), String> {
        self.has_room()?;
        self.replaying.admit(0)
    }

    /// Whether the buffer has room, and why not.
    fn has_room(&self) -> Result<(), String> {
        let (rows, bytes) = {
            let state = self.state();
            // A replay makes its own room, and what arrives meanwhile takes none.
            if state.replayed.is_some() {
                return Ok(());
            }
            (state.rows(), state.bytes())
        };
        if rows >= self.config.buffer_rows_max || bytes >= self.config.buffer_bytes_max {
            return Err(format!(
                "{rows} rows ({} MiB) wait to be flushed",
                bytes >> 20
            ));
        }
        Ok(())
    }

    /// Sizes now.
    pub fn stats(&self) -> Stats {
        let journal_bytes = self.journal.stats().bytes;
        let state = self.state();
        Stats {
            buffer_rows: state.rows() as u64,
            parts: state.manifest.parts.len() as u64,
            part_bytes: state.manifest.parts.iter().map(|part| part.bytes).sum(),
            journal_bytes,
            newest_received_ns: state.newest_received_ns,
            newest_part_ms: state
                .manifest
                .parts
                .iter()
                .map(|part| part.time_max_ms)
                .max(),
            identities: state.dedup.len() as u64,
        }
    }

    /// Whether the buffer is large enough for a flush.
    pub(crate) fn is_full(&self, state: &State) -> bool {
        state.unflushed_rows() >= self.config.flush_rows
            || state.unflushed_bytes() >= self.config.flush_bytes
    }

    /// For how long the data directory has been served, in nanoseconds.
    pub(crate) fn age_ns(&self) -> u64 {
        self.age.now_ns(self.clock.as_ref())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
