//! The sessions that came under more than one resource, by hashes of their names.
//!
//! A set of hashes says "may be one" of a few sessions that are none: queries then look for copies in
//! them and find none. So four bytes a session are enough, and no number of sessions makes queries look
//! in all of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::schema::Table;

/// More split sessions than this of one table are not told apart: copies are looked for in all. Eight
/// megabytes of each manifest.
const SPLIT_MAX: usize = 1_000_000;
/// Hexadecimal digits of a hash.
const DIGITS: usize = 8;

/// The sessions of a table that came under more than one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct SplitSessions {
    /// In their order.
    hashes: Arc<Vec<u32>>,
    /// There are too many to tell apart: any session may be one.
    is_any: bool,
}

/// How it stands in the manifest.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Written {
    /// What versions before 3 wrote.
    #[serde(default, skip_serializing)]
    names: BTreeSet<String>,
    /// Eight hexadecimal digits each.
    #[serde(default)]
    hashes: String,
    is_any: bool,
}

impl From<Written> for SplitSessions {
    fn from(written: Written) -> SplitSessions {
        let digits = written.hashes.as_bytes().chunks(DIGITS);
        let hash = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).ok()?;
            let hash = u32::from_str_radix(digits, 16).ok();
            hash.filter(|_| digits.len() == DIGITS)
        };
        let read: Option<Vec<u32>> = digits.map(hash).collect();
        let is_any = written.is_any || read.is_none();
        let mut hashes = read.unwrap_or_default();
        hashes.extend(
            written
                .names
                .iter()
                .map(|name| SplitSessions::hash_of(name)),
        );
        hashes.sort_unstable();
        hashes.dedup();
        SplitSessions {
            hashes: Arc::new(hashes),
            is_any,
        }
    }
}

impl From<SplitSessions> for Written {
    fn from(split: SplitSessions) -> Written {
        Written {
            names: BTreeSet::new(),
            hashes: split
                .hashes
                .iter()
                .map(|hash| format!("{hash:08x}"))
                .collect(),
            is_any: split.is_any,
        }
    }
}

impl SplitSessions {
    /// Whether there are none, which is usual.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty() && !self.is_any
    }

    /// What a session is known by. Stands in manifests: never changed.
    pub fn hash_of(name: &str) -> u32 {
        xxh3_64(name.as_bytes()) as u32
    }

    /// Whether the session of a hash may be one of them.
    pub fn has(&self, hash: u32) -> bool {
        self.is_any || self.hashes.binary_search(&hash).is_ok()
    }

    /// Whether a session, or where none is named an installation, may be one of them: every one that is,
    /// and of the others one in thousands.
    pub fn may_be(&self, name: &str) -> bool {
        self.has(Self::hash_of(name))
    }

    /// Whether all sessions may be.
    pub fn is_any(&self) -> bool {
        self.is_any
    }

    /// Without these sessions. Of another session with the same hash, one in billions, copies are not
    /// looked for until it comes under two resources again.
    fn without(&self, names: &BTreeSet<String>) -> SplitSessions {
        let gone: BTreeSet<u32> = names.iter().map(|name| Self::hash_of(name)).collect();
        let kept = self.hashes.iter().filter(|hash| !gone.contains(hash));
        SplitSessions {
            hashes: Arc::new(kept.copied().collect()),
            is_any: self.is_any,
        }
    }

    fn add(&mut self, name: &str) {
        let Err(place) = self.hashes.binary_search(&Self::hash_of(name)) else {
            return;
        };
        if self.is_any {
            return;
        }
        let hashes = Arc::make_mut(&mut self.hashes);
        if hashes.len() < SPLIT_MAX {
            hashes.insert(place, Self::hash_of(name));
        } else {
            hashes.clear();
            self.is_any = true;
        }
    }
}

/// The split sessions of events and of metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Split {
    events: SplitSessions,
    metrics: SplitSessions,
}

impl Split {
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.metrics.is_empty()
    }

    /// Without these sessions.
    pub(crate) fn without(&self, names: &BTreeSet<String>) -> Split {
        Split {
            events: self.events.without(names),
            metrics: self.metrics.without(names),
        }
    }

    pub(crate) fn of(&self, table: Table) -> Option<&SplitSessions> {
        match table {
            Table::Events => Some(&self.events),
            Table::Metrics => Some(&self.metrics),
            Table::Spans | Table::Quarantine => None,
        }
    }

    /// Takes note of a split session.
    pub(crate) fn add(&mut self, table: Table, name: &str) {
        match table {
            Table::Events => self.events.add(name),
            Table::Metrics => self.metrics.add(name),
            Table::Spans | Table::Quarantine => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_names_of_earlier_versions_are_too() {
        let mut split = Split::default();
        (0..10_000).for_each(|number| split.add(Table::Events, &format!("session-{number}")));
        split.add(Table::Metrics, &"long".repeat(1000));
        let text = serde_json::to_string(&split).expect("JSON");
        assert!(text.len() < 81_000, "{}", text.len());
        let read: Split = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read, split);
        let events = read.of(Table::Events).expect("events");
        assert!((0..10_000).all(|number| events.may_be(&format!("session-{number}"))));
        let others = (0..10_000).filter(|number| events.may_be(&format!("other-{number}")));
        assert!(others.count() < 10, "nearly no other is taken for one");
        assert!(!events.is_any());

        let older =
            r#"{"events":{"names":["s","t"],"is_any":false},"metrics":{"names":[],"is_any":true}}"#;
        let read: Split = serde_json::from_str(older).expect("JSON");
        let (events, metrics) = (read.of(Table::Events), read.of(Table::Metrics));
        let events = events.expect("events");
        assert!(events.may_be("s") && events.may_be("t") && !events.may_be("u"));
        assert!(metrics.expect("metrics").may_be("whatever"));
    }

    #[test]
    fn sessions_that_are_erased_are_split_no_more() {
        let mut split = Split::default();
        for name in ["s", "t"] {
            split.add(Table::Events, name);
            split.add(Table::Metrics, name);
        }
        let kept = split.without(&BTreeSet::from(["s".to_owned(), "other".to_owned()]));
        for table in [Table::Events, Table::Metrics] {
            let of = kept.of(table).expect("a table with split sessions");
            assert!(!of.may_be("s") && of.may_be("t"), "{table:?}");
        }
    }

    #[test]
    fn what_is_no_hash_makes_any_session_one() {
        for hashes in ["0000000g", "1234567"] {
            let text = format!(r#"{{"hashes":"{hashes}","is_any":false}}"#);
            let read: SplitSessions = serde_json::from_str(&text).expect("JSON");
            assert!(read.is_any(), "{hashes}");
        }
    }
}
