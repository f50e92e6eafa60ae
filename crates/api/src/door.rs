//! What happened at the door: for who sets a client up and sees nothing arrive.

use std::sync::Arc;

use access::door::{FirstSeen, Heard};
use axum::Json;
use axum::extract::State;
use contract::Signal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::fault::Fault;
use crate::tokens::openness;

/// What happened at the door.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DoorAnswer {
    /// When the process started, milliseconds since the Unix epoch.
    since_ms: u64,
    /// This moment by the server's clock.
    now_ms: u64,
    /// Whether requests without a token are taken on loopback: `no_token`, `loopback` or `closed`.
    intake: &'static str,
    /// Items since the start by signal.
    received: Received,
    /// What is odd about what came, as sentences: only metrics, for example.
    hints: Vec<&'static str>,
    /// The five events of a client that reports everything that matters.
    events: Vec<Event>,
    /// Requests that were refused, or odd, the latest first; the same again is counted.
    knocks: Vec<KnockRow>,
}

/// Items that came.
#[derive(Debug, Serialize, ToSchema)]
struct Received {
    logs: u64,
    metrics: u64,
    traces: u64,
}

/// When an event came for the first time.
#[derive(Debug, Serialize, ToSchema)]
struct Event {
    /// `user_prompt`, `api_request`, `tool_decision`, `tool_result`, `api_error`.
    event: &'static str,
    /// Since the start, milliseconds since the Unix epoch.
    first_ms: Option<u64>,
    /// Ever, since this is noted.
    ever_ms: Option<u64>,
}

/// A request that was refused, or odd.
#[derive(Debug, Serialize, ToSchema)]
struct KnockRow {
    /// When there was the same for the first time, milliseconds since the Unix epoch.
    first_ms: u64,
    /// And for the last.
    last_ms: u64,
    /// How often.
    times: u64,
    /// Where it came from.
    peer: String,
    /// `http` or `grpc`: the port, or the protocol where that was understood.
    transport: &'static str,
    /// The method of HTTP; empty if it was not understood.
    method: String,
    /// The path, without what could be a secret.
    path: String,
    /// The media type; empty if there was none.
    content_type: String,
    /// Status of HTTP, name of gRPC's, or `cut` where there was nobody to answer.
    status: &'static str,
    /// Why, as in counters; `empty`: it was taken, and held nothing.
    reason: &'static str,
    /// What is wrong, and how to mend it.
    advice: String,
}

impl From<Heard> for KnockRow {
    fn from(heard: Heard) -> KnockRow {
        KnockRow {
            first_ms: heard.first_ms,
            last_ms: heard.last_ms,
            times: heard.times,
            peer: heard.knock.peer.to_string(),
            transport: heard.knock.transport,
            method: heard.knock.method,
            path: heard.knock.path,
            content_type: heard.knock.content_type,
            status: heard.knock.status,
            reason: heard.knock.reason,
            advice: heard.knock.advice,
        }
    }
}

impl From<FirstSeen> for Event {
    fn from(seen: FirstSeen) -> Event {
        Event {
            event: seen.event,
            first_ms: seen.since_start_ms,
            ever_ms: seen.ever_ms,
        }
    }
}

/// Who was turned away lately and why, and which events came for the first time.
#[utoipa::path(get, path = "/api/v1/door", tag = "intake", responses((status = 200, body = DoorAnswer)))]
pub(crate) async fn door(State(api): State<Arc<Api>>) -> Result<Json<DoorAnswer>, Fault> {
    let intake = api.intake()?;
    let fates = api.engine.store().fates();
    let received = |signal| fates.of(signal).received;
    let received = Received {
        logs: received(Signal::Logs),
        metrics: received(Signal::Metrics),
        traces: received(Signal::Traces),
    };
    let mut hints = Vec::new();
    if received.metrics > 0 && received.logs == 0 {
        hints.push(
            "Only metrics have come, and no events: set OTEL_LOGS_EXPORTER=otlp in the client.",
        );
    }
    Ok(Json(DoorAnswer {
        since_ms: api.about.started_ms,
        now_ms: intake.gate.now_ms(),
        intake: openness(&intake.gate),
        received,
        hints,
        events: intake.door.first_seen().map(Event::from).into(),
        knocks: intake
            .door
            .heard()
            .into_iter()
            .map(KnockRow::from)
            .collect(),
    }))
}
