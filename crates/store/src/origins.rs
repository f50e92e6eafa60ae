//! Under which resources sessions come: two collectors that forward the same data, each with an
//! attribute of its own on the resource, make two different items of one event.
//!
//! Both are kept, as everything that was sent is. So that no answer counts both, the sessions that
//! came under more than one resource are known (`split.rs`): queries look for copies in these and in no
//! others. What a client itself says of its version and its machine does not tell resources apart: a
//! session that is resumed by a newer client is no split one.
//!
//! Invariant: a session of which two copies were applied within 24 hours is among the split ones.
//! What is remembered for that is lost by a restart, the split sessions are not.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{Array, StringViewArray};
use arrow::record_batch::RecordBatch;

use crate::schema::Table;
use crate::split::{Split, SplitSessions};

/// Two copies come within minutes; the horizon is deduplication's.
const FORGET_AFTER_NS: u64 = 24 * 3600 * 1_000_000_000;
/// How many resources are remembered as they are told apart.
const RESOURCES_MAX: usize = 10_000;
/// What clients say of themselves.
const OF_CLIENT: &[&str] = &[
    "service.version",
    "os.",
    "host.arch",
    "wsl.",
    "process.",
    "telemetry.",
];

#[derive(Clone, Debug)]
struct Seen {
    resource: u64,
    /// The data directory's age when the session last came.
    age_ns: u64,
}

/// Which resource each session of the last 24 hours came under, and which came under several.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    hasher: foldhash::fast::RandomState,
    seen: HashMap<u64, Seen>,
    /// By the hash of a whole resource, that of what tells it apart.
    resources: HashMap<u64, u64>,
    split: Arc<Split>,
}

impl Origins {
    /// What is known when a data directory is opened.
    pub(crate) fn new(split: Split) -> Origins {
        Origins {
            split: Arc::new(split),
            ..Origins::default()
        }
    }

