//! How often what was done where.
//!
//! Invariant: bounded, whatever clients call their attributes: beyond so many different ones, the
//! rest is counted under one name.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use contract::Signal;

use crate::policy::Policy;

/// How many different things are told apart.
const ROWS_MAX: usize = 2_000;
/// What the rest is counted under.
const REST: &str = "(others)";

/// What was done to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Done {
    /// A detector found something in it, which was masked.
    Masked,
    /// It went.
    Dropped,
    /// It was cut.
    Truncated,
    /// A hash stands in its place.
    Hashed,
    /// A pseudonym stands in its place.
    Pseudonymised,
    /// Deciding failed, so it went.
    Failed,
}

impl Done {
    /// The name in marks, reports and counters.
    pub fn name(self) -> &'static str {
        match self {
            Done::Masked => "mask",
            Done::Dropped => "drop",
            Done::Truncated => "truncate",
            Done::Hashed => "hash",
            Done::Pseudonymised => "pseudonymise",
            Done::Failed => "failed",
        }
    }
}

/// What was done, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct What {
    /// The signal's name.
    pub signal: &'static str,
    /// The attribute's key, or the field's name.
    pub attribute: String,
    /// What was done.
    pub done: Done,
    /// What was found, where something was looked for; else empty.
    pub detector: String,
}

/// How often what was done where.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    rows: BTreeMap<What, u64>,
    /// Items of which something was taken out.
    pub items: u64,
}

impl Tally {
    /// Counts once more.
    pub(crate) fn count(
        &mut self,
        signal: Signal,
        attribute: &str,
        done: Done,
        detector: &str,
        times: u64,
    ) {
        self.add_row(
            What {
                signal: signal.name(),
                attribute: attribute.to_owned(),
                done,
                detector: detector.to_owned(),
            },
            times,
        );
    }

    fn add_row(&mut self, mut what: What, times: u64) {
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&what) {
            REST.clone_into(&mut what.attribute);
        }
        *self.rows.entry(what).or_default() += times;
    }

    /// Counts what another has counted too.
    pub fn add(&mut self, other: Tally) {
        self.items += other.items;
        for (what, times) in other.rows {
            self.add_row(what, times);
        }
    }

    /// What was done, in order, with how often.
    pub fn rows(&self) -> impl Iterator<Item = (&What, u64)> {
        self.rows.iter().map(|(what, times)| (what, *times))
    }

    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A policy, and what it did since it was put in force.
pub struct Ledger {
    policy: Policy,
    tally: Mutex<Tally>,
}

impl Ledger {
    /// Nothing has been done yet.
    pub fn new(policy: Policy) -> Ledger {
        Ledger {
            policy,
            tally: Mutex::default(),
        }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Adds what was done to a request that is kept.
    pub fn add(&self, tally: Tally) {
        self.locked().add(tally);
    }

    /// What was done so far.
    pub fn tally(&self) -> Tally {
        self.locked().clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
