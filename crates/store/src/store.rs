//! The store: append, snapshot, flush. The promise of an acknowledgement is kept here.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use base::seal::RootKey;
use base::{Clock, DirLock, Disk, OsDisk};
use contract::IdentityKey;
use journal::Journal;
use object_store::ObjectStore;
use tokio::sync::{Notify, RwLock, broadcast, watch};
use tokio::time::Instant;

use crate::age::Age;
use crate::batch::{self, PrepareError, Prepared};
use crate::damage::{DamagedFile, Damages};
use crate::entry::Entry;
use crate::erase::Erasing;
use crate::error::{AppendError, StoreError};
use crate::fates::{Fates, Receipt};
use crate::objects::Objects;
use crate::progress::{ReplayProgress, Replaying};
use crate::reserve::Reserve;
use crate::retain::Looks;
use crate::snapshot::Snapshot;
use crate::state::{Applied, State};
use crate::stats::Meters;

/// How many arrivals a slow watcher may lag behind before it is told that it missed some.
const WATCH_BACKLOG: usize = 256;

/// A smaller reserve would be none.
const DISK_RESERVE_BYTES_MIN: u64 = 1 << 20;

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
    /// Bytes of the disk that are kept free: with less nothing is taken in. `None` is 256 MiB, or 5 %
    /// of a file system where that is less.
    pub disk_reserve_bytes: Option<u64>,
    /// A segment of the journal is closed before it would be longer.
    pub journal_segment_bytes: u64,
    /// What the secrets of a new data directory follow from. `None`, for all but simulations, is the
    /// system's randomness.
    pub seed: Option<u64>,
    /// Structural limits of a request.
    pub limits: otlp::Limits,
    /// Under which key the directory is encrypted; with none a directory stays plain, and one that is
    /// encrypted is refused.
    pub root_key: Option<RootKey>,
}

impl Config {
    /// The usual limits, for a data directory; the root key is the process's.
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
            disk_reserve_bytes: None,
            journal_segment_bytes: 64 << 20,
            seed: None,
            limits: otlp::Limits::default(),
            root_key: base::seal::provided(),
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
        if self.buffer_bytes_max < self.flush_bytes {
            problems.push(format!(
                "store.buffer_size_max ({} bytes) must not be less than store.flush_size ({} bytes)",
                self.buffer_bytes_max, self.flush_bytes
            ));
        }
        if self
            .disk_reserve_bytes
            .is_some_and(|bytes| bytes < DISK_RESERVE_BYTES_MIN)
        {
            problems.push(
                "store.disk_reserve must be at least 1MiB: a flush needs room when the disk is full"
                    .to_owned(),
            );
        }
        problems
    }
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
    pub(crate) erasing: Erasing,
    /// The number of the last flush that was tried. A number is never used again: a flush that failed
    /// after its manifest was written keeps the objects that manifest names.
    pub(crate) flush_number: AtomicU64,
    pub(crate) flush_wanted: Notify,
    pub(crate) age: Age,
    /// The wall clock and the monotonic one when it was opened.
    pub(crate) opened: (u64, Duration),
    /// Parts of which retention has found that nothing is due.
    pub(crate) looked: Mutex<Looks>,
    pub(crate) replaying: Replaying,
    pub(crate) reserve: Reserve,
    /// Told whenever there may be room again.
    pub(crate) freed: watch::Sender<()>,
    pub(crate) fates: Arc<Fates>,
    pub(crate) meters: Meters,
    pub(crate) damages: Arc<Damages>,
    pub(crate) arrivals: broadcast::Sender<Arc<RecordBatch>>,
    pub(crate) _lock: DirLock,
}

impl Store {
    pub(crate) fn arrivals() -> broadcast::Sender<Arc<RecordBatch>> {
        broadcast::channel(WATCH_BACKLOG).0
    }

    /// The CPU work of an entry: decode, normalise, build rows. Touches no shared state, but counts as
    /// rejected the items of an entry that is understood and cannot be prepared.
    pub fn prepare(&self, entry: &Entry) -> Result<Prepared, PrepareError> {
        let prepared = batch::prepare(entry, &self.config.limits, self.key);
        if let Err(PrepareError::Internal { items, .. }) = &prepared {
            drop(
                self.fates
                    .receipt(entry.signal, entry.provenance.clone(), *items),
            );
        }
        prepared
    }

