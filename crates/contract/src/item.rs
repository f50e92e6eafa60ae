//! The items of the three signals, borrowed from the request they came in.
//!
//! Invariant: nothing here is interpreted. Names, types and order are those of the wire; the
//! decoder fills these structs and the normaliser reads them, so that both transports and recovery
//! meet in one place.

use std::borrow::Cow;

use crate::Value;

/// One of OTLP's three signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Log records: the events.
    Logs,
    /// Metric data points.
    Metrics,
    /// Spans.
    Traces,
}

impl Signal {
    /// All signals, in the order in which they are reported.
    pub const ALL: [Signal; 3] = [Signal::Logs, Signal::Metrics, Signal::Traces];

    /// The name used in paths, tables and messages: `logs`, `metrics`, `traces`.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Logs => "logs",
            Signal::Metrics => "metrics",
            Signal::Traces => "traces",
        }
    }

    /// What one item of this signal is called in messages, in the plural.
    pub fn items(self) -> &'static str {
        match self {
            Signal::Logs => "log records",
            Signal::Metrics => "data points",
            Signal::Traces => "spans",
        }
    }

    /// The stable number of this signal in stored frames.
    pub fn code(self) -> u8 {
        match self {
            Signal::Logs => 1,
            Signal::Metrics => 2,
            Signal::Traces => 3,
        }
    }

    /// The signal of a stored number, if there is one.
    pub fn from_code(code: u8) -> Option<Signal> {
        Signal::ALL.into_iter().find(|signal| signal.code() == code)
    }
}

/// One attribute: key and value.
pub type Attribute<'a> = (Cow<'a, str>, Value<'a>);

/// Resource and scope: what the items under them share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin<'a> {
    /// Attributes of the resource, in wire order.
    pub resource: Vec<Attribute<'a>>,
    /// `dropped_attributes_count` of the resource.
    pub resource_dropped: u32,
    /// `schema_url` beside the resource.
    pub resource_schema_url: Cow<'a, str>,
    /// Name of the instrumentation scope.
    pub scope_name: Cow<'a, str>,
    /// Version of the instrumentation scope.
    pub scope_version: Cow<'a, str>,
    /// Attributes of the scope, in wire order.
    pub scope_attributes: Vec<Attribute<'a>>,
    /// `dropped_attributes_count` of the scope.
    pub scope_dropped: u32,
    /// `schema_url` beside the scope.
    pub scope_schema_url: Cow<'a, str>,
}

/// One log record. Times are nanoseconds since the Unix epoch; 0 means the client sent none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogRecord<'a> {
    /// `time_unix_nano`.
    pub time_unix_nano: u64,
    /// `observed_time_unix_nano`.
    pub observed_time_unix_nano: u64,
    /// `severity_number`; 0 when unset.
    pub severity_number: i32,
    /// `severity_text`.
    pub severity_text: Cow<'a, str>,
    /// The body; `None` when the field is absent.
    pub body: Option<Value<'a>>,
    /// Attributes in wire order, duplicates included.
    pub attributes: Vec<Attribute<'a>>,
    /// `dropped_attributes_count`.
    pub dropped_attributes_count: u32,
    /// W3C trace flags.
    pub flags: u32,
    /// The trace id; `None` when absent, all zero or not 16 bytes long.
    pub trace_id: Option<[u8; 16]>,
    /// The span id; `None` when absent, all zero or not 8 bytes long.
    pub span_id: Option<[u8; 8]>,
    /// `event_name`; empty when unset.
    pub event_name: Cow<'a, str>,
}

/// How the values of a sum or histogram relate to the points before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temporality {
    /// Not said, or meaningless (gauges).
    #[default]
    Unspecified,
    /// Each value counts from the previous point.
    Delta,
    /// Each value counts from the start time.
    Cumulative,
}

impl Temporality {
    /// From OTLP's `AggregationTemporality` (1 = delta, 2 = cumulative).
    pub fn from_code(code: u64) -> Temporality {
        match code {
            1 => Temporality::Delta,
            2 => Temporality::Cumulative,
            _ => Temporality::Unspecified,
        }
    }

    /// The name used in the `temporality` column.
    pub fn name(self) -> &'static str {
        match self {
            Temporality::Unspecified => "unspecified",
            Temporality::Delta => "delta",
            Temporality::Cumulative => "cumulative",
        }
    }
}

/// The five kinds of metric data of OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricKind {
    /// A last value.
    #[default]
    Gauge,
    /// A sum.
    Sum,
    /// A histogram with explicit bounds.
    Histogram,
    /// An exponential histogram.
    ExponentialHistogram,
    /// A summary of quantiles.
    Summary,
}

