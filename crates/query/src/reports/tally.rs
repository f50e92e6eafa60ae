//! One pass over the events of a range and of the period before it, for everything an overview
//! says. The rules of `measures.rs`, a row at a time.

use std::collections::HashSet;

use arrow::array::PrimitiveArray;
use arrow::array::{Array, BooleanArray, Float64Array, Int64Array, StringViewArray};
use arrow::datatypes::TimestampMillisecondType;
use arrow::record_batch::RecordBatch;

use super::durations::Durations;
use super::names::{ByName, Last, Names, Sum};
use super::series::{Series, Steps};
use crate::engine::Fold;
use crate::error::QueryError;

/// The columns that are read, in this order.
pub(super) const COLUMNS: &str = "time, event, session_id, person, product, model, tool_name, success, decision, \
    duration_ms, cost_usd, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens";

/// What stands in place of an event for a data point of a client that sends metrics only. No event is
/// called so.
pub(super) const SILENT: &str = "(data point)";

/// Counts, cost and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) prompts: u64,
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) tool_calls: u64,
    pub(super) tool_failures: u64,
    pub(super) tool_rejections: u64,
    pub(super) cost_usd: f64,
    /// Input, output, read from the cache, written to the cache.
    pub(super) tokens: [u64; 4],
}

impl Sums {
    /// Whether there is any cost or token.
    pub(super) fn has_spent(&self) -> bool {
        self.cost_usd > 0.0 || self.tokens.iter().any(|count| *count > 0)
    }
}

impl Sum for Sums {
    fn add(&mut self, other: &Sums) {
        self.prompts += other.prompts;
        self.requests += other.requests;
        self.errors += other.errors;
        self.tool_calls += other.tool_calls;
        self.tool_failures += other.tool_failures;
        self.tool_rejections += other.tool_rejections;
        self.cost_usd += other.cost_usd;
        for (own, more) in self.tokens.iter_mut().zip(other.tokens) {
            *own += more;
        }
    }
}

/// The calls of one tool.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    pub(super) sums: Sums,
    pub(super) durations: Durations,
}

impl Sum for Calls {
    fn add(&mut self, other: &Calls) {
        self.sums.add(&other.sums);
        self.durations.merge(&other.durations);
    }
}

/// Who was active in which session, by the places of their names.
type Seen = HashSet<(usize, usize)>;

/// What an overview is made of.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    steps: Steps,
    from_ms: i64,
    names: [Names; 2],
    /// In the period before, and in the range.
    seen: [Seen; 2],
    /// Sessions with a request, by the places of their names.
    requested: HashSet<usize>,
    pub(super) before: Sums,
    pub(super) people: ByName<Sums>,
    pub(super) models: ByName<Sums>,
    pub(super) products: ByName<Sums>,
    pub(super) tools: ByName<Calls>,
    pub(super) series: Series,
}

/// Distinct people and sessions of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Distinct {
    pub(super) people: u64,
    pub(super) sessions: u64,
}

impl Tally {
    /// A tally of a range that begins at `from_ms`; what is earlier is of the period before.
    pub(super) fn new(from_ms: i64, steps: Steps) -> Tally {
        Tally {
            steps,
            from_ms,
            names: Default::default(),
            seen: Default::default(),
            requested: HashSet::new(),
            before: Sums::default(),
            people: ByName::default(),
            models: ByName::default(),
            products: ByName::default(),
            tools: ByName::default(),
            series: steps.zeros(),
        }
    }

    /// A tally of the same range that has counted nothing.
    pub(super) fn emptied(&self) -> Tally {
        Tally::new(self.from_ms, self.steps)
    }

    /// Adds what another tally of the same range has counted.
    pub(super) fn merge(mut self, other: &Tally) -> Tally {
        for (own, more) in self.seen.iter_mut().zip(&other.seen) {
            own.extend(more.iter().map(|(person, session)| {
                let name = |at: usize, place: usize| other.names[at].all()[place].as_deref();
                (
                    self.names[0].place(name(0, *person)),
                    self.names[1].place(name(1, *session)),
                )
            }));
        }
        for place in &other.requested {
            let name = other.names[1].all()[*place].as_deref();
            self.requested.insert(self.names[1].place(name));
        }
        self.before.add(&other.before);
        self.people.merge(&other.people);
        self.models.merge(&other.models);
        self.products.merge(&other.products);
        self.tools.merge(&other.tools);
        self.series.add(&other.series);
        self
    }

    /// Distinct people and sessions of the period before, and of the range.
    pub(super) fn distinct(&self) -> [Distinct; 2] {
        self.seen.each_ref().map(|seen| {
            let named = |at: usize, place: usize| self.names[at].all()[place].is_some();
            let people: HashSet<_> = seen
                .iter()
                .map(|(person, _)| person)
                .filter(|place| named(0, **place))
                .collect();
            let sessions: HashSet<_> = seen
                .iter()
                .map(|(_, session)| session)
                .filter(|place| named(1, **place))
                .collect();
            Distinct {
                people: people.len() as u64,
                sessions: sessions.len() as u64,
            }
        })
    }

    /// The sessions of which a request was seen, by name.
    pub(super) fn requested(&self) -> HashSet<&str> {
        let names = self.requested.iter();
        names
            .filter_map(|place| self.names[1].all()[*place].as_deref())
            .collect()
    }