    /// Makes an entry durable and its items queryable.
    ///
    /// When this returns `Ok`, the entry's journal frame is fsynced, its items are deduplicated
    /// against everything stored within the horizon, and the next snapshot has them: that is what
    /// an acknowledgement means. The caller must let the future finish even when its client is gone,
    /// so that what became durable is applied. Each item's fate is counted, whatever happens.
    ///
    /// While the journal is being replayed, only the first is done on return. The rest follows when
    /// the replay comes to the frame, and the next snapshot waits for that: so here too no answer
    /// lacks what was acknowledged, and what is a repetition is decided by the journal's order.
    pub async fn append(&self, entry: &Entry, prepared: Prepared) -> Result<Applied, AppendError> {
        self.append_by(entry, prepared, Instant::now()).await
    }

    /// The same; where there is no room for the entry it waits for it until `deadline`.
    pub async fn append_by(
        &self,
        entry: &Entry,
        prepared: Prepared,
        deadline: Instant,
    ) -> Result<Applied, AppendError> {
        let receipt =
            self.fates
                .receipt(prepared.signal, prepared.provenance.clone(), prepared.items);
        self.enter(entry.bytes(), deadline).await?;
        let _applied_before_any_flush = self.gate.read().await;
        // It stays so until the gate is left: a replay ends alone at the gate.
        let is_replaying = self.state().replayed.is_some();
        self.append_frame(entry).await?;
        if is_replaying {
            receipt.defer();
            return Ok(Applied {
                waits_for_replay: true,
                ..Applied::default()
            });
        }
        let (applied, full) = {
            let mut state = self.state();
            let applied = state
                .apply(prepared, self.age_ns())
                .map_err(|error| AppendError::Internal(error.to_string()))?;
            (applied, self.is_full(&state))
        };
        self.settle(receipt, &applied);
        if full {
            self.flush_wanted.notify_one();
        }
        Ok(applied)
    }

    /// Gives up what was prepared: its items count as rejected.
    pub fn reject(&self, prepared: Prepared) {
        drop(
            self.fates
                .receipt(prepared.signal, prepared.provenance, prepared.items),
        );
    }

    async fn append_frame(&self, entry: &Entry) -> Result<(), AppendError> {
        let payload = entry.encode();
        self.reserve.note_written(payload.len() as u64);
        let appended = match self.envelope_of(entry).await? {
            Some(envelope) => self.journal.append_sealed(payload, envelope).await,
            None => self.journal.append(payload).await,
        };
        appended.map(drop).map_err(AppendError::Journal)
    }

    /// Counts the fates, and shows new events to those who watch.
    pub(crate) fn settle(&self, receipt: Receipt<'_>, applied: &Applied) {
        receipt.settle(applied.accepted, applied.deduplicated, applied.quarantined);
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

    /// A folder of the data directory for what need not outlive the process.
    pub fn scratch_dir(&self) -> PathBuf {
        self.config.dir.join("scratch")
    }

    /// Bytes of the disk that are free beyond the reserve; `None` when that cannot be told. Blocks on
    /// the disk.
    pub fn spare_bytes(&self) -> Option<u64> {
        self.reserve.spare()
    }

    /// Where the parts are, for readers of files.
    pub fn objects(&self) -> Result<Arc<dyn ObjectStore>, StoreError> {
        self.objects.reader()
    }

    /// The ledger of fates since the start.
    pub fn fates(&self) -> &Fates {
        &self.fates
    }

    /// Files of the data directory that cannot be read, as far as it has been found out: what they
    /// held is missing from answers, or is not recognised when it is repeated; the reason says which.
    pub fn damaged(&self) -> Vec<DamagedFile> {
        self.damages.list()
    }

    /// The store's clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Newly stored events as they are acknowledged, a batch a request.
    pub fn watch(&self) -> broadcast::Receiver<Arc<RecordBatch>> {
        self.arrivals.subscribe()
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

    /// The wall clock's time, but never later than time has really passed since the start.
    pub(crate) fn trusted_now_ns(&self) -> u64 {
        let passed = self.clock.monotonic().saturating_sub(self.opened.1);
        let passed_ns = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        let at_most = self.opened.0.saturating_add(passed_ns);
        self.clock.now_unix_ns().min(at_most)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
