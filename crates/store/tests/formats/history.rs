//! The history behind every fixture, the same for every format version: what is sent and flushed.
//!
//! The fixture of a version is made once, by the program that writes that version:
//! `cargo run --release --package store --example fixture -- crates/store/fixtures/v<version>`.

use std::path::Path;
use std::sync::Arc;

use base::ManualClock;
use contract::{
    DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Quarantined, RawEncoding, Signal,
    Span, Temporality, Value,
};
use store::{Applied, Config, Entry, Store, Transport};

/// When the history happens, nanoseconds since the Unix epoch.
pub(crate) const NOW_NS: u64 = 1_795_219_206_986_000_000;

/// One export request.
#[derive(Clone)]
pub(crate) struct Request {
    signal: Signal,
    quarantined: Vec<Quarantined>,
    protobuf: Vec<u8>,
}

/// Lives the history in `dir`, and ends as a kill does: the last requests are in the journal only.
#[allow(dead_code, reason = "the generator's")]
pub(crate) async fn live(dir: &Path) {
    let clock = Arc::new(ManualClock::at(NOW_NS));
    let (store, _) = Store::open(Config::new(dir), clock).await.expect("opens");
    for flushed in requests() {
        for request in &flushed[..] {
            send(&store, request).await;
        }
        if flushed.len() > 2 {
            store.flush().await.expect("flushes");
        }
    }
}

/// Appends one request.
pub(crate) async fn send(store: &Store, request: &Request) -> Applied {
    let entry = Entry {
        signal: request.signal,
        transport: Transport::Http,
        received_ns: store.clock().now_unix_ns(),
        quarantined: request.quarantined.clone(),
        provenance: None,
        protobuf: request.protobuf.clone().into(),
    };
    let prepared = store.prepare(&entry).expect("prepares");
    store.append(&entry, prepared).await.expect("appends")
}

/// Everything that is sent: two groups that are flushed, and one that is not.
pub(crate) fn requests() -> [Vec<Request>; 3] {
    let odd = Request {
        quarantined: vec![Quarantined {
            reason: "not a log record".into(),
            encoding: RawEncoding::Json,
            raw: b"[1]".to_vec(),
        }],
        ..logs(&[(4, 0.5)])
    };
    [
        vec![
            logs(&[(1, 0.25), (2, 0.125), (2, 0.125)]),
            cumulative(1, 5.0),
            spans(),
            odd,
        ],
        vec![logs(&[(5, 1.0)]), cumulative(2, 9.0), logs(&[(1, 0.25)])],
        vec![logs(&[(6, 2.0), (5, 1.0)]), cumulative(3, 12.0)],
    ]
}

/// One request with an event for each sequence and cost in US dollars.
pub(crate) fn logs(events: &[(i64, f64)]) -> Request {
    let record = |(sequence, cost): &(i64, f64)| LogRecord {
        time_unix_nano: NOW_NS,
        attributes: vec![
            ("event.name".into(), Value::from("api_request")),
            ("session.id".into(), Value::from("session-1")),
            ("prompt.id".into(), Value::from("prompt-1")),
            ("event.sequence".into(), Value::Int(*sequence)),
            ("cost_usd".into(), Value::Double(*cost)),
            ("of.a.later.client".into(), Value::Bool(true)),
        ],
        ..LogRecord::default()
    };
    let groups = [(origin(), events.iter().map(record).collect())];
    request(Signal::Logs, otlp::encode::logs(&groups))
}

/// One request with one point of a cumulative sum.
pub(crate) fn cumulative(time: u64, value: f64) -> Request {
    let metric = Metric {
        name: "claude_code.cost.usage".into(),
        kind: MetricKind::Sum,
        temporality: Temporality::Cumulative,
        is_monotonic: true,
        ..Metric::default()
    };
    let point = DataPoint {
        start_time_unix_nano: 1,
        time_unix_nano: NOW_NS + time * 1_000_000,
        value: PointValue::Double(value),
        ..DataPoint::default()
    };
    let groups = [(origin(), vec![(metric, vec![point])])];
    request(Signal::Metrics, otlp::encode::metrics(&groups))
}

fn spans() -> Request {
    let span = |byte: u8| Span {
        trace_id: Some([byte; 16]),
        span_id: Some([byte; 8]),
        name: "interaction".into(),
        start_time_unix_nano: NOW_NS,
        end_time_unix_nano: NOW_NS + 5_000_001,
        ..Span::default()
    };
    let groups = [(origin(), vec![span(1), span(2)])];
    request(Signal::Traces, otlp::encode::spans(&groups))
}

fn request(signal: Signal, protobuf: Vec<u8>) -> Request {
    Request {
        signal,
        quarantined: Vec::new(),
        protobuf,
    }
}

fn origin() -> Origin<'static> {
    Origin {
        resource: vec![("service.name".into(), Value::from("claude-code"))],
        scope_name: "com.example.events".into(),
        ..Origin::default()
    }
}