    /// How many sessions each person of the range had, by name.
    pub(super) fn sessions_of(&self) -> std::collections::HashMap<Option<&str>, u64> {
        let mut counts = std::collections::HashMap::new();
        for (person, session) in &self.seen[1] {
            let is_named = self.names[1].all()[*session].is_some();
            *counts
                .entry(self.names[0].all()[*person].as_deref())
                .or_default() += u64::from(is_named);
        }
        counts
    }
}

impl Fold for Tally {
    fn take(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let rows = Rows::of(batch)
            .ok_or_else(|| QueryError::internal("an overview's columns are not as expected"))?;
        let mut last = Lasts::default();
        let mut pair = None;
        for row in 0..batch.num_rows() {
            let time_ms = rows.time.value(row);
            let is_now = time_ms >= self.from_ms;
            let person = self.names[0].place_in(rows.person, row, &mut last.person);
            let session = self.names[1].place_in(rows.session, row, &mut last.session);
            if pair != Some((person, session, is_now)) {
                pair = Some((person, session, is_now));
                self.seen[usize::from(is_now)].insert((person, session));
            }
            let sums = rows.sums(row);
            if sums.requests > 0 && last.requested != Some(session) {
                last.requested = Some(session);
                self.requested.insert(session);
            }
            if is_now {
                self.count(&rows, row, &sums, time_ms, &mut last);
            } else {
                self.before.add(&sums);
            }
        }
        Ok(())
    }
}

impl Tally {
    fn count(&mut self, rows: &Rows<'_>, row: usize, sums: &Sums, time_ms: i64, last: &mut Lasts) {
        self.people
            .at(rows.person, row, &mut last.by_person)
            .add(sums);
        if sums.requests + sums.errors > 0 || sums.has_spent() {
            self.models.at(rows.model, row, &mut last.model).add(sums);
            self.products
                .at(rows.product, row, &mut last.product)
                .add(sums);
            self.series.count(
                self.steps.step(time_ms),
                sums.cost_usd,
                sums.requests,
                sums.errors,
            );
        }
        if sums.tool_calls > 0 {
            let tool = self.tools.at(rows.tool, row, &mut last.tool);
            tool.sums.add(sums);
            if sums.tool_rejections == 0 && rows.duration_ms.is_valid(row) {
                tool.durations.add(rows.duration_ms.value(row));
            }
        }
    }
}

/// Which name the row before had, by column.
#[derive(Default)]
struct Lasts {
    person: Last,
    session: Last,
    /// The place of the last session with a request.
    requested: Option<usize>,
    by_person: Last,
    model: Last,
    product: Last,
    tool: Last,
}

/// The columns of a batch.
struct Rows<'a> {
    time: &'a PrimitiveArray<TimestampMillisecondType>,
    event: &'a StringViewArray,
    session: &'a StringViewArray,
    person: &'a StringViewArray,
    product: &'a StringViewArray,
    model: &'a StringViewArray,
    tool: &'a StringViewArray,
    success: &'a BooleanArray,
    decision: &'a StringViewArray,
    duration_ms: &'a Int64Array,
    cost_usd: &'a Float64Array,
    tokens: [&'a Int64Array; 4],
}

impl<'a> Rows<'a> {
    /// `None` when the columns are not those of [`COLUMNS`].
    fn of(batch: &'a RecordBatch) -> Option<Rows<'a>> {
        let any = |at: usize| batch.columns().get(at).map(|column| column.as_any());
        let text = |at| any(at)?.downcast_ref::<StringViewArray>();
        let int = |at| any(at)?.downcast_ref::<Int64Array>();
        Some(Rows {
            time: any(0)?.downcast_ref()?,
            event: text(1)?,
            session: text(2)?,
            person: text(3)?,
            product: text(4)?,
            model: text(5)?,
            tool: text(6)?,
            success: any(7)?.downcast_ref()?,
            decision: text(8)?,
            duration_ms: int(9)?,
            cost_usd: any(10)?.downcast_ref()?,
            tokens: [int(11)?, int(12)?, int(13)?, int(14)?],
        })
    }

    /// What one event counts for.
    fn sums(&self, row: usize) -> Sums {
        let mut sums = Sums::default();
        match self.event.value(row) {
            "user_prompt" => sums.prompts = 1,
            "api_error" => sums.errors = 1,
            "api_request" | SILENT => {
                sums.requests = u64::from(self.event.value(row) != SILENT);
                sums.cost_usd = if self.cost_usd.is_valid(row) {
                    self.cost_usd.value(row)
                } else {
                    0.0
                };
                sums.tokens = self.tokens.map(|column| match column.is_valid(row) {
                    true => column.value(row).max(0) as u64,
                    false => 0,
                });
            }
            "tool_result" => {
                sums.tool_calls = 1;
                sums.tool_failures =
                    u64::from(self.success.is_valid(row) && !self.success.value(row));
            }
            "tool_decision"
                if self.decision.is_valid(row) && self.decision.value(row) == "reject" =>
            {
                sums.tool_calls = 1;
                sums.tool_rejections = 1;
            }
            _ => {}
        }
        sums
    }
}
