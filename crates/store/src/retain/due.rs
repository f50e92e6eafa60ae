//! What is due of a part: which treatment for which row.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};

use super::Holding;
use super::rules::Retention;
use crate::part::{Reader, Rewriting, Rewritten, prompts_of};
use crate::schema::Table;
use crate::treatment::{Treating, Treatment, is_hashed, session_hash};

/// By what it is told what is due.
pub(super) const LOOK_COLUMNS: &[&str] = &[
    "time",
    "product",
    "event",
    "session_id",
    "user_id",
    "user_email",
    "user_account_id",
    "user_account_uuid",
    "organization_id",
    "resource",
    "token",
    "organization",
];

/// A class of what goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Content, while the item stays.
    Content,
    /// All of an item but its figures.
    Events,
    /// The figures.
    Aggregates,
}

/// What goes, or went, of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Items.
    pub items: u64,
    /// Bytes of parts that are freed; where a part has items of several classes, shared by items.
    pub bytes: i64,
}

/// What goes, or went, in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Parts that are written anew or go.
    pub parts: u64,
    /// By class.
    pub classes: BTreeMap<Class, Due>,
    /// Items that are old enough and held.
    pub held: u64,
    /// Reduced items whose ids stay as long as their session goes on.
    pub ids_kept: u64,
    /// Parts that cannot be read; they are looked at again.
    pub unread: u64,
    /// Files deleted that had been set aside because nobody could read them.
    pub set_aside: u64,
}

/// What would go now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In all.
    pub total: Done,
    /// By the day under which items are filed (days since the Unix epoch) and class.
    pub days: BTreeMap<u32, BTreeMap<Class, Due>>,
}

impl Done {
    /// Adds another.
    pub fn add(&mut self, other: &Done) {
        self.parts += other.parts;
        self.held += other.held;
        self.ids_kept += other.ids_kept;
        self.unread += other.unread;
        self.set_aside += other.set_aside;
        for (class, due) in &other.classes {
            self.add_to(*class, *due);
        }
    }

    /// The same without what stays.
    pub(super) fn gone(&self) -> Done {
        Done {
            held: 0,
            ids_kept: 0,
            unread: 0,
            ..self.clone()
        }
    }

    /// Items of a class.
    pub fn items(&self, class: Class) -> u64 {
        self.classes.get(&class).map_or(0, |due| due.items)
    }

    fn add_to(&mut self, class: Class, due: Due) {
        let known = self.classes.entry(class).or_default();
        known.items += due.items;
        known.bytes += due.bytes;
    }

    /// Shares freed bytes among the classes by their items.
    pub(super) fn share(&mut self, freed: i64) {
        let items: u64 = self.classes.values().map(|due| due.items).sum();
        let (mut left, mut items_left) = (freed, items);
        for due in self.classes.values_mut() {
            let share = i128::from(left) * i128::from(due.items) / i128::from(items_left.max(1));
            due.bytes = i64::try_from(share).unwrap_or(left);
            left -= due.bytes;
            items_left -= due.items;
        }
    }
}

fn class_of(treatment: Treatment) -> Option<Class> {
    match treatment {
        Treatment::Stays => None,
        Treatment::WithoutContent => Some(Class::Content),
        Treatment::Figures | Treatment::OfNobody => Some(Class::Events),
        Treatment::Goes => Some(Class::Aggregates),
    }
}

/// By what rows of one day are judged.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) retention: &'a Retention,
    pub(super) held: &'a dyn Holding,
    pub(super) day: u32,
    pub(super) today: u32,
}

/// What is due of some rows.
pub(super) struct Judged {
    pub(super) treatments: Vec<Treatment>,
    pub(super) held: u64,
    /// The first later day on which something else is due.
    pub(super) next: u32,
}

impl Judge<'_> {
    pub(super) fn judge(&self, table: Table, rows: &RecordBatch) -> Result<Judged, ParquetError> {
        let text = |name: &str| -> Option<&StringViewArray> {
            rows.column_by_name(name)?.as_any().downcast_ref()
        };
        let columns = ["organization", "organization_id", "product"].map(text);
        // Whose an item is that nobody could read, and that came without a token, cannot be told.
        let usual = (table != Table::Quarantine).then_some(self.retention.usual.as_str());
        let mut judged = Judged {
            treatments: Vec::with_capacity(rows.num_rows()),
            held: 0,
            next: u32::MAX,
        };
        for row in 0..rows.num_rows() {
            let [of, claimed, product] = columns.map(|column| {
                let column = column.filter(|column| column.is_valid(row))?;
                Some(column.value(row))
            });
            let days = self.retention.of([of, claimed, usual], product);
            judged.treatments.push(days.due(self.day, self.today));
            judged.next = judged.next.min(days.next(self.day, self.today));
        }
        if self.held.is_any() {
            let held = self.held.held(table, rows).map_err(ParquetError::General)?;
            for (treatment, is_held) in judged.treatments.iter_mut().zip(held) {
                if is_held && *treatment != Treatment::Stays {
                    *treatment = Treatment::Stays;
                    judged.held += 1;
                }
            }
        }
        Ok(judged)
    }
}

