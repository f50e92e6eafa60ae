//! Which sessions of a part called tools, or may have.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, StringViewArray};
use datafusion::common::cast::as_string_view_array;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;
use store::{Part, Snapshot, Table};
use xxhash_rust::xxh3::xxh3_64;

use crate::plan::with_own_catalog;
use crate::provider::SnapshotTable;

const SQL: &str = "SELECT DISTINCT session_id FROM _part WHERE event IN ('tool_decision', 'tool_result', 'api_request')";

/// By what a session is known.
pub(super) fn hash(session_id: &str) -> u64 {
    xxh3_64(session_id.as_bytes())
}

/// The sessions of a part.
#[derive(Debug)]
pub(super) struct Sessions {
    names: Vec<StringViewArray>,
    hashes: HashSet<u64>,
    /// Whether there are events without one.
    has_nameless: bool,
}

impl Sessions {
    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.hashes.iter().copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().flat_map(|names| names.iter().flatten())
    }

    pub(super) fn has_any(&self, of: &HashSet<u64>) -> bool {
        match of.len() < self.hashes.len() {
            true => of.iter().any(|hash| self.hashes.contains(hash)),
            false => self.hashes.iter().any(|hash| of.contains(hash)),
        }
    }

    pub(super) fn has_nameless(&self) -> bool {
        self.has_nameless
    }
}

/// Those of all rows of a part, also of rows that do not count.
pub(super) async fn of_part(
    part: &Part,
    snapshot: &Snapshot,
    session: &SessionState,
) -> Result<Sessions> {
    let rows = SnapshotTable::of_parts(Table::Events, vec![part.clone()], snapshot);
    let context = SessionContext::new_with_state(with_own_catalog(session.clone()));
    context.register_table("_part", Arc::new(rows))?;
    let batches = context.sql(SQL).await?.collect().await?;
    let mut names = Vec::with_capacity(batches.len());
    for batch in &batches {
        names.push(as_string_view_array(batch.column(0))?.gc());
    }
    let has_nameless = names.iter().any(|names| names.null_count() > 0);
    let hashes = names.iter().flat_map(|names| names.iter().flatten());
    Ok(Sessions {
        hashes: hashes.map(hash).collect(),
        has_nameless,
        names,
    })
}
