//! What a query sees.
//!
//! Invariant: a snapshot never changes. It holds on to the batches in memory and names the parts that
//! were durable when it was taken.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use crate::error::StoreError;
use crate::manifest::Manifest;
use crate::part::Part;
use crate::schema::Table;
use crate::soundness::Inspector;
use crate::split::{Split, SplitSessions};
use crate::state::Tables;

/// A consistent view of everything that was acknowledged before it was taken.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) batches: Tables,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) split: Arc<Split>,
    pub(crate) inspector: Arc<Inspector>,
}

impl Snapshot {
    /// The sessions of a table that came under more than one resource, where that is known.
    pub fn split_sessions(&self, table: Table) -> Option<&SplitSessions> {
        self.split.of(table).filter(|split| !split.is_empty())
    }

    /// Before which moment items may be reduced to their figures, milliseconds since the Unix epoch.
    pub fn reduced_before_ms(&self) -> Option<i64> {
        let parts = self.manifest.parts.iter();
        let reduced = parts.filter(|part| part.looked.is_some_and(|looked| looked.is_reduced));
        let last = reduced.map(|part| part.day).max()?;
        Some((i64::from(last) + 1) * 86_400_000)
    }

    /// The rows of a table that are in memory.
    pub fn batches(&self, table: Table) -> impl Iterator<Item = &RecordBatch> {
        self.batches[table as usize].iter().map(|batch| &batch.rows)
    }

    /// Which parts there are: while it is the same they are, and a later one is greater.
    pub fn parts_version(&self) -> u64 {
        self.manifest.number
    }

    /// The parts of a table.
    pub fn parts(&self, table: Table) -> impl Iterator<Item = &Part> {
        self.manifest
            .parts
            .iter()
            .filter(move |part| part.table == table)
    }

    /// Those of `parts` that may be read. Who reads a part must have asked first: one that is damaged
    /// or missing is left out here, and [`crate::Store::damaged`] names it.
    ///
    /// # Errors
    /// The disk cannot be read now.
    pub async fn sound(&self, parts: Vec<Part>) -> Result<Vec<Part>, StoreError> {
        let mut sound = Vec::with_capacity(parts.len());
        for part in parts {
            if self.inspector.is_sound(&part).await? {
                sound.push(part);
            }
        }
        Ok(sound)
    }

    /// Every object this view needs.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &str> {
        self.manifest.objects()
    }
}
