//! Every received item has exactly one fate.
//!
//! Invariant: accepted + deduplicated + quarantined + rejected = received, per signal, at any moment
//! that nothing is in flight. Counts are since the start of the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use contract::Signal;
use serde::Serialize;

/// How many items of one signal met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// All items that came.
    pub received: u64,
    /// Stored and queryable.
    pub accepted: u64,
    /// Known already: a repeated delivery.
    pub deduplicated: u64,
    /// Not understood, kept in `quarantine`.
    pub quarantined: u64,
    /// Refused with an error answer; the client knows.
    pub rejected: u64,
}

impl Fate {
    /// Whether every received item has exactly one fate.
    pub fn is_settled(&self) -> bool {
        self.accepted + self.deduplicated + self.quarantined + self.rejected == self.received
    }
}

/// The counters of all signals.
#[derive(Debug, Default)]
pub struct Fates {
    counts: Mutex<[Fate; 3]>,
    refused: Mutex<BTreeMap<RefusedRequests, u64>>,
}

/// Requests that were answered with an error, by what they carried and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RefusedRequests {
    /// The signal's name, or `unknown` where the path did not say.
    pub signal: &'static str,
    /// Why, as a counter's label.
    pub reason: &'static str,
}

impl Fates {
    /// Adds the fates of one request's items; an item's receipt is counted with its fate.
    pub fn add(&self, signal: Signal, accepted: u64, deduplicated: u64, quarantined: u64) {
        self.change(signal, |fate| {
            fate.received += accepted + deduplicated + quarantined;
            fate.accepted += accepted;
            fate.deduplicated += deduplicated;
            fate.quarantined += quarantined;
        });
    }

    /// Counts items that were refused with an error answer.
    pub fn reject(&self, signal: Signal, items: u64) {
        self.change(signal, |fate| {
            fate.received += items;
            fate.rejected += items;
        });
    }

    /// Counts a whole request that was answered with an error. How many items it held may not even
    /// be known, so this ledger is beside the one of items.
    pub fn refuse_request(&self, signal: Option<Signal>, reason: &'static str) {
        let signal = signal.map_or("unknown", Signal::name);
        *self
            .refused()
            .entry(RefusedRequests { signal, reason })
            .or_default() += 1;
    }

    /// How many requests were answered with an error, by signal and reason.
    pub fn refused_requests(&self) -> Vec<(RefusedRequests, u64)> {
        self.refused()
            .iter()
            .map(|(what, count)| (*what, *count))
            .collect()
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, BTreeMap<RefusedRequests, u64>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts of one signal.
    pub fn of(&self, signal: Signal) -> Fate {
        self.lock()[signal as usize]
    }

    fn change(&self, signal: Signal, change: impl FnOnce(&mut Fate)) {
        change(&mut self.lock()[signal as usize]);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, [Fate; 3]> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
