//! The state that answers come from: the buffer, the parts, and what deduplication remembers.
//!
//! Invariant: an item is applied once. `apply` is the only way in, for live intake and recovery
//! alike; it sets aside what is known already, turns cumulative points into increments, and makes
//! the rest visible to the next snapshot.

use std::sync::{Arc, Weak};

use arrow::array::{ArrayRef, BooleanArray, Float64Array};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::batch::{METRIC_VALUE, Prepared, Rows};
use crate::column::TableBuilder;
use crate::dedup::{Dedup, Identity};
use crate::manifest::Manifest;
use crate::origins::Origins;
use crate::schema::Table;
use crate::series::Series;
use crate::snapshot::Snapshot;
use crate::soundness::Inspector;
use crate::split::Split;

/// Batches are merged once this many of one size or less lie together at the end of the buffer, so
/// that a row is copied a bounded number of times and a snapshot stays short.
const FANOUT: usize = 16;
/// A batch with this many rows is not merged any more.
const MERGED_ROWS: usize = FANOUT.pow(3);
/// Larger batches are not merged: their text must fit into one block.
const MERGED_BYTES: usize = 64 << 20;

/// Rows of one table that are in memory, with the day by which each is filed.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) rows: RecordBatch,
    pub(crate) days: Vec<u32>,
    /// Size of the requests it came in.
    pub(crate) bytes: usize,
}

/// The batches of all tables, by [`Table`].
pub(crate) type Tables = [Vec<Arc<Batch>>; 4];

/// What became of a request's items.
#[derive(Debug, Default)]
pub struct Applied {
    /// Newly stored items, quarantined ones not counted.
    pub accepted: u64,
    /// Items that were known.
    pub deduplicated: u64,
    /// Newly stored quarantined items.
    pub quarantined: u64,
    /// The newly stored events, for those who watch them arrive.
    pub events: Option<RecordBatch>,
    /// The request is durable and waits for the replay to come to it. Only then is it known, and
    /// counted in the ledger of fates, what becomes of its items: the numbers above are 0.
    pub waits_for_replay: bool,
}

pub(crate) struct State {
    pub(crate) dedup: Dedup,
    pub(crate) series: Series,
    pub(crate) origins: Origins,
    buffer: Tables,
    /// What a flush is writing; still visible.
    flushing: Tables,
    pub(crate) identities: Vec<Identity>,
    pub(crate) newest_received_ns: u64,
    /// The data directory's age when the oldest unflushed row came.
    pub(crate) oldest_age_ns: Option<u64>,
    /// While the journal is being replayed: the last frame that is applied. All before it are too,
    /// and none after it, so it is what a flush may let the journal forget.
    pub(crate) replayed: Option<u64>,
    rows: usize,
    bytes: usize,
    pub(crate) manifest: Arc<Manifest>,
    /// The manifests before it that a snapshot may still hold on to.
    before: Vec<Weak<Manifest>>,
    pub(crate) inspector: Arc<Inspector>,
}

/// What a flush takes from the state.
pub(crate) struct Taken {
    /// The data directory's age when it was taken.
    pub(crate) age_ns: u64,
    oldest_age_ns: Option<u64>,
    pub(crate) tables: Tables,
    pub(crate) identities: Vec<Identity>,
    pub(crate) newest_received_ns: u64,
    pub(crate) series: Series,
    pub(crate) split: Arc<Split>,
    pub(crate) manifest: Arc<Manifest>,
    /// While the journal is being replayed: the last frame that is in `tables`, or before them.
    pub(crate) replayed: Option<u64>,
}

impl State {
    /// What is known before anything is replayed.
    pub(crate) fn new(manifest: Manifest, inspector: Inspector) -> State {
        let newest_received_ns = manifest
            .identities
            .iter()
            .map(|file| file.newest_ns)
            .max()
            .unwrap_or_default();
        State {
            dedup: Dedup::default(),
            series: Series::default(),
            origins: Origins::new(manifest.split.clone()),
            buffer: Tables::default(),
            flushing: Tables::default(),
            identities: Vec::new(),
            newest_received_ns,
            oldest_age_ns: None,
            replayed: Some(manifest.journal_through),
            rows: 0,
            bytes: 0,
            manifest: Arc::new(manifest),
            before: Vec::new(),
            inspector: Arc::new(inspector),
        }
    }

