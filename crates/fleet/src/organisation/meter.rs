//! The metrics of one client: what its events add up to, between two exports or since it started.
//!
//! Invariant: the sums of cost and tokens here are those of the `api_request` events.

use std::borrow::Cow;

use contract::{Attribute, DataPoint, Metric, MetricKind, PointValue, Temporality, Value};

use super::ClientVersion;
use super::event::{Event, Fact, Request, Work, borrow};
use super::head::Head;
use super::variety::Run;

/// The instruments, in the order in which the client exports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Instrument {
    Sessions,
    Lines,
    PullRequests,
    Commits,
    Cost,
    Tokens,
    EditDecisions,
    ActiveTime,
}

impl Instrument {
    pub(super) fn metric(self, temporality: Temporality) -> Metric<'static> {
        let (name, unit, description) = match self {
            Instrument::Sessions => ("session.count", "", "Count of CLI sessions started"),
            Instrument::Lines => (
                "lines_of_code.count",
                "",
                "Count of lines of code modified, with the 'type' attribute indicating whether lines were added or \
                 removed and the 'model' attribute indicating which model made the change",
            ),
            Instrument::PullRequests => {
                ("pull_request.count", "", "Number of pull requests created")
            }
            Instrument::Commits => ("commit.count", "", "Number of git commits created"),
            Instrument::Cost => ("cost.usage", "USD", "Cost of the Claude Code session"),
            Instrument::Tokens => ("token.usage", "tokens", "Number of tokens used"),
            Instrument::EditDecisions => (
                "code_edit_tool.decision",
                "",
                "Count of code editing tool permission decisions (accept/reject) for Edit, Write, and NotebookEdit \
                 tools",
            ),
            Instrument::ActiveTime => ("active_time.total", "s", "Total active time in seconds"),
        };
        Metric {
            name: Cow::Owned(format!("claude_code.{name}")),
            description: Cow::Borrowed(description),
            unit: Cow::Borrowed(unit),
            kind: MetricKind::Sum,
            temporality,
            is_monotonic: true,
        }
    }
}

/// One series: since the last export, or since its first value where metrics are cumulative.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) instrument: Instrument,
    pub(super) own: Vec<(&'static str, &'static str)>,
    /// Whether the account was known: it is an attribute, so that a login makes another series.
    pub(super) has_account: bool,
    pub(super) first_ms: u64,
    pub(super) value: f64,
}

impl Point {
    fn is_series_of(&self, other: &Point) -> bool {
        self.instrument == other.instrument
            && self.own == other.own
            && self.has_account == other.has_account
    }
}

/// What one client has counted since its last export.
pub(super) struct Meter {
    client: ClientVersion,
    points: Vec<Point>,
    /// All that the process has counted, where its metrics are cumulative.
    totals: Option<Vec<Point>>,
    has_account: bool,
    /// Whether sessions and active time are counted.
    counts_activity: bool,
    /// The model that edits are put down to: the one that asked last.
    model: &'static str,
}

impl Meter {
    pub(super) fn new(run: &Run, start_ms: u64, is_interactive: bool) -> Meter {
        let mut meter = Meter {
            client: run.client,
            points: Vec::new(),
            totals: (run.temporality == Temporality::Cumulative).then(Vec::new),
            has_account: run.has_account_at(start_ms),
            counts_activity: is_interactive || run.client.counts_headless_activity(),
            model: "",
        };
        let own = match (run.client.is_modern(), run.number) {
            (false, _) => vec![],
            (true, 0) => vec![("start_type", "fresh")],
            (true, _) => vec![("start_type", "continue")],
        };
        if meter.counts_activity {
            meter.add(Instrument::Sessions, own, start_ms, 1.0);
        }
        meter
    }

    /// When the oldest thing not yet exported happened.
    pub(super) fn oldest_ms(&self) -> Option<u64> {
        self.points.iter().map(|point| point.first_ms).min()
    }

    pub(super) fn collect(&mut self) -> Vec<Point> {
        let mut points = std::mem::take(&mut self.points);
        if let Some(totals) = &mut self.totals {
            for point in points {
                match totals.iter_mut().find(|total| total.is_series_of(&point)) {
                    Some(total) => total.value += point.value,
                    None => totals.push(point),
                }
            }
            points = totals.clone();
        }
        points.sort_by_key(|point| point.instrument);
        points
    }

