//! One query from text to answer, with its limits.
//!
//! A query runs on its own threads, so that the heaviest one cannot hold up intake, over a snapshot
//! taken when it starts. The guard has three walls: the text must be one SELECT (or EXPLAIN), the
//! plan must hold nothing that writes or configures, and the only tables there are to name are the
//! views.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use futures::StreamExt;
use store::{Snapshot, Store, Table};
use tokio::runtime::Runtime;
use url::Url;

use crate::error::{ErrorKind, QueryError};
use crate::functions;
use crate::provider::{OBJECTS_URL, SnapshotTable};
use crate::views::{VIEWS, View};

/// Longer texts are not people's questions.
const SQL_BYTES_MAX: usize = 256 * 1024;

/// Limits of queries.
#[derive(Clone, Debug)]
pub struct Config {
    /// Threads that queries share.
    pub threads: usize,
    /// Memory that all running queries share, in bytes.
    pub memory_bytes: usize,
    /// How long one query may take.
    pub timeout: Duration,
    /// Rows of an answer, when the caller asks for no fewer.
    pub rows_max: usize,
    /// Queries that may run at once; more wait their turn.
    pub concurrent: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            memory_bytes: 512 << 20,
            timeout: Duration::from_secs(30),
            rows_max: 100_000,
            concurrent: 16,
        }
    }
}

impl Config {
    /// Everything that is wrong, a sentence each.
    pub fn validate(&self) -> Vec<String> {
        let least_one = [
            ("query.threads", self.threads),
            ("query.memory_bytes", self.memory_bytes),
            ("query.rows_max", self.rows_max),
            ("query.concurrent", self.concurrent),
            ("query.timeout_ms", self.timeout.as_millis() as usize),
        ];
        let zero = least_one.iter().filter(|(_, value)| *value == 0);
        zero.map(|(name, _)| format!("{name} must be at least 1"))
            .collect()
    }
}

/// What a query answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Names and types of the columns.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether there were more rows than the limit.
    pub truncated: bool,
}

impl Answer {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// Answers queries over a store.
pub struct Engine {
    store: Arc<Store>,
    config: Config,
    state: SessionState,
    turns: Arc<tokio::sync::Semaphore>,
    /// Taken when the engine is dropped, to be shut down without waiting.
    runtime: Option<Runtime>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Engine {
    /// An engine over a store, with its own threads.
    pub fn new(store: Arc<Store>, config: Config) -> Result<Engine, QueryError> {
        let environment = environment(&store, config.memory_bytes).map_err(QueryError::internal)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads)
            .thread_name("query")
            .enable_time()
            .build()
            .map_err(QueryError::internal)?;
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_table_function_list(Vec::new())
            .with_config(session_config(config.threads))
            .with_runtime_env(environment)
            .build();
        let turns = Arc::new(tokio::sync::Semaphore::new(config.concurrent));
        Ok(Engine {
            store,
            config,
            state,
            turns,
            runtime: Some(runtime),
        })
    }

    /// The store that is queried.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Answers one SQL text. Rows beyond `rows_max` (or the configured limit, if less) are cut off.
    pub async fn query(&self, sql: &str, rows_max: Option<usize>) -> Result<Answer, QueryError> {
        let rows_max = rows_max.unwrap_or(usize::MAX).min(self.config.rows_max);
        self.query_snapshot(self.store.snapshot(), sql.to_owned(), rows_max)
            .await
    }

    /// Answers one SQL text over a snapshot taken earlier, so that several answers agree.
    pub(crate) async fn query_snapshot(
        &self,
        snapshot: Snapshot,
        sql: String,
        rows_max: usize,
    ) -> Result<Answer, QueryError> {
        let Some(runtime) = &self.runtime else {
            return Err(QueryError::internal("shutting down"));
        };
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(QueryError::internal)?;
        let state = self.state.clone();
        let timeout = self.config.timeout;
        let work = async move {
            let _turn = turn;
            let started = Instant::now();
            let run = run(state, snapshot, &sql, rows_max);
            match tokio::time::timeout(timeout, run).await {
                Ok(Ok((schema, batches, truncated))) => Ok(Answer {
                    schema,
                    batches,
                    elapsed: started.elapsed(),
                    truncated,
                }),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(timed_out(timeout)),
            }
        };
        let running = AbortOnDrop(runtime.spawn(work));
        running.join().await
    }
}

/// A query whose client is gone is stopped.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> AbortOnDrop<Result<T, QueryError>> {
    async fn join(mut self) -> Result<T, QueryError> {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(error) => Err(QueryError::internal(error)),
        }
    }
}

fn timed_out(timeout: Duration) -> QueryError {
    QueryError {
        kind: ErrorKind::Timeout,
        message: format!(
            "the query took longer than {} s and was stopped",
            timeout.as_secs_f64()
        ),
        position: None,
        hint: Some("narrow the time range, or ask for fewer columns".to_owned()),
    }
}

fn environment(store: &Store, memory_bytes: usize) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
        .with_disk_manager_builder(
            DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
        )
        .build_arc()?;
    let url =
        Url::parse(OBJECTS_URL).map_err(|error| DataFusionError::External(Box::new(error)))?;
    environment.register_object_store(&url, store.objects());
    Ok(environment)
}

fn session_config(threads: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_information_schema(false);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.binary_as_string = false;
    options.execution.time_zone = Some("UTC".to_owned());
    options.sql_parser.collect_spans = true;
    config
}

