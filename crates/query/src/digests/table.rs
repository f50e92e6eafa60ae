//! The digests of some parts as a table for the engine.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

use store::Table;

use super::coded::Coded;
use crate::sight::{OnlyOf, Owners};

/// Rows of many parts.
#[derive(Debug)]
pub(crate) struct DigestTable {
    schema: SchemaRef,
    digests: Vec<Arc<Coded>>,
    /// Of which table they are.
    table: Table,
    /// Whose sums there are; `None`: everybody's.
    owners: Option<Owners>,
}

impl DigestTable {
    pub(crate) fn new(
        table: Table,
        (schema, digests): (SchemaRef, Vec<Arc<Coded>>),
        owners: Option<Owners>,
    ) -> DigestTable {
        DigestTable {
            schema,
            digests,
            table,
            owners,
        }
    }

    /// Some columns of all rows.
    async fn rows(
        &self,
        state: &dyn Session,
        columns: Vec<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = Arc::new(self.schema.project(&columns)?);
        let config = state.config();
        let count = config.target_partitions().max(1);
        let mut shares = vec![(0, Vec::new()); count];
        for digest in &self.digests {
            if let Some((rows, share)) = shares.iter_mut().min_by_key(|(rows, _)| *rows) {
                *rows += digest.rows();
                share.push(Arc::clone(digest));
            }
        }
        let share = |(_, digests)| -> Arc<dyn PartitionStream> {
            Arc::new(Share {
                schema: Arc::clone(&schema),
                columns: columns.clone(),
                digests,
                rows_at_once: config.batch_size(),
            })
        };
        let shares = shares.into_iter().map(share).collect();
        StreamingTable::try_new(Arc::clone(&schema), shares)?
            .scan(state, None, &[], None)
            .await
    }
}

#[async_trait::async_trait]
impl TableProvider for DigestTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.schema.fields().len()).collect();
        let mut columns = projection.cloned().unwrap_or_else(all);
        let Some(owners) = &self.owners else {
            return self.rows(state, columns).await;
        };
        // The columns by which it is decided whose a row is come last, and go no further.
        let width = columns.len();
        for name in Owners::columns(self.table) {
            columns.push(self.schema.index_of(name)?);
        }
        let rows = self.rows(state, columns).await?;
        Ok(Arc::new(OnlyOf::new(
            rows,
            self.table,
            owners.clone(),
            width,
        )?))
    }
}

/// What one thread reads.
struct Share {
    schema: SchemaRef,
    columns: Vec<usize>,
    digests: Vec<Arc<Coded>>,
    rows_at_once: usize,
}

impl fmt::Debug for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "digests of {} parts", self.digests.len())
    }
}

impl PartitionStream for Share {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _task: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (columns, rows_at_once) = (self.columns.clone(), self.rows_at_once);
        let batches = self.digests.clone().into_iter().flat_map(move |digest| {
            let columns = columns.clone();
            let starts = (0..digest.rows()).step_by(rows_at_once);
            starts.map(move |from| {
                let count = rows_at_once.min(digest.rows() - from);
                let rows = digest.rows_of(&columns, from, count);
                rows.map_err(|error| DataFusionError::ArrowError(Box::new(error), None))
            })
        });
        let stream = futures::stream::iter(batches);
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            stream,
        ))
    }
}
