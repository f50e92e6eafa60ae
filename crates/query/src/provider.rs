//! A table of a snapshot for the engine: its parts and its buffer.
//!
//! Parts carry the range of their times, so that a query over a day checks and opens the parts of that
//! day. A part is checked before its first reading; a damaged one is left out, and the store names it.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::{
    CachedParquetFileReaderFactory, ParquetRowSelection,
};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use datafusion::prelude::SessionConfig;
use datafusion::scalar::ScalarValue;
use store::{Part, Snapshot, Table};

use crate::aside::Aside;
use crate::sight::{OnlyOf, Owners};

/// Under which address the engine finds the parts.
pub(crate) const OBJECTS_URL: &str = "tallybook://data/";

/// One table as of one snapshot.
#[derive(Debug)]
pub(crate) struct SnapshotTable {
    table: Table,
    schema: SchemaRef,
    /// Whose rows there are; `None`: everybody's.
    owners: Option<Owners>,
    batches: Vec<RecordBatch>,
    parts: Vec<Part>,
    snapshot: Snapshot,
    /// Rows that are not read.
    aside: Arc<Aside>,
}

impl SnapshotTable {
    /// All its rows.
    pub(crate) fn new(table: Table, snapshot: &Snapshot) -> SnapshotTable {
        let parts = snapshot.parts(table).cloned().collect();
        SnapshotTable::of_parts(table, parts, snapshot).with_buffer(snapshot, table)
    }

    /// The rows of some parts.
    pub(crate) fn of_parts(table: Table, parts: Vec<Part>, snapshot: &Snapshot) -> SnapshotTable {
        SnapshotTable {
            table,
            schema: table.schema(),
            owners: None,
            batches: Vec::new(),
            parts,
            snapshot: snapshot.clone(),
            aside: Arc::default(),
        }
    }

    /// And those in memory.
    pub(crate) fn with_buffer(self, snapshot: &Snapshot, table: Table) -> SnapshotTable {
        SnapshotTable {
            batches: snapshot.batches(table).cloned().collect(),
            ..self
        }
    }

    /// The same with the rows of these alone.
    pub(crate) fn of(self, owners: Option<Owners>) -> SnapshotTable {
        SnapshotTable { owners, ..self }
    }

    /// Without the rows that no answer counts.
    pub(crate) fn counted(self, aside: Arc<Aside>) -> SnapshotTable {
        let batches = self.batches.iter();
        SnapshotTable {
            batches: batches.map(|batch| aside.counted_of_batch(batch)).collect(),
            aside,
            ..self
        }
    }

    /// The parts that may hold a row that passes `filter` and may be read. Each is checked before its
    /// first reading, so those are left out that no row can be wanted from.
    async fn wanted_parts(&self, filter: Option<&Arc<dyn PhysicalExpr>>) -> Result<Vec<Part>> {
        let mut wanted = self.parts.clone();
        if let Some(filter) = filter {
            let predicate = PruningPredicateBuilder::new()
                .with_file_schema(Arc::clone(&self.schema))
                .try_build(Arc::clone(filter));
            // A filter that says nothing of parts as a whole leaves all of them.
            if let Ok(predicate) = predicate {
                // Between which times the rows of a part are; a bound need not be reached.
                let bounds = self.parts.iter();
                let bounds = bounds.map(|part| Arc::new(self.statistics(part, Precision::Exact)));
                let bounds = PrunableStatistics::new(bounds.collect(), Arc::clone(&self.schema));
                let mut may_pass = predicate.prune(&bounds)?.into_iter();
                wanted.retain(|_| may_pass.next().unwrap_or(true));
            }
        }
        let sound = self.snapshot.sound(wanted).await;
        sound.map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn file(&self, part: &Part) -> PartitionedFile {
        // The manifest has whole milliseconds: inexact for the finer times of spans.
        let statistics = self.statistics(part, Precision::Inexact);
        let file = PartitionedFile::new(part.path.clone(), part.bytes);
        let file = file.with_statistics(Arc::new(statistics));
        match self.aside.counted(part) {
            Some(counted) => file.with_extension(ParquetRowSelection::new(counted)),
            None => file,
        }
    }

    fn statistics(
        &self,
        part: &Part,
        precise: fn(ScalarValue) -> Precision<ScalarValue>,
    ) -> Statistics {
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Exact((part.rows - self.aside.count(part)) as usize);
        let time = self.schema.field(0).data_type();
        let column = &mut statistics.column_statistics[0];
        column.min_value = precise(time_scalar(time, part.time_min_ms, 0));
        column.max_value = precise(time_scalar(time, part.time_max_ms, 999_999));
        statistics
    }

    /// The parts, spread over the partitions by size.
    fn file_groups(&self, parts: &[Part], partitions: usize) -> Vec<FileGroup> {
        let mut groups: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); partitions.max(1)];
        let mut parts: Vec<_> = parts.iter().collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
        for part in parts {
            if let Some((bytes, files)) = groups.iter_mut().min_by_key(|(bytes, _)| *bytes) {
                *bytes += part.bytes;
                files.push(self.file(part));
            }
        }
        groups
            .into_iter()
            .filter(|(_, files)| !files.is_empty())
            .map(|(_, files)| FileGroup::new(files))
            .collect()
    }

    fn scan_parts(
        &self,
        state: &dyn Session,
        parts: &[Part],
        projection: Option<&Vec<usize>>,
        filter: Option<Arc<dyn PhysicalExpr>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let table_schema = TableSchema::from(Arc::clone(&self.schema));
        // Parts never change, so that their footers are read once.
        let runtime = state.runtime_env();
        let footers = CachedParquetFileReaderFactory::new(
            runtime.object_store(ObjectStoreUrl::parse(OBJECTS_URL)?)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let mut source = ParquetSource::new(table_schema)
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(footers));
        if let Some(filter) = filter {
            source = source.with_predicate(filter);
        }
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::parse(OBJECTS_URL)?, Arc::new(source))
                .with_file_groups(self.file_groups(parts, state.config().target_partitions()))
                .with_projection_indices(projection.cloned())?
                .with_limit(limit)
                .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn scan_buffer(
        &self,
        config: &SessionConfig,
        projection: Option<&Vec<usize>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (partitions, rows_at_once) = (config.target_partitions(), config.batch_size());
        // A request may have been large, and a sort needs room for twice a batch. The texts of a piece are
        // still those of the whole batch.
        let pieces = self.batches.iter().flat_map(|batch| {
            let starts = (0..batch.num_rows()).step_by(rows_at_once);
            starts.map(|start| batch.slice(start, rows_at_once.min(batch.num_rows() - start)))
        });
        let pieces: Vec<RecordBatch> = pieces.collect();
        let mut spread = vec![Vec::new(); partitions.clamp(1, pieces.len().max(1))];
        let count = spread.len();
        for (index, piece) in pieces.into_iter().enumerate() {
            spread[index % count].push(piece);
        }
        Ok(MemorySourceConfig::try_new_exec(
            &spread,
            Arc::clone(&self.schema),
            projection.cloned(),
        )?)
    }
}

