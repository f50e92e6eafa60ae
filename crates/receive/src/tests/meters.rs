//! Every answer is counted once, with labels that no client chooses; what is in use is shown.

use std::collections::BTreeMap;

use super::wire::{ask, call, chunked, connect, exchange, head, http2, post};
use super::{Running, config, gzip, start};

const JSON: &str = "content-type: application/json";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// What is told to the requests of `send_all`.
const ANSWERED: &str = r#"
{code="200",encoding="json",signal="logs",transport="http"} 2
{code="400",encoding="protobuf",signal="metrics",transport="http"} 1
{code="404",encoding="json",signal="unknown",transport="http"} 1
{code="415",encoding="unknown",signal="logs",transport="http"} 1
{code="503",encoding="json",signal="traces",transport="http"} 1
{code="INVALID_ARGUMENT",encoding="protobuf",signal="logs",transport="grpc"} 1
{code="OK",encoding="protobuf",signal="logs",transport="grpc"} 1
{code="UNAVAILABLE",encoding="protobuf",signal="logs",transport="grpc"} 1
"#;
const REFUSED: &str = r#"
{reason="malformed",retryable="false",signal="logs",transport="grpc"} 1
{reason="malformed",retryable="false",signal="metrics",transport="http"} 1
{reason="not_found",retryable="false",signal="unknown",transport="http"} 1
{reason="unavailable",retryable="true",signal="logs",transport="grpc"} 1
{reason="unavailable",retryable="true",signal="traces",transport="http"} 1
{reason="unsupported_media_type",retryable="false",signal="logs",transport="http"} 1
"#;
const ACKNOWLEDGED: &str = r#"
{signal="logs",transport="grpc"} 1
{signal="logs",transport="http"} 2
"#;

/// The lines whose series begin with `prefix`, without it; those that are 0 are left out.
fn lines(running: &Running, prefix: &str) -> Vec<String> {
    let text = running.board.text();
    let lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
    let moved = lines.filter(|line| !line.ends_with(" 0"));
    moved.map(str::to_owned).collect()
}

/// The series whose names begin with `prefix`, by what follows it.
fn series(running: &Running, prefix: &str) -> BTreeMap<String, f64> {
    let text = running.board.text();
    let line = |line: &str| {
        let (series, value) = line.strip_prefix(prefix)?.rsplit_once(' ')?;
        Some((series.to_owned(), value.parse().unwrap()))
    };
    text.lines().filter_map(line).collect()
}

#[track_caller]
fn check(running: &Running, prefix: &str, expect: &str) {
    let expect: Vec<_> = expect.trim().lines().collect();
    assert_eq!(lines(running, prefix), expect, "{prefix}");
}

/// Good and bad requests over both transports.
async fn send_all(running: &Running) {
    let protobuf = "content-type: application/x-protobuf";
    for request in [
        post("/v1/logs", &[JSON], b"taken"),
        post("/v1/logs", &[JSON], b"taken"),
        post("/v1/metrics", &[protobuf], b"refuse"),
        chunked("/v1/traces", &[JSON], b"unavailable", 4),
        post("/v1/logs", &["content-type: text/made-up"], b"x"),
        post("/made-up", &[JSON], b""),
        head("GET", "/healthz", &[]),
    ] {
        exchange(running.http, &request).await;
    }
    let mut sender = http2(running.grpc).await;
    for message in ["taken", "refuse", "panic"] {
        let length = [0, 0, 0, 0, message.len() as u8];
        let body = [&length, message.as_bytes()].concat();
        call(&mut sender, LOGS, &[], body).await;
    }
}

#[tokio::test]
async fn answers_are_counted_by_what_was_asked_and_told() {
    let running = start(config());
    send_all(&running).await;
    check(&running, "tallybook_receive_requests_total", ANSWERED);
    check(
        &running,
        "tallybook_receive_refused_requests_total",
        REFUSED,
    );
    assert_eq!(running.refused().len(), REFUSED.trim().lines().count());
    for duration in ["acknowledgement", "admission"] {
        let prefix = format!("tallybook_receive_{duration}_duration_seconds_count");
        check(&running, &prefix, ACKNOWLEDGED);
    }
}

#[tokio::test]
async fn bytes_are_counted_as_they_came_and_inflated() {
    let running = start(config());
    let body = b"some bytes that nobody looks at here".repeat(4000);
    let packed = gzip(&body);
    let sent = post("/v1/logs", &[JSON, "content-encoding: gzip"], &packed);
    exchange(running.http, &sent).await;
    let pieces = chunked("/v1/traces", &[JSON], &body, 1000);
    exchange(running.http, &pieces).await;
    let bytes = |kind: &str, signal: &str| {
        let prefix = format!(
            "tallybook_receive_{kind}_bytes_total{{signal=\"{signal}\",transport=\"http\"}}"
        );
        series(&running, &prefix)[""]
    };
    let (body, packed) = (body.len() as f64, packed.len() as f64);
    assert_eq!(
        (bytes("body", "logs"), bytes("inflated", "logs")),
        (packed, body)
    );
    assert_eq!(
        (bytes("body", "traces"), bytes("inflated", "traces")),
        (body, body)
    );
}

#[tokio::test]
async fn what_is_in_use_is_shown_with_its_limit() {
    let running = start(config());
    let mut socket = connect(running.http).await;
    let waiting =
        tokio::spawn(async move { ask(&mut socket, &post("/v1/logs", &[JSON], b"wait")).await });
    running.begun().await;
    let (limit, connections) = (
        config().memory_budget_bytes as f64,
        config().max_connections as f64,
    );
    let open = series(&running, "tallybook_receive_connections");
    assert_eq!((open[""], open["_limit"]), (1.0, connections));
    let memory = series(&running, "tallybook_receive_memory_");
    assert!((1.0..16384.0).contains(&memory["bytes"]), "{memory:?}");
    assert_eq!(memory["limit_bytes"], limit);
    running.release();
    waiting.await.unwrap();
    assert_eq!(series(&running, "tallybook_receive_memory_bytes")[""], 0.0);
}
