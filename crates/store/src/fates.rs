//! Every received item has exactly one fate.
//!
//! Invariant: accepted + deduplicated + quarantined + rejected = received, per signal and per token, at
//! any moment, and all tokens together (with what came without one) are what there is of a signal.
//! Both sides are counted together when an item's fate is known, but by different hands: `received`
//! is what the decoder counted, the fates are what the state did. An item that the state lost or
//! doubled would show. Counts are since the start of the process.
//!
//! Requests that were refused before their items were known are in a ledger beside this one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::meters::{Readings, Source};
use contract::Signal;
use serde::Serialize;

use crate::provenance::Provenance;

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
    /// Of `rejected`: items of people who were erased and are not taken any more.
    pub of_refused_people: u64,
}

impl Fate {
    /// Whether every received item has exactly one fate.
    pub fn is_settled(&self) -> bool {
        self.accepted + self.deduplicated + self.quarantined + self.rejected == self.received
    }
}

/// The fates of what came with one token, by [`Signal::ALL`]; without one the id is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFates {
    /// The token's id.
    pub token: String,
    /// The counts of all signals.
    pub signals: [Fate; 3],
}

/// The counters of all signals and tokens. There are as many tokens as an administrator made.
#[derive(Debug, Default)]
struct Counts {
    all: [Fate; 3],
    tokens: BTreeMap<String, [Fate; 3]>,
}

/// The ledger.
#[derive(Debug, Default)]
pub struct Fates {
    counts: Mutex<Counts>,
    refused: Mutex<BTreeMap<RefusedRequests, u64>>,
}

/// Requests that were answered with an error, by what they carried and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RefusedRequests {
    /// The signal's name, or `unknown` where the path did not say.
    pub signal: &'static str,
    /// Why, as a counter's label.
    pub reason: &'static str,
    /// Whether the client was told to send it again.
    pub retryable: bool,
}

/// The items of one request whose fate is not known yet. Dropped without [`Receipt::settle`], as by an
/// error, a panic or a future that nobody waits for any more, they are rejected.
#[derive(Debug)]
pub(crate) struct Receipt<'a> {
    fates: &'a Fates,
    signal: Signal,
    token: Option<Arc<Provenance>>,
    items: u64,
    is_counted: bool,
}

impl Receipt<'_> {
    /// The items are durable and applied.
    pub(crate) fn settle(self, accepted: u64, deduplicated: u64, quarantined: u64) {
        self.fates
            .change(self.signal, self.token.as_deref(), |fate| {
                fate.received += self.items;
                fate.accepted += accepted;
                fate.deduplicated += deduplicated;
                fate.quarantined += quarantined;
            });
        self.close();
    }

    /// The items are durable; the replay of the journal will come to them and has a receipt of its
    /// own for them then.
    pub(crate) fn defer(self) {
        self.close();
    }

    fn close(mut self) {
        self.is_counted = true;
    }
}

impl Drop for Receipt<'_> {
    fn drop(&mut self) {
        if self.is_counted {
            return;
        }
        self.fates
            .change(self.signal, self.token.as_deref(), |fate| {
                fate.received += self.items;
                fate.rejected += self.items;
            });
    }
}

