//! Time as a parameter.
//!
//! Invariant: durations are measured with `monotonic`, never by subtracting wall-clock readings, for
//! the wall clock may jump in either direction.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time in nanoseconds since 1970-01-01T00:00:00Z.
    fn now_unix_ns(&self) -> u64;

    /// Time since some fixed moment; it never goes back.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now_unix_ns(&self) -> u64 {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock {
    reading: Mutex<Reading>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    unix_ns: u64,
    monotonic: Duration,
}

impl ManualClock {
    /// A clock that shows `unix_ns`, with no monotonic time passed yet.
    #[must_use]
    pub fn at(unix_ns: u64) -> Self {
        Self {
            reading: Mutex::new(Reading {
                unix_ns,
                monotonic: Duration::ZERO,
            }),
        }
    }

    /// Lets time pass: both readings move.
    pub fn advance(&self, by: Duration) {
        self.change(|reading| {
            let by_ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            reading.unix_ns = reading.unix_ns.saturating_add(by_ns);
            reading.monotonic = reading.monotonic.saturating_add(by);
        });
    }

    /// Sets the wall clock alone, as an administrator or NTP would: monotonic time stays.
    pub fn set_unix_ns(&self, unix_ns: u64) {
        self.change(|reading| reading.unix_ns = unix_ns);
    }

    fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut self.reading.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn reading(&self) -> Reading {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now_unix_ns(&self) -> u64 {
        self.reading().unix_ns
    }

    fn monotonic(&self) -> Duration {
        self.reading().monotonic
    }
}

#[cfg(test)]
mod tests;