    /// Takes back what deduplication and increments knew.
    pub(crate) fn remember(&mut self, dedup: Dedup, series: Series) {
        self.dedup = dedup;
        self.series = series;
    }

    /// Rows in memory, those being flushed included.
    pub(crate) fn rows(&self) -> usize {
        self.rows
            + self
                .flushing
                .iter()
                .flatten()
                .map(|batch| batch.days.len())
                .sum::<usize>()
    }

    /// Bytes in memory, those being flushed included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
            + self
                .flushing
                .iter()
                .flatten()
                .map(|batch| batch.bytes)
                .sum::<usize>()
    }

    /// Bytes that wait for a flush to begin.
    pub(crate) fn unflushed_bytes(&self) -> usize {
        self.bytes
    }

    /// Rows that wait for a flush to begin.
    pub(crate) fn unflushed_rows(&self) -> usize {
        self.rows
    }

    /// Stores what is new of a request; `age_ns` is the data directory's age.
    pub(crate) fn apply(&mut self, prepared: Prepared, age_ns: u64) -> Result<Applied, ArrowError> {
        let mut applied = Applied::default();
        let received_ns = prepared.received_ns;
        for rows in prepared.rows {
            let total = rows.identities.len();
            let table = rows.table;
            let Some(batch) = self.admit(rows, age_ns, prepared.bytes)? else {
                applied.deduplicated += total as u64;
                continue;
            };
            let stored = batch.days.len() as u64;
            applied.deduplicated += total as u64 - stored;
            match table {
                Table::Quarantine => applied.quarantined += stored,
                _ => applied.accepted += stored,
            }
            self.origins.observe(table, &batch.rows, age_ns);
            if table == Table::Events {
                applied.events = Some(batch.rows.clone());
            }
            self.push(table, batch);
        }
        self.newest_received_ns = self.newest_received_ns.max(received_ns);
        self.oldest_age_ns.get_or_insert(age_ns);
        Ok(applied)
    }

    /// The rows that were not known, or `None` when all were.
    fn admit(
        &mut self,
        rows: Rows,
        age_ns: u64,
        bytes: usize,
    ) -> Result<Option<Batch>, ArrowError> {
        let fresh: Vec<bool> = rows
            .identities
            .iter()
            .map(|id| self.dedup.insert(*id, age_ns))
            .collect();
        let kept = fresh.iter().filter(|fresh| **fresh).count();
        if kept == 0 {
            return Ok(None);
        }
        let identities = rows.identities.iter().zip(&fresh);
        let noted: Vec<Identity> = identities
            .filter(|(_, fresh)| **fresh)
            .map(|(id, _)| *id)
            .collect();
        match self.kept_rows(rows, &fresh, age_ns, bytes) {
            Ok(batch) => {
                self.identities.extend(noted);
                Ok(Some(batch))
            }
            Err(error) => {
                // What is not stored must not be known, or it would be lost when it is sent again.
                noted.iter().for_each(|id| self.dedup.remove(id));
                Err(error)
            }
        }
    }

    /// The fresh ones of a request's rows, cumulative points as increments.
    fn kept_rows(
        &mut self,
        rows: Rows,
        fresh: &[bool],
        age_ns: u64,
        bytes: usize,
    ) -> Result<Batch, ArrowError> {
        let (mut batch, mut days) = (rows.batch, rows.days);
        if !rows.series.is_empty() {
            let increments = rows.series.iter().zip(fresh).map(|(point, fresh)| {
                if *fresh {
                    self.series.increment(point, age_ns)
                } else {
                    None
                }
            });
            batch = with_column(
                batch,
                METRIC_VALUE,
                Arc::new(increments.collect::<Float64Array>()),
            )?;
        }
        if fresh.iter().any(|fresh| !fresh) {
            days = days
                .into_iter()
                .zip(fresh)
                .filter(|(_, fresh)| **fresh)
                .map(|(day, _)| day)
                .collect();
            batch = filter_record_batch(&batch, &BooleanArray::from(fresh.to_vec()))?;
        }
        Ok(Batch {
            rows: batch,
            days,
            bytes,
        })
    }

    fn push(&mut self, table: Table, batch: Batch) {
        self.rows += batch.days.len();
        self.bytes += batch.bytes;
        let batches = &mut self.buffer[table as usize];
        batches.push(Arc::new(batch));
        let size = size_class(batches.last().map_or(0, |batch| batch.days.len()));
        let run = batches
            .iter()
            .rev()
            .take_while(|batch| size_class(batch.days.len()) <= size)
            .count();
        let tail = &batches[batches.len() - run..];
        let bytes: usize = tail.iter().map(|batch| batch.bytes).sum();
        if size < size_class(MERGED_ROWS) && run >= FANOUT && bytes <= MERGED_BYTES {
            match merge(table, tail) {
                Ok(merged) => {
                    batches.truncate(batches.len() - run);
                    batches.push(Arc::new(merged));
                }
                // They answer just as well one by one.
                Err(error) => tracing::warn!("batches of {} not merged: {error}", table.name()),
            }
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let batches = std::array::from_fn(|table| {
            self.flushing[table]
                .iter()
                .chain(&self.buffer[table])
                .map(Arc::clone)
                .collect()
        });
        Snapshot {
            batches,
            manifest: Arc::clone(&self.manifest),
            split: Arc::clone(self.origins.split()),
            inspector: Arc::clone(&self.inspector),
        }
    }

    /// Hands the buffer to a flush; it stays visible until the flush ends.
    pub(crate) fn take(&mut self, age_ns: u64) -> Taken {
        debug_assert!(
            self.flushing.iter().all(Vec::is_empty),
            "one flush at a time"
        );
        self.flushing = std::mem::take(&mut self.buffer);
        self.rows = 0;
        self.bytes = 0;
        self.series.forget(age_ns);
        self.origins.forget(age_ns);
        Taken {
            age_ns,
            oldest_age_ns: self.oldest_age_ns.take(),
            tables: self.flushing.clone(),
            identities: std::mem::take(&mut self.identities),
            newest_received_ns: self.newest_received_ns,
            series: self.series.clone(),
            split: Arc::clone(self.origins.split()),
            manifest: Arc::clone(&self.manifest),
            replayed: self.replayed,
        }
    }

    /// The flush is durable: its rows are in the parts of `manifest` now.
    pub(crate) fn flushed(&mut self, manifest: Manifest) {
        self.flushing = Tables::default();
        self.take_manifest(manifest);
    }

    /// Parts have been rewritten: those of `manifest` count now, and other sessions are known as split.
    pub(crate) fn rewritten(&mut self, manifest: Manifest, change: impl FnOnce(&mut Split)) {
        self.origins.change(change);
        self.take_manifest(manifest);
    }

    fn take_manifest(&mut self, manifest: Manifest) {
        let before = std::mem::replace(&mut self.manifest, Arc::new(manifest));
        self.before.retain(|older| older.strong_count() > 0);
        self.before.push(Arc::downgrade(&before));
    }

    /// Whether some snapshot may still read a part for which `is_wanted` holds.
    pub(crate) fn is_read(&self, is_wanted: impl Fn(&str) -> bool) -> bool {
        let mut older = self.before.iter().filter_map(Weak::upgrade);
        older.any(|manifest| manifest.parts.iter().any(|part| is_wanted(&part.path)))
    }

    /// The flush failed: its rows wait for the next one.
    pub(crate) fn flush_failed(&mut self, taken: Taken) {
        for (table, batches) in std::mem::take(&mut self.flushing).into_iter().enumerate() {
            self.rows += batches.iter().map(|batch| batch.days.len()).sum::<usize>();
            self.bytes += batches.iter().map(|batch| batch.bytes).sum::<usize>();
            self.buffer[table].splice(0..0, batches);
        }
        self.identities.extend(taken.identities);
        self.oldest_age_ns = taken.oldest_age_ns.or(self.oldest_age_ns);
    }
}

fn with_column(batch: RecordBatch, at: usize, column: ArrayRef) -> Result<RecordBatch, ArrowError> {
    let mut columns = batch.columns().to_vec();
    columns[at] = column;
    RecordBatch::try_new(batch.schema(), columns)
}

/// How often the number of rows can be divided by the fan-out.
fn size_class(rows: usize) -> u32 {
    rows.max(1).ilog(FANOUT)
}

fn merge(table: Table, batches: &[Arc<Batch>]) -> Result<Batch, ArrowError> {
    let rows: Vec<&RecordBatch> = batches.iter().map(|batch| &batch.rows).collect();
    let rows = TableBuilder::merge(table.schema(), &rows)?;
    let days = batches
        .iter()
        .flat_map(|batch| batch.days.iter().copied())
        .collect();
    let bytes = batches.iter().map(|batch| batch.bytes).sum();
    Ok(Batch { rows, days, bytes })
}
