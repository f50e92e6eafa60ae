//! Which rows no answer counts, because another collector forwarded them first: found once for each
//! part, not at every question.
//!
//! Of the rows of split sessions, and of no others, a hash of what copies have in common is kept, with
//! the place of the row. Parts never change, so each is read once, and again only when one of its
//! sessions turns out to be split. What is to be set aside is then known by row, and a question reads
//! past it. What a copy is stands in `views/copies.rs`.

mod gather;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use parquet::arrow::arrow_reader::RowSelection;
use store::{Part, Snapshot, SplitSessions, Table};

use crate::people::BatchId;
use crate::sight::Owners;
use gather::{Gathered, Texts};

/// Rows of split sessions whose hashes are kept, of one table. With more, copies are looked for at every
/// question. About 250 MB.
const ROWS_MAX: usize = 4_000_000;
/// For how many sets of organisations what was found is kept.
const FOUND_MAX: usize = 16;
/// The tables in which there are copies.
const TABLES: [Table; 2] = [Table::Events, Table::Metrics];

/// The rows that do not count, by table, where they are known.
pub(crate) type Asides = HashMap<Table, Arc<Aside>>;

/// What is known of copies.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    known: tokio::sync::Mutex<HashMap<Table, OfTable>>,
}

#[derive(Debug, Default)]
struct OfTable {
    texts: Texts,
    parts: HashMap<String, OfPart>,
    batches: Vec<(BatchId, Gathered)>,
    /// The one that was asked last first.
    found: VecDeque<Found>,
}

/// What was found last among the rows of some organisations.
#[derive(Debug)]
struct Found {
    owners: Option<Owners>,
    /// Of which parts.
    version: u64,
    of: Vec<BatchId>,
    under: SplitSessions,
    aside: Arc<Aside>,
}

#[derive(Debug)]
struct OfPart {
    /// Under which split sessions it was read.
    split: SplitSessions,
    gathered: Gathered,
}

/// A row of a split session.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// What it has in common with its copies.
    key: u128,
    /// Its place in the part or the batch.
    at: u32,
    /// By its place among the texts.
    resource: u32,
    /// What says whose it is, by its place among the texts.
    owner: u32,
    received_ms: i64,
    /// How far it brought a cumulative series.
    furthest: Option<f64>,
}

/// The rows of a table of a snapshot that no answer counts.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    parts: HashMap<String, Vec<u32>>,
    batches: Vec<(BatchId, RecordBatch)>,
    /// The parts of whose rows others count for who sees everybody's.
    differing: HashSet<String>,
}

impl Aside {
    /// How many rows of a part do not count.
    pub(crate) fn count(&self, part: &Part) -> u64 {
        self.rows_of(part).len() as u64
    }

    /// The rows of a part that do not count, in their order.
    pub(crate) fn rows_of(&self, part: &Part) -> &[u32] {
        self.parts.get(&part.path).map_or(&[], Vec::as_slice)
    }

    /// Whether of the rows of a part that are seen here, the same count for who sees everybody's.
    pub(crate) fn is_everybodys(&self, part: &Part) -> bool {
        !self.differing.contains(&part.path)
    }

    /// The rows of a part that count; `None` for all.
    pub(crate) fn counted(&self, part: &Part) -> Option<RowSelection> {
        let aside = self.parts.get(&part.path)?;
        let starts = std::iter::once(0).chain(aside.iter().map(|row| *row as usize + 1));
        let ends = aside.iter().map(|row| *row as usize);
        let ends = ends.chain(std::iter::once(part.rows as usize));
        let ranges = starts.zip(ends).map(|(start, end)| start..end);
        let ranges = ranges.filter(|range| !range.is_empty());
        Some(RowSelection::from_consecutive_ranges(
            ranges,
            part.rows as usize,
        ))
    }

    /// The rows of a batch that count.
    pub(crate) fn counted_of_batch(&self, batch: &RecordBatch) -> RecordBatch {
        let id = BatchId::of(batch);
        let known = self.batches.iter().find(|(known, _)| *known == id);
        known.map_or(batch, |(_, counted)| counted).clone()
    }
}

