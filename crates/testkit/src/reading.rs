//! What recorded requests hold, read without the code that stores and queries.
//!
//! JSON bodies are read as plain JSON. Protobuf bodies go through the decoder, for nothing else in
//! the house reads protobuf; the recordings of both encodings hold to the same ledgers.
//!
//! Invariant: a request that was recorded twice byte for byte is a repetition and counts once.

mod plain_json;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use contract::{
    Attribute, DataPoint, LogRecord, Metric, Origin, PointValue, Quarantined, Sink, Span,
    Temporality, Value as Attr,
};
use fleet::Recorded;
use otlp::{Encoding, Limits};

use crate::{Problem, Tally};

/// How many items of each signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemCounts {
    /// Log records.
    pub logs: u64,
    /// Data points.
    pub metrics: u64,
    /// Spans.
    pub traces: u64,
}

/// What requests hold.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What the events come to.
    pub events: Tally,
    /// Cost and tokens as the metrics have them.
    pub metrics: Tally,
    /// Items, repetitions not counted.
    pub items: ItemCounts,
    /// Log records and data points by session.
    pub records: BTreeMap<Option<String>, u64>,
    /// All values of `prompt.id`.
    pub prompt_ids: BTreeSet<String>,
}

/// Attributes as text, whatever their type.
type Fields = BTreeMap<String, String>;

/// The calls of one tool in one prompt, by a client that sends no `tool_use_id`.
#[derive(Default)]
struct Unnamed {
    accepted: u64,
    rejected: u64,
    finished: u64,
}

#[derive(Default)]
struct Reader {
    reading: Reading,
    /// Calls by session and `tool_use_id`.
    calls: BTreeSet<(Option<String>, String)>,
    /// By session, prompt and tool.
    unnamed: BTreeMap<[Option<String>; 3], Unnamed>,
    /// The largest value of each cumulative series: metric, attributes and start.
    series: BTreeMap<(String, Fields, u64), f64>,
    problem: Option<String>,
}

impl Reading {
    /// Reads all of these requests together.
    ///
    /// # Errors
    ///
    /// When a body cannot be read, or a number of it is none.
    pub fn of<'a>(requests: impl IntoIterator<Item = &'a Recorded>) -> Result<Reading, Problem> {
        let mut reader = Reader::default();
        let mut seen = HashSet::new();
        for request in requests {
            if !seen.insert((request.signal.code(), &request.plain_body)) {
                continue;
            }
            match request.encoding {
                Encoding::Json => reader.json(request.signal, &request.plain_body)?,
                Encoding::Protobuf => {
                    let limits = Limits::default();
                    otlp::decode(request.signal, &request.plain_body, &limits, &mut reader)?;
                }
            }
        }
        reader.finish()
    }
}

impl Reader {
    fn finish(mut self) -> Result<Reading, Problem> {
        if let Some(problem) = self.problem {
            return Err(Problem::new(problem));
        }
        let events = &mut self.reading.events;
        for (session, _) in self.calls {
            events.entry(session).or_default().tool_calls += 1;
        }
        for ([session, ..], calls) in self.unnamed {
            let carried_out = calls.accepted.max(calls.finished);
            events.entry(session).or_default().tool_calls += carried_out + calls.rejected;
        }
        for ((name, fields, _), value) in std::mem::take(&mut self.series) {
            count_metric(&mut self.reading.metrics, &name, &fields, value);
        }
        Ok(self.reading)
    }

    fn event(&mut self, body: Option<&str>, fields: &Fields) {
        self.reading.items.logs += 1;
        let session = fields.get("session.id").cloned();
        self.count_record(session.clone());
        self.reading
            .prompt_ids
            .extend(fields.get("prompt.id").cloned());
        let name = fields
            .get("event.name")
            .map(String::as_str)
            .or(body)
            .unwrap_or_default();
        let totals = self.reading.events.entry(session.clone()).or_default();
        match name.trim_start_matches("claude_code.") {
            "user_prompt" => totals.prompts += 1,
            "api_request" => {
                let mut number = |key: &str| number(fields, key, &mut self.problem);
                totals.requests += 1;
                totals.cost_usd += number("cost_usd");
                totals.input_tokens += number("input_tokens") as u64;
                totals.output_tokens += number("output_tokens") as u64;
                totals.cache_read_tokens += number("cache_read_tokens") as u64;
                totals.cache_creation_tokens += number("cache_creation_tokens") as u64;
            }
            "tool_decision" => self.tool(session, fields, true),
            "tool_result" => self.tool(session, fields, false),
            _ => {}
        }
    }

