//! Refused requests in the log: the first at once, then a summary a minute.
//!
//! Invariant: however many requests are refused, and however often, there are at most as many lines in
//! a minute as there are kinds of refusals.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::{Clock, Shutdown};
use store::RefusedRequests;

/// How long refusals are only counted after something was said.
const QUIET: Duration = Duration::from_secs(60);
/// How often it is looked whether that time is over.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Refusals that are not in the log yet.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Since when refusals are only counted; none while the next one is said at once.
    since: Option<Duration>,
    counts: BTreeMap<RefusedRequests, u64>,
}

impl Refusals {
    /// Takes note of one, and says it if it is the first for some time.
    pub(crate) fn note(&self, refused: RefusedRequests, clock: &dyn Clock) {
        if self.change(|state| state.note(refused, clock.monotonic())) {
            say(refused, 1);
        }
    }

    /// Says what was only counted, every minute, until `shutdown`, and once more then.
    pub(crate) async fn run(&self, clock: &dyn Clock, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.wait() => {}
            }
            let is_last = shutdown.is_triggered();
            let counts = self.change(|state| state.summary(clock.monotonic(), is_last));
            for (refused, requests) in counts {
                say(refused, requests);
            }
            if is_last {
                return;
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Whether it is to be said at once; else it is counted.
    fn note(&mut self, refused: RefusedRequests, now: Duration) -> bool {
        if self.since.is_none() {
            self.since = Some(now);
            return true;
        }
        *self.counts.entry(refused).or_default() += 1;
        false
    }

    /// What is to be said now. Where nothing was counted, the next one is said at once again.
    fn summary(&mut self, now: Duration, is_last: bool) -> BTreeMap<RefusedRequests, u64> {
        let is_over = self.since.is_some_and(|since| now >= since + QUIET);
        if !is_over && !is_last {
            return BTreeMap::new();
        }
        let counts = std::mem::take(&mut self.counts);
        self.since = (!counts.is_empty()).then_some(now);
        counts
    }
}

fn say(refused: RefusedRequests, requests: u64) {
    let RefusedRequests {
        signal,
        reason,
        retryable,
    } = refused;
    tracing::warn!(signal, reason, retryable, requests, "refused requests");
}

#[cfg(test)]
mod tests {
    use super::*;

    const MALFORMED: RefusedRequests = RefusedRequests {
        signal: "logs",
        reason: "malformed",
        retryable: false,
    };
    const OVERLOADED: RefusedRequests = RefusedRequests {
        signal: "logs",
        reason: "overloaded",
        retryable: true,
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_flood_is_said_once_and_then_counted_for_a_minute() {
        let mut state = State::default();
        assert!(state.note(MALFORMED, at(10)), "the first");
        for _ in 0..1000 {
            assert!(!state.note(MALFORMED, at(11)));
            assert!(!state.note(OVERLOADED, at(12)));
        }
        assert_eq!(state.summary(at(69), false), BTreeMap::new(), "not yet");
        let both = [(MALFORMED, 1000), (OVERLOADED, 1000)];
        assert_eq!(state.summary(at(70), false), both.into());
        assert!(!state.note(MALFORMED, at(71)), "still counted");
        assert_eq!(state.summary(at(130), false), [(MALFORMED, 1)].into());
        assert_eq!(
            state.summary(at(190), false),
            BTreeMap::new(),
            "a quiet minute"
        );
        assert!(state.note(MALFORMED, at(200)), "the first again");
    }

    #[test]
    fn what_was_counted_is_said_at_the_end() {
        let mut state = State::default();
        state.note(MALFORMED, at(1));
        state.note(MALFORMED, at(2));
        assert_eq!(state.summary(at(3), true), [(MALFORMED, 1)].into());
        assert_eq!(state.summary(at(3), true), BTreeMap::new());
    }
}