impl Fates {
    /// The receipt for `items`, as the decoder counted them.
    pub(crate) fn receipt(
        &self,
        signal: Signal,
        token: Option<Arc<Provenance>>,
        items: u64,
    ) -> Receipt<'_> {
        Receipt {
            fates: self,
            signal,
            token,
            items,
            is_counted: false,
        }
    }

    /// Counts items of people who are not taken any more: they came, and were rejected.
    pub fn refuse_people(&self, signal: Signal, token: Option<&Provenance>, items: u64) {
        self.change(signal, token, |fate| {
            fate.received += items;
            fate.rejected += items;
            fate.of_refused_people += items;
        });
    }

    /// Counts a whole request that was answered with an error. How many items it held may not even
    /// be known, so this ledger is beside the one of items.
    pub fn refuse_request(&self, refused: RefusedRequests) {
        *self.refused().entry(refused).or_default() += 1;
    }

    /// How many requests were answered with an error, by signal and reason.
    pub fn refused_requests(&self) -> Vec<(RefusedRequests, u64)> {
        self.refused()
            .iter()
            .map(|(what, count)| (*what, *count))
            .collect()
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<RefusedRequests, u64>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts of one signal.
    pub fn of(&self, signal: Signal) -> Fate {
        self.lock().all[signal as usize]
    }

    /// The counts of all signals at one moment, by [`Signal::ALL`].
    pub fn all(&self) -> [Fate; 3] {
        self.lock().all
    }

    /// The counts of all signals, and of each token with which anything came, at one moment.
    pub fn by_token(&self) -> ([Fate; 3], Vec<TokenFates>) {
        let counts = self.lock();
        let tokens = counts.tokens.iter().map(|(token, signals)| TokenFates {
            token: token.clone(),
            signals: *signals,
        });
        (counts.all, tokens.collect())
    }

    fn change(&self, signal: Signal, token: Option<&Provenance>, change: impl Fn(&mut Fate)) {
        let token = token.map_or("", |provenance| &provenance.token);
        let mut counts = self.lock();
        change(&mut counts.all[signal as usize]);
        match counts.tokens.get_mut(token) {
            Some(known) => change(&mut known[signal as usize]),
            None => {
                change(&mut counts.tokens.entry(token.to_owned()).or_default()[signal as usize])
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters, to be shown.
    pub(crate) fn meters(self: &Arc<Self>) -> Source {
        let fates = Arc::clone(self);
        let mut readings = Readings::new(move || fates.all());
        for signal in Signal::ALL {
            readings = readings.counter(
                "tallybook_items_received_total",
                "Items (log records, data points, spans) that came; each has exactly one fate.",
                &[("signal", signal.name())],
                move |all| all[signal as usize].received as f64,
            );
            for (fate, count) in FATES {
                readings = readings.counter(
                    "tallybook_items_total",
                    "Items by what became of them; all fates together are the items received.",
                    &[("signal", signal.name()), ("fate", fate)],
                    move |all| count(&all[signal as usize]) as f64,
                );
            }
            readings = readings.counter(
                "tallybook_items_of_refused_people_total",
                "Items of people who were erased and are not taken any more; they count as rejected, too.",
                &[("signal", signal.name())],
                move |all| all[signal as usize].of_refused_people as f64,
            );
        }
        Box::new(readings)
    }
}

type Count = fn(&Fate) -> u64;

/// The fates by name.
const FATES: [(&str, Count); 4] = [
    ("accepted", |fate| fate.accepted),
    ("deduplicated", |fate| fate.deduplicated),
    ("quarantined", |fate| fate.quarantined),
    ("rejected", |fate| fate.rejected),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A fate by its four parts, received first.
    fn fate(
        received: u64,
        accepted: u64,
        deduplicated: u64,
        quarantined: u64,
        rejected: u64,
    ) -> Fate {
        Fate {
            received,
            accepted,
            deduplicated,
            quarantined,
            rejected,
            of_refused_people: 0,
        }
    }

    #[test]
    fn whatever_ends_a_receipt_its_items_have_a_fate() {
        let fates = Fates::default();
        fates.receipt(Signal::Logs, None, 6).settle(3, 2, 1);
        let panicking = std::panic::AssertUnwindSafe(|| {
            let _receipt = fates.receipt(Signal::Metrics, None, 5);
            panic!("on purpose");
        });
        std::panic::catch_unwind(panicking).expect_err("it panics");
        let given_up = async {
            let _receipt = fates.receipt(Signal::Traces, None, 4);
            std::future::pending::<()>().await;
        };
        let mut given_up = Box::pin(given_up);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(given_up.as_mut().poll(&mut context).is_pending());
        assert_eq!(fates.of(Signal::Traces), Fate::default(), "not decided yet");
        drop(given_up);
        fates.receipt(Signal::Logs, None, 9).defer();
        let expect = [
            fate(6, 3, 2, 1, 0),
            fate(5, 0, 0, 0, 5),
            fate(4, 0, 0, 0, 4),
        ];
        assert_eq!(fates.all(), expect);
        assert!(fates.all().iter().all(Fate::is_settled));
    }

    #[test]
    fn items_of_refused_people_are_rejected_and_told_apart() {
        let fates = Fates::default();
        fates.receipt(Signal::Logs, None, 3).settle(3, 0, 0);
        fates.refuse_people(Signal::Logs, None, 2);
        let expected = Fate {
            of_refused_people: 2,
            ..fate(5, 3, 0, 0, 2)
        };
        assert_eq!(fates.of(Signal::Logs), expected);
        assert!(fates.of(Signal::Logs).is_settled());
    }

    #[test]
    fn an_item_that_the_state_lost_shows() {
        let fates = Fates::default();
        fates.receipt(Signal::Logs, None, 6).settle(3, 2, 0);
        assert!(!fates.of(Signal::Logs).is_settled());
    }
}
