//! The three ways of OTLP to a server.

use std::fmt;

/// The messages of OTLP, whatever carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Binary protobuf.
    Protobuf,
    /// OTLP/JSON.
    Json,
}

/// Transport and encoding together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// OTLP/HTTP with binary protobuf.
    Protobuf,
    /// OTLP/HTTP with JSON.
    Json,
    /// OTLP/gRPC.
    Grpc,
}

/// All three.
pub const ALL: &[Way] = &[Way::Protobuf, Way::Json, Way::Grpc];
/// Both of OTLP/HTTP.
pub const HTTP: &[Way] = &[Way::Protobuf, Way::Json];
/// OTLP/gRPC alone.
pub const GRPC: &[Way] = &[Way::Grpc];
/// OTLP/HTTP with JSON alone.
pub const JSON: &[Way] = &[Way::Json];
/// Both that carry protobuf.
pub const BINARY: &[Way] = &[Way::Protobuf, Way::Grpc];

impl Way {
    /// How messages are written on this way.
    pub fn encoding(self) -> Encoding {
        match self {
            Way::Json => Encoding::Json,
            Way::Protobuf | Way::Grpc => Encoding::Protobuf,
        }
    }

    /// The media type of requests, and of their answers.
    pub fn media_type(self) -> &'static str {
        match self {
            Way::Protobuf => "application/x-protobuf",
            Way::Json => "application/json",
            Way::Grpc => "application/grpc",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Way::Protobuf => "HTTP protobuf",
            Way::Json => "HTTP JSON",
            Way::Grpc => "gRPC",
        })
    }
}

/// The three signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Log records.
    #[default]
    Logs,
    /// Data points.
    Metrics,
    /// Spans.
    Traces,
}

/// All three signals.
pub const SIGNALS: &[Signal] = &[Signal::Logs, Signal::Metrics, Signal::Traces];

impl Signal {
    /// The name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Logs => "logs",
            Signal::Metrics => "metrics",
            Signal::Traces => "traces",
        }
    }

    /// Where it is posted or called.
    pub fn path(self, way: Way) -> String {
        if way != Way::Grpc {
            return format!("/v1/{}", self.name());
        }
        let (package, service) = match self {
            Signal::Logs => ("logs", "LogsService"),
            Signal::Metrics => ("metrics", "MetricsService"),
            Signal::Traces => ("trace", "TraceService"),
        };
        format!("/opentelemetry.proto.collector.{package}.v1.{service}/Export")
    }

    /// The JSON name of the count of rejected items.
    pub(crate) fn rejected(self) -> &'static str {
        match self {
            Signal::Logs => "rejectedLogRecords",
            Signal::Metrics => "rejectedDataPoints",
            Signal::Traces => "rejectedSpans",
        }
    }
}
