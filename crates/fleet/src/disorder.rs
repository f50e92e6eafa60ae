//! What happens to exports between client and server: some come twice, late, in another order,
//! through two collectors, or not at all.
//!
//! Invariant: the seed decides all of it, each kind by a source of its own, so that each can be
//! switched on by itself. What arrives and what is lost are counted when that is
//! decided, once for each export, however often it is delivered.

mod requests;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::sync::Arc;

use contract::Signal;

use crate::organisation::{Export, Facts, LogGroups, MetricGroups};
use crate::random::Random;

pub use requests::{Passed, Request, Requests};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// Repeats come within the time for which deliveries are remembered (24 hours).
const REPEATED_WITHIN_MS: u64 = 12 * HOUR_MS;

/// What goes wrong. Shares are from 0 to 1; the default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Disorder {
    /// Decides who is hit.
    pub seed: u64,
    /// Share of the exports that come again, byte for byte: at once, or hours later.
    pub repeated: f64,
    /// Share of the exports that later ones overtake, by up to ten minutes.
    pub overtaken: f64,
    /// Share of the exports that come hours late.
    pub late: f64,
    /// Share of the exports that never come. A client that continues a session loses no export with
    /// which it says so: what it had counted before would be told by nothing.
    pub lost: f64,
    /// Share of the people whose exports go to two collectors. Each forwards them with an attribute
    /// of its own on the resource, and each loses its own.
    pub forwarded_twice: f64,
}

impl Disorder {
    /// Some of everything.
    pub const FULL: Disorder = Disorder {
        seed: 1,
        repeated: 0.08,
        overtaken: 0.1,
        late: 0.02,
        lost: 0.005,
        forwarded_twice: 0.2,
    };
}

/// One arrival of an export.
pub struct Delivery {
    /// When it arrives, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Which export it is, counted from 0: arrivals of the same one have the same number.
    pub number: u64,
    /// What `collector.name` says on the resource, where a collector says so.
    pub collector: Option<&'static str>,
    export: Arc<Export>,
}

impl Delivery {
    /// What it carries.
    pub fn signal(&self) -> Signal {
        self.export.signal
    }

    /// How many log records or data points there are.
    pub fn items(&self) -> usize {
        self.export.items()
    }

    fn log_groups(&self) -> LogGroups<'_> {
        let mut groups = self.export.log_groups();
        for (origin, _) in &mut groups {
            origin.resource.extend(self.mark());
        }
        groups
    }

    fn metric_groups(&self) -> MetricGroups<'_> {
        let mut groups = self.export.metric_groups();
        for (origin, _) in &mut groups {
            origin.resource.extend(self.mark());
        }
        groups
    }

    fn mark(&self) -> Option<contract::Attribute<'static>> {
        let name = self.collector?;
        Some(("collector.name".into(), contract::Value::from(name)))
    }
}

/// Arrivals in time order.
pub struct Deliveries<I: Iterator<Item = Export>> {
    exports: Peekable<I>,
    disorder: Disorder,
    random: Dice,
    number: u64,
    pending: BinaryHeap<Reverse<Pending>>,
    arrived: Facts,
    lost: Facts,
}

/// A source for each kind.
struct Dice {
    repeated: Random,
    overtaken: Random,
    late: Random,
    lost: Random,
}

struct Pending(Delivery);

impl Pending {
    fn order(&self) -> (u64, u64, Option<&'static str>) {
        (self.0.at_ms, self.0.number, self.0.collector)
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Pending) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Pending) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Pending) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl<I: Iterator<Item = Export>> Deliveries<I> {
    /// What becomes of `exports`, which are in time order.
    pub fn new(exports: I, disorder: Disorder) -> Deliveries<I> {
        let mut random = Random::new(disorder.seed);
        Deliveries {
            exports: exports.peekable(),
            disorder,
            random: Dice {
                repeated: random.fork(),
                overtaken: random.fork(),
                late: random.fork(),
                lost: random.fork(),
            },
            number: 0,
            pending: BinaryHeap::new(),
            arrived: Facts::default(),
            lost: Facts::default(),
        }
    }

    /// What is true of all exports that arrive, complete when this iterator is at its end.
    pub fn arrived(&self) -> &Facts {
        &self.arrived
    }

    /// What is true of all exports that never arrive.
    pub fn lost(&self) -> &Facts {
        &self.lost
    }

    /// Both, without a copy: what is true of those that arrived, and of those that never did.
    pub fn into_facts(self) -> (Facts, Facts) {
        (self.arrived, self.lost)
    }

    /// Decides what becomes of an export.
    fn scatter(&mut self, export: Export) {
        let number = self.number;
        self.number += 1;
        let twice = share_of(export.person) < self.disorder.forwarded_twice;
        let collectors: &[_] = if twice {
            &[Some("north"), Some("south")]
        } else {
            &[None]
        };
        let export = Arc::new(export);
        let before = self.pending.len();
        for collector in collectors {
            let is_lost = self.random.lost.chance(self.disorder.lost) && !export.continues();
            for at_ms in self.arrivals(export.at_ms) {
                if !is_lost {
                    self.pending.push(Reverse(Pending(Delivery {
                        at_ms,
                        number,
                        collector: *collector,
                        export: Arc::clone(&export),
                    })));
                }
            }
        }
        if self.pending.len() == before {
            self.lost.observe(&export);
        } else {
            self.arrived.observe(&export);
        }
    }

    /// When an export of that time arrives, the first time and again.
    fn arrivals(&mut self, sent_ms: u64) -> impl Iterator<Item = u64> + use<I> {
        let (disorder, dice) = (&self.disorder, &mut self.random);
        let mut first_ms = sent_ms;
        if dice.overtaken.chance(disorder.overtaken) {
            first_ms += dice.overtaken.between(5_000, 10 * MINUTE_MS);
        }
        if dice.late.chance(disorder.late) {
            first_ms += dice.late.between(HOUR_MS, 20 * HOUR_MS);
        }
        let again_ms = dice.repeated.chance(disorder.repeated).then(|| {
            let after_ms = if dice.repeated.chance(0.7) {
                1000
            } else {
                dice.repeated.between(MINUTE_MS, REPEATED_WITHIN_MS)
            };
            first_ms + after_ms
        });
        [Some(first_ms), again_ms].into_iter().flatten()
    }
}

/// Even over any run of people: multiples of the golden section.
fn share_of(person: usize) -> f64 {
    ((person + 1) as f64 * 0.618_033_988_749_894_9).fract()
}

impl<I: Iterator<Item = Export>> Iterator for Deliveries<I> {
    type Item = Delivery;

    fn next(&mut self) -> Option<Delivery> {
        loop {
            let due_ms = self.pending.peek().map(|Reverse(next)| next.0.at_ms);
            let is_due = |export: &Export| due_ms.is_none_or(|due_ms| export.at_ms <= due_ms);
            match self.exports.next_if(is_due) {
                Some(export) => self.scatter(export),
                None => return self.pending.pop().map(|Reverse(next)| next.0),
            }
        }
    }
}
