//! The rows of some organisations, as a node that nothing of a question passes.
//!
//! Invariant: no condition is evaluated below it, and no count, bound or sum of what is below gets past
//! it. A condition may fail, and its failure may quote the value that it failed on; so the engine
//! must not try it on rows that are not the asker's. (The scan below takes conditions only that cannot
//! fail: `SnapshotTable::supports_filters_pushdown`.)

use std::fmt;
use std::sync::Arc;

use arrow::compute::filter_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PhysicalExpr, PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt;
use store::Table;

use super::Owners;

/// See the module.
#[derive(Debug)]
pub(crate) struct OnlyOf {
    input: Arc<dyn ExecutionPlan>,
    table: Table,
    owners: Owners,
    /// How many of the input's columns are wanted; those by which it is decided come after them.
    width: usize,
    properties: Arc<PlanProperties>,
}

impl OnlyOf {
    /// The rows of `input` that `owners` own, the first `width` columns of them.
    pub(crate) fn new(
        input: Arc<dyn ExecutionPlan>,
        table: Table,
        owners: Owners,
        width: usize,
    ) -> Result<OnlyOf> {
        let wanted: Vec<usize> = (0..width).collect();
        let schema: SchemaRef = Arc::new(Schema::project(&input.schema(), &wanted)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Ok(OnlyOf {
            input,
            table,
            owners,
            width,
            properties: Arc::new(properties),
        })
    }
}

fn owned(batch: &RecordBatch, table: Table, owners: &Owners, width: usize) -> Result<RecordBatch> {
    let lacking = || DataFusionError::Internal("rows lack the column of their organisation".into());
    let rows = owners.rows(table, batch).ok_or_else(lacking)?;
    let wanted: Vec<usize> = (0..width).collect();
    Ok(filter_record_batch(&batch.project(&wanted)?, &rows)?)
}

impl DisplayAs for OnlyOf {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OnlyOf")
    }
}

impl ExecutionPlan for OnlyOf {
    fn name(&self) -> &str {
        "OnlyOf"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return Err(DataFusionError::Internal("OnlyOf has one input".into()));
        };
        let of = OnlyOf::new(input, self.table, self.owners.clone(), self.width)?;
        Ok(Arc::new(of))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mode = ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(mode))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (table, owners, width) = (self.table, self.owners.clone(), self.width);
        let batches = self.input.execute(partition, context)?;
        let owned = batches.map(move |batch| owned(&batch?, table, &owners, width));
        let schema = Arc::clone(self.properties.eq_properties.schema());
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, owned)))
    }
}
