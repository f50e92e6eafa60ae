//! Sums by part: what the requests and data points of a part come to, by hour and by everything that
//! tells them apart, so that a question about a month reads sums and not every item.
//!
//! A digest is made of a part by the definition of the view `usage` itself (`views/usage.rs`), or of who
//! was active (`catalogue/active.rs`), once for each part in the life of a process, when a question first
//! needs it or before (`engine/ready.rs`). It holds what identifies people
//! as it was sent, never whom that means: names are resolved when a question is asked, so that what is
//! learnt later repairs past answers. Parts never change, so nor do their digests.
//!
//! Invariant: an answer by digests is the answer by items. What sums cannot tell is left to the items:
//! the hours that a range cuts, the buffer, parts without a digest, and sessions of which something may
//! change within an hour (`functions/mixed.rs`). Rows that do not count (`aside.rs`) are in no digest: one
//! is made anew when other rows of its part do not count.
//!
//! Invariant: a digest tells organisations apart, and of others than those that a question may see no
//! row leaves it (`sight/owner.rs`, `sight/only.rs`). What counts for who sees everybody's rows may not be
//! what counts for who sees some: of such parts the items are read.
//!
//! | file | what is in it |
//! |---|---|
//! | `coded.rs` | rows in memory, each text once |
//! | `table.rs` | digests as a table for the engine |

mod coded;
mod table;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;
use store::{Part, Snapshot, Table};
use tokio::task::JoinSet;

use crate::aside::{Aside, Asides};
use crate::plan::with_own_catalog;
use crate::provider::SnapshotTable;
use crate::sight::Owners;
use crate::views;
pub(crate) use coded::Coded;
pub(crate) use table::DigestTable;

/// The tables of whose parts there are digests.
pub(crate) const TABLES: [Table; 2] = [Table::Events, Table::Metrics];
/// The column that tells sessions apart.
const SESSION: &str = "session_id";

/// What is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Cost and tokens: the view `usage`.
    Usage,
    /// Who caused work.
    Active,
}

impl Kind {
    pub(crate) const ALL: [Kind; 2] = [Kind::Usage, Kind::Active];

    /// The digest of the items of a table.
    fn sql(self, table: Table) -> String {
        match self {
            Kind::Usage => views::digest(table),
            Kind::Active => views::active(table),
        }
    }

    /// What its digests take in memory at most; of further parts the items are read.
    fn bytes_max(self) -> usize {
        match self {
            Kind::Usage => 256 << 20,
            Kind::Active => 64 << 20,
        }
    }
}

/// All digests.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    usage: tokio::sync::Mutex<Known>,
    active: tokio::sync::Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    of_parts: HashMap<String, OfPart>,
    bytes: usize,
    schemas: HashMap<Table, SchemaRef>,
}

#[derive(Debug)]
struct OfPart {
    digest: Arc<Coded>,
    /// The rows that it leaves out.
    aside: Vec<u32>,
}

/// A table of a snapshot, part of it in sums.
#[derive(Clone, Debug)]
pub(crate) struct Summed {
    table: Table,
    schema: SchemaRef,
    digests: Vec<Arc<Coded>>,
    /// The parts of the digests, in the same order.
    pub(crate) digested: Vec<Part>,
    /// Parts of which there is none.
    pub(crate) others: Vec<Part>,
}

impl Summed {
    /// The parts with a session of which `is_mixed` says so.
    pub(crate) fn parts_with(&self, is_mixed: impl Fn(&str) -> bool) -> Vec<Part> {
        let place = self.schema.index_of(SESSION).ok();
        let parts = self.digested.iter().zip(&self.digests);
        let has = |digest: &Coded| {
            let sessions = place.and_then(|place| digest.texts(place));
            sessions.is_some_and(|sessions| sessions.iter().flatten().any(&is_mixed))
        };
        let parts = parts.filter(|(_, digest)| has(digest));
        parts.map(|(part, _)| part.clone()).collect()
    }

    /// Without the sums of parts of which other rows count here.
    pub(crate) fn fitting(mut self, fits: impl Fn(&Part) -> bool) -> Summed {
        let parts = std::mem::take(&mut self.digested).into_iter();
        for (part, digest) in parts.zip(std::mem::take(&mut self.digests)) {
            match fits(&part) {
                true => {
                    self.digested.push(part);
                    self.digests.push(digest);
                }
                false => self.others.push(part),
            }
        }
        self
    }

    /// The sums as a table, of what these own alone.
    pub(crate) fn table(&self, owners: Option<&Owners>) -> DigestTable {
        let (schema, digests) = (Arc::clone(&self.schema), self.digests.clone());
        DigestTable::new(self.table, (schema, digests), owners.cloned())
    }
}

impl Digests {
    /// Forgets everything: what it was of is gone.
    pub(crate) async fn forget(&self) {
        for kind in Kind::ALL {
            *self.known(kind).lock().await = Known::default();
        }
    }

    /// Bytes that they take in memory, by kind.
    pub(crate) async fn bytes(&self) -> [usize; Kind::ALL.len()] {
        let (usage, active) = (self.usage.lock().await, self.active.lock().await);
        [usage.bytes, active.bytes]
    }

    fn known(&self, kind: Kind) -> &tokio::sync::Mutex<Known> {
        match kind {
            Kind::Usage => &self.usage,
            Kind::Active => &self.active,
        }
    }