    fn tool(&mut self, session: Option<String>, fields: &Fields, is_decision: bool) {
        if let Some(call) = fields.get("tool_use_id") {
            self.calls.insert((session, call.clone()));
            return;
        }
        let of = |key: &str| fields.get(key).cloned();
        let calls = self
            .unnamed
            .entry([session, of("prompt.id"), of("tool_name")])
            .or_default();
        let count = match (is_decision, of("decision").as_deref()) {
            (false, _) => &mut calls.finished,
            (true, Some("reject")) => &mut calls.rejected,
            (true, _) => &mut calls.accepted,
        };
        *count += 1;
    }

    fn data_point(&mut self, name: &str, fields: Fields, start_ns: u64, value: f64, total: bool) {
        self.reading.items.metrics += 1;
        self.count_record(fields.get("session.id").cloned());
        if total {
            let highest = self
                .series
                .entry((name.to_owned(), fields, start_ns))
                .or_default();
            *highest = highest.max(value);
        } else {
            count_metric(&mut self.reading.metrics, name, &fields, value);
        }
    }

    fn count_record(&mut self, session: Option<String>) {
        *self.reading.records.entry(session).or_default() += 1;
    }
}

impl Sink for Reader {
    fn origin(&mut self, _: &Origin<'_>) {}

    fn log(&mut self, record: &LogRecord<'_>) {
        let body = match &record.body {
            Some(Attr::Str(text)) => Some(text.as_ref()),
            _ => None,
        };
        self.event(body, &fields(&record.attributes));
    }

    fn point(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>) {
        let value = match point.value {
            PointValue::Double(number) => number,
            PointValue::Int(number) => number as f64,
            PointValue::Empty | PointValue::Distribution { .. } => {
                self.problem = Some(format!("{} has no number", metric.name));
                return;
            }
        };
        let is_cumulative = metric.temporality == Temporality::Cumulative;
        let fields = fields(&point.attributes);
        self.data_point(
            &metric.name,
            fields,
            point.start_time_unix_nano,
            value,
            is_cumulative,
        );
    }

    fn span(&mut self, _: &Span<'_>) {
        self.reading.items.traces += 1;
    }

    fn quarantine(&mut self, item: Quarantined) {
        self.problem = Some(item.reason);
    }
}

fn count_metric(tally: &mut Tally, name: &str, fields: &Fields, value: f64) {
    let kind = fields.get("type").map(String::as_str);
    let totals = tally.entry(fields.get("session.id").cloned()).or_default();
    match (name, kind) {
        ("claude_code.cost.usage", _) => totals.cost_usd += value,
        ("claude_code.token.usage", Some("input")) => totals.input_tokens += value as u64,
        ("claude_code.token.usage", Some("output")) => totals.output_tokens += value as u64,
        ("claude_code.token.usage", Some("cacheRead")) => totals.cache_read_tokens += value as u64,
        ("claude_code.token.usage", Some("cacheCreation")) => {
            totals.cache_creation_tokens += value as u64;
        }
        _ => {}
    }
}

fn number(fields: &Fields, key: &str, problem: &mut Option<String>) -> f64 {
    let text = fields.get(key).map(String::as_str).unwrap_or_default();
    text.parse().unwrap_or_else(|_| {
        *problem = Some(format!("{key} is {text:?}, which is no number"));
        0.0
    })
}

fn fields(attributes: &[Attribute<'_>]) -> Fields {
    let text = |value: &Attr<'_>| match value {
        Attr::Str(text) => text.to_string(),
        other => {
            let mut json = String::new();
            other.write_json(&mut json);
            json
        }
    };
    attributes
        .iter()
        .map(|(key, value)| (key.to_string(), text(value)))
        .collect()
}
