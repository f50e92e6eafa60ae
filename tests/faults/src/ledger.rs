//! What was issued, and what was acknowledged of it: the harness's own book, on one data directory.
//!
//! Invariant: a batch is in the book before its first byte is sent, and acknowledged in it only
//! after the whole answer was read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::batch::{Batch, LANES, Lane};
use crate::dice::Dice;

/// The book of one data directory.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<u64, Entry>,
    /// Batches whose last sending was not acknowledged.
    open: Vec<u64>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    batch: Batch,
    is_acknowledged: bool,
}

/// The book, shared with those who send.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<Mutex<Ledger>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// A new batch of `count` items in the next lane.
    pub(crate) fn issue(&mut self, count: u64, note_bytes: usize) -> Batch {
        let lane = LANES[self.entries.len() % LANES.len()];
        self.issue_in(lane, count, note_bytes)
    }

    /// A new batch in this lane.
    pub(crate) fn issue_in(&mut self, lane: Lane, count: u64, note_bytes: usize) -> Batch {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let batch = Batch {
            first: self.next,
            count,
            lane,
            note_bytes,
            time_ns: now.unwrap_or_default().as_nanos() as u64,
        };
        self.next += count;
        let entry = Entry {
            batch,
            is_acknowledged: false,
        };
        self.entries.insert(batch.first, entry);
        batch
    }

    /// The batch was acknowledged: from now on it is owed.
    pub(crate) fn acknowledge(&mut self, batch: &Batch) {
        if let Some(entry) = self.entries.get_mut(&batch.first) {
            entry.is_acknowledged = true;
        }
    }

    /// The batch was not acknowledged: it may be stored or not, and may be sent again.
    pub(crate) fn leave_open(&mut self, batch: &Batch) {
        self.open.push(batch.first);
    }

    /// The batch is no longer owed: it was destroyed on purpose, and its loss was reported.
    pub(crate) fn forgive(&mut self, number: u64) {
        if let Some((_, entry)) = self.entries.range_mut(..=number).next_back() {
            entry.is_acknowledged = false;
        }
    }

    /// Takes one of the batches that were left open.
    pub(crate) fn take_open(&mut self, dice: &mut Dice) -> Option<Batch> {
        if self.open.is_empty() {
            return None;
        }
        let at = dice.below(self.open.len() as u64) as usize;
        let first = self.open.swap_remove(at);
        self.entries.get(&first).map(|entry| entry.batch)
    }

    /// Any batch that was acknowledged before.
    pub(crate) fn any_acknowledged(&self, dice: &mut Dice) -> Option<Batch> {
        let from = dice.below(self.next);
        let mut later = self.entries.range(from..).map(|(_, entry)| entry);
        later
            .find(|entry| entry.is_acknowledged)
            .map(|entry| entry.batch)
    }

    /// All batches, with whether each was acknowledged.
    pub(crate) fn batches(&self) -> impl Iterator<Item = (&Batch, bool)> {
        self.entries
            .values()
            .map(|entry| (&entry.batch, entry.is_acknowledged))
    }

    /// The batch of an item, if one was issued.
    pub(crate) fn batch_of(&self, number: u64) -> Option<&Batch> {
        let (_, entry) = self.entries.range(..=number).next_back()?;
        entry
            .batch
            .numbers()
            .contains(&number)
            .then_some(&entry.batch)
    }

    /// Items issued.
    pub(crate) fn issued(&self) -> u64 {
        self.next
    }

    /// Items acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        let owed = self
            .batches()
            .filter(|(_, is_acknowledged)| *is_acknowledged);
        owed.map(|(batch, _)| batch.count).sum()
    }
}