impl Copies {
    /// The rows of tables that no answer counts, where they are known: those of which another one counts
    /// that the same organisations own. `None`: everybody's.
    pub(crate) async fn asides(
        &self,
        tables: impl IntoIterator<Item = Table>,
        (snapshot, session): (&Snapshot, &SessionState),
        owners: Option<&Owners>,
    ) -> Result<Asides> {
        let mut asides = HashMap::new();
        for table in tables {
            let aside = self.aside(table, (snapshot, session), owners).await?;
            asides.extend(aside.map(|aside| (table, aside)));
        }
        Ok(asides)
    }

    /// The rows of a table that no answer counts; `None` when there are too many split sessions to know.
    async fn aside(
        &self,
        table: Table,
        (snapshot, session): (&Snapshot, &SessionState),
        owners: Option<&Owners>,
    ) -> Result<Option<Arc<Aside>>> {
        let Some(split) = snapshot.split_sessions(table) else {
            return Ok(Some(Arc::default()));
        };
        if split.is_any() || !TABLES.contains(&table) {
            return Ok(None);
        }
        let mut known = self.known.lock().await;
        let known = known.entry(table).or_default();
        if let Some(aside) = known.newest(table, (snapshot, split), owners) {
            return Ok(Some(aside));
        }
        known.read_parts(table, snapshot, split, session).await?;
        known.read_batches(table, snapshot, split, session).await?;
        known.aside(table, (snapshot, split), owners)
    }

    /// Forgets everything: what it was of is gone.
    pub(crate) async fn forget(&self) {
        self.known.lock().await.clear();
    }
}

impl OfTable {
    /// What was found when the same was asked before.
    fn newest(
        &self,
        table: Table,
        (snapshot, split): (&Snapshot, &SplitSessions),
        owners: Option<&Owners>,
    ) -> Option<Arc<Aside>> {
        let found = self.found_for(snapshot, split, owners)?;
        let batches: Vec<BatchId> = snapshot.batches(table).map(BatchId::of).collect();
        (found.of == batches).then(|| Arc::clone(&found.aside))
    }

    fn found_for(
        &self,
        snapshot: &Snapshot,
        split: &SplitSessions,
        owners: Option<&Owners>,
    ) -> Option<&Found> {
        let is_it = |found: &&Found| {
            found.owners.as_ref() == owners
                && found.version == snapshot.parts_version()
                && found.under == *split
        };
        self.found.iter().find(is_it)
    }

    fn aside(
        &mut self,
        table: Table,
        (snapshot, split): (&Snapshot, &SplitSessions),
        owners: Option<&Owners>,
    ) -> Result<Option<Arc<Aside>>> {
        let rows = self.parts.values().map(|part| part.gathered.rows.len());
        if rows.sum::<usize>() > ROWS_MAX {
            return Ok(None);
        }
        // Hardly ever is there a split session in memory: then batches change nothing.
        let known = self.found_for(snapshot, split, owners);
        let known = known.filter(|found| self.batches.is_empty() && found.aside.batches.is_empty());
        let aside = match known {
            Some(found) => Arc::clone(&found.aside),
            None => Arc::new(self.found(table, snapshot, owners)?),
        };
        self.found.retain(|found| found.owners.as_ref() != owners);
        self.found.truncate(FOUND_MAX - 1);
        self.found.push_front(Found {
            owners: owners.cloned(),
            version: snapshot.parts_version(),
            of: snapshot.batches(table).map(BatchId::of).collect(),
            under: split.clone(),
            aside: Arc::clone(&aside),
        });
        Ok(Some(aside))
    }

    /// Reads the parts that are new, and those of which another session is split now.
    async fn read_parts(
        &mut self,
        table: Table,
        snapshot: &Snapshot,
        split: &SplitSessions,
        session: &SessionState,
    ) -> Result<()> {
        let paths: HashSet<&str> = snapshot
            .parts(table)
            .map(|part| part.path.as_str())
            .collect();
        self.parts.retain(|path, _| paths.contains(path.as_str()));
        for part in snapshot.parts(table) {
            if let Some(known) = self.parts.get_mut(&part.path)
                && (known.split == *split || !known.gathered.has_more(&known.split, split))
            {
                known.split = split.clone();
                continue;
            }
            let gathered = gather::of_part(part, snapshot, split, session, &mut self.texts).await?;
            let split = split.clone();
            self.parts
                .insert(part.path.clone(), OfPart { split, gathered });
        }
        Ok(())
    }

