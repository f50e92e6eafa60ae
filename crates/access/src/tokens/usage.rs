//! Last use, quotas and rates of tokens.
//!
//! Invariant: what is counted is written to the disk at most once a minute, whatever comes, and at the
//! end. A crash forgets the last minute of a day's quota at most.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::token::Limits;
use crate::{Document, DocumentError};

/// How often what is counted is written at most.
const WRITE_EVERY: Duration = Duration::from_secs(60);
const DAY_MS: u64 = 24 * 3600 * 1000;

/// How a token was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// When a request with it was let in last, milliseconds since the Unix epoch; 0: never.
    pub last_ms: u64,
    /// Of which day the counts are, days since the Unix epoch.
    pub day: u64,
    /// Items that day.
    pub items: u64,
    /// Inflated bytes that day.
    pub bytes: u64,
}

/// Why there is no more room for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    /// Of requests, this minute.
    Rate,
    /// Of items, today.
    Items,
    /// Of bytes, today.
    Bytes,
}

#[derive(Debug)]
pub(super) struct Usage {
    document: Document,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    uses: BTreeMap<String, Use>,
    buckets: BTreeMap<String, Bucket>,
    written_at: Duration,
    is_dirty: bool,
}

/// Requests that may still come, and when that was counted.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Duration,
}

impl Use {
    fn on(mut self, now_ms: u64) -> Use {
        let day = now_ms / DAY_MS;
        if self.day != day {
            (self.day, self.items, self.bytes) = (day, 0, 0);
        }
        self
    }
}

impl Usage {
    pub(super) fn open(dir: &Path) -> Result<Usage, DocumentError> {
        let document = Document::at(dir.join("access").join("tokens-used.json"));
        let uses = document.read()?.unwrap_or_default();
        Ok(Usage {
            document,
            state: Mutex::new(State {
                uses,
                ..State::default()
            }),
        })
    }

    /// Lets a request in by its token's limits, and takes note of the moment.
    pub(super) fn enter(
        &self,
        id: &str,
        limits: &Limits,
        now_ms: u64,
        now: Duration,
    ) -> Result<(), Spent> {
        let mut state = self.state();
        let used = state.uses.get(id).copied().unwrap_or_default().on(now_ms);
        let is_over = |used: u64, limit: Option<u64>| limit.is_some_and(|limit| used >= limit);
        if is_over(used.items, limits.items_per_day) {
            return Err(Spent::Items);
        }
        if is_over(used.bytes, limits.bytes_per_day) {
            return Err(Spent::Bytes);
        }
        if let Some(per_minute) = limits.requests_per_minute {
            state.take_one(id, f64::from(per_minute), now)?;
        }
        let last_ms = now_ms.max(used.last_ms);
        state.uses.insert(id.to_owned(), Use { last_ms, ..used });
        state.is_dirty = true;
        Ok(())
    }

    /// Counts what a request held, once it is admitted.
    pub(super) fn charge(&self, id: &str, items: u64, bytes: u64, now_ms: u64) {
        let mut state = self.state();
        let used = state.uses.entry(id.to_owned()).or_default();
        *used = used.on(now_ms);
        used.items = used.items.saturating_add(items);
        used.bytes = used.bytes.saturating_add(bytes);
        state.is_dirty = true;
    }

    pub(super) fn of(&self, id: &str, now_ms: u64) -> Use {
        let state = self.state();
        state.uses.get(id).copied().unwrap_or_default().on(now_ms)
    }

    /// Writes what is counted if that is due, or if it is the last time. Blocks on the disk.
    pub(super) fn save(&self, now: Duration, is_last: bool) -> Result<(), DocumentError> {
        let uses = {
            let mut state = self.state();
            let is_due = is_last || now >= state.written_at + WRITE_EVERY;
            if !state.is_dirty || !is_due {
                return Ok(());
            }
            state.written_at = now;
            state.is_dirty = false;
            state.uses.clone()
        };
        self.document.replace(&uses)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_one(&mut self, id: &str, per_minute: f64, now: Duration) -> Result<(), Spent> {
        let full = Bucket {
            left: per_minute,
            at: now,
        };
        let bucket = self.buckets.entry(id.to_owned()).or_insert(full);
        let since = now.saturating_sub(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + since * per_minute / 60.0).min(per_minute);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Spent::Rate);
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

/// What a token used as it was last written, for who has no gate.
pub(super) fn written(dir: &Path) -> Result<BTreeMap<String, Use>, DocumentError> {
    let document = Document::at(dir.join("access").join("tokens-used.json"));
    Ok(document.read()?.unwrap_or_default())
}