    /// The tables of a snapshot in sums. Whoever asks first reads what is new; others wait for it.
    pub(crate) async fn of(
        &self,
        kind: Kind,
        (snapshot, asides): (&Snapshot, &Asides),
        session: &SessionState,
    ) -> Result<[Summed; TABLES.len()]> {
        let mut known = self.known(kind).lock().await;
        known.forget(snapshot, asides);
        known.make(kind, (snapshot, asides), session).await?;
        let [events, metrics] = TABLES;
        Ok([
            known.summed(events, snapshot)?,
            known.summed(metrics, snapshot)?,
        ])
    }
}

impl Known {
    /// Forgets digests of parts that are gone, or of which other rows count now.
    fn forget(&mut self, snapshot: &Snapshot, asides: &Asides) {
        let parts = TABLES.into_iter().flat_map(|table| snapshot.parts(table));
        let there: HashMap<&str, &Part> = parts.map(|part| (part.path.as_str(), part)).collect();
        self.of_parts.retain(|path, known| {
            let part = there.get(path.as_str());
            part.is_some_and(|part| known.aside == aside_of(part, asides))
        });
        self.bytes = self
            .of_parts
            .values()
            .map(|known| known.digest.bytes())
            .sum();
    }

    /// Makes those that are missing, as far as there is room.
    async fn make(
        &mut self,
        kind: Kind,
        (snapshot, asides): (&Snapshot, &Asides),
        session: &SessionState,
    ) -> Result<()> {
        for table in TABLES {
            if let Entry::Vacant(unknown) = self.schemas.entry(table) {
                unknown.insert(schema((kind, table), snapshot, session).await?);
            }
        }
        let parts = TABLES.into_iter().flat_map(|table| snapshot.parts(table));
        let missing = parts.filter(|part| !self.of_parts.contains_key(&part.path));
        let mut missing = missing.cloned().collect::<Vec<_>>().into_iter();
        let side_by_side = session.config().target_partitions();
        let mut making = JoinSet::new();
        loop {
            while making.len() < side_by_side
                && self.bytes < kind.bytes_max()
                && let Some(part) = missing.next()
            {
                let schema = Arc::clone(&self.schemas[&part.table]);
                let aside = asides.get(&part.table).cloned().unwrap_or_default();
                let session = session.clone();
                making.spawn(digest(
                    (kind, part),
                    schema,
                    (snapshot.clone(), aside),
                    session,
                ));
            }
            let Some(made) = making.join_next().await else {
                return Ok(());
            };
            // Kept even if this question is stopped: the next one goes on from here.
            let (part, coded) = made.map_err(|error| DataFusionError::External(error.into()))??;
            self.bytes += coded.bytes();
            let of_part = OfPart {
                digest: Arc::new(coded),
                aside: aside_of(&part, asides).to_vec(),
            };
            self.of_parts.insert(part.path, of_part);
        }
    }

    fn summed(&self, table: Table, snapshot: &Snapshot) -> Result<Summed> {
        let schema = self.schemas.get(&table).cloned();
        let schema = schema.ok_or_else(|| DataFusionError::Internal("no schema".to_owned()))?;
        let parts = snapshot.parts(table).cloned();
        let is_digested = |part: &Part| self.of_parts.contains_key(&part.path);
        let (digested, others): (Vec<Part>, Vec<Part>) = parts.partition(is_digested);
        let digests = digested
            .iter()
            .map(|part| Arc::clone(&self.of_parts[&part.path].digest));
        Ok(Summed {
            table,
            schema,
            digests: digests.collect(),
            digested,
            others,
        })
    }
}

/// The rows of a part that do not count.
fn aside_of<'a>(part: &Part, asides: &'a Asides) -> &'a [u32] {
    asides
        .get(&part.table)
        .map_or(&[], |aside| aside.rows_of(part))
}

/// The columns of the digests of a table.
async fn schema(
    (kind, table): (Kind, Table),
    snapshot: &Snapshot,
    session: &SessionState,
) -> Result<SchemaRef> {
    let none = SnapshotTable::of_parts(table, Vec::new(), snapshot);
    let frame = frame(none, (kind, table), session).await?;
    Ok(Arc::clone(frame.schema().inner()))
}

async fn digest(
    (kind, part): (Kind, Part),
    schema: SchemaRef,
    (snapshot, aside): (Snapshot, Arc<Aside>),
    session: SessionState,
) -> Result<(Part, Coded)> {
    let rows = SnapshotTable::of_parts(part.table, vec![part.clone()], &snapshot);
    let rows = frame(rows.counted(aside), (kind, part.table), &session).await?;
    let batches = rows.collect().await?;
    Ok((part, Coded::of(&schema, &batches)?))
}

async fn frame(
    rows: SnapshotTable,
    (kind, table): (Kind, Table),
    session: &SessionState,
) -> Result<datafusion::dataframe::DataFrame> {
    let config = session.config().clone().with_target_partitions(1);
    let session = datafusion::execution::session_state::SessionStateBuilder::new_from_existing(
        with_own_catalog(session.clone()),
    )
    .with_config(config)
    .build();
    let context = SessionContext::new_with_state(session);
    context.register_table(format!("_{}", table.name()), Arc::new(rows))?;
    context.sql(&kind.sql(table)).await
}
