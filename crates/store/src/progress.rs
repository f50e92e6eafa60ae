//! How far the replay is, and what may arrive meanwhile.
//!
//! Invariant: who waits for a frame is woken when the replay has come to it. What arrives is bounded
//! (on the disk: none of it is kept in memory), and while the replay catches up each round may grow
//! the next one to half its own size at most, so catching up ends however much is sent.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// Bytes of requests that may arrive while older frames are replayed.
const ARRIVALS_BYTES_MAX: u64 = 1 << 30;
/// A round this small is the last one: intake waits until it is applied.
const LAST_ROUND_BYTES: u64 = 4 << 20;

/// What a replay is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayStage {
    /// Reading what deduplication and increments remember.
    Remembering,
    /// Applying what the journal held when it was opened.
    Replaying,
    /// Applying what has arrived since.
    CatchingUp,
    /// Everything acknowledged is applied, and what is appended is applied at once.
    Done,
}

impl ReplayStage {
    /// The name in answers and metrics: `remembering`, `replaying`, `catching_up` or `done`.
    pub fn name(self) -> &'static str {
        match self {
            ReplayStage::Remembering => "remembering",
            ReplayStage::Replaying => "replaying",
            ReplayStage::CatchingUp => "catching_up",
            ReplayStage::Done => "done",
        }
    }
}

/// How far the replay of the journal is. What has arrived since the start is part of the totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayProgress {
    /// What it is doing.
    pub stage: ReplayStage,
    /// Frames that are applied, of the total.
    pub frames_done: u64,
    /// All frames that are to be applied.
    pub frames_total: u64,
    /// Bytes of requests that are applied, of the total.
    pub bytes_done: u64,
    /// Bytes that are to be applied, about.
    pub bytes_total: u64,
    /// How long it has been running.
    pub elapsed: Duration,
    /// How much longer it will take at the speed so far, where that can be said.
    pub remaining: Option<Duration>,
    /// Why it does not get on, while it does not; it is being tried again.
    pub failure: Option<String>,
    /// The last frame that is applied.
    pub(crate) through: u64,
}

impl ReplayProgress {
    /// Whether everything acknowledged is applied.
    pub fn is_done(&self) -> bool {
        self.stage == ReplayStage::Done
    }
}

impl fmt::Display for ReplayProgress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stage {
            ReplayStage::Remembering => {
                formatter.write_str("what was stored before is being remembered")?;
            }
            ReplayStage::Done => return formatter.write_str("the journal is replayed"),
            ReplayStage::Replaying | ReplayStage::CatchingUp => write!(
                formatter,
                "the journal is being replayed: {} of {} requests",
                self.frames_done, self.frames_total
            )?,
        }
        if let Some(failure) = &self.failure {
            return write!(formatter, ", and does not get on: {failure}");
        }
        match self.remaining {
            Some(remaining) => write!(formatter, ", about {} s to go", remaining.as_secs() + 1),
            None => Ok(()),
        }
    }
}

/// What the store knows of its replay.
#[derive(Debug)]
pub(crate) struct Replaying {
    progress: watch::Sender<ReplayProgress>,
    /// Bytes that have arrived, in all and in this round, and that may in this round.
    arrived: AtomicU64,
    arrived_in_round: AtomicU64,
    allowed_in_round: AtomicU64,
}

impl Replaying {
    /// A replay that begins after frame `through`, with a journal of so many bytes.
    pub(crate) fn from(through: u64, bytes: u64) -> Replaying {
        Replaying {
            progress: watch::Sender::new(ReplayProgress {
                stage: ReplayStage::Remembering,
                frames_done: 0,
                frames_total: 0,
                bytes_done: 0,
                bytes_total: bytes,
                elapsed: Duration::ZERO,
                remaining: None,
                failure: None,
                through,
            }),
            arrived: AtomicU64::new(0),
            arrived_in_round: AtomicU64::new(0),
            allowed_in_round: AtomicU64::new(ARRIVALS_BYTES_MAX),
        }
    }

    pub(crate) fn progress(&self) -> ReplayProgress {
        self.progress.borrow().clone()
    }

    pub(crate) fn publish(&self, progress: ReplayProgress) {
        self.progress.send_replace(progress);
    }

    /// Returns when frame `sequence` is applied.
    pub(crate) async fn reached(&self, sequence: u64) {
        let mut progress = self.progress.subscribe();
        let is_reached = |now: &ReplayProgress| now.is_done() || now.through >= sequence;
        // The sender lives in `self`, so waiting cannot end in any other way.
        let _ = progress.wait_for(is_reached).await;
    }

    /// Bytes that have arrived since the start.
    pub(crate) fn arrived_bytes(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Lets a request of so many bytes in, or says why not. Without a replay nothing is counted.
    pub(crate) fn admit(&self, bytes: usize) -> Result<(), String> {
        let progress = self.progress.borrow();
        if progress.is_done() {
            return Ok(());
        }
        if progress.failure.is_some() {
            return Err(progress.to_string());
        }
        let bytes = bytes as u64;
        let allowed = self.allowed_in_round.load(Ordering::Relaxed);
        let fits = |arrived: u64| arrived.checked_add(bytes).filter(|sum| *sum <= allowed);
        self.arrived_in_round
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map_err(|_| progress.to_string())?;
        self.arrived.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Begins a round of catching up. Returns whether it is so small that it can be the last.
    pub(crate) fn begin_round(&self) -> bool {
        let waiting = self.arrived_in_round.swap(0, Ordering::Relaxed);
        let allowed = (waiting / 2).max(LAST_ROUND_BYTES);
        self.allowed_in_round.store(allowed, Ordering::Relaxed);
        waiting <= LAST_ROUND_BYTES
    }
}
