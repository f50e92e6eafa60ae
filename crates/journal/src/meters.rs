//! How long syncing takes, and what was written.
//!
//! Invariant: every sync that a caller waits for is timed once, whether it succeeds or not; nothing
//! is decided by these numbers.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::meters::{Counter, DISK_SECONDS, Histogram, Source, counter, histogram};

/// What the writer times and counts.
#[derive(Debug)]
pub(crate) struct Meters {
    sync_seconds: Histogram,
    failures: Counter,
    frames: Counter,
    bytes: Counter,
    /// The last sync in nanoseconds; 0 before the first.
    last_sync_ns: AtomicU64,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            sync_seconds: histogram(
                "tallybook_journal_sync_duration_seconds",
                "How long one sync of the journal took: what every acknowledgement waits for.",
                DISK_SECONDS,
            ),
            failures: counter(
                "tallybook_journal_write_failures_total",
                "Batches of frames that could not be written or synced; their requests were answered with an error.",
            ),
            frames: counter(
                "tallybook_journal_frames_total",
                "Frames made durable. Divided by the number of syncs: how many requests share one.",
            ),
            bytes: counter(
                "tallybook_journal_written_bytes_total",
                "Bytes of the frames made durable, headers included.",
            ),
            last_sync_ns: AtomicU64::new(0),
        }
    }

    /// Times one sync.
    pub(crate) fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let began = Instant::now();
        let outcome = sync();
        let took = began.elapsed();
        self.sync_seconds.observe(took.as_secs_f64());
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.last_sync_ns.store(took_ns.max(1), Ordering::Relaxed);
        outcome
    }

    /// A batch is durable.
    pub(crate) fn wrote(&self, frames: u64, bytes: u64) {
        self.frames.inc_by(frames);
        self.bytes.inc_by(bytes);
    }

    /// A batch is not.
    pub(crate) fn failed(&self) {
        self.failures.inc();
    }

    /// How long the last sync took, if there was any.
    pub(crate) fn last_sync(&self) -> Option<Duration> {
        match self.last_sync_ns.load(Ordering::Relaxed) {
            0 => None,
            took_ns => Some(Duration::from_nanos(took_ns)),
        }
    }

    pub(crate) fn sources(&self) -> Vec<Source> {
        vec![
            Box::new(self.sync_seconds.clone()),
            Box::new(self.failures.clone()),
            Box::new(self.frames.clone()),
            Box::new(self.bytes.clone()),
        ]
    }
}