    /// Changes what is known of split sessions.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Split)) {
        change(Arc::make_mut(&mut self.split));
    }

    pub(crate) fn split(&self) -> &Arc<Split> {
        &self.split
    }

    /// Takes note of newly stored rows; `age_ns` is the data directory's age.
    pub(crate) fn observe(&mut self, table: Table, rows: &RecordBatch, age_ns: u64) {
        if self.split.of(table).is_none_or(SplitSessions::is_any) {
            return;
        }
        let text = |name| {
            rows.column_by_name(name)?
                .as_any()
                .downcast_ref::<StringViewArray>()
        };
        let (Some(sessions), Some(users), Some(resources)) =
            (text("session_id"), text("user_id"), text("resource"))
        else {
            return;
        };
        let mut last = None;
        for row in 0..rows.num_rows() {
            let mut columns = [sessions, users].into_iter();
            // Without either, equal rows under two resources may be two events.
            let Some(column) = columns.find(|column| column.is_valid(row)) else {
                continue;
            };
            let pair = (column.value(row), resources.value(row));
            // Rows of one client lie together.
            if last != Some(pair) {
                last = Some(pair);
                self.note(table, pair.0, pair.1, age_ns);
            }
        }
    }

    fn note(&mut self, table: Table, name: &str, resource: &str, age_ns: u64) {
        let session = self.hasher.hash_one((table, name));
        let resource = self.told_apart(resource);
        let seen = self
            .seen
            .entry(session)
            .or_insert(Seen { resource, age_ns });
        seen.age_ns = age_ns;
        if seen.resource != resource {
            let known = self.split.of(table);
            if known.is_some_and(|known| !known.may_be(name)) {
                Arc::make_mut(&mut self.split).add(table, name);
            }
        }
    }

    /// The hash of what tells a resource apart.
    fn told_apart(&mut self, resource: &str) -> u64 {
        let whole = self.hasher.hash_one(resource);
        if let Some(known) = self.resources.get(&whole) {
            return *known;
        }
        let attributes: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(resource).unwrap_or_default();
        let is_clients = |key: &str| OF_CLIENT.iter().any(|own| key.starts_with(own));
        let others = attributes.iter().filter(|(key, _)| !is_clients(key));
        let text: String = others
            .map(|(key, value)| format!("{key}={value}\n"))
            .collect();
        let told_apart = self.hasher.hash_one(text);
        if self.resources.len() >= RESOURCES_MAX {
            self.resources.clear();
        }
        self.resources.insert(whole, told_apart);
        told_apart
    }

    /// Forgets sessions that have been silent for long.
    pub(crate) fn forget(&mut self, age_ns: u64) {
        let horizon = age_ns.saturating_sub(FORGET_AFTER_NS);
        self.seen.retain(|_, seen| seen.age_ns >= horizon);
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::ArrayRef;

    use super::*;

    type Cell = Option<&'static str>;

    fn rows(cells: &[(Cell, Cell, Cell)]) -> RecordBatch {
        let column = |of: fn(&(Cell, Cell, Cell)) -> Cell| -> ArrayRef {
            Arc::new(cells.iter().map(of).collect::<StringViewArray>())
        };
        RecordBatch::try_from_iter_with_nullable([
            ("session_id", column(|row| row.0), true),
            ("user_id", column(|row| row.1), true),
            ("resource", column(|row| row.2), true),
        ])
        .expect("a batch")
    }

    fn split(origins: &Origins, table: Table) -> Vec<&'static str> {
        let split = origins.split().of(table).expect("a table that is split");
        let mut names = vec!["s", "t", "u"];
        names.retain(|name| split.may_be(name));
        names
    }

    #[test]
    fn sessions_under_two_resources_are_split_and_no_others() {
        let (a, b) = (Some("{\"by\":\"a\"}"), Some("{\"by\":\"b\"}"));
        let mut origins = Origins::default();
        let (s, t, u) = (Some("s"), Some("t"), Some("u"));
        origins.observe(
            Table::Events,
            &rows(&[
                (s, u, a),
                (t, u, a),
                (s, u, a),
                (None, u, a),
                (None, None, a),
            ]),
            1,
        );
        assert!(
            origins
                .split()
                .of(Table::Events)
                .expect("events")
                .is_empty()
        );
        // Metrics are another table, though the session is the same.
        origins.observe(Table::Metrics, &rows(&[(s, u, b)]), 1);
        assert!(split(&origins, Table::Metrics).is_empty());
        origins.observe(
            Table::Events,
            &rows(&[(t, None, b), (None, u, b), (None, None, b)]),
            1,
        );
        assert_eq!(split(&origins, Table::Events), ["t", "u"]);
        let kept = Origins::new(Split::clone(origins.split()));
        assert_eq!(split(&kept, Table::Events), ["t", "u"]);
    }

    #[test]
    fn a_newer_client_is_the_same_resource() {
        let mut origins = Origins::default();
        for (resource, is_split) in [
            (
                r#"{"service.name":"x","service.version":"2.1.1","os.version":"1"}"#,
                false,
            ),
            (
                r#"{"os.version":"2","service.name":"x","service.version":"2.1.2"}"#,
                false,
            ),
            (
                r#"{"service.name":"x","service.version":"2.1.2","collector.name":"b"}"#,
                true,
            ),
        ] {
            origins.observe(
                Table::Events,
                &rows(&[(Some("s"), None, Some(resource))]),
                1,
            );
            let split = origins.split().of(Table::Events).expect("events");
            assert_eq!(!split.is_empty(), is_split, "{resource}");
        }
    }

    #[test]
    fn what_has_been_silent_for_a_day_is_forgotten() {
        let (a, b) = (Some("{\"by\":\"a\"}"), Some("{\"by\":\"b\"}"));
        let mut origins = Origins::default();
        origins.observe(
            Table::Events,
            &rows(&[(Some("s"), None, a), (Some("t"), None, a)]),
            1,
        );
        origins.observe(Table::Events, &rows(&[(Some("t"), None, a)]), 2);
        origins.forget(FORGET_AFTER_NS + 2);
        origins.observe(
            Table::Events,
            &rows(&[(Some("s"), None, b), (Some("t"), None, b)]),
            3,
        );
        assert_eq!(split(&origins, Table::Events), ["t"]);
    }
}
