//! What the items of a part or a batch say about who their sessions and installations belong to: the
//! distinct tuples with their first and last times, many times fewer than there are items.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use arrow::array::{Array, StringViewArray, TimestampMillisecondArray, TimestampNanosecondArray};
use arrow::record_batch::RecordBatch;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// The columns that facts are made of, by these places.
pub(super) const COLUMNS: [&str; 10] = [
    "time",
    "session_id",
    "user_id",
    "user_email",
    "user_account_id",
    "user_account_uuid",
    "team",
    "department",
    "cost_center",
    "organization_id",
];
const TEXTS: usize = COLUMNS.len() - 1;
/// Longer texts are nobody's id and no team's name.
pub(super) const TEXT_BYTES_MAX: usize = 512;
/// What programs write where they know nobody.
const NOBODY: &[&str] = &[
    "<redacted>",
    "redacted",
    "unknown",
    "undefined",
    "null",
    "none",
    "n/a",
    "anonymous",
];

/// An id or a name, shared by everything that mentions it.
pub(crate) type Name = Arc<str>;
/// A session or an installation.
pub(super) type Key = u128;

/// How sessions and installations become keys. The seed is the process's own, so that no client can
/// choose ids that fall together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys(u64);

impl Keys {
    pub(crate) fn new() -> Keys {
        Keys(std::hash::RandomState::new().hash_one(0_u8))
    }

    pub(super) fn of(self, text: &str) -> Key {
        xxh3_128_with_seed(text.as_bytes(), self.0)
    }
}

/// An id as it is compared; `None` for what identifies nobody.
pub(super) fn id(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_nobody = text.is_empty()
        || text.len() > TEXT_BYTES_MAX
        || NOBODY.iter().any(|known| text.eq_ignore_ascii_case(known));
    (!is_nobody).then_some(text)
}

/// The same of an e-mail address: in small letters.
pub(super) fn email(text: &str) -> Option<Cow<'_, str>> {
    let text = id(text)?;
    let is_small = text
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    Some(match is_small {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.to_lowercase()),
    })
}

/// What an item says of whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) email: Option<Name>,
    pub(super) account_id: Option<Name>,
    pub(super) account_uuid: Option<Name>,
}

impl Identity {
    /// One of its ids, which stands for all.
    pub(super) fn any(&self) -> Option<&Name> {
        self.ids().next()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &Name> {
        [&self.email, &self.account_id, &self.account_uuid]
            .into_iter()
            .flatten()
    }
}

/// Team, department and cost centre, as an item says them.
pub(super) type Units = [Option<Name>; 3];

/// What items said of a session and an installation, in identical words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact {
    pub(super) session: Option<Key>,
    pub(super) installation: Option<Key>,
    /// By its place in the facts.
    pub(super) identity: u32,
    pub(super) units: u32,
    pub(super) organization: u32,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

/// The facts of a part or a batch.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(super) identities: Vec<Identity>,
    pub(super) units: Vec<Units>,
    /// Which organisations the items name.
    pub(super) organizations: Vec<Option<Name>>,
    pub(super) rows: Vec<Fact>,
}

/// Session, installation, identity, units and organisation.
type Tuple = (Option<Key>, Option<Key>, u32, u32, u32);

/// Facts while they are gathered.
pub(crate) struct Gathering {
    keys: Keys,
    facts: Facts,
    identities: HashMap<Identity, u32>,
    units: HashMap<Units, u32>,
    organizations: HashMap<Option<Name>, u32>,
    rows: HashMap<Tuple, usize, foldhash::fast::RandomState>,
}

impl Gathering {
    pub(crate) fn new(keys: Keys) -> Gathering {
        Gathering {
            keys,
            facts: Facts::default(),
            identities: HashMap::new(),
            units: HashMap::new(),
            organizations: HashMap::new(),
            rows: HashMap::default(),
        }
    }

    /// Takes the rows of a batch; `None` when it lacks a column.
    pub(crate) fn take(&mut self, batch: &RecordBatch) -> Option<()> {
        let columns = Columns::of(batch)?;
        // Rows of a session lie together, and what they repeat are the same bytes.
        let mut last = None;
        for row in 0..batch.num_rows() {
            let views = columns.views(row);
            let at = match last {
                Some((known, at)) if known == views => at,
                _ => self.place(&columns, row),
            };
            last = Some((views, at));
            if let Some(at) = at {
                let (fact, ms) = (&mut self.facts.rows[at], columns.time_ms(row));
                fact.first_ms = fact.first_ms.min(ms);
                fact.last_ms = fact.last_ms.max(ms);
            }
        }
        Some(())
    }

