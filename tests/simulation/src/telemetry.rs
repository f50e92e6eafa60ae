//! The requests that are sent. A number decides all of an item, so that what is read back can be
//! compared without having been kept.

use base::sim::Dice;
use contract::{
    DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Quarantined, RawEncoding, Signal,
    Temporality, Value,
};
use store::{Entry, Transport};

/// When every life begins, nanoseconds since the Unix epoch.
pub(crate) const NOW_NS: u64 = 1_795_219_206_986_000_000;
/// What the names of cumulative series begin with.
pub(crate) const SERIES: &str = "sim.total.";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
/// Long enough for a frame to span sectors of the disk.
const TEXT_LEN_MAX: usize = 900;

/// One export request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Numbers of its events; a number that stands twice is two identical events.
    pub(crate) events: Vec<u64>,
    /// Numbers of items that are quarantined beside the events.
    pub(crate) odd: Vec<u64>,
    /// Points of cumulative series: series and value. Not together with events.
    pub(crate) points: Vec<(u64, u64)>,
}

impl Request {
    pub(crate) fn items(&self) -> u64 {
        (self.events.len() + self.odd.len() + self.points.len()) as u64
    }

    /// Whether it holds identical events, which only the whole request tells apart.
    pub(crate) fn has_copies(&self) -> bool {
        let mut sorted = self.events.clone();
        sorted.sort_unstable();
        sorted.windows(2).any(|pair| pair[0] == pair[1])
    }

    pub(crate) fn entry(&self, received_ns: u64) -> Entry {
        let is_metrics = !self.points.is_empty();
        let protobuf = if is_metrics {
            let points = self.points.iter().map(|point| cumulative(*point));
            otlp::encode::metrics(&[(origin(), points.collect())])
        } else {
            let events = self.events.iter().map(|number| event(*number));
            otlp::encode::logs(&[(origin(), events.collect())])
        };
        Entry {
            signal: if is_metrics {
                Signal::Metrics
            } else {
                Signal::Logs
            },
            transport: Transport::Http,
            received_ns,
            quarantined: self.odd.iter().map(|number| odd(*number)).collect(),
            provenance: None,
            protobuf: protobuf.into(),
        }
    }
}

/// The text of an event.
pub(crate) fn text(number: u64) -> String {
    let mut dice = Dice::new(number);
    let len = dice.below(TEXT_LEN_MAX);
    (0..len)
        .map(|_| char::from(LETTERS[dice.below(LETTERS.len())]))
        .collect()
}

/// Why an odd item is quarantined, and the item.
pub(crate) fn odd_text(number: u64) -> (String, String) {
    (format!("odd {number}"), format!("[{number}]"))
}

fn event(number: u64) -> LogRecord<'static> {
    LogRecord {
        time_unix_nano: NOW_NS + number * 1_000_000,
        attributes: vec![
            ("event.name".into(), Value::from("user_prompt")),
            ("session.id".into(), Value::from("session-1")),
            ("event.sequence".into(), Value::Int(number as i64)),
            ("prompt".into(), Value::Str(text(number).into())),
        ],
        ..LogRecord::default()
    }
}

fn cumulative((series, value): (u64, u64)) -> (Metric<'static>, Vec<DataPoint<'static>>) {
    let metric = Metric {
        name: format!("{SERIES}{series}").into(),
        kind: MetricKind::Sum,
        temporality: Temporality::Cumulative,
        is_monotonic: true,
        ..Metric::default()
    };
    let point = DataPoint {
        start_time_unix_nano: 1,
        time_unix_nano: NOW_NS + value * 1_000_000,
        value: PointValue::Int(value as i64),
        ..DataPoint::default()
    };
    (metric, vec![point])
}

fn odd(number: u64) -> Quarantined {
    let (reason, raw) = odd_text(number);
    Quarantined {
        reason,
        encoding: RawEncoding::Json,
        raw: raw.into_bytes(),
    }
}

fn origin() -> Origin<'static> {
    Origin {
        resource: vec![("service.name".into(), Value::from("claude-code"))],
        ..Origin::default()
    }
}