    pub(super) fn record(&mut self, event: &Event) {
        let at_ms = event.at_ms;
        self.has_account = event.has_account;
        match &event.fact {
            Fact::Request(request) => self.record_request(request, at_ms),
            Fact::Decision {
                tool,
                accepted,
                source,
                language: Some(language),
                ..
            } => {
                let decision = if *accepted { "accept" } else { "reject" };
                let own = vec![
                    ("decision", decision),
                    ("source", *source),
                    ("tool_name", *tool),
                    ("language", *language),
                ];
                self.add(Instrument::EditDecisions, own, at_ms, 1.0);
            }
            Fact::Result {
                duration_ms, work, ..
            } => {
                self.active("cli", at_ms, *duration_ms);
                self.record_work(*work, at_ms);
            }
            Fact::Prompt => self.active("user", at_ms, 4200),
            Fact::Decision { .. } | Fact::ApiError | Fact::Other => {}
        }
    }

    fn record_request(&mut self, request: &Request, at_ms: u64) {
        self.model = request.model.name;
        self.active("cli", at_ms, request.duration_ms);
        self.add(
            Instrument::Cost,
            self.attribution(request),
            at_ms,
            request.cost_usd,
        );
        let usage = &request.usage;
        for (kind, tokens) in [
            ("input", usage.input),
            ("output", usage.output),
            ("cacheRead", usage.cache_read),
            ("cacheCreation", usage.cache_creation()),
        ] {
            let mut own = self.attribution(request);
            own.push(("type", kind));
            self.add(Instrument::Tokens, own, at_ms, tokens as f64);
        }
    }

    fn attribution(&self, request: &Request) -> Vec<(&'static str, &'static str)> {
        let mut own = Vec::with_capacity(6);
        own.push(("model", request.model.name));
        if !self.client.is_modern() {
            return own;
        }
        let source = match (request.agent, request.is_auxiliary) {
            (Some(_), _) => "subagent",
            (None, true) => "auxiliary",
            (None, false) => "main",
        };
        own.push(("query_source", source));
        if request.fast {
            own.push(("speed", "fast"));
        }
        own.push(("effort", request.effort));
        own.extend(request.agent.map(|name| ("agent.name", name)));
        own
    }

    fn record_work(&mut self, work: Work, at_ms: u64) {
        if work.lines_added + work.lines_removed > 0 {
            for (kind, lines) in [("added", work.lines_added), ("removed", work.lines_removed)] {
                let own = vec![("type", kind), ("model", self.model)];
                self.add(Instrument::Lines, own, at_ms, lines as f64);
            }
        }
        if work.commits > 0 {
            self.add(Instrument::Commits, vec![], at_ms, work.commits as f64);
        }
        if work.pull_requests > 0 {
            self.add(
                Instrument::PullRequests,
                vec![],
                at_ms,
                work.pull_requests as f64,
            );
        }
    }

    fn active(&mut self, kind: &'static str, at_ms: u64, duration_ms: u64) {
        if !self.counts_activity {
            return;
        }
        self.add(
            Instrument::ActiveTime,
            vec![("type", kind)],
            at_ms,
            duration_ms as f64 / 1000.0,
        );
    }

    fn add(
        &mut self,
        instrument: Instrument,
        own: Vec<(&'static str, &'static str)>,
        at_ms: u64,
        value: f64,
    ) {
        let new = Point {
            instrument,
            own,
            has_account: self.has_account,
            first_ms: at_ms,
            value,
        };
        match self
            .points
            .iter_mut()
            .find(|point| point.is_series_of(&new))
        {
            Some(point) => point.value += value,
            None => self.points.push(new),
        }
    }
}

/// The points as the client sends them: one metric after the other.
pub(super) fn data_points<'a>(
    points: &'a [Point],
    head: &'a Head,
    at_ms: u64,
) -> Vec<(Metric<'a>, Vec<DataPoint<'a>>)> {
    points
        .chunk_by(|left, right| left.instrument == right.instrument)
        .map(|series| {
            let points = series
                .iter()
                .map(|point| point.data_point(head, at_ms))
                .collect();
            (series[0].instrument.metric(head.run.temporality), points)
        })
        .collect()
}

impl Point {
    fn data_point<'a>(&'a self, head: &'a Head, at_ms: u64) -> DataPoint<'a> {
        let own = self.own.iter().map(|(key, text)| -> Attribute<'a> {
            (Cow::Borrowed(*key), Value::Str(Cow::Borrowed(*text)))
        });
        DataPoint {
            start_time_unix_nano: self.first_ms.min(at_ms) * 1_000_000,
            time_unix_nano: at_ms * 1_000_000,
            value: PointValue::Double(self.value),
            attributes: head
                .attributes(self.has_account)
                .iter()
                .map(borrow)
                .chain(own)
                .collect(),
            raw: &[],
        }
    }
}
