//! One query from text to answer, with its limits.
//!
//! A query runs on its own threads, so that the heaviest one cannot hold up intake, over a snapshot
//! taken when it starts, for a bounded time in bounded memory.

mod erase;
mod held;
mod known;
mod ready;
mod refuse;
mod retain;
mod run;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use base::meters::Source;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::physical_plan::execute_stream_partitioned;
use datafusion::prelude::SessionConfig;
use store::{Snapshot, Store};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::aside::Copies;
use crate::by_hour::{self, ByHour, Hours};
use crate::calls::Calls;
use crate::config::Config;
use crate::digests::Digests;
use crate::error::{ErrorKind, QueryError};
use crate::functions::{self, Slot};
use crate::kept::Kept;
use crate::meters::{self, Meters};
use crate::people::People;
use crate::plan::{Known, described, guarded, plan};
use crate::question::Question;
use crate::sight::{Lens, Sight};
use crate::{complexity, environment};

pub use erase::{Asked, EraseError, ErasureDesk, ErasureState};
pub use refuse::Refuser;
pub use retain::{RetentionDesk, RetentionRun};

pub(crate) use run::Fold;
use run::{fold, replaying, run, timed_out};

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
    /// Whether it hangs on the stored rows alone, and not on when it was asked.
    pub is_lasting: bool,
}