/// A part that was treated.
pub(super) struct TreatedPart {
    /// The new file; nothing when no row is left.
    pub(super) new: Option<Rewritten>,
    /// Whether anything has changed: else the part stays as it is.
    pub(super) is_changed: bool,
    pub(super) is_reduced: bool,
    pub(super) done: Done,
    /// The first day on which it is to be looked at again.
    pub(super) until: u32,
    pub(super) renamed: Vec<(Table, String)>,
}

/// Treats a part's rows, a batch at a time.
pub(super) fn treat(
    table: Table,
    file: Bytes,
    judge: &Judge<'_>,
    treating: &Treating,
) -> Result<TreatedPart, ParquetError> {
    let mut rewriting = Rewriting::begin(table, prompts_of(file.clone(), table)?)?;
    let mut treated = TreatedPart {
        new: None,
        is_changed: false,
        is_reduced: false,
        done: Done::default(),
        until: u32::MAX,
        renamed: Vec::new(),
    };
    for batch in Reader::open(table, file, None)? {
        let batch = batch?;
        let judged = judge.judge(table, &batch)?;
        let of_batch = treating.treat(table, &batch, &judged.treatments)?;
        treated.until = treated.until.min(judged.next);
        treated.done.held += judged.held;
        treated.done.ids_kept += of_batch.ids_kept;
        treated.is_reduced |= judged.treatments.contains(&Treatment::Figures);
        let changed = of_batch.changed.iter().zip(&judged.treatments);
        for class in changed
            .filter(|(changed, _)| **changed)
            .filter_map(|(_, is)| class_of(*is))
        {
            treated.done.classes.entry(class).or_default().items += 1;
            treated.is_changed = true;
        }
        treated.is_changed |= of_batch.ids_changed.contains(&true);
        let renamed = of_batch.renamed.into_iter().map(|(_, new)| (table, new));
        treated.renamed.extend(renamed);
        rewriting.keep_all(&of_batch.rows)?;
    }
    if treated.done.held + treated.done.ids_kept > 0 {
        // A hold may be released, a session may have ended.
        treated.until = treated.until.min(judge.today + 1);
    }
    treated.new = rewriting.end()?;
    Ok(treated)
}

/// The sessions of rows that are to be reduced, as they are told apart.
pub(super) fn sessions_to_reduce(
    table: Table,
    file: Bytes,
    judge: &Judge<'_>,
) -> Result<HashSet<u64>, ParquetError> {
    sessions(table, file, Some(judge), |is, id| {
        is == Treatment::Figures && !is_hashed(id)
    })
}

/// The sessions of rows for which `is_wanted` holds; without a judge their treatment is not asked for.
pub(super) fn sessions(
    table: Table,
    file: Bytes,
    judge: Option<&Judge<'_>>,
    is_wanted: impl Fn(Treatment, &str) -> bool,
) -> Result<HashSet<u64>, ParquetError> {
    let mut found = HashSet::new();
    if table == Table::Quarantine {
        return Ok(found);
    }
    let columns = if judge.is_some() {
        LOOK_COLUMNS
    } else {
        &["session_id"]
    };
    for batch in Reader::open(table, file, Some(columns))? {
        let batch = batch?;
        let treatments = judge.map(|judge| judge.judge(table, &batch)).transpose()?;
        let ids = batch.column_by_name("session_id");
        let Some(ids) = ids.and_then(|ids| ids.as_any().downcast_ref::<StringViewArray>()) else {
            continue;
        };
        let mut last = None;
        for row in (0..ids.len()).filter(|row| ids.is_valid(*row)) {
            let is = treatments
                .as_ref()
                .map_or(Treatment::Stays, |of| of.treatments[row]);
            let this = (ids.views()[row], is);
            if last == Some(this) {
                continue;
            }
            last = Some(this);
            let id = ids.value(row);
            if is_wanted(is, id) {
                found.insert(session_hash(id));
            }
        }
    }
    Ok(found)
}
