//! The server's own state, for people, probes and Prometheus.

use std::fmt::Write;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use contract::Signal;
use serde::Serialize;
use store::{Fate, ReplayProgress, Store};
use utoipa::ToSchema;

use crate::Api;

/// The server's own state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// The version of the binary.
    version: String,
    /// When the process started, milliseconds since the Unix epoch.
    started_ms: u64,
    /// Where OTLP/HTTP is received.
    http: String,
    /// Where OTLP/gRPC is received.
    grpc: String,
    /// Whether what there is to see is simulated.
    demo: bool,
    /// What became of the items received since the start.
    fates: SignalFates,
    /// When the latest item was stored, milliseconds since the Unix epoch; null before the first.
    last_received_ms: Option<i64>,
    /// Rows in memory.
    buffer_rows: u64,
    /// Column files.
    parts: u64,
    /// How far the journal is replayed after a start; null when it is.
    replay: Option<JournalReplay>,
}

/// How far the replay of the journal is. Requests are taken meanwhile, and queries wait for it.
#[derive(Debug, Serialize, ToSchema)]
struct JournalReplay {
    /// `remembering`, `replaying` or `catching_up`.
    stage: &'static str,
    /// Requests that are applied, of the total, which grows while requests arrive.
    requests_done: u64,
    requests_total: u64,
    /// Bytes of them, about.
    bytes_done: u64,
    bytes_total: u64,
    /// How long it has been running, milliseconds.
    elapsed_ms: u64,
    /// How much longer it will take, milliseconds; null when that cannot be said yet.
    remaining_ms: Option<u64>,
    /// Why it does not get on; null while it does. Nothing is taken in while it does not.
    failure: Option<String>,
}

impl JournalReplay {
    fn of(progress: ReplayProgress) -> Option<JournalReplay> {
        if progress.is_done() {
            return None;
        }
        Some(JournalReplay {
            stage: progress.stage.name(),
            requests_done: progress.frames_done,
            requests_total: progress.frames_total,
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            elapsed_ms: progress.elapsed.as_millis() as u64,
            remaining_ms: progress.remaining.map(|left| left.as_millis() as u64),
            failure: progress.failure,
        })
    }
}

/// Fates by signal.
#[derive(Debug, Serialize, ToSchema)]
struct SignalFates {
    logs: Fates,
    metrics: Fates,
    traces: Fates,
}

/// How many items met which fate: the last four add up to `received`.
#[derive(Debug, Serialize, ToSchema)]
struct Fates {
    /// All items that came.
    received: u64,
    /// Stored and queryable.
    accepted: u64,
    /// Known already: a repeated delivery.
    deduplicated: u64,
    /// Not understood, kept in `quarantine`.
    quarantined: u64,
    /// Refused with an error answer.
    rejected: u64,
}

impl From<Fate> for Fates {
    fn from(fate: Fate) -> Fates {
        let Fate {
            received,
            accepted,
            deduplicated,
            quarantined,
            rejected,
        } = fate;
        Fates {
            received,
            accepted,
            deduplicated,
            quarantined,
            rejected,
        }
    }
}

/// What the server says about itself.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses((status = 200, body = Status)))]
pub(crate) async fn status(State(api): State<Arc<Api>>) -> Json<Status> {
    let store = api.engine.store();
    let stats = store.stats();
    let fates = store.fates();
    Json(Status {
        version: api.about.version.clone(),
        started_ms: api.about.started_ms,
        http: api.about.http.to_string(),
        grpc: api.about.grpc.to_string(),
        demo: api.about.demo,
        fates: SignalFates {
            logs: fates.of(Signal::Logs).into(),
            metrics: fates.of(Signal::Metrics).into(),
            traces: fates.of(Signal::Traces).into(),
        },
        last_received_ms: last_received_ms(store),
        buffer_rows: stats.buffer_rows,
        parts: stats.parts,
        replay: JournalReplay::of(store.replay_progress()),
    })
}

/// After a restart nothing has been received yet; then it is the latest time in the parts.
fn last_received_ms(store: &Store) -> Option<i64> {
    let stats = store.stats();
    let received_ms = (stats.newest_received_ns / 1_000_000) as i64;
    if received_ms > 0 {
        return Some(received_ms);
    }
    stats.newest_part_ms
}

/// Whether the process lives.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether what is sent now would be stored.
pub(crate) async fn readyz(State(api): State<Arc<Api>>) -> Response {
    match api.engine.store().ready() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

/// Counters and sizes in Prometheus' text format.
pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let text = exposition(api.engine.store(), &api.about.version);
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}

fn exposition(store: &Store, version: &str) -> String {
    let mut out = String::new();
    head(
        &mut out,
        "tallybook_build_info",
        "gauge",
        "The version of the binary.",
    );
    let _ = writeln!(out, "tallybook_build_info{{version=\"{version}\"}} 1");
    fates(&mut out, store);
    sizes(&mut out, store);
    out
}

fn fates(out: &mut String, store: &Store) {
    let name = "tallybook_items_total";
    head(out, name, "counter", "Items by what became of them.");
    for signal in Signal::ALL {
        let fate = store.fates().of(signal);
        for (met, count) in [
            ("accepted", fate.accepted),
            ("deduplicated", fate.deduplicated),
            ("quarantined", fate.quarantined),
            ("rejected", fate.rejected),
        ] {
            let signal = signal.name();
            let _ = writeln!(out, "{name}{{signal=\"{signal}\",fate=\"{met}\"}} {count}");
        }
    }
    let name = "tallybook_items_received_total";
    head(out, name, "counter", "Items that came; each has one fate.");
    for signal in Signal::ALL {
        let received = store.fates().of(signal).received;
        let _ = writeln!(out, "{name}{{signal=\"{}\"}} {received}", signal.name());
    }
}

fn sizes(out: &mut String, store: &Store) {
    let stats = store.stats();
    let received_s = last_received_ms(store).unwrap_or(0) as f64 / 1e3;
    for (name, about, value) in [
        ("buffer_rows", "Rows in memory.", stats.buffer_rows as f64),
        ("parts", "Column files.", stats.parts as f64),
        (
            "part_bytes",
            "Bytes of all column files.",
            stats.part_bytes as f64,
        ),
        (
            "journal_bytes",
            "Bytes of the journal.",
            stats.journal_bytes as f64,
        ),
        (
            "identities",
            "Items that a repeated delivery is known by.",
            stats.identities as f64,
        ),
        (
            "last_received_timestamp_seconds",
            "When the latest item was stored.",
            received_s,
        ),
    ] {
        let name = format!("tallybook_{name}");
        head(out, &name, "gauge", about);
        let _ = writeln!(out, "{name} {value}");
    }
}

fn head(out: &mut String, name: &str, kind: &str, about: &str) {
    let _ = writeln!(out, "# HELP {name} {about}\n# TYPE {name} {kind}");
}
