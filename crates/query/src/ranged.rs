//! A view whose rows are put together from events that lie near each other in time, so that a question
//! about a week need not read a year.
//!
//! A filter on `time` cannot pass a window or a group: a row of the range may need an event before it.
//! Such a view is a table until the engine has moved the filters down to it; then it is replaced by what
//! it is, over the events of the range with room around it. What belongs to a row is looked for in the
//! week before it (a dialog may wait over a long weekend; a client's time is believed for that long, too)
//! and the day after. The filters themselves are applied to the rows again.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, JoinType, NullEquality, ScalarValue};
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    BinaryExpr, Expr, LogicalPlan, LogicalPlanBuilder, Operator, TableProviderFilterPushDown,
    TableScan, TableType,
};
use datafusion::physical_plan::ExecutionPlan;

const DAY_MS: i64 = 86_400_000;
/// How far before a row its events may lie.
const BEFORE_MS: i64 = 7 * DAY_MS;
/// How far after it.
const AFTER_MS: i64 = DAY_MS;

/// A plan, optimised, in which no such view is left.
pub(crate) fn optimize(state: &SessionState, plan: &LogicalPlan) -> Result<LogicalPlan> {
    let plan = state.optimize(plan)?;
    let expanded = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = &node else {
            return Ok(Transformed::no(node));
        };
        let provider = source_as_provider(&scan.source)?;
        match (provider.as_ref() as &dyn Any).downcast_ref::<RangedView>() {
            Some(view) => Ok(Transformed::yes(view.expanded(scan)?)),
            None => Ok(Transformed::no(node)),
        }
    })?;
    if expanded.transformed {
        state.optimize(&expanded.data)
    } else {
        Ok(expanded.data)
    }
}

/// A view over `_events` with a column `time`.
#[derive(Debug)]
pub(crate) struct RangedView {
    plan: LogicalPlan,
    /// The same with less to read, but for some columns that say nothing in it.
    narrower: LogicalPlan,
    without: &'static [&'static str],
    /// Rows that are kept, with what of them must be read, but for some columns that say nothing in them.
    kept: Option<(LogicalPlan, &'static [&'static str])>,
    schema: SchemaRef,
}

impl RangedView {
    /// A view, and its definition for questions that do not ask for the columns of `without`.
    pub(crate) fn new(
        plan: LogicalPlan,
        narrower: LogicalPlan,
        without: &'static [&'static str],
    ) -> RangedView {
        let schema = Arc::clone(plan.schema().inner());
        RangedView {
            plan,
            narrower,
            without,
            kept: None,
            schema,
        }
    }

    /// The same, of kept rows for questions that do not ask for the columns of `not_kept`. These know a session
    /// as a whole, whatever range is asked for.
    pub(crate) fn with_kept(
        self,
        kept: LogicalPlan,
        not_kept: &'static [&'static str],
    ) -> RangedView {
        RangedView {
            kept: Some((kept, not_kept)),
            ..self
        }
    }

    /// What a scan of the view is.
    fn expanded(&self, scan: &TableScan) -> Result<LogicalPlan> {
        let kept = self.kept.as_ref();
        let kept = kept.filter(|(_, not_kept)| !self.asks_for(scan, not_kept));
        let definition = match (kept, self.asks_for(scan, self.without)) {
            (Some((kept, _)), _) => kept,
            (None, true) => &self.plan,
            (None, false) => &self.narrower,
        };
        let mut plan = LogicalPlanBuilder::from(match kept {
            Some((kept, _)) => kept.clone(),
            None => within(definition, &Reading::of(&scan.filters))?,
        });
        if let Some(filter) = conjunction(scan.filters.iter().cloned()) {
            plan = plan.filter(unqualified(filter)?)?;
        }
        if let Some(projection) = &scan.projection {
            let schema = definition.schema();
            let column = |at: &usize| Expr::Column(Column::from(schema.qualified_field(*at)));
            plan = plan.project(projection.iter().map(column))?;
        }
        if scan.fetch.is_some() {
            plan = plan.limit(0, scan.fetch)?;
        }
        plan.alias(scan.table_name.clone())?.build()
    }

    /// Whether a scan asks for, or filters by, one of these columns.
    fn asks_for(&self, scan: &TableScan, columns: &[&str]) -> bool {
        let names = |name: &str| columns.contains(&name);
        let shows = match &scan.projection {
            Some(places) => places
                .iter()
                .any(|place| names(self.schema.field(*place).name())),
            None => true,
        };
        let filters = scan.filters.iter().flat_map(Expr::column_refs);
        shows || filters.into_iter().any(|column| names(&column.name))
    }
}

/// A definition over the events around a range.
fn within(definition: &LogicalPlan, reading: &Reading) -> Result<LogicalPlan> {
    let narrowed = definition.clone().transform_up(|node| match &node {
        LogicalPlan::TableScan(scan) => match reading.events(scan)? {
            Some(events) => Ok(Transformed::yes(events)),
            None => Ok(Transformed::no(node)),
        },
        _ => Ok(Transformed::no(node)),
    })?;
    Ok(narrowed.data)
}

/// Which events a question needs.
struct Reading {
    range: Range,
    /// What it says of the session alone, which all events of a row have in common.
    of_sessions: Vec<Expr>,
}

impl Reading {
    fn of(filters: &[Expr]) -> Reading {
        let all = filters.iter().flat_map(split_conjunction);
        let of_sessions = all.filter(|filter| {
            let columns = filter.column_refs();
            !columns.is_empty() && columns.iter().all(|column| column.name == "session_id")
        });
        Reading {
            range: Range::of(filters),
            of_sessions: of_sessions.cloned().collect(),
        }
    }

