//! The eight metrics: what is counted, and what each export says of it.
//!
//! Invariant: start times are the clients': a series starts when it is first counted after a time
//! without it; a delta that follows another without a gap starts where that one ended; a cumulative
//! series never restarts. The number of series is bounded.
//!
//! Source: recorded requests of client 2.1.329, and the temporal processor of the OpenTelemetry
//! JavaScript SDK that it bundles.

use std::borrow::Cow;
use std::sync::Arc;

use contract::{Attribute, DataPoint, Metric, MetricKind, PointValue, Temporality, Value};
use otlp::encode::MetricPoints;

use crate::head::Head;

/// One of the eight metrics, in the order in which the client exports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instrument {
    /// Sessions started.
    Sessions,
    /// Lines of code added and removed.
    Lines,
    /// Pull requests created.
    PullRequests,
    /// Commits made.
    Commits,
    /// Cost in US dollars.
    Cost,
    /// Tokens.
    Tokens,
    /// Decisions about edits.
    EditDecisions,
    /// Active time in seconds.
    ActiveTime,
}

pub(crate) const INSTRUMENTS: [Instrument; 8] = [
    Instrument::Sessions,
    Instrument::Lines,
    Instrument::PullRequests,
    Instrument::Commits,
    Instrument::Cost,
    Instrument::Tokens,
    Instrument::EditDecisions,
    Instrument::ActiveTime,
];

impl Instrument {
    /// Name, unit and description.
    pub(crate) fn about(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Instrument::Sessions => (
                "claude_code.session.count",
                "",
                "Count of CLI sessions started",
            ),
            Instrument::Lines => (
                "claude_code.lines_of_code.count",
                "",
                "Count of lines of code modified, with the 'type' attribute indicating whether lines were added or \
                 removed and the 'model' attribute indicating which model made the change",
            ),
            Instrument::PullRequests => (
                "claude_code.pull_request.count",
                "",
                "Number of pull requests created",
            ),
            Instrument::Commits => (
                "claude_code.commit.count",
                "",
                "Number of git commits created",
            ),
            Instrument::Cost => (
                "claude_code.cost.usage",
                "USD",
                "Cost of the Claude Code session",
            ),
            Instrument::Tokens => ("claude_code.token.usage", "tokens", "Number of tokens used"),
            Instrument::EditDecisions => (
                "claude_code.code_edit_tool.decision",
                "",
                "Count of code editing tool permission decisions (accept/reject) for Edit, Write, and NotebookEdit \
                 tools",
            ),
            Instrument::ActiveTime => (
                "claude_code.active_time.total",
                "s",
                "Total active time in seconds",
            ),
        }
    }

    fn metric(self, temporality: Temporality) -> Metric<'static> {
        let (name, unit, description) = self.about();
        Metric {
            name: Cow::Borrowed(name),
            description: Cow::Borrowed(description),
            unit: Cow::Borrowed(unit),
            kind: MetricKind::Sum,
            temporality,
            is_monotonic: true,
        }
    }
}

/// One thing to be counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    instrument: Instrument,
    own: Vec<(&'static str, String)>,
    value: f64,
}

impl Measure {
    /// `own` are the attributes after those that every point of a session has.
    pub fn new(instrument: Instrument, own: Vec<(&'static str, String)>, value: f64) -> Measure {
        Measure {
            instrument,
            own,
            value,
        }
    }

    /// The metric's name, the own attributes, and the value.
    #[cfg(test)]
    pub(crate) fn parts(self) -> (&'static str, Vec<(&'static str, String)>, f64) {
        (self.instrument.about().0, self.own, self.value)
    }
}

/// More series of one metric than this are not counted.
const SERIES_MAX: usize = 2000;

#[derive(Clone, Debug)]
struct Series {
    head: Arc<Head>,
    own: Vec<(&'static str, String)>,
    start_ms: u64,
    value: f64,
}

impl Series {
    fn is(&self, head: &Arc<Head>, own: &[(&'static str, String)]) -> bool {
        Arc::ptr_eq(&self.head, head) && self.own == own
    }

    fn point(&self, at_ms: u64) -> DataPoint<'_> {
        let own = self.own.iter().map(|(key, text)| -> Attribute<'_> {
            (Cow::Borrowed(*key), Value::Str(Cow::Borrowed(text)))
        });
        DataPoint {
            start_time_unix_nano: self.start_ms * 1_000_000,
            time_unix_nano: at_ms * 1_000_000,
            value: PointValue::Double(self.value),
            attributes: self.head.attributes().chain(own).collect(),
            raw: &[],
        }
    }
}

/// One metric's series.
#[derive(Debug, Default)]
struct Ledger {
    /// Counted since the last export.
    current: Vec<Series>,
    /// What the last export said.
    reported: Vec<Series>,
    reported_at_ms: Option<u64>,
}

impl Ledger {
    fn collect(&mut self, at_ms: u64, temporality: Temporality) -> bool {
        let mut current = std::mem::take(&mut self.current);
        if temporality == Temporality::Cumulative {
            for series in current {
                let before = self
                    .reported
                    .iter_mut()
                    .find(|before| before.is(&series.head, &series.own));
                match before {
                    Some(before) => before.value += series.value,
                    None => self.reported.push(series),
                }
            }
        } else {
            if let Some(reported_at_ms) = self.reported_at_ms {
                for series in &mut current {
                    let is_known = |before: &Series| before.is(&series.head, &series.own);
                    if self.reported.iter().any(is_known) {
                        series.start_ms = reported_at_ms;
                    }
                }
            }
            self.reported = current;
        }
        self.reported_at_ms = Some(at_ms);
        !self.reported.is_empty()
    }
}

/// All that is counted.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    ledgers: [Ledger; 8],
}

impl Meter {
    /// Counts something; false when there are too many series.
    #[must_use]
    pub(crate) fn add(&mut self, head: &Arc<Head>, measure: Measure, now_ms: u64) -> bool {
        let Measure {
            instrument,
            own,
            value,
        } = measure;
        // A monotonic sum only grows; what is not a number would spoil it for good.
        if !value.is_finite() || value < 0.0 {
            return false;
        }
        let ledger = &mut self.ledgers[instrument as usize];
        if let Some(series) = ledger
            .current
            .iter_mut()
            .find(|series| series.is(head, &own))
        {
            series.value += value;
            return true;
        }
        let is_known = ledger.reported.iter().any(|series| series.is(head, &own));
        let known = ledger.current.len().max(ledger.reported.len());
        if !is_known && known >= SERIES_MAX {
            return false;
        }
        ledger.current.push(Series {
            head: Arc::clone(head),
            own,
            start_ms: now_ms,
            value,
        });
        true
    }

    /// What the next export says; empty when there is nothing to say.
    pub(crate) fn collect(
        &mut self,
        at_ms: u64,
        temporality: Temporality,
    ) -> Vec<MetricPoints<'_>> {
        let ledgers = self.ledgers.iter_mut().zip(INSTRUMENTS);
        ledgers
            .filter_map(|(ledger, instrument)| {
                let has_points = ledger.collect(at_ms, temporality);
                has_points.then_some((ledger, instrument))
            })
            .map(|(ledger, instrument)| {
                let points = ledger.reported.iter().map(|series| series.point(at_ms));
                (instrument.metric(temporality), points.collect())
            })
            .collect()
    }
}
