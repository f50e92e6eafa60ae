//! From the text of a query to a plan over the views of a snapshot.
//!
//! The guard has four walls: there must not be too much to the text, it must be one SELECT (or
//! EXPLAIN), the plan must hold nothing that writes or configures, and the only tables there are to name
//! are the views.

use std::sync::Arc;

use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, TableProvider,
};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use store::{Snapshot, Table};

use crate::aside::{Asides, Copies};
use crate::by_hour::ByHour;
use crate::calls::{Calls, KeptCalls};
use crate::complexity;
use crate::error::QueryError;
use crate::functions::{self, Slot};
use crate::people::{People, PeopleFiles, Resolver};
use crate::provider::SnapshotTable;
use crate::question::unexplained;
use crate::ranged::{self, RangedView};
use crate::sight::Lens;
use crate::views::{NOT_KEPT, ROSTER, VIEWS, View};

/// Longer texts are not people's questions.
const SQL_BYTES_MAX: usize = 256 * 1024;

/// The view of which rows are kept.
const TOOL_CALLS: &str = "tool_calls";

/// A statement that is ready to run.
pub(crate) struct Ready {
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    pub(crate) task: Arc<TaskContext>,
    /// Whether the answer hangs on the stored rows alone, and not on when it is asked.
    pub(crate) is_lasting: bool,
}

/// One statement over the views of a snapshot, ready to run.
pub(crate) async fn plan(
    state: SessionState,
    (people, copies, calls): (&People, &Copies, &Calls),
    snapshot: Snapshot,
    (sql, by_hour): (&str, Option<&ByHour>),
    lens: &Lens,
) -> Result<Ready, QueryError> {
    let calls = match by_hour {
        None if sql.contains(TOOL_CALLS) => {
            let at = (&snapshot, &state);
            calls.ready((people, copies), at, lens).await
        }
        _ => Ok(None),
    };
    let calls = calls.unwrap_or_else(|error| {
        tracing::warn!("calls of tools are put together of events: {error}");
        None
    });
    let by_hours = by_hour.map(|by_hour| &by_hour.resolver);
    let found_by = calls.as_ref().map(|calls| &calls.resolver).or(by_hours);
    let files = found_by.map_or_else(|| people.files(), Resolver::files);
    let slot = Slot::default();
    let known = Known {
        files: &files,
        slot: &slot,
        copies,
        by_hour,
        calls: calls.as_ref(),
        lens,
    };
    let (context, plan) = guarded(state.clone(), &known, &snapshot, sql).await?;
    let is_lasting = functions::is_lasting(&plan).map_err(|error| explain(&error))?;
    let own = context.state();
    let plan = ranged::optimize(&own, &plan).map_err(|error| explain(&error))?;
    // Only now it is known whether the answer names people, for whom all parts must have been read.
    if functions::names_people(&plan).map_err(|error| explain(&error))? {
        let resolver = match found_by {
            Some(resolver) => resolver.clone(),
            None => {
                let resolver = people.resolver(files, &snapshot, &state, lens).await;
                resolver.map_err(|error| QueryError::running(&error))?
            }
        };
        // A slot of this query alone, so nobody has filled it.
        let _ = slot.set(resolver);
    }
    let planner = own.query_planner();
    let plan = planner.create_physical_plan(&plan, &own).await;
    Ok(Ready {
        plan: plan.map_err(|error| explain(&error))?,
        task: own.task_ctx(),
        is_lasting,
    })
}

/// What the views of a statement hang on beside its snapshot.
pub(crate) struct Known<'a> {
    pub(crate) files: &'a PeopleFiles,
    pub(crate) slot: &'a Slot,
    pub(crate) copies: &'a Copies,
    pub(crate) by_hour: Option<&'a ByHour>,
    pub(crate) calls: Option<&'a KeptCalls>,
    pub(crate) lens: &'a Lens,
}

/// The plan of one statement, after all three walls, and where it runs. The functions that name people
/// wait for the slot to be filled.
pub(crate) async fn guarded(
    state: SessionState,
    known: &Known<'_>,
    snapshot: &Snapshot,
    sql: &str,
) -> Result<(SessionContext, LogicalPlan), QueryError> {
    let statement = parse(&state, sql, known.lens)?;
    let context = SessionContext::new_with_state(with_own_catalog(state.clone()));
    let of_query = functions::people(known.slot).chain(functions::split(snapshot));
    for function in of_query.chain([functions::mixed(known.slot)]) {
        context.register_udf(function);
    }
    let named = named_views(&context, &statement)?;
    let on = |table: &Table| named.iter().any(|view| view.is_on(*table));
    let tables = Table::ALL.into_iter().filter(on);
    let asides = known
        .copies
        .asides(tables, (snapshot, &state), known.lens.owners());
    let asides = asides.await.map_err(|error| QueryError::running(&error))?;
    register(&context, (snapshot, &asides), known, &named)
        .await
        .map_err(|error| QueryError::planning(&error))?;
    // What the views are made with is gone again before the statement is planned.
    functions::of_views().for_each(|name| context.deregister_udf(name));
    let plan = context
        .state()
        .statement_to_plan(statement)
        .await
        .map_err(|error| explain(&error))?;
    only_reads(&plan)?;
    Ok((context, plan))
}

