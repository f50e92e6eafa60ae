//! The directory of a snapshot, learnt from its parts and its buffer.
//!
//! Invariant: a directory knows everything that its snapshot holds. It may know more: of a newer one.
//! Parts and batches never change, so each is read once; what was in a batch stays known when it is
//! merged or flushed, because its rows are in another batch or in a part. When a part goes, the
//! directory is made anew without it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use store::{Part, Snapshot, Table};
use tokio::task::JoinSet;

use super::directory::Directory;
use super::facts::{COLUMNS, Facts, Gathering, Keys};
use crate::provider::SnapshotTable;
use crate::sight::Owners;

/// The tables that know people.
const TABLES: [Table; 3] = [Table::Events, Table::Metrics, Table::Spans];
/// How many directories are kept for snapshots that are asked again.
const RECENT: usize = 16;
/// For how many sets of organisations directories are kept.
const FOLDS: usize = 64;

/// What was learnt.
#[derive(Debug)]
pub(crate) struct Learnt {
    keys: Keys,
    state: tokio::sync::Mutex<State>,
    newest: RwLock<HashMap<Whose, Arc<Directory>>>,
}

/// Of whose items a directory is; `None`: of everybody's.
type Whose = Option<Owners>;

#[derive(Debug, Default)]
struct State {
    /// Which parts there are: those of this version.
    version: Option<u64>,
    parts: HashMap<String, Arc<Facts>>,
    /// The one that was asked last first.
    folds: VecDeque<(Whose, Fold)>,
}

/// The directory of some organisations.
#[derive(Debug, Default)]
struct Fold {
    /// The parts that the newest directory knows.
    parts: HashSet<String>,
    /// The batches that it knows.
    batches: Vec<BatchId>,
    newest: Arc<Directory>,
    recent: VecDeque<(SnapshotId, Arc<Directory>)>,
}

/// Which batch it is: where its first column lies. Holding on to the place, though not to the rows,
/// keeps another batch from lying there.
#[derive(Clone, Debug)]
pub(crate) struct BatchId(Weak<dyn Array>);

impl BatchId {
    pub(crate) fn of(batch: &RecordBatch) -> BatchId {
        BatchId(Arc::downgrade(batch.column(0)))
    }
}

impl PartialEq for BatchId {
    fn eq(&self, other: &BatchId) -> bool {
        std::ptr::addr_eq(self.0.as_ptr(), other.0.as_ptr())
    }
}

#[derive(Debug, PartialEq)]
struct SnapshotId {
    version: u64,
    batches: Vec<BatchId>,
}

impl SnapshotId {
    fn of(snapshot: &Snapshot) -> SnapshotId {
        SnapshotId {
            version: snapshot.parts_version(),
            batches: batches(snapshot).map(BatchId::of).collect(),
        }
    }
}

fn batches(snapshot: &Snapshot) -> impl Iterator<Item = &RecordBatch> {
    TABLES.into_iter().flat_map(|table| snapshot.batches(table))
}

impl Learnt {
    pub(super) fn new(keys: Keys) -> Learnt {
        Learnt {
            keys,
            state: tokio::sync::Mutex::default(),
            newest: RwLock::default(),
        }
    }

    /// What was learnt last of these organisations' items, by whatever asked.
    pub(super) fn newest(&self, owners: Option<&Owners>) -> Arc<Directory> {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        newest.get(&owners.cloned()).cloned().unwrap_or_default()
    }

    /// The directory of these organisations' items in a snapshot. Whoever asks first reads what is new;
    /// others wait for it.
    pub(super) async fn directory(
        &self,
        snapshot: &Snapshot,
        session: &SessionState,
        owners: Option<&Owners>,
    ) -> Result<Arc<Directory>, DataFusionError> {
        let mut state = self.state.lock().await;
        let id = SnapshotId::of(snapshot);
        let fold = state.fold(owners);
        if let Some((_, directory)) = fold.recent.iter().find(|(known, _)| *known == id) {
            return Ok(Arc::clone(directory));
        }
        // An older snapshot's parts are known, or were and are gone.
        if state.version.is_none_or(|version| version < id.version) {
            state.know_parts(snapshot, session, self.keys).await?;
            state.version = Some(id.version);
        }
        let State { parts, folds, .. } = &mut *state;
        let (_, fold) = &mut folds[0];
        fold.learn_parts(parts, owners);
        fold.learn_batches(snapshot, self.keys, owners)?;
        let directory = Arc::clone(&fold.newest);
        fold.recent.push_front((id, Arc::clone(&directory)));
        fold.recent.truncate(RECENT);
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        newest.retain(|known, _| folds.iter().any(|(whose, _)| whose == known));
        newest.insert(owners.cloned(), Arc::clone(&directory));
        Ok(directory)
    }
}

