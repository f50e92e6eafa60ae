//! How old a data directory is: for how long it has been served, by a clock that nobody can set.
//!
//! Invariant: an age is never more than the time that has really passed, never goes back, and stands
//! still while the journal is replayed. So what is kept for 24 hours of it is kept for at least 24
//! hours however the wall clock jumps; and what was remembered when a frame was acknowledged is
//! remembered when the frame is replayed, however long the server was down and the replay takes.

use std::sync::OnceLock;
use std::time::Duration;

use base::Clock;

/// The age of an open data directory.
#[derive(Debug)]
pub(crate) struct Age {
    /// When it was opened: what the manifest knew.
    opened_ns: u64,
    /// The clock's monotonic time from which on it grows.
    grows_since: OnceLock<Duration>,
}

impl Age {
    /// An age that stands still until [`Age::grow`].
    pub(crate) fn standing_at(opened_ns: u64) -> Age {
        Age {
            opened_ns,
            grows_since: OnceLock::new(),
        }
    }

    /// From now on it grows.
    pub(crate) fn grow(&self, clock: &dyn Clock) {
        self.grows_since.get_or_init(|| clock.monotonic());
    }

    /// The age in nanoseconds.
    pub(crate) fn now_ns(&self, clock: &dyn Clock) -> u64 {
        let grown = self.grows_since.get().map_or(Duration::ZERO, |since| {
            clock.monotonic().saturating_sub(*since)
        });
        let grown_ns = u64::try_from(grown.as_nanos()).unwrap_or(u64::MAX);
        self.opened_ns.saturating_add(grown_ns)
    }
}