/// Clones of a state share one catalog; each query registers its views in one of its own.
pub(crate) fn with_own_catalog(state: SessionState) -> SessionState {
    let schema = Arc::new(MemorySchemaProvider::new());
    let catalog = MemoryCatalogProvider::new();
    let options = &state.config().options().catalog;
    let (catalog_name, schema_name) = (
        options.default_catalog.clone(),
        options.default_schema.clone(),
    );
    // Neither name is taken in a new catalog, so nothing can be replaced.
    let _ = catalog.register_schema(&schema_name, schema);
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(catalog_name, Arc::new(catalog));
    SessionStateBuilder::new_from_existing(state)
        .with_catalog_list(Arc::new(catalogs))
        .build()
}

/// A planning error; an unknown table is told which there are.
pub(crate) fn explain(error: &DataFusionError) -> QueryError {
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

fn parse(state: &SessionState, sql: &str, lens: &Lens) -> Result<Statement, QueryError> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(QueryError::invalid(
            format!("the text is longer than {SQL_BYTES_MAX} bytes"),
            None,
        ));
    }
    if sql.trim().is_empty() {
        return Err(QueryError::invalid("there is no query", Some(READ_ONLY)));
    }
    complexity::check(sql)?;
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).map_err(|error| {
        let error = QueryError::planning(&error);
        // The engine takes one statement, and says so in words of its own.
        let is_several = error.message.contains("single SQL statement");
        let hint = if is_several {
            Some(READ_ONLY.to_owned())
        } else {
            error.hint.clone()
        };
        QueryError { hint, ..error }
    })?;
    match &statement {
        Statement::Statement(inner) if matches!(**inner, ast::Statement::Query(_)) => Ok(statement),
        Statement::Explain(explain) if is_query(&explain.statement) => {
            match lens.sight().is_everything() {
                true => Ok(statement),
                false => Err(unexplained()),
            }
        }
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

/// Every node of a plan in words.
pub(crate) fn described(plan: &LogicalPlan) -> Vec<String> {
    let mut nodes = Vec::new();
    // Nothing here fails: the walk goes on at every node.
    let _ = plan.apply_with_subqueries(|node| {
        nodes.push(node.display().to_string());
        Ok(TreeNodeRecursion::Continue)
    });
    nodes
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
    (snapshot, asides): (&Snapshot, &Asides),
    known: &Known<'_>,
    views: &[&'static View],
) -> Result<(), DataFusionError> {
    let files = known.files;
    for view in views {
        if let Some(by_hour) = known.by_hour.filter(|by_hour| by_hour.is_of(view.name)) {
            let rows = by_hour.view(view.name, context, snapshot, known).await?;
            context.register_table(view.name, rows)?;
            continue;
        }
        let below = below(view, (snapshot, asides), known)?;
        let is_on_table = below.is_some();
        if let Some(table) = below {
            context.register_table(view.reads[0], table)?;
        }
        let sql = view.sql(snapshot, files, |table| !asides.contains_key(&table));
        let mut plan = context.state().create_logical_plan(&sql).await?;
        if is_on_table {
            context.deregister_table(view.reads[0])?;
            plan = known.lens.mask(view.name, plan, context)?;
        }
        let provider: Arc<dyn TableProvider> = match view.narrower() {
            Some((narrower, without)) => {
                let narrower = context.state().create_logical_plan(&narrower).await?;
                let ranged = RangedView::new(plan, narrower, without);
                match known.calls.filter(|_| view.name == TOOL_CALLS) {
                    Some(calls) => {
                        let kept = calls.view(context, snapshot, known).await?;
                        Arc::new(ranged.with_kept(kept, NOT_KEPT))
                    }
                    None => Arc::new(ranged),
                }
            }
            None => Arc::new(ViewTable::new(plan, Some(sql))),
        };
        context.register_table(view.name, provider)?;
    }
    Ok(())
}

/// The table under a view that lies on one.
fn below(
    view: &View,
    (snapshot, asides): (&Snapshot, &Asides),
    known: &Known<'_>,
) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
    if view.reads == [ROSTER] {
        let roster = known.files.roster.clone().unwrap_or_default();
        let roster = roster.batch(known.lens.owners())?;
        let table = MemTable::try_new(roster.schema(), vec![vec![roster]])?;
        return Ok(Some(Arc::new(table)));
    }
    let table = Table::ALL.into_iter().find(|table| view.is_on(*table));
    Ok(table.map(|table| -> Arc<dyn TableProvider> {
        let rows = SnapshotTable::new(table, snapshot).of(known.lens.owners().cloned());
        Arc::new(match asides.get(&table) {
            Some(aside) if !view.is_of_copies() => rows.counted(Arc::clone(aside)),
            _ => rows,
        })
    }))
}
