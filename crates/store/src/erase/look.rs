//! Which rows are meant, part by part.
//!
//! Rows that name the person are found by few columns. What is in quarantine has no columns, and other
//! people's items may mention the person: these are found by the identifiers, which are known only when
//! all rows were looked at. So there are two passes.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use bytes::Bytes;
use parquet::errors::ParquetError;

use super::needles::Identifiers;
use super::order::{CHOICE_COLUMNS, Choice, Whom};
use super::tally::Tally;
use crate::error::StoreError;
use crate::part::{Part, Reader};
use crate::rewriting::on_cpu;
use crate::schema::Table;
use crate::snapshot::Snapshot;
use crate::store::Store;

/// Which rows are meant.
pub(super) struct Looked {
    pub(super) tally: Tally,
    /// By what the person is known and nobody else.
    pub(super) identifiers: BTreeSet<String>,
    /// The parts that hold some of the rows, and which.
    pub(super) parts: Vec<(Part, BooleanBuffer)>,
    /// Parts that could not be read.
    pub(super) unread: Vec<String>,
}

impl Store {
    /// Looks at all rows of a snapshot; `told` hears how many parts are done.
    pub(super) async fn look(
        &self,
        snapshot: &Snapshot,
        whom: &Whom,
        choice: &Arc<dyn Choice>,
        told: impl Fn(u64),
    ) -> Result<Looked, StoreError> {
        let mut tally = Tally::default();
        let (mut masks, mut unread, mut done) = (Vec::new(), Vec::new(), 0);
        for table in [Table::Events, Table::Metrics, Table::Spans] {
            for batch in snapshot.batches(table) {
                let chosen = choice.chosen(table, batch).map_err(StoreError::Internal)?;
                tally.take(table, batch, &chosen);
            }
            for part in snapshot.parts(table) {
                let Some(file) = self.part_file(snapshot, part).await? else {
                    unread.push(part.path.clone());
                    continue;
                };
                let choice = Arc::clone(choice);
                let looking = move || by_choice(table, file, choice.as_ref(), tally);
                let (mask, taken) = on_cpu(looking).await?;
                tally = taken;
                masks.push((part.clone(), mask));
                done += 1;
                told(done);
            }
        }
        let identifiers = tally.own(&whom.ids);
        let needles = Arc::new(Identifiers::of(&identifiers)?);
        let tables = if whom.with_mentions {
            &Table::ALL[..]
        } else {
            &[Table::Quarantine]
        };
        for table in tables {
            for batch in snapshot.batches(*table) {
                let mut chosen = match table {
                    Table::Quarantine => vec![false; batch.num_rows()],
                    table => choice.chosen(*table, batch).map_err(StoreError::Internal)?,
                };
                let before = chosen.clone();
                needles.mark_rows(batch, &mut chosen);
                tally.count_mentions(*table, batch, &before, &chosen);
            }
            for part in snapshot.parts(*table) {
                let at = masks.iter().position(|(known, _)| known.path == part.path);
                let Some(file) = self.part_file(snapshot, part).await? else {
                    if at.is_none() && !unread.contains(&part.path) {
                        unread.push(part.path.clone());
                    }
                    continue;
                };
                let (needles, table) = (Arc::clone(&needles), *table);
                let known = at.map(|at| masks[at].1.clone());
                let looking = move || by_mention(table, file, &needles, known, tally);
                let (mask, taken) = on_cpu(looking).await?;
                tally = taken;
                match at {
                    Some(at) => masks[at].1 = mask,
                    None => masks.push((part.clone(), mask)),
                }
            }
        }
        masks.retain(|(_, mask)| mask.count_set_bits() > 0);
        Ok(Looked {
            tally,
            identifiers,
            parts: masks,
            unread,
        })
    }
}

fn by_choice(
    table: Table,
    file: Bytes,
    choice: &dyn Choice,
    mut tally: Tally,
) -> Result<(BooleanBuffer, Tally), ParquetError> {
    let mut mask = BooleanBufferBuilder::new(0);
    for batch in Reader::open(table, file, Some(CHOICE_COLUMNS))? {
        let batch = batch?;
        let chosen = choice
            .chosen(table, &batch)
            .map_err(ParquetError::General)?;
        tally.take(table, &batch, &chosen);
        mask.append_slice(&chosen);
    }
    Ok((mask.finish(), tally))
}

fn by_mention(
    table: Table,
    file: Bytes,
    needles: &Identifiers,
    known: Option<BooleanBuffer>,
    mut tally: Tally,
) -> Result<(BooleanBuffer, Tally), ParquetError> {
    let mut mask = BooleanBufferBuilder::new(0);
    for batch in Reader::open(table, file, None)? {
        let batch = batch?;
        let first = mask.len();
        let is_known = |row: usize| known.as_ref().is_some_and(|known| known.value(first + row));
        let before: Vec<bool> = (0..batch.num_rows()).map(is_known).collect();
        let mut chosen = before.clone();
        needles.mark_rows(&batch, &mut chosen);
        tally.count_mentions(table, &batch, &before, &chosen);
        mask.append_slice(&chosen);
    }
    Ok((mask.finish(), tally))
}
