//! Every answer is counted once, with labels that no client chooses; what is in use is shown.

use std::collections::BTreeMap;

use super::wire::{ask, call, chunked, connect, exchange, head, http2, post};
use super::{Running, config, gzip, start};

const JSON: &str = "content-type: application/json";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

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
fn check(running: &Running, prefix: &str, expect: &[(&str, f64)]) {
    let expect = expect
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value));
    assert_eq!(series(running, prefix), expect.collect(), "{prefix}");
}

#[tokio::test]
async fn answers_are_counted_by_what_was_asked_and_told() {
    let running = start(config());
    let mut sender = http2(running.grpc).await;
    for request in [
        post("/v1/logs", &[JSON], b"taken"),
        post("/v1/logs", &[JSON], b"taken"),
        post(
            "/v1/metrics",
            &["content-type: application/x-protobuf"],
            b"refuse",
        ),
        chunked("/v1/traces", &[JSON], b"unavailable", 4),
        post("/v1/logs", &["content-type: text/made-up"], b"x"),
        post("/made-up", &[JSON], b""),
        head("GET", "/healthz", &[]),
    ] {
        exchange(running.http, &request).await;
    }
    for message in ["taken", "refuse", "panic"] {
        let length = [0, 0, 0, 0, message.len() as u8];
        call(
            &mut sender,
            LOGS,
            &[],
            [&length, message.as_bytes()].concat(),
        )
        .await;
    }
    check(
        &running,
        "tallybook_receive_requests_total",
        &[
            (
                r#"{code="200",encoding="json",signal="logs",transport="http"}"#,
                2.0,
            ),
            (
                r#"{code="400",encoding="protobuf",signal="metrics",transport="http"}"#,
                1.0,
            ),
            (
                r#"{code="503",encoding="json",signal="traces",transport="http"}"#,
                1.0,
            ),
            (
                r#"{code="415",encoding="unknown",signal="logs",transport="http"}"#,
                1.0,
            ),
            (
                r#"{code="404",encoding="json",signal="unknown",transport="http"}"#,
                1.0,
            ),
            (
                r#"{code="OK",encoding="protobuf",signal="logs",transport="grpc"}"#,
                1.0,
            ),
            (
                r#"{code="INVALID_ARGUMENT",encoding="protobuf",signal="logs",transport="grpc"}"#,
                1.0,
            ),
            (
                r#"{code="UNAVAILABLE",encoding="protobuf",signal="logs",transport="grpc"}"#,
                1.0,
            ),
        ],
    );
    check(
        &running,
        "tallybook_receive_refused_requests_total",
        &[
            (
                r#"{reason="malformed",retryable="false",signal="metrics",transport="http"}"#,
                1.0,
            ),
            (
                r#"{reason="unavailable",retryable="true",signal="traces",transport="http"}"#,
                1.0,
            ),
            (
                r#"{reason="unsupported_media_type",retryable="false",signal="logs",transport="http"}"#,
                1.0,
            ),
            (
                r#"{reason="not_found",retryable="false",signal="unknown",transport="http"}"#,
                1.0,
            ),
            (
                r#"{reason="malformed",retryable="false",signal="logs",transport="grpc"}"#,
                1.0,
            ),
            (
                r#"{reason="unavailable",retryable="true",signal="logs",transport="grpc"}"#,
                1.0,
            ),
        ],
    );
    let refused = series(&running, "tallybook_receive_refused_requests_total");
    assert_eq!(
        refused.values().sum::<f64>(),
        running.refused().len() as f64
    );
    for duration in ["acknowledgement", "admission"] {
        let prefix = format!("tallybook_receive_{duration}_duration_seconds_count");
        let mut waits = series(&running, &prefix);
        waits.retain(|_, count| *count > 0.0);
        let expect = [
            (r#"{signal="logs",transport="grpc"}"#.to_owned(), 1.0),
            (r#"{signal="logs",transport="http"}"#.to_owned(), 2.0),
        ];
        assert_eq!(waits, expect.into(), "{duration}");
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
    check(
        &running,
        "tallybook_receive_connections",
        &[("", 1.0), ("_limit", connections)],
    );
    let memory = series(&running, "tallybook_receive_memory_");
    assert!((1.0..16384.0).contains(&memory["bytes"]), "{memory:?}");
    assert_eq!(memory["limit_bytes"], limit);
    running.release();
    waiting.await.unwrap();
    assert_eq!(series(&running, "tallybook_receive_memory_bytes")[""], 0.0);
}