async fn run(
    state: SessionState,
    snapshot: Snapshot,
    sql: &str,
    rows_max: usize,
) -> Result<(SchemaRef, Vec<RecordBatch>, bool), QueryError> {
    let statement = parse(&state, sql)?;
    let context = SessionContext::new_with_state(with_own_catalog(state));
    context.register_udf(functions::attribute());
    let named = named_views(&context, &statement)?;
    register(&context, &snapshot, &named)
        .await
        .map_err(|error| QueryError::planning(&error))?;
    let plan = context
        .state()
        .statement_to_plan(statement)
        .await
        .map_err(|error| explain(&error))?;
    only_reads(&plan)?;
    let frame = context
        .execute_logical_plan(plan)
        .await
        .map_err(|error| explain(&error))?;
    let mut stream = frame
        .execute_stream()
        .await
        .map_err(|error| explain(&error))?;
    let schema = stream.schema();
    let (mut batches, mut rows, mut truncated) = (Vec::new(), 0, false);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| QueryError::running(&error))?;
        let room = rows_max - rows;
        truncated = batch.num_rows() > room;
        let kept = batch.slice(0, batch.num_rows().min(room));
        rows += kept.num_rows();
        batches.push(kept);
        if truncated {
            break;
        }
    }
    Ok((schema, batches, truncated))
}

/// Clones of a state share one catalog; each query registers its views in one of its own.
fn with_own_catalog(state: SessionState) -> SessionState {
    let schema = Arc::new(MemorySchemaProvider::new());
    let catalog = MemoryCatalogProvider::new();
    let options = &state.config().options().catalog;
    let (catalog_name, schema_name) = (options.default_catalog.clone(), options.default_schema.clone());
    // Neither name is taken in a new catalog, so nothing can be replaced.
    let _ = catalog.register_schema(&schema_name, schema);
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(catalog_name, Arc::new(catalog));
    SessionStateBuilder::new_from_existing(state).with_catalog_list(Arc::new(catalogs)).build()
}

/// A planning error; an unknown table is told which there are.
fn explain(error: &DataFusionError) -> QueryError {
    let mut error = QueryError::planning(error);
    if error.message.contains("table '") && error.message.contains("not found") {
        error.hint = Some(views_hint());
    }
    error
}

fn views_hint() -> String {
    let names: Vec<&str> = VIEWS.iter().map(|view| view.name).collect();
    format!("the views are {}", names.join(", "))
}

const READ_ONLY: &str = "write one SELECT; EXPLAIN is allowed before it";

fn parse(state: &SessionState, sql: &str) -> Result<Statement, QueryError> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(QueryError::invalid(
            format!("the text is longer than {SQL_BYTES_MAX} bytes"),
            None,
        ));
    }
    if sql.trim().is_empty() {
        return Err(QueryError::invalid("there is no query", Some(READ_ONLY)));
    }
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state
        .sql_to_statement(sql, &dialect)
        .map_err(|error| QueryError::planning(&error))?;
    match &statement {
        Statement::Statement(inner) if matches!(**inner, ast::Statement::Query(_)) => Ok(statement),
        Statement::Explain(explain) if is_query(&explain.statement) => Ok(statement),
        _ => Err(QueryError::invalid(
            "only reading is allowed",
            Some(READ_ONLY),
        )),
    }
}

fn is_query(statement: &Statement) -> bool {
    matches!(statement, Statement::Statement(inner) if matches!(**inner, ast::Statement::Query(_)))
}

fn only_reads(plan: &LogicalPlan) -> Result<(), QueryError> {
    let options = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    options
        .verify_plan(plan)
        .map_err(|_| QueryError::invalid("only reading is allowed", Some(READ_ONLY)))
}

/// The views that a statement names, each after those that it reads.
fn named_views(
    context: &SessionContext,
    statement: &Statement,
) -> Result<Vec<&'static View>, QueryError> {
    let references = context
        .state()
        .resolve_table_references(statement)
        .map_err(|error| QueryError::planning(&error))?;
    let mut ordered = Vec::new();
    for reference in &references {
        if reference.schema().is_some() {
            return Err(QueryError::invalid(
                format!("there is no table '{reference}'"),
                Some(&views_hint()),
            ));
        }
        // An unknown name may be a name of the statement's own (WITH), so the planner judges it.
        if let Some(view) = View::find(reference.table()) {
            add_with_dependencies(view, &mut ordered);
        }
    }
    Ok(ordered)
}

fn add_with_dependencies(view: &'static View, ordered: &mut Vec<&'static View>) {
    for read in view.reads {
        if let Some(below) = View::find(read) {
            add_with_dependencies(below, ordered);
        }
    }
    if !ordered.iter().any(|known| known.name == view.name) {
        ordered.push(view);
    }
}

/// Registers the views; the tables under them are gone again before the statement is planned, so
/// that it cannot name them.
async fn register(
    context: &SessionContext,
    snapshot: &Snapshot,
    views: &[&'static View],
) -> Result<(), DataFusionError> {
    for view in views {
        let table = Table::ALL
            .into_iter()
            .find(|table| view.reads == [format!("_{}", table.name()).as_str()]);
        if let Some(table) = table {
            context.register_table(view.reads[0], Arc::new(SnapshotTable::new(table, snapshot)))?;
        }
        let sql = view.sql();
        let plan = context.state().create_logical_plan(&sql).await?;
        if table.is_some() {
            context.deregister_table(view.reads[0])?;
        }
        context.register_table(view.name, Arc::new(ViewTable::new(plan, Some(sql))))?;
    }
    Ok(())
}
