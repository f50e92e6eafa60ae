//! The view `tool_calls` over kept rows.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use store::{Part, Snapshot, Table};

use super::sessions::hash;
use super::{Found, OfPart};
use crate::aside::Aside;
use crate::by_hour::see;
use crate::digests::{Coded, DigestTable};
use crate::functions::{AMONG, among};
use crate::people::Resolver;
use crate::plan::Known;
use crate::provider::SnapshotTable;
use crate::views;

/// The tables that the view lies on.
const KEPT: &str = "_kept_calls";
const EVENTS: &str = "_events_of_calls";
/// The table under each.
const BELOW: &str = "_below";

/// The calls of a snapshot, for one question.
#[derive(Debug)]
pub(crate) struct KeptCalls {
    rows: Vec<Arc<Coded>>,
    /// The sessions whose events are read.
    read: Arc<HashSet<u64>>,
    /// The parts that have some.
    parts: Vec<Part>,
    aside: Arc<Aside>,
    /// By whom it was found whose calls change from one moment to the next: the question must go by the same.
    pub(crate) resolver: Resolver,
}

impl KeptCalls {
    pub(super) fn of(
        Found { rows, parts }: Found,
        (snapshot, aside): (&Snapshot, Arc<Aside>),
        resolver: Resolver,
    ) -> KeptCalls {
        let in_memory = snapshot.batches(Table::Events).flat_map(sessions_of);
        let mixed = parts.iter().flat_map(|of: &OfPart| of.sessions.names());
        let mixed = mixed.filter(|name| resolver.is_mixed(name)).map(hash);
        let read: HashSet<u64> = in_memory.chain(mixed).collect();
        let is_read = |of: &&OfPart| of.sessions.has_any(&read) || of.sessions.has_nameless();
        KeptCalls {
            parts: parts
                .iter()
                .filter(is_read)
                .map(|of| of.part.clone())
                .collect(),
            read: Arc::new(read),
            rows,
            aside,
            resolver,
        }
    }

    /// The view, as it is seen; without the columns that no kept call has.
    pub(crate) async fn view(
        &self,
        context: &SessionContext,
        snapshot: &Snapshot,
        known: &Known<'_>,
    ) -> Result<LogicalPlan> {
        context.register_udf(among(&self.read));
        let schema = match self.rows.first() {
            Some(rows) => Arc::clone(rows.schema()),
            None => super::rows::schema(snapshot, &context.state()).await?,
        };
        let rows = DigestTable::new(Table::Events, (schema, self.rows.clone()), None);
        let sql = views::seen_calls(BELOW, known.files);
        see(context, KEPT, Arc::new(rows), ("calls", &sql), known.lens).await?;
        let rows = SnapshotTable::of_parts(Table::Events, self.parts.clone(), snapshot);
        let rows = rows.with_buffer(snapshot, Table::Events);
        let rows = rows.counted(Arc::clone(&self.aside));
        let sql = views::items_by_hour(Table::Events, BELOW, known.files);
        let view = (Table::Events.name(), sql.as_str());
        see(context, EVENTS, Arc::new(rows), view, known.lens).await?;
        let is_read = format!("{AMONG}(session_id)");
        let sql = views::tool_calls_of_kept((KEPT, EVENTS), &is_read);
        let plan = context.state().create_logical_plan(&sql).await?;
        for name in [KEPT, EVENTS] {
            context.deregister_table(name)?;
        }
        Ok(plan)
    }
}

/// The sessions of what is in memory.
fn sessions_of(batch: &RecordBatch) -> Vec<u64> {
    let names = batch.column_by_name("session_id");
    let names = names.and_then(|names| as_string_view_array(names).ok());
    let names = names.map(|names| names.iter().flatten().map(hash).collect());
    names.unwrap_or_default()
}
