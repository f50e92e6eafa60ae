//! Legal holds: what is neither treated by retention nor erased, whoever asks.
//!
//! Invariant: what cannot be told to be outside of a hold is held. Where the holds cannot be read,
//! everything is.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use ring::digest;
use serde::{Deserialize, Serialize};
use store::{Choice, Holding, Table};

use crate::people::{Theirs, Times};
use crate::sight::named;

/// A hold. It holds what all of its parts fit; a part that is left out fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its own id.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Of whom: a name, an e-mail address, an account or an installation.
    pub person: Option<String>,
    /// Of which organisation: whose the items are, and also those that claim it.
    pub organization: Option<String>,
    /// From this moment on, milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Until before this moment.
    pub to_ms: Option<i64>,
    /// Who set it.
    pub set_by: String,
    /// When, milliseconds since the Unix epoch.
    pub set_at_ms: u64,
}

/// Where the holds are kept.
pub trait HoldBook: Debug + Send + Sync {
    /// All that there are now.
    ///
    /// # Errors
    /// They cannot be read.
    fn holds(&self) -> Result<Vec<Hold>, String>;
}

/// What tells these holds from others.
pub(crate) fn revision_of(holds: &[Hold]) -> u64 {
    // Plain data: it can be written.
    let text = serde_json::to_vec(holds).unwrap_or_default();
    let digest = digest::digest(&digest::SHA256, &text);
    let first = digest.as_ref().iter().take(8);
    first.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The holds of one moment, ready to be asked.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) book: Option<Arc<dyn HoldBook>>,
    pub(crate) revision: u64,
    pub(crate) holds: Vec<OneHold>,
}

/// A hold, and which rows are of its person.
#[derive(Debug)]
pub(crate) struct OneHold {
    pub(crate) hold: Hold,
    pub(crate) theirs: Option<Theirs>,
    /// The organisation of items that come without a token and claim none.
    pub(crate) usual: Arc<str>,
}

impl Holding for Held {
    fn is_any(&self) -> bool {
        !self.holds.is_empty()
    }

    fn held(&self, table: Table, rows: &RecordBatch) -> Result<Vec<bool>, String> {
        let mut held = vec![false; rows.num_rows()];
        for hold in &self.holds {
            for (held, is_one) in held.iter_mut().zip(hold.held(table, rows)?) {
                *held |= is_one;
            }
        }
        Ok(held)
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn is_current(&self) -> bool {
        let holds = self
            .book
            .as_ref()
            .map_or(Ok(Vec::new()), |book| book.holds());
        holds.is_ok_and(|holds| revision_of(&holds) == self.revision)
    }
}

impl OneHold {
    /// Which rows it holds. Items that nobody could read have no columns: they are held unless time or
    /// organisation say otherwise.
    pub(crate) fn held(&self, table: Table, rows: &RecordBatch) -> Result<Vec<bool>, String> {
        let times = rows
            .column_by_name("time")
            .and_then(|column| Times::of(column));
        let times = times.ok_or("the rows have no time")?;
        let text = |name: &str| -> Option<&StringViewArray> {
            rows.column_by_name(name)?.as_any().downcast_ref()
        };
        let organizations = [text("organization"), text("organization_id")];
        let of_person = match &self.theirs {
            Some(theirs) if table != Table::Quarantine => Some(theirs.chosen(table, rows)?),
            _ => None,
        };
        let held = (0..rows.num_rows()).map(|row| {
            let ms = times.ms(row);
            let hold = &self.hold;
            let organizations = organizations.map(|column| {
                let column = column.filter(|column| column.is_valid(row))?;
                Some(column.value(row))
            });
            hold.from_ms.is_none_or(|from| ms >= from)
                && hold.to_ms.is_none_or(|to| ms < to)
                && self.is_of(table, organizations)
                && of_person.as_ref().is_none_or(|theirs| theirs[row])
        });
        Ok(held.collect())
    }

    /// Whether what a token writes for and an item claims may be of its organisation: whose the item is
    /// (`sight/owner.rs`), and what it claims beside that.
    fn is_of(&self, table: Table, [of_token, claimed]: [Option<&str>; 2]) -> bool {
        let Some(of) = self.hold.organization.as_deref().map(str::trim) else {
            return true;
        };
        match named(of_token, claimed) {
            Some(owner) => owner == of || named(None, claimed) == Some(of),
            None => table == Table::Quarantine || of == &*self.usual,
        }
    }

    /// Whether items without columns, which name one of these ids, may be of it.
    pub(crate) fn may_hold_unread(&self, ids: &BTreeSet<String>, between: (i64, i64)) -> bool {
        let hold = &self.hold;
        let is_other = |theirs: &Theirs| theirs.whom.ids.is_disjoint(ids);
        !self.theirs.as_ref().is_some_and(is_other)
            && hold.from_ms.is_none_or(|from| between.1 >= from)
            && hold.to_ms.is_none_or(|to| between.0 < to)
    }
}

/// What is somebody's and held by one hold.
#[derive(Debug)]
pub(crate) struct TheirsHeld {
    pub(crate) theirs: Arc<dyn Choice>,
    pub(crate) held: Arc<Held>,
    pub(crate) at: usize,
}

impl Choice for TheirsHeld {
    fn chosen(&self, table: Table, rows: &RecordBatch) -> Result<Vec<bool>, String> {
        let held = self.held.holds[self.at].held(table, rows)?;
        let theirs = self.theirs.chosen(table, rows)?;
        Ok(theirs
            .into_iter()
            .zip(held)
            .map(|(one, other)| one && other)
            .collect())
    }
}

#[cfg(test)]
#[path = "holds/tests.rs"]
mod tests;