    pub(crate) fn facts(mut self) -> Facts {
        self.facts.rows.shrink_to_fit();
        self.facts
    }

    /// Where the fact of a row is; `None` for a row that tells nothing.
    fn place(&mut self, columns: &Columns<'_>, row: usize) -> Option<usize> {
        let (identity, units) = (columns.identity(row), columns.units(row));
        let is_silent = identity.any().is_none() && units.iter().all(Option::is_none);
        let key = |place| {
            columns
                .text(place, row)
                .and_then(id)
                .map(|text| self.keys.of(text))
        };
        let (session, installation) = (key(0), key(1));
        if is_silent || (identity.any().is_none() && session.is_none()) {
            return None;
        }
        let identity = numbered(&mut self.identities, &mut self.facts.identities, identity);
        let units = numbered(&mut self.units, &mut self.facts.units, units);
        let organization = columns.text(8, row).map(Name::from);
        let known = &mut self.facts.organizations;
        let organization = numbered(&mut self.organizations, known, organization);
        let rows = &mut self.facts.rows;
        let place = self
            .rows
            .entry((session, installation, identity, units, organization))
            .or_insert_with(|| {
                rows.push(Fact {
                    session,
                    installation,
                    identity,
                    units,
                    organization,
                    first_ms: i64::MAX,
                    last_ms: i64::MIN,
                });
                rows.len() - 1
            });
        Some(*place)
    }
}

/// The place of a value among the distinct ones.
fn numbered<T: Clone + Eq + Hash>(
    known: &mut HashMap<T, u32>,
    values: &mut Vec<T>,
    value: T,
) -> u32 {
    *known.entry(value).or_insert_with_key(|value| {
        values.push(value.clone());
        values.len() as u32 - 1
    })
}

/// A column of times.
#[derive(Clone, Copy)]
pub(crate) enum Times<'a> {
    Millis(&'a TimestampMillisecondArray),
    Nanos(&'a TimestampNanosecondArray),
}

impl<'a> Times<'a> {
    /// `None` when it is something else.
    pub(crate) fn of(array: &'a dyn Array) -> Option<Times<'a>> {
        let any = array.as_any();
        let millis = any.downcast_ref().map(Times::Millis);
        millis.or_else(|| any.downcast_ref().map(Times::Nanos))
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn ms(self, row: usize) -> i64 {
        match self {
            Times::Millis(times) => times.value(row),
            Times::Nanos(times) => times.value(row) / 1_000_000,
        }
    }
}

struct Columns<'a> {
    times: Times<'a>,
    texts: [&'a StringViewArray; TEXTS],
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Columns<'a>> {
        let mut texts = Vec::with_capacity(TEXTS);
        for name in &COLUMNS[1..] {
            texts.push(batch.column_by_name(name)?.as_any().downcast_ref()?);
        }
        Some(Columns {
            times: Times::of(batch.column_by_name(COLUMNS[0])?)?,
            texts: texts.try_into().ok()?,
        })
    }

    fn time_ms(&self, row: usize) -> i64 {
        self.times.ms(row)
    }

    fn text(&self, place: usize, row: usize) -> Option<&'a str> {
        let column = self.texts[place];
        column.is_valid(row).then(|| column.value(row))
    }

    /// Equal ones of one batch mean equal texts.
    fn views(&self, row: usize) -> [Option<u128>; TEXTS] {
        self.texts
            .map(|column| column.is_valid(row).then(|| column.views()[row]))
    }

    fn identity(&self, row: usize) -> Identity {
        let id_of = |place| self.text(place, row).and_then(id).map(Name::from);
        Identity {
            email: self.text(2, row).and_then(email).map(Name::from),
            account_id: id_of(3),
            account_uuid: id_of(4),
        }
    }

    fn units(&self, row: usize) -> Units {
        [5, 6, 7].map(|place| self.text(place, row).and_then(unit).map(Name::from))
    }
}

/// A team's name as it is learnt.
fn unit(text: &str) -> Option<&str> {
    (!text.is_empty() && text.len() <= TEXT_BYTES_MAX).then_some(text)
}