impl Answer {
    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = self.batches.iter().map(RecordBatch::get_array_memory_size);
        bytes.sum()
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// Answers queries.
pub struct Engine {
    store: Arc<Store>,
    config: Config,
    state: SessionState,
    turns: Arc<tokio::sync::Semaphore>,
    meters: Meters,
    people: Arc<People>,
    copies: Arc<Copies>,
    digests: Arc<Digests>,
    calls: Arc<Calls>,
    kept: Kept,
    refuser: OnceLock<Arc<dyn Refuser>>,
    /// Taken when the engine is dropped, to be shut down without waiting.
    runtime: Option<Runtime>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Engine")
    }
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
        let environment = environment::of(&store, &config).map_err(QueryError::internal)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads)
            .thread_name("query")
            .thread_stack_size(complexity::STACK_BYTES)
            .enable_time()
            .build()
            .map_err(QueryError::internal)?;
        let mut state = SessionStateBuilder::new()
            .with_default_features()
            .with_table_function_list(Vec::new())
            .with_config(session_config(&config))
            .with_runtime_env(environment)
            .build();
        functions::register(&mut state, &config).map_err(QueryError::internal)?;
        let turns = Arc::new(tokio::sync::Semaphore::new(config.concurrent));
        Ok(Engine {
            store,
            config,
            state,
            turns,
            meters: Meters::new(),
            people: Arc::new(People::new()),
            copies: Arc::default(),
            digests: Arc::default(),
            calls: Arc::default(),
            kept: Kept::default(),
            refuser: OnceLock::new(),
            runtime: Some(runtime),
        })
    }

    /// The store that is queried.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What queries take and how they end, to be shown.
    pub fn meters(&self) -> Vec<Source> {
        let pool = Arc::clone(&self.state.runtime_env().memory_pool);
        let mut sources = self.meters.sources();
        sources.push(meters::in_use(
            Arc::clone(&self.turns),
            move || pool.reserved(),
            &self.config,
        ));
        sources
    }

    /// A question by somebody who may see so much. There is no other way to ask.
    #[must_use]
    pub fn question(&self, sight: Sight) -> Question<'_> {
        Question::new(self, Lens::of(sight, &self.config))
    }

    /// Rows of an answer at most, where so many are asked for.
    pub(crate) fn rows_max(&self, asked: Option<usize>) -> usize {
        asked.unwrap_or(usize::MAX).min(self.config.rows_max)
    }

    /// A view of everything acknowledged so far. While the journal is being replayed it is waited for,
    /// no longer than a query may take.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, QueryError> {
        let began = Instant::now();
        let snapshot = tokio::time::timeout(self.config.timeout, self.store.snapshot()).await;
        snapshot.map_err(|_| {
            let timing = self.meters.since(began);
            timing.end(Some(ErrorKind::Replaying));
            replaying(&self.store.replay_progress())
        })
    }

    /// What one SQL text would do, without doing it: the nodes of its logical plan, each described,
    /// those of subqueries too.
    pub(crate) async fn plan(&self, lens: &Lens, sql: &str) -> Result<Vec<String>, QueryError> {
        let (state, snapshot) = (self.state_now()?, self.snapshot().await?);
        let (sql, files, lens) = (sql.to_owned(), self.people.files(), lens.clone());
        let copies = Arc::clone(&self.copies);
        let planning = async move {
            let known = Known {
                files: &files,
                slot: &Slot::default(),
                copies: &copies,
                by_hour: None,
                calls: None,
                lens: &lens,
            };
            let (_, plan) = guarded(state, &known, &snapshot, &sql).await?;
            Ok(described(&plan))
        };
        self.in_turn(planning).await
    }

    /// Answers one SQL text over a snapshot taken earlier, so that several answers agree.
    pub(crate) async fn query_snapshot(
        &self,
        lens: &Lens,
        snapshot: Snapshot,
        sql: String,
        rows_max: usize,
    ) -> Result<Answer, QueryError> {
        self.query_by_hour(lens, snapshot, sql, rows_max, None)
            .await
    }

    /// The same, by the sums of parts where there are any.
    pub(crate) async fn query_by_hour(
        &self,
        lens: &Lens,
        snapshot: Snapshot,
        sql: String,
        rows_max: usize,
        by_hour: Option<ByHour>,
    ) -> Result<Answer, QueryError> {
        let (state, known) = (self.state_now()?, self.known());
        let calls = Arc::clone(&self.calls);
        let (started, lens) = (Instant::now(), lens.clone());
        let run = async move {
            let sql = (sql.as_str(), by_hour.as_ref());
            let known = (&*known.0, &*known.1, &*calls);
            let ready = plan(state, known, snapshot, sql, &lens).await?;
            let is_lasting = ready.is_lasting;
            Ok((run(ready, rows_max).await?, is_lasting))
        };
        let ((schema, batches, truncated), is_lasting) = self.in_turn(run).await?;
        Ok(Answer {
            schema,
            batches,
            elapsed: started.elapsed(),
            truncated,
            is_lasting,
        })
    }

    /// The sums of the parts of a snapshot, by hours that are whole in a range; `None` when it is not known
    /// which rows count.
    pub(crate) async fn by_hour(
        &self,
        lens: &Lens,
        snapshot: &Snapshot,
        hours: Hours,
    ) -> Result<Option<ByHour>, QueryError> {
        let (state, snapshot) = (self.state_now()?, snapshot.clone());
        let digests = Arc::clone(&self.digests);
        let ((people, copies), lens) = (self.known(), lens.clone());
        let making = async move {
            let known = (&*people, &*copies, &*digests);
            let ready = by_hour::ready(known, (&snapshot, &state), hours, &lens);
            ready.await.map_err(|error| QueryError::running(&error))
        };
        self.in_turn(making).await
    }

    /// Folds the rows of one SQL text, side by side: one result for each of its streams.
    pub(crate) async fn fold_snapshot<F: Fold>(
        &self,
        lens: &Lens,
        snapshot: Snapshot,
        sql: String,
        start: F,
    ) -> Result<Vec<F>, QueryError> {
        let (state, known) = (self.state_now()?, self.known());
        let (lens, calls) = (lens.clone(), Arc::clone(&self.calls));
        let folding = async move {
            let sql = (sql.as_str(), None);
            let known = (&*known.0, &*known.1, &*calls);
            let ready = plan(state, known, snapshot, sql, &lens).await?;
            let streams = execute_stream_partitioned(ready.plan, ready.task);
            let streams = streams.map_err(|error| QueryError::running(&error))?;
            // Dropped with this future when the query is stopped.
            let mut running = JoinSet::new();
            for stream in streams {
                running.spawn(fold(stream, start.clone()));
            }
            let mut folded = Vec::with_capacity(running.len());
            while let Some(ended) = running.join_next().await {
                folded.push(ended.map_err(QueryError::panicked)??);
            }
            Ok(folded)
        };
        self.in_turn(folding).await
    }

    /// What is known of people and of copies.
    fn known(&self) -> (Arc<People>, Arc<Copies>) {
        (Arc::clone(&self.people), Arc::clone(&self.copies))
    }

    /// What a query starts from, with the time at which it does.
    fn state_now(&self) -> Result<SessionState, QueryError> {
        let mut state = self.state.clone();
        let now = functions::now(self.now_ms());
        state
            .register_udf(Arc::new(now))
            .map_err(QueryError::internal)?;
        Ok(state)
    }

    /// Runs on the threads for queries, when it is its turn, for no longer than a query may.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, QueryError>> + Send + 'static,
    ) -> Result<T, QueryError> {
        let Some(runtime) = &self.runtime else {
            return Err(QueryError::internal("shutting down"));
        };
        let timing = self.meters.begin();
        let turns = Arc::clone(&self.turns);
        let turn = turns.acquire_owned().await.map_err(QueryError::internal)?;
        let timeout = self.config.timeout;
        let environment = Arc::clone(self.state.runtime_env());
        let (store, config) = (Arc::clone(&self.store), self.config.clone());
        let work = async move {
            let _turn = turn;
            environment::leave_room(&environment, &store, &config);
            let ended = tokio::time::timeout(timeout, work).await;
            ended.unwrap_or_else(|_| Err(timed_out(timeout)))
        };
        let running = AbortOnDrop(runtime.spawn(work));
        let outcome = running.join().await;
        timing.end(outcome.as_ref().err().map(|error| error.kind));
        outcome
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
            Err(error) if error.is_panic() => Err(QueryError::panicked(error)),
            Err(error) => Err(QueryError::internal(error)),
        }
    }
}

fn session_config(of: &Config) -> SessionConfig {
    let threads = of.threads_of_a_question();
    // Every sort that can go to the disk keeps so much for the way back, however little it sorts: all
    // sorts of all questions together no more than half of the memory.
    let way_back = of.memory_bytes / (2 * threads * of.concurrent);
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_sort_spill_reservation_bytes(way_back.clamp(1 << 20, 10 << 20))
        .with_information_schema(false);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.binary_as_string = false;
    options.execution.time_zone = Some("UTC".to_owned());
    options.sql_parser.collect_spans = true;
    config
}
