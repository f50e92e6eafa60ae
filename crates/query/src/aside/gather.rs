//! The rows of split sessions of a part or a batch: where they are, and what they have in common with
//! their copies.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, FixedSizeBinaryArray, StringViewArray, TimestampMillisecondArray,
};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use store::{Part, Snapshot, SplitSessions, Table};

use super::Row;
use crate::functions;
use crate::plan::with_own_catalog;
use crate::provider::SnapshotTable;
use crate::views;

/// What was read of a part or a batch.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Hashes of its sessions, in their order.
    sessions: Vec<u32>,
    pub(super) rows: Vec<Row>,
}

impl Gathered {
    /// Whether one of its sessions is split now and was not.
    pub(super) fn has_more(&self, before: &SplitSessions, now: &SplitSessions) -> bool {
        let mut sessions = self.sessions.iter();
        sessions.any(|hash| now.has(*hash) && !before.has(*hash))
    }
}

/// Resources and owners by numbers.
#[derive(Debug, Default)]
pub(super) struct Texts {
    known: HashMap<Option<Arc<str>>, u32>,
    texts: Vec<Option<Arc<str>>>,
}

impl Texts {
    /// Of which texts something holds, by their numbers.
    pub(super) fn which(&self, holds: impl Fn(Option<&str>) -> bool) -> Vec<bool> {
        let texts = self.texts.iter();
        texts.map(|text| holds(text.as_deref())).collect()
    }

    fn number(&mut self, text: Option<&str>) -> u32 {
        let text: Option<Arc<str>> = text.map(Arc::from);
        let texts = &mut self.texts;
        *self.known.entry(text).or_insert_with_key(|text| {
            texts.push(text.clone());
            texts.len() as u32 - 1
        })
    }

    /// As `views/copies.rs` orders rows: the furthest, then the earliest, then by resource.
    pub(super) fn comes_before(&self, one: &Row, other: &Row) -> bool {
        let text = |row: &Row| {
            let text = &self.texts[row.resource as usize];
            (text.is_none(), text.clone())
        };
        let further = |row: &Row| row.furthest.unwrap_or(f64::NEG_INFINITY);
        let by_furthest = further(other).total_cmp(&further(one));
        let by_time = by_furthest.then(one.received_ms.cmp(&other.received_ms));
        by_time.then_with(|| text(one).cmp(&text(other))).is_lt()
    }
}

pub(super) async fn of_part(
    part: &Part,
    snapshot: &Snapshot,
    split: &SplitSessions,
    session: &SessionState,
    texts: &mut Texts,
) -> Result<Gathered> {
    let table = SnapshotTable::of_parts(part.table, vec![part.clone()], snapshot);
    of(part.table, Arc::new(table), split, session, texts).await
}

pub(super) async fn of_batch(
    table: Table,
    batch: &RecordBatch,
    split: &SplitSessions,
    session: &SessionState,
    texts: &mut Texts,
) -> Result<Gathered> {
    let mut places = Places::default();
    places.take(batch, split)?;
    if places.split.is_empty() {
        return Ok(Gathered::default());
    }
    let rows = MemTable::try_new(batch.schema(), vec![vec![batch.clone()]])?;
    of(table, Arc::new(rows), split, session, texts).await
}

async fn of(
    table: Table,
    rows: Arc<dyn TableProvider>,
    split: &SplitSessions,
    session: &SessionState,
    texts: &mut Texts,
) -> Result<Gathered> {
    // One stream, in which rows are in their order.
    let config = session.config().clone().with_target_partitions(1);
    let own = SessionStateBuilder::new_from_existing(with_own_catalog(session.clone()));
    let context = SessionContext::new_with_state(own.with_config(config).build());
    context.register_udf(functions::is_split_of(table, split));
    context.register_table(format!("_{}", table.name()), rows)?;
    let ids = format!("SELECT session_id, user_id FROM _{}", table.name());
    let mut places = Places::default();
    each(context.sql(&ids).await?, |batch| places.take(batch, split)).await?;
    let mut gathered = Gathered {
        sessions: places.sessions(),
        rows: Vec::with_capacity(places.split.len()),
    };
    if !places.split.is_empty() {
        let compared = context.sql(&views::compared(table)).await?;
        each(compared, |batch| {
            take(batch, &places.split, texts, &mut gathered.rows)
        })
        .await?;
    }
    match gathered.rows.len() == places.split.len() {
        true => Ok(gathered),
        false => Err(unexpected()),
    }
}

async fn each(frame: DataFrame, mut take: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
    let mut stream = frame.execute_stream().await?;
    while let Some(batch) = stream.next().await {
        take(&batch?)?;
    }
    Ok(())
}

fn unexpected() -> DataFusionError {
    DataFusionError::Internal("rows of split sessions are not as expected".to_owned())
}

/// Where rows of split sessions are.
#[derive(Default)]
struct Places {
    split: Vec<u32>,
    sessions: std::collections::BTreeSet<u32>,
    rows: u32,
}

impl Places {
    fn take(&mut self, batch: &RecordBatch, split: &SplitSessions) -> Result<()> {
        let text = |name: &str| -> Result<&StringViewArray> {
            let column = batch.column_by_name(name).ok_or_else(unexpected)?;
            column.as_string_view_opt().ok_or_else(unexpected)
        };
        let names = [text("session_id")?, text("user_id")?];
        let mut last = None;
        for row in 0..batch.num_rows() {
            let name = names.iter().find(|names| names.is_valid(row));
            let name = name.map(|names| names.value(row));
            // Rows of a session lie together.
            let is_split = match last {
                Some((known, is_split)) if known == name => is_split,
                _ => name.is_some_and(|name| {
                    let hash = SplitSessions::hash_of(name);
                    self.sessions.insert(hash);
                    split.has(hash)
                }),
            };
            last = Some((name, is_split));
            if is_split {
                self.split.push(self.rows);
            }
            self.rows += 1;
        }
        Ok(())
    }

    fn sessions(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.sessions).into_iter().collect()
    }
}

/// Takes rows of split sessions: key, resource, time of receipt, how far a series was brought, and what
/// says whose they are.
fn take(batch: &RecordBatch, places: &[u32], texts: &mut Texts, rows: &mut Vec<Row>) -> Result<()> {
    let any = |at: usize| batch.column(at).as_any();
    let keys = any(0).downcast_ref::<FixedSizeBinaryArray>();
    let resources = any(1).downcast_ref::<StringViewArray>();
    let received = any(2).downcast_ref::<TimestampMillisecondArray>();
    let furthest = batch.column(3).as_primitive_opt::<Float64Type>();
    let owners = any(4).downcast_ref::<StringViewArray>();
    let (Some(keys), Some(resources), Some(received), Some(furthest), Some(owners)) =
        (keys, resources, received, furthest, owners)
    else {
        return Err(unexpected());
    };
    for row in 0..batch.num_rows() {
        let key = keys.value(row).try_into().map_err(|_| unexpected())?;
        let resource = resources.is_valid(row).then(|| resources.value(row));
        rows.push(Row {
            key: u128::from_be_bytes(key),
            at: *places.get(rows.len()).ok_or_else(unexpected)?,
            resource: texts.number(resource),
            owner: texts.number(owners.is_valid(row).then(|| owners.value(row))),
            received_ms: received.value(row),
            furthest: furthest.is_valid(row).then(|| furthest.value(row)),
        });
    }
    Ok(())
}
