//! What became of everything recorded.
//!
//! Invariant: recorded = sent + rejected + spooled + dropped + blocked + waiting, for events and spans.
//! Data points are counted when they are exported. What leaves the spool again may be of another process,
//! and is counted by itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of events, data points and spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events.
    pub events: SignalCounts,
    /// Data points.
    pub points: SignalCounts,
    /// Spans that have ended.
    pub spans: SignalCounts,
}

/// What became of the items of one signal. With several exporters each counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalCounts {
    /// Recorded: put into the queue or dropped before it.
    pub recorded: u64,
    /// Taken by a receiver.
    pub sent: u64,
    /// Sent, and rejected by the receiver one by one.
    pub rejected: u64,
    /// Lost: the queue was full, or the receiver refused the batch, or could not be reached and there is
    /// no spool.
    pub dropped: u64,
    /// Not sent, because the egress policy does not allow the receiver.
    pub blocked: u64,
    /// Put into the spool, because the receiver could not be reached.
    pub spooled: u64,
    /// Taken by a receiver out of the spool, whichever process had put it there.
    pub resent: u64,
    /// Lost out of the spool: it was full, or the receiver refused.
    pub lost: u64,
    /// Attempts beyond the first.
    pub retries: u64,
}

/// The same while they are counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    recorded: AtomicU64,
    sent: AtomicU64,
    rejected: AtomicU64,
    dropped: AtomicU64,
    blocked: AtomicU64,
    spooled: AtomicU64,
    resent: AtomicU64,
    lost: AtomicU64,
    retries: AtomicU64,
}

impl Tally {
    pub(crate) fn recorded(&self, items: u64) {
        self.recorded.fetch_add(items, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, items: u64, rejected: u64) {
        let rejected = rejected.min(items);
        self.sent.fetch_add(items - rejected, Ordering::Relaxed);
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
    }

    /// Gives how many there are now.
    pub(crate) fn dropped(&self, items: u64) -> u64 {
        self.dropped.fetch_add(items, Ordering::Relaxed) + items
    }

    /// Gives how many there are now.
    pub(crate) fn blocked(&self, items: u64) -> u64 {
        self.blocked.fetch_add(items, Ordering::Relaxed) + items
    }

    pub(crate) fn spooled(&self, items: u64) {
        self.spooled.fetch_add(items, Ordering::Relaxed);
    }

    pub(crate) fn resent(&self, items: u64) {
        self.resent.fetch_add(items, Ordering::Relaxed);
    }

    /// Gives how many there are now.
    pub(crate) fn lost(&self, items: u64) -> u64 {
        self.lost.fetch_add(items, Ordering::Relaxed) + items
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> SignalCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SignalCounts {
            recorded: read(&self.recorded),
            sent: read(&self.sent),
            rejected: read(&self.rejected),
            dropped: read(&self.dropped),
            blocked: read(&self.blocked),
            spooled: read(&self.spooled),
            resent: read(&self.resent),
            lost: read(&self.lost),
            retries: read(&self.retries),
        }
    }
}
