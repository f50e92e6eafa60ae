//! The server's own state, for people, probes and Prometheus.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use base::meters::MEDIA_TYPE;
use serde::Serialize;
use store::{ReplayProgress, Store};
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::demo_data::{self, DemoStanding};
use crate::fates::{SignalFates, seen};
use crate::fault::Fault;
use crate::tokens::openness;

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
    /// Whether TLS is spoken at all ports.
    tls: bool,
    /// Whether what there is to see is simulated.
    demo: bool,
    /// Example data, where this server can load and remove it; null where it cannot.
    demo_data: Option<DemoStanding>,
    /// `open`: anybody on this machine can read everything, until somebody is set up; or `closed`.
    access: &'static str,
    /// What is kept of what is sent, in one line; null for a server that takes nothing in.
    redaction: Option<String>,
    /// Whether requests without a token are taken on loopback: `no_token` (there is none yet), `loopback`
    /// (by `intake.open_loopback`) or `closed`.
    intake: &'static str,
    /// What became of the items received since the start; for who is bound to some organisations, of what
    /// came with tokens of these.
    fates: SignalFates,
    /// When the latest item was stored, milliseconds since the Unix epoch; null before the first.
    /// And for who is bound to some organisations.
    last_received_ms: Option<i64>,
    /// Rows in memory; null for who is bound to some organisations.
    buffer_rows: Option<u64>,
    /// Column files; null for who is bound to some organisations.
    parts: Option<u64>,
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

/// What the server says about itself.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses((status = 200, body = Status)))]
pub(crate) async fn status(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<Json<Status>, Fault> {
    let is_unbound = asker.organizations().is_all();
    let (fates, _) = seen(&api, &asker).await?;
    let store = api.engine.store();
    let stats = store.stats();
    Ok(Json(Status {
        version: api.about.version.clone(),
        started_ms: api.about.started_ms,
        http: api.about.http.to_string(),
        grpc: api.about.grpc.to_string(),
        tls: api.about.tls,
        demo: api.about.demo,
        demo_data: demo_data::standing(&api).await,
        access: match api.access.gate.is_open() {
            Ok(true) => "open",
            _ => "closed",
        },
        redaction: api
            .redaction
            .as_ref()
            .map(|ledger| ledger.policy().summary()),
        intake: api
            .intake
            .as_ref()
            .map_or("closed", |intake| openness(&intake.gate)),
        fates: fates.into(),
        last_received_ms: last_received_ms(store).filter(|_| is_unbound),
        buffer_rows: is_unbound.then_some(stats.buffer_rows),
        parts: is_unbound.then_some(stats.parts),
        replay: JournalReplay::of(store.replay_progress()),
    }))
}

/// After a restart nothing has been received yet; then it is the latest time in the parts.
fn last_received_ms(store: &Store) -> Option<i64> {
    let stats = store.stats();
    if stats.parts == 0 && stats.buffer_rows == 0 {
        // All there was has been erased: nothing has reported yet.
        return None;
    }
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

/// Counters, waits and sizes in Prometheus' text format.
pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, MEDIA_TYPE)], api.board.text())
}