impl State {
    /// The fold of these organisations, as the first one.
    fn fold(&mut self, owners: Option<&Owners>) -> &mut Fold {
        let known = self
            .folds
            .iter()
            .position(|(whose, _)| whose.as_ref() == owners);
        let fold = known.and_then(|at| self.folds.remove(at));
        self.folds.truncate(FOLDS - 1);
        let fold = fold.unwrap_or_else(|| (owners.cloned(), Fold::default()));
        self.folds.push_front(fold);
        &mut self.folds[0].1
    }

    /// Reads the parts that are new, forgets those that are gone.
    async fn know_parts(
        &mut self,
        snapshot: &Snapshot,
        session: &SessionState,
        keys: Keys,
    ) -> Result<(), DataFusionError> {
        let there: Vec<&Part> = TABLES
            .into_iter()
            .flat_map(|table| snapshot.parts(table))
            .collect();
        let missing = there
            .iter()
            .filter(|part| !self.parts.contains_key(&part.path));
        let mut missing = missing.copied().collect::<Vec<_>>().into_iter();
        let side_by_side = session.config().target_partitions();
        let mut reading = JoinSet::new();
        loop {
            while reading.len() < side_by_side
                && let Some(part) = missing.next()
            {
                let (part, snapshot, session) =
                    (Part::clone(part), snapshot.clone(), session.clone());
                reading.spawn(read(part, snapshot, session, keys));
            }
            let Some(read) = reading.join_next().await else {
                break;
            };
            let (path, facts) = read.map_err(|error| DataFusionError::External(error.into()))??;
            // Kept even if this query is stopped: the next one goes on from here.
            self.parts.insert(path, Arc::new(facts));
        }
        let paths: HashSet<&str> = there.iter().map(|part| part.path.as_str()).collect();
        self.parts.retain(|path, _| paths.contains(path.as_str()));
        Ok(())
    }
}

impl Fold {
    /// Learns the parts that are new; when one is gone, all anew.
    fn learn_parts(&mut self, parts: &HashMap<String, Arc<Facts>>, owners: Option<&Owners>) {
        if self.parts.iter().any(|path| !parts.contains_key(path)) {
            *self = Fold::default();
        }
        let is_new = |(path, _): &(&String, _)| !self.parts.contains(*path);
        let fresh: Vec<_> = parts.iter().filter(is_new).collect();
        if fresh.is_empty() {
            return;
        }
        let mut directory = Directory::clone(&self.newest);
        for (path, facts) in fresh {
            directory.learn(facts, owners);
            self.parts.insert(path.clone());
        }
        self.newest = Arc::new(directory);
    }

    fn learn_batches(
        &mut self,
        snapshot: &Snapshot,
        keys: Keys,
        owners: Option<&Owners>,
    ) -> Result<(), DataFusionError> {
        let is_new = |batch: &&RecordBatch| !self.batches.contains(&BatchId::of(batch));
        let fresh: Vec<&RecordBatch> = batches(snapshot).filter(is_new).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let mut directory = Directory::clone(&self.newest);
        for batch in fresh {
            let mut gathering = Gathering::new(keys);
            gathering.take(batch).ok_or_else(lacking)?;
            directory.learn(&gathering.facts(), owners);
        }
        self.newest = Arc::new(directory);
        // Those that were merged or flushed will not come again.
        self.batches = batches(snapshot).map(BatchId::of).collect();
        Ok(())
    }
}

/// The facts of a part; none of one that is damaged, as there are no rows of it in answers.
async fn read(
    part: Part,
    snapshot: Snapshot,
    session: SessionState,
    keys: Keys,
) -> Result<(String, Facts), DataFusionError> {
    let path = part.path.clone();
    // The reader of Parquet may panic on a file that no writer of ours wrote: that must not be every
    // query's end, only that of those who read its rows.
    let facts = match tokio::spawn(gather(part, snapshot, session, keys)).await {
        Ok(Ok(facts)) => facts,
        Ok(Err(error)) if !is_unreadable(&error) => return Err(error),
        _ => {
            tracing::error!("{path}: cannot be read, so nothing is learnt from it of people");
            Facts::default()
        }
    };
    Ok((path, facts))
}

/// Whether no later attempt will do better.
fn is_unreadable(error: &DataFusionError) -> bool {
    matches!(
        error.find_root(),
        DataFusionError::ParquetError(_) | DataFusionError::ArrowError(..)
    )
}

async fn gather(
    part: Part,
    snapshot: Snapshot,
    session: SessionState,
    keys: Keys,
) -> Result<Facts, DataFusionError> {
    let table = SnapshotTable::of_parts(part.table, vec![part], &snapshot);
    let context = SessionContext::new_with_state(session);
    let frame = context
        .read_table(Arc::new(table))?
        .select_columns(&COLUMNS)?;
    let mut stream = frame.execute_stream().await?;
    let mut gathering = Gathering::new(keys);
    while let Some(batch) = stream.next().await {
        gathering.take(&batch?).ok_or_else(lacking)?;
    }
    Ok(gathering.facts())
}

fn lacking() -> DataFusionError {
    DataFusionError::Internal("a table lacks a column by which people are known".into())
}