    async fn read_batches(
        &mut self,
        table: Table,
        snapshot: &Snapshot,
        split: &SplitSessions,
        session: &SessionState,
    ) -> Result<()> {
        self.batches.clear();
        for batch in snapshot.batches(table) {
            let of_batch = gather::of_batch(table, batch, split, session, &mut self.texts).await?;
            if !of_batch.rows.is_empty() {
                self.batches.push((BatchId::of(batch), of_batch));
            }
        }
        Ok(())
    }

    /// Of rows that have everything in common, the first one's resource counts.
    fn found(&self, table: Table, snapshot: &Snapshot, owners: Option<&Owners>) -> Result<Aside> {
        let everybodys = self.firsts(table, snapshot, |_| true);
        let Some(owners) = owners else {
            return self.aside_of(table, snapshot, |row| !everybodys.count(row));
        };
        let own = self.texts.which(|organization| owners.own(organization));
        let is_own = |row: &Row| own[row.owner as usize];
        let theirs = self.firsts(table, snapshot, is_own);
        let is_aside = |row: &Row| is_own(row) && !theirs.count(row);
        let mut aside = self.aside_of(table, snapshot, is_aside)?;
        let differs = |row: &Row| is_own(row) && everybodys.count(row) != theirs.count(row);
        let parts = snapshot.parts(table).map(|part| &part.path);
        let differing = parts.filter(|path| {
            let part = self.parts.get(*path);
            part.is_some_and(|part| part.gathered.rows.iter().any(differs))
        });
        aside.differing = differing.cloned().collect();
        Ok(aside)
    }

    fn firsts(&self, table: Table, snapshot: &Snapshot, is_seen: impl Fn(&Row) -> bool) -> Firsts {
        let of_parts = snapshot
            .parts(table)
            .filter_map(|part| self.parts.get(&part.path));
        let of_parts = of_parts.flat_map(|part| &part.gathered.rows);
        let of_batches = self.batches.iter().flat_map(|(_, gathered)| &gathered.rows);
        let mut first = Firsts::default();
        for row in of_parts.chain(of_batches).filter(|row| is_seen(row)) {
            let known = first.0.entry(row.key).or_insert(*row);
            if self.texts.comes_before(row, known) {
                *known = *row;
            }
        }
        first
    }

    fn aside_of(
        &self,
        table: Table,
        snapshot: &Snapshot,
        is_aside: impl Fn(&Row) -> bool,
    ) -> Result<Aside> {
        let mut aside = Aside::default();
        for part in snapshot.parts(table) {
            let rows = self.parts.get(&part.path).map(|part| &part.gathered.rows);
            let rows = rows.into_iter().flatten().filter(|row| is_aside(row));
            let rows: Vec<u32> = rows.map(|row| row.at).collect();
            if !rows.is_empty() {
                aside.parts.insert(part.path.clone(), rows);
            }
        }
        for batch in snapshot.batches(table) {
            let id = BatchId::of(batch);
            let known = self.batches.iter().find(|(known, _)| *known == id);
            let Some((_, gathered)) = known else { continue };
            let mut counts = vec![true; batch.num_rows()];
            for row in gathered.rows.iter().filter(|row| is_aside(row)) {
                counts[row.at as usize] = false;
            }
            let counted = filter_record_batch(batch, &BooleanArray::from(counts))?;
            aside.batches.push((id, counted));
        }
        Ok(aside)
    }
}

/// Of rows that have everything in common, the first.
#[derive(Default)]
struct Firsts(HashMap<u128, Row, foldhash::fast::RandomState>);

impl Firsts {
    /// Whether a row counts, which is one of those that they are the first of.
    fn count(&self, row: &Row) -> bool {
        let first = self.0.get(&row.key);
        first.is_none_or(|first| first.resource == row.resource)
    }
}
