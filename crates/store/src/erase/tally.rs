//! What an erasure removes, counted, and by what it can be known again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::BuildHasher;

use arrow::array::{Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};

use super::needles::Identifiers;
use crate::part::time_ms;
use crate::schema::Table;

/// Which view shows an event.
const VIEWS: &[(&str, &str)] = &[
    ("user_prompt", "prompts"),
    ("api_request", "api_requests"),
    ("api_error", "api_errors"),
    ("tool_decision", "tool_calls"),
    ("tool_result", "tool_calls"),
];
/// The columns that name somebody, or what belongs to one person.
pub(super) const NAMING: &[&str] = &[
    "user_email",
    "user_account_id",
    "user_account_uuid",
    "session_id",
    "user_id",
];
/// Of these the first are ids of people, the others of sessions and installations.
const PEOPLE: usize = 3;

/// What is removed, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Items by table: events, metrics, spans, quarantine.
    pub items: BTreeMap<String, u64>,
    /// Events by the views that show them.
    pub views: BTreeMap<String, u64>,
    /// Items that mention one of the ids, and name nobody or somebody else; part of `items`.
    pub mentions: u64,
    /// E-mail addresses and accounts.
    pub identities: u64,
    /// Sessions that are nobody else's.
    pub sessions: u64,
    /// Installations that are nobody else's.
    pub installations: u64,
    /// The earliest `time`, milliseconds since the Unix epoch.
    pub first_ms: Option<i64>,
    /// The latest `time`, milliseconds since the Unix epoch.
    pub last_ms: Option<i64>,
}

impl Counts {
    /// All items.
    pub fn total(&self) -> u64 {
        self.items.values().sum()
    }
}

/// Counts and names while rows are looked at.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    /// What chosen rows are named by, as it is written, by column.
    named: [BTreeSet<String>; NAMING.len()],
    /// By what rows are named that stay.
    others: HashSet<u64, foldhash::fast::FixedState>,
    hasher: foldhash::fast::FixedState,
}

impl Tally {
    /// Takes note of rows, of which some are chosen.
    pub(super) fn take(&mut self, table: Table, rows: &RecordBatch, chosen: &[bool]) {
        for (place, name) in NAMING.iter().enumerate() {
            self.take_names(place, text(rows, name), chosen);
        }
        self.count(table, rows, chosen);
    }

    /// Counts chosen rows.
    pub(super) fn count(&mut self, table: Table, rows: &RecordBatch, chosen: &[bool]) {
        let count = chosen.iter().filter(|chosen| **chosen).count() as u64;
        if count == 0 {
            return;
        }
        let counts = &mut self.counts;
        *counts.items.entry(table.name().to_owned()).or_default() += count;
        let events = text(rows, "event");
        for row in (0..rows.num_rows()).filter(|row| chosen[*row]) {
            let ms = time_ms(table, rows, row);
            counts.first_ms = Some(counts.first_ms.map_or(ms, |first| first.min(ms)));
            counts.last_ms = Some(counts.last_ms.map_or(ms, |last| last.max(ms)));
            let event = events.filter(|_| table == Table::Events);
            let view = event.and_then(|events| {
                let event = events.is_valid(row).then(|| events.value(row))?;
                VIEWS.iter().find(|(name, _)| *name == event)
            });
            if let Some((_, view)) = view {
                *counts.views.entry((*view).to_owned()).or_default() += 1;
            }
        }
    }

    /// Counts rows that were not chosen before.
    pub(super) fn count_mentions(
        &mut self,
        table: Table,
        rows: &RecordBatch,
        before: &[bool],
        chosen: &[bool],
    ) {
        let fresh: Vec<bool> = chosen
            .iter()
            .zip(before)
            .map(|(now, before)| *now && !before)
            .collect();
        self.counts.mentions += fresh.iter().filter(|fresh| **fresh).count() as u64;
        self.count(table, rows, &fresh);
    }

    fn take_names(&mut self, place: usize, column: Option<&StringViewArray>, chosen: &[bool]) {
        let Some(column) = column else { return };
        let mut last = None;
        for (row, chosen) in chosen.iter().enumerate() {
            let this = (column.views()[row], *chosen);
            if column.is_null(row) || last == Some(this) {
                continue;
            }
            last = Some(this);
            let name = column.value(row);
            if *chosen {
                self.named[place].insert(name.to_owned());
            } else {
                let hash = self.hash(name);
                self.others.insert(hash);
            }
        }
    }

    /// The ids by which nobody is known whose rows stay: theirs, and those of their sessions and
    /// installations, as they are written.
    pub(super) fn own(&mut self, ids: &BTreeSet<String>) -> BTreeSet<String> {
        let own = |names: &BTreeSet<String>| -> BTreeSet<String> {
            let is_own = |name: &&String| !self.others.contains(&self.hash(name));
            names.iter().filter(is_own).cloned().collect()
        };
        let [.., sessions, installations] = &self.named;
        let (sessions, installations) = (own(sessions), own(installations));
        let mut people: BTreeSet<String> = own(ids);
        for named in &self.named[..PEOPLE] {
            people.extend(own(named));
        }
        let distinct: BTreeSet<String> = people.iter().map(|id| id.to_lowercase()).collect();
        self.counts.identities = distinct.len() as u64;
        self.counts.sessions = sessions.len() as u64;
        self.counts.installations = installations.len() as u64;
        people
            .into_iter()
            .chain(sessions)
            .chain(installations)
            .collect()
    }

    fn hash(&self, name: &str) -> u64 {
        self.hasher.hash_one(name.trim().to_lowercase())
    }
}

/// A column of text.
pub(super) fn text<'a>(rows: &'a RecordBatch, name: &str) -> Option<&'a StringViewArray> {
    rows.column_by_name(name)?.as_any().downcast_ref()
}

/// Which rows are known by one of the identifiers.
pub(super) fn own_rows(table: Table, rows: &RecordBatch, identifiers: &Identifiers) -> Vec<bool> {
    let mut own = vec![false; rows.num_rows()];
    if table == Table::Quarantine {
        identifiers.mark_rows(rows, &mut own);
        return own;
    }
    for name in NAMING {
        let Some(column) = text(rows, name) else {
            continue;
        };
        let mut last = None;
        for (row, is_own) in own.iter_mut().enumerate() {
            if column.is_null(row) {
                continue;
            }
            let view = column.views()[row];
            let is_one = match last {
                Some((known, is_one)) if known == view => is_one,
                _ => identifiers.is_one(column.value(row)),
            };
            last = Some((view, is_one));
            *is_own |= is_one;
        }
    }
    own
}