fn time_scalar(kind: &DataType, ms: i64, rest_ns: i64) -> ScalarValue {
    match kind {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => ScalarValue::TimestampNanosecond(
            Some(ms.saturating_mul(1_000_000).saturating_add(rest_ns)),
            zone.clone(),
        ),
        DataType::Timestamp(_, zone) => ScalarValue::TimestampMillisecond(Some(ms), zone.clone()),
        _ => ScalarValue::Null,
    }
}

#[async_trait::async_trait]
impl TableProvider for SnapshotTable {
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
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // With a filter, a limit on the rows read could cut off rows that pass it.
        let limit = limit.filter(|_| filters.is_empty());
        let filter = match conjunction(filters.to_vec()) {
            Some(filter) => {
                let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
                Some(state.create_physical_expr(filter, &schema)?)
            }
            None => None,
        };
        let Some(owners) = &self.owners else {
            return self.rows(state, projection, filter, limit).await;
        };
        // The columns by which it is decided whose a row is come last, and go no further.
        let mut read = projection.cloned().unwrap_or_else(|| self.all_columns());
        let width = read.len();
        for name in Owners::columns(self.table) {
            read.push(self.schema.index_of(name)?);
        }
        let rows = self.rows(state, Some(&read), filter, None).await?;
        let owned = OnlyOf::new(rows, self.table, owners.clone(), width)?;
        Ok(Arc::new(owned))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // Parts may use a filter to skip; the buffer does not, so the engine filters again. On rows of
        // others no filter is tried that may fail, and say on what.
        let may_skip = |filter: &&Expr| self.owners.is_none() || cannot_fail(filter);
        let of = |filter| match may_skip(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(of).collect())
    }
}

impl SnapshotTable {
    fn all_columns(&self) -> Vec<usize> {
        (0..self.schema.fields().len()).collect()
    }

    /// The rows of parts and buffer.
    async fn rows(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filter: Option<Arc<dyn PhysicalExpr>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut inputs = Vec::new();
        let parts = self.wanted_parts(filter.as_ref()).await?;
        if !parts.is_empty() {
            inputs.push(self.scan_parts(state, &parts, projection, filter, limit)?);
        }
        if !self.batches.is_empty() || inputs.is_empty() {
            inputs.push(self.scan_buffer(state.config(), projection)?);
        }
        if inputs.len() == 1 {
            return Ok(inputs.remove(0));
        }
        UnionExec::try_new(inputs)
    }
}

const COMPARISONS: [Operator; 10] = [
    Operator::And,
    Operator::Or,
    Operator::Eq,
    Operator::NotEq,
    Operator::Lt,
    Operator::LtEq,
    Operator::Gt,
    Operator::GtEq,
    Operator::IsDistinctFrom,
    Operator::IsNotDistinctFrom,
];

/// Whether a condition is a comparison of columns with literals, or several, and nothing else.
fn cannot_fail(filter: &Expr) -> bool {
    match filter {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::BinaryExpr(both) => {
            COMPARISONS.contains(&both.op) && cannot_fail(&both.left) && cannot_fail(&both.right)
        }
        Expr::Not(one) | Expr::IsNull(one) | Expr::IsNotNull(one) => cannot_fail(one),
        Expr::Between(between) => [&between.expr, &between.low, &between.high]
            .into_iter()
            .all(|part| cannot_fail(part)),
        Expr::InList(list) => cannot_fail(&list.expr) && list.list.iter().all(cannot_fail),
        _ => false,
    }
}
