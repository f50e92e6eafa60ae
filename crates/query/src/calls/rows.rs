//! The rows of calls that are kept.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionContext;
use store::{Part, Snapshot, Table};

use super::sessions::hash;
use crate::aside::Aside;
use crate::digests::Coded;
use crate::functions::{AMONG, among};
use crate::plan::with_own_catalog;
use crate::provider::SnapshotTable;
use crate::views;

/// Rows of a piece. When sessions go, the pieces that they are in are made anew.
const ROWS_OF_A_PIECE: usize = 65_536;
/// As many pieces as that, and small ones become one.
const PIECES_MAX: usize = 128;

/// All rows, in pieces.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    rows: Arc<Coded>,
    sessions: HashSet<u64>,
}

impl Piece {
    fn of(batch: &RecordBatch) -> Result<Piece> {
        Ok(Piece {
            sessions: sessions_of(batch)?.into_iter().collect(),
            rows: Arc::new(Coded::of(&batch.schema(), std::slice::from_ref(batch))?),
        })
    }

    fn batch(&self) -> Result<RecordBatch> {
        let columns: Vec<usize> = (0..self.rows.schema().fields().len()).collect();
        Ok(self.rows.rows_of(&columns, 0, self.rows.rows())?)
    }
}

impl Rows {
    pub(super) fn bytes(&self) -> usize {
        let bytes = self.pieces.iter();
        bytes
            .map(|piece| piece.rows.bytes() + piece.sessions.len() * 16)
            .sum()
    }

    pub(super) fn all(&self) -> Vec<Arc<Coded>> {
        let rows = self.pieces.iter();
        rows.map(|piece| Arc::clone(&piece.rows)).collect()
    }

    /// Puts rows of some sessions in the place of those that are there of them.
    pub(super) fn replace(&mut self, of: &HashSet<u64>, made: &[RecordBatch]) -> Result<()> {
        let mut pieces = Vec::with_capacity(self.pieces.len() + 1);
        for piece in &self.pieces {
            if piece.sessions.is_disjoint(of) {
                pieces.push(Piece {
                    rows: Arc::clone(&piece.rows),
                    sessions: piece.sessions.clone(),
                });
                continue;
            }
            let batch = piece.batch()?;
            let stays = sessions_of(&batch)?;
            let stays: BooleanArray = stays.iter().map(|hash| Some(!of.contains(hash))).collect();
            let rest = filter_record_batch(&batch, &stays)?;
            if rest.num_rows() > 0 {
                pieces.push(Piece::of(&rest)?);
            }
        }
        for made in made {
            for start in (0..made.num_rows()).step_by(ROWS_OF_A_PIECE) {
                let count = ROWS_OF_A_PIECE.min(made.num_rows() - start);
                pieces.push(Piece::of(&made.slice(start, count))?);
            }
        }
        self.pieces = joined(pieces)?;
        Ok(())
    }
}

/// Small pieces as one, when there are many.
fn joined(pieces: Vec<Piece>) -> Result<Vec<Piece>> {
    let is_small = |piece: &Piece| piece.rows.rows() < ROWS_OF_A_PIECE / 2;
    if pieces.len() <= PIECES_MAX || pieces.iter().filter(|piece| is_small(piece)).count() < 2 {
        return Ok(pieces);
    }
    let (small, mut others): (Vec<Piece>, Vec<Piece>) = pieces.into_iter().partition(is_small);
    let batches = small.iter().map(Piece::batch).collect::<Result<Vec<_>>>()?;
    let all = arrow::compute::concat_batches(&batches[0].schema(), &batches)?;
    others.push(Piece::of(&all)?);
    Ok(others)
}

fn sessions_of(batch: &RecordBatch) -> Result<Vec<u64>> {
    let none = || DataFusionError::Internal("kept calls without a session".to_owned());
    let names = batch.column_by_name("session_id").ok_or_else(none)?;
    let names = as_string_view_array(names)?;
    Ok(names.iter().map(|name| name.map_or(0, hash)).collect())
}

/// The columns of kept rows.
pub(super) async fn schema(snapshot: &Snapshot, session: &SessionState) -> Result<SchemaRef> {
    let (nobody, nothing) = (Arc::default(), Arc::default());
    let none = of_sessions((Vec::new(), &nobody), (snapshot, &nothing), session);
    Ok(none.await?.schema())
}

/// The calls of some sessions, of all their events in these parts.
pub(super) async fn of_sessions(
    (parts, sessions): (Vec<Part>, &Arc<HashSet<u64>>),
    (snapshot, aside): (&Snapshot, &Arc<Aside>),
    session: &SessionState,
) -> Result<RecordBatch> {
    let rows = SnapshotTable::of_parts(Table::Events, parts, snapshot);
    // One thread: two would need twice the memory.
    let config = session.config().clone().with_target_partitions(1);
    let state = SessionStateBuilder::new_from_existing(with_own_catalog(session.clone()));
    let context = SessionContext::new_with_state(state.with_config(config).build());
    let table = format!("_{}", Table::Events.name());
    context.register_table(table.as_str(), Arc::new(rows.counted(Arc::clone(aside))))?;
    context.register_udf(among(sessions));
    let sql = views::kept_calls(&format!("{AMONG}(session_id)"));
    let frame = context.sql(&sql).await?;
    let schema = Arc::clone(frame.schema().inner());
    let batches = frame.collect().await?;
    Ok(arrow::compute::concat_batches(&schema, &batches)?)
}