    /// The events of the range and the day after it, and of the week before those whose sessions have an
    /// event in that time: no other can be of a row. `None` when it needs all.
    fn events(&self, scan: &TableScan) -> Result<Option<LogicalPlan>> {
        let time = column(scan, "time");
        let to = self.range.to_ms.map(|ms| ms.saturating_add(AFTER_MS));
        let to = to.map(|ms| time.clone().lt_eq(moment(ms)));
        let Some(from_ms) = self.range.from_ms else {
            let is_all = to.is_none() && self.of_sessions.is_empty();
            let events = (!is_all).then(|| self.filtered(scan, [to, None])?.build());
            return events.transpose();
        };
        let from = Some(time.clone().gt_eq(moment(from_ms)));
        let sessions = self
            .filtered(scan, [from.clone(), to.clone()])?
            .project([column(scan, "session_id").alias("active")])?
            .distinct()?;
        let before = time.clone().lt(moment(from_ms));
        let week = time.gt_eq(moment(from_ms.saturating_sub(BEFORE_MS)));
        let earlier = self.filtered(scan, [Some(week), Some(before)])?.build()?;
        let (active, session) = (Column::from_name("active"), column_of(scan, "session_id"));
        // The names of the sessions are on the left: they are what is held in memory. What names no
        // session is looked at as one.
        let nulls = NullEquality::NullEqualsNull;
        let of = (vec![active], vec![session]);
        let earlier = sessions
            .join_detailed(earlier, JoinType::RightSemi, of, None, nulls)?
            .build()?;
        let events = self.filtered(scan, [from, to])?.union(earlier)?;
        events.alias(scan.table_name.clone())?.build().map(Some)
    }

    /// The events of a scan that fulfil all conditions.
    fn filtered(&self, scan: &TableScan, times: [Option<Expr>; 2]) -> Result<LogicalPlanBuilder> {
        let events = LogicalPlanBuilder::from(LogicalPlan::TableScan(scan.clone()));
        let own = |filter: &Expr| {
            let own = filter.clone().transform(|expr| match expr {
                Expr::Column(named) => Ok(Transformed::yes(column(scan, &named.name))),
                other => Ok(Transformed::no(other)),
            });
            own.map(|own| own.data)
        };
        let of_sessions: Vec<Expr> = self.of_sessions.iter().map(own).collect::<Result<_>>()?;
        match conjunction(times.into_iter().flatten().chain(of_sessions)) {
            Some(condition) => events.filter(condition),
            None => Ok(events),
        }
    }
}

fn column_of(scan: &TableScan, name: &str) -> Column {
    Column::new(Some(scan.table_name.clone()), name)
}

fn column(scan: &TableScan, name: &str) -> Expr {
    Expr::Column(column_of(scan, name))
}

#[async_trait::async_trait]
impl TableProvider for RangedView {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let why = "a view was left in a plan that should have been expanded";
        Err(DataFusionError::Internal(why.to_owned()))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }
}
/// Columns by their names alone: the view's own plan knows them under no table or another.
fn unqualified(filter: Expr) -> Result<Expr> {
    let unqualified = filter.transform(|expr| match expr {
        Expr::Column(column) => Ok(Transformed::yes(Expr::Column(Column::from_name(
            column.name,
        )))),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(unqualified.data)
}

/// Between which times rows are asked for, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Range {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
}

impl Range {
    /// What filters say of `time`, as far as they say it plainly.
    fn of(filters: &[Expr]) -> Range {
        let mut range = Range::default();
        for filter in filters.iter().flat_map(split_conjunction) {
            if let Expr::BinaryExpr(comparison) = filter {
                range.narrow(comparison);
            } else if let Expr::Between(between) = filter
                && !between.negated
                && is_time(&between.expr)
            {
                range.from(moment_ms(&between.low));
                range.to(moment_ms(&between.high));
            }
        }
        range
    }

    fn narrow(&mut self, comparison: &BinaryExpr) {
        let (operator, moment) = if is_time(&comparison.left) {
            (Some(comparison.op), &comparison.right)
        } else if is_time(&comparison.right) {
            (comparison.op.swap(), &comparison.left)
        } else {
            return;
        };
        let moment = moment_ms(moment);
        match operator {
            Some(Operator::Gt | Operator::GtEq) => self.from(moment),
            Some(Operator::Lt | Operator::LtEq) => self.to(moment),
            Some(Operator::Eq) => {
                self.from(moment);
                self.to(moment);
            }
            _ => {}
        }
    }

    fn from(&mut self, ms: Option<i64>) {
        self.from_ms = self.from_ms.max(ms);
    }

    fn to(&mut self, ms: Option<i64>) {
        let sooner = |known: i64| ms.map_or(known, |ms| ms.min(known));
        self.to_ms = self.to_ms.map_or(ms, |known| Some(sooner(known)));
    }
}

fn moment(ms: i64) -> Expr {
    Expr::Literal(
        ScalarValue::TimestampMillisecond(Some(ms), Some("UTC".into())),
        None,
    )
}

fn is_time(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == "time")
}

/// A literal moment in whole milliseconds.
fn moment_ms(expr: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = expr else {
        return None;
    };
    match value {
        ScalarValue::TimestampSecond(seconds, _) => seconds.map(|s| s.saturating_mul(1_000)),
        ScalarValue::TimestampMillisecond(ms, _) => *ms,
        ScalarValue::TimestampMicrosecond(us, _) => us.map(|us| us.div_euclid(1_000)),
        ScalarValue::TimestampNanosecond(ns, _) => ns.map(|ns| ns.div_euclid(1_000_000)),
        _ => None,
    }
}