impl MetricKind {
    /// The name used in the `kind` column.
    pub fn name(self) -> &'static str {
        match self {
            MetricKind::Gauge => "gauge",
            MetricKind::Sum => "sum",
            MetricKind::Histogram => "histogram",
            MetricKind::ExponentialHistogram => "exponential_histogram",
            MetricKind::Summary => "summary",
        }
    }
}

/// What the data points of one metric share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metric<'a> {
    /// Name as sent, `claude_code.token.usage` for example.
    pub name: Cow<'a, str>,
    /// Human description.
    pub description: Cow<'a, str>,
    /// UCUM unit as sent; empty for counters without one.
    pub unit: Cow<'a, str>,
    /// Which kind of data the points are.
    pub kind: MetricKind,
    /// Delta or cumulative, for sums and histograms.
    pub temporality: Temporality,
    /// Whether the sum only grows.
    pub is_monotonic: bool,
}

/// The number of a data point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum PointValue {
    /// No value was sent.
    #[default]
    Empty,
    /// `as_int`.
    Int(i64),
    /// `as_double`.
    Double(f64),
    /// A histogram or summary: how many observations and their sum, where sent.
    Distribution {
        /// Number of observations.
        count: u64,
        /// Their sum, where the client sent one.
        sum: Option<f64>,
    },
}

/// One metric data point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataPoint<'a> {
    /// Start of the interval, nanoseconds since the Unix epoch; 0 when unset.
    pub start_time_unix_nano: u64,
    /// Time of the point, nanoseconds since the Unix epoch; 0 when unset.
    pub time_unix_nano: u64,
    /// The number.
    pub value: PointValue,
    /// Attributes in wire order.
    pub attributes: Vec<Attribute<'a>>,
    /// The point's own bytes as OTLP protobuf, kept so that nothing is lost.
    pub raw: &'a [u8],
}

/// One span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span<'a> {
    /// The trace id; `None` when absent, all zero or not 16 bytes long.
    pub trace_id: Option<[u8; 16]>,
    /// The span id; `None` when absent, all zero or not 8 bytes long.
    pub span_id: Option<[u8; 8]>,
    /// The parent's span id, if it has one.
    pub parent_span_id: Option<[u8; 8]>,
    /// Name as sent.
    pub name: Cow<'a, str>,
    /// OTLP's `SpanKind` number.
    pub kind: u32,
    /// Nanoseconds since the Unix epoch; 0 when unset.
    pub start_time_unix_nano: u64,
    /// Nanoseconds since the Unix epoch; 0 when unset.
    pub end_time_unix_nano: u64,
    /// Attributes in wire order.
    pub attributes: Vec<Attribute<'a>>,
    /// OTLP's status code: 0 unset, 1 ok, 2 error.
    pub status_code: u32,
    /// The status's message.
    pub status_message: Cow<'a, str>,
    /// Span events as a JSON array, if there are any.
    pub events_json: Option<String>,
    /// Span links as a JSON array, if there are any.
    pub links_json: Option<String>,
    /// The span's own bytes as OTLP protobuf, kept so that nothing is lost.
    pub raw: &'a [u8],
}

/// How the raw form of a quarantined item is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawEncoding {
    /// OTLP protobuf bytes.
    Protobuf,
    /// JSON text.
    Json,
}

impl RawEncoding {
    /// The name used in the `encoding` column: `protobuf` or `json`.
    pub fn name(self) -> &'static str {
        match self {
            RawEncoding::Protobuf => "protobuf",
            RawEncoding::Json => "json",
        }
    }
}

/// An item that could not be understood, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Why, in one English sentence.
    pub reason: String,
    /// How `raw` is written.
    pub encoding: RawEncoding,
    /// The item's bytes as they came.
    pub raw: Vec<u8>,
}

/// Takes the items of a request in order, one at a time.
///
/// `origin` is called before the first item under a scope and holds until the next call.
pub trait Sink {
    /// The resource and scope of the items that follow.
    fn origin(&mut self, origin: &Origin<'_>);
    /// One log record.
    fn log(&mut self, record: &LogRecord<'_>);
    /// One data point.
    fn point(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>);
    /// One span.
    fn span(&mut self, span: &Span<'_>);
    /// One item that could not be understood, or that is not taken.
    fn quarantine(&mut self, item: Quarantined);
    /// Why an item with these attributes, under the present origin, is not taken: the end of a sentence
    /// that begins with what it is. It is quarantined then.
    fn refuses(&mut self, _attributes: &[Attribute<'_>]) -> Option<String> {
        None
    }
}
