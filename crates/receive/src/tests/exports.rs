//! OTLP/HTTP: what is taken and what is refused, with status, headers and body.

use contract::Signal;
use otlp::Encoding;

use super::wire::{Answer, chunked, exchange, head, post};
use super::{Running, config, gzip, start, zstd, zstd_window};
use crate::{Refusal, Transport};

const JSON: &str = "content-type: application/json";
const PROTOBUF: &str = "content-type: application/x-protobuf";
const GZIP: &str = "content-encoding: gzip";
const ZSTD: &str = "content-encoding: zstd";

/// What no test looks into.
fn body() -> Vec<u8> {
    b"some bytes that nobody looks at here".repeat(40)
}

/// Sends `request`, which must be admitted as `signal` with the body above.
async fn taken(running: &Running, name: &str, signal: Signal, request: &[u8]) {
    let answer = exchange(running.http, request).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (200, &b"{}"[..]),
        "{name}"
    );
    assert_eq!(answer.header("content-type"), "application/json", "{name}");
    let [got] = &running.admitted()[..] else {
        panic!("{name}: not one request")
    };
    assert_eq!(
        (got.signal, got.encoding),
        (signal, Encoding::Json),
        "{name}"
    );
    assert_eq!(got.transport, Transport::Http, "{name}");
    assert_eq!(got.body, body(), "{name}");
    assert_eq!(running.refused(), [], "{name}");
}

#[tokio::test]
async fn takes_every_path() {
    let running = start(config());
    let cases = [
        ("/v1/logs", Signal::Logs),
        ("/v1/metrics", Signal::Metrics),
        ("/v1/traces", Signal::Traces),
        ("/a/b/v1/logs", Signal::Logs),
        ("/v1/logs/v1/logs", Signal::Logs),
        ("/v1/logs/v1/metrics", Signal::Metrics),
        ("//v1/traces/", Signal::Traces),
        ("/v1/logs?a=/v1/traces", Signal::Logs),
    ];
    for (path, signal) in cases {
        taken(&running, path, signal, &post(path, &[JSON], &body())).await;
    }
}

#[tokio::test]
async fn takes_every_compression() {
    let running = start(config());
    let body = body();
    let (packed, small) = (gzip(&body), zstd(&body));
    let members = [gzip(&body[..100]), gzip(b""), gzip(&body[100..])].concat();
    let frames = [zstd(&body[..100]), zstd(&body[100..])].concat();
    let window = zstd_window(&body, 23);
    let cases: [(&str, &[u8]); 9] = [
        ("content-encoding: identity", &body),
        ("content-encoding:", &body),
        (GZIP, &packed),
        ("Content-Encoding: X-GZip", &packed),
        ("content-encoding: GZIP", &packed),
        (GZIP, &members),
        (ZSTD, &small),
        (ZSTD, &frames),
        (ZSTD, &window),
    ];
    for (header, sent) in cases {
        let request = post("/v1/logs", &[JSON, header], sent);
        taken(&running, header, Signal::Logs, &request).await;
        for size in [1, 7, 1000] {
            let request = chunked("/v1/logs", &[JSON, header], sent, size);
            taken(&running, header, Signal::Logs, &request).await;
        }
    }
}

#[tokio::test]
async fn takes_media_types_with_parameters_in_any_case() {
    let running = start(config());
    for media_type in [
        "Application/JSON ; charset=UTF-8",
        "application/json;a=b;c=d",
    ] {
        let header = format!("Content-Type: {media_type}");
        let request = post("/v1/logs", &[&header], &body());
        taken(&running, media_type, Signal::Logs, &request).await;
    }
}

#[tokio::test]
async fn answers_in_the_encoding_of_the_request() {
    let running = start(config());
    let cases: [(&str, &[u8], &str, &[u8]); 5] = [
        (PROTOBUF, b"", "application/x-protobuf", b""),
        (PROTOBUF, b"x", "application/x-protobuf", b""),
        (
            PROTOBUF,
            b"quarantine",
            "application/x-protobuf",
            b"\x0a\x0c\x08\x02\x12\x08too deep",
        ),
        (JSON, b"x", "application/json", b"{}"),
        (
            JSON,
            b"quarantine",
            "application/json",
            b"{\"partialSuccess\":{\"rejectedLogRecords\":\"2\",\"errorMessage\":\"too deep\"}}",
        ),
    ];
    for (content_type, body, answered_as, expected) in cases {
        let answer = exchange(running.http, &post("/v1/logs", &[content_type], body)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), answered_as);
        let what = String::from_utf8_lossy(body);
        assert_eq!(
            String::from_utf8_lossy(&answer.body),
            String::from_utf8_lossy(expected),
            "{what} as {answered_as}"
        );
    }
}

/// What a refusal must be.
struct Expected {
    name: &'static str,
    status: u16,
    code: u64,
    refusal: Refusal,
    signal: Option<Signal>,
    /// In the message.
    says: &'static str,
    header: (&'static str, &'static str),
}

const fn expected(
    name: &'static str,
    (status, code): (u16, u64),
    refusal: Refusal,
    says: &'static str,
) -> Expected {
    let signal = Some(Signal::Logs);
    Expected {
        name,
        status,
        code,
        refusal,
        signal,
        says,
        header: ("", ""),
    }
}

async fn check(running: &Running, expected: &Expected, answer: &Answer) {
    let name = expected.name;
    assert_eq!(answer.status, expected.status, "{name}");
    let status = answer.status();
    assert_eq!(status.code, expected.code, "{name}");
    assert!(
        status.message.contains(expected.says),
        "{name}: {}",
        status.message
    );
    let (header, value) = expected.header;
    assert_eq!(answer.header(header), value, "{name}");
    let is_for_now = expected.status == 503;
    assert_eq!(
        answer.header("retry-after"),
        if is_for_now { "1" } else { "" },
        "{name}"
    );
    assert_eq!(status.retry_seconds, is_for_now.then_some(1), "{name}");
    let bad_data = expected.status == 400;
    assert_eq!(
        status.bad_request,
        bad_data.then_some(status.message),
        "{name}"
    );
    assert_eq!(
        running.refused(),
        [(expected.signal, expected.refusal)],
        "{name}"
    );
}

/// Makes `request` in both encodings; each must be refused as `expected` in its own.
async fn refused(running: &Running, expected: &Expected, request: impl Fn(&str) -> Vec<u8>) {
    for content_type in [JSON, PROTOBUF] {
        let answer = exchange(running.http, &request(content_type)).await;
        let answered_as = format!("content-type: {}", answer.header("content-type"));
        assert_eq!(answered_as, content_type, "{}", expected.name);
        check(running, expected, &answer).await;
    }
}

#[tokio::test]
async fn refuses_other_methods() {
    let running = start(config());
    let logs = Some(Signal::Logs);
    let cases = [
        ("GET", "/v1/logs", "POST", logs),
        ("HEAD", "/v1/logs/", "POST", logs),
        ("OPTIONS", "/v1/logs", "POST", logs),
        ("PUT", "/x/v1/logs", "POST", logs),
        ("POST", "/healthz", "GET, HEAD", None),
        ("DELETE", "/readyz", "GET, HEAD", None),
    ];
    for (method, path, allow, signal) in cases {
        let no = expected(method, (405, 12), Refusal::MethodNotAllowed, allow);
        let header = ("allow", allow);
        let no = Expected {
            header,
            signal,
            ..no
        };
        if method == "HEAD" {
            let answer = exchange(running.http, &head(method, path, &[JSON])).await;
            assert_eq!((answer.status, answer.header("allow")), (405, allow));
            running.refused();
        } else {
            refused(&running, &no, |content_type| {
                head(method, path, &[content_type])
            })
            .await;
        }
    }
}

#[tokio::test]
async fn refuses_compressions_that_are_not_spoken() {
    let running = start(config());
    for coding in ["br", "deflate", "gzip, gzip", "gzip, identity", "*"] {
        let unspoken = expected("coding", (415, 3), Refusal::UnsupportedMediaType, coding);
        let header = ("accept-encoding", "identity, gzip, zstd");
        let unspoken = Expected { header, ..unspoken };
        let line = format!("content-encoding: {coding}");
        let request = |content_type: &str| post("/v1/logs", &[content_type, &line], b"x");
        refused(&running, &unspoken, request).await;
    }
}

#[tokio::test]
async fn refuses_what_cannot_be_inflated() {
    let running = start(config());
    let packed = gzip(&b"something".repeat(100));
    let small = zstd(&b"something".repeat(100));
    let garbage = [&packed[..], b"garbage"].concat();
    let large = gzip(&super::limits::noise(200_000));
    let window = zstd_window(&vec![7; 1000], 24);
    let cases: [(&str, &[u8], &str); 9] = [
        (GZIP, &packed[..packed.len() - 9], "gzip"),
        (GZIP, &large[..large.len() - 1], "gzip"),
        (GZIP, b"{}", "gzip"),
        (GZIP, b"", "gzip"),
        (GZIP, &garbage, "gzip"),
        (ZSTD, &small[..small.len() - 1], "zstd"),
        (ZSTD, b"{}", "zstd"),
        (ZSTD, b"", "zstd"),
        (ZSTD, &window, "window"),
    ];
    for (header, sent, says) in cases {
        let no = match says {
            "window" => expected(says, (413, 8), Refusal::TooLarge, says),
            _ => expected(says, (400, 3), Refusal::Malformed, says),
        };
        refused(&running, &no, |content_type| {
            post("/v1/logs", &[content_type, header], sent)
        })
        .await;
    }
    assert!(running.admitted().is_empty());
}

#[tokio::test]
async fn passes_on_what_admit_says() {
    use Refusal::{Malformed, Unavailable};
    let running = start(config());
    let cases = [
        expected("refuse", (400, 3), Malformed, "wrong wire type, at byte 3"),
        expected("many", (400, 3), Malformed, "more than 50000 log records"),
        expected("unavailable", (503, 14), Unavailable, "the disk is full"),
        expected("panic", (503, 14), Unavailable, "internal error"),
    ];
    for expected in &cases {
        let body = expected.name.as_bytes();
        refused(&running, expected, |content_type| {
            post("/v1/logs", &[content_type], body)
        })
        .await;
    }
}

#[tokio::test]
async fn refuses_unknown_paths_and_media_types_in_json() {
    let running = start(config());
    for path in [
        "/",
        "/v1/logs/more",
        "/v1/foo",
        "/xv1/logs",
        "/v1logs",
        "/V1/LOGS",
        "/v1/",
    ] {
        let answer = exchange(
            running.http,
            &post(path, &["content-type: text/plain"], b""),
        )
        .await;
        let missing = expected("path", (404, 5), Refusal::NotFound, path);
        check(
            &running,
            &Expected {
                signal: None,
                ..missing
            },
            &answer,
        )
        .await;
    }
    let wrong = [
        "text/plain",
        "application/jsonx",
        "application/octet-stream",
        "",
        "application/grpc",
    ];
    for media_type in wrong {
        let line = format!("content-type: {media_type}");
        let answer = exchange(running.http, &post("/v1/logs", &[&line], b"{}")).await;
        let signal = (media_type != "application/grpc").then_some(Signal::Logs);
        let says = if signal.is_none() {
            "HTTP/2"
        } else {
            "application/x-protobuf"
        };
        let unknown = expected("media type", (415, 3), Refusal::UnsupportedMediaType, says);
        check(&running, &Expected { signal, ..unknown }, &answer).await;
    }
    let answer = exchange(running.http, &post("/v1/logs", &[], b"{}")).await;
    let none = expected(
        "none",
        (415, 3),
        Refusal::UnsupportedMediaType,
        "application/x-protobuf",
    );
    check(&running, &none, &answer).await;
    let twice = post("/v1/logs", &[JSON, PROTOBUF], b"{}");
    check(&running, &none, &exchange(running.http, &twice).await).await;
    assert!(running.admitted().is_empty());
}

#[tokio::test]
async fn a_long_path_makes_a_short_message() {
    let running = start(config());
    let path = format!("/{}", "ü".repeat(4000));
    let answer = exchange(running.http, &post(&path, &[JSON], b"")).await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.len() < 1024);
}

#[tokio::test]
async fn probes_on_both_ports() {
    let running = start(config());
    for address in [running.http, running.grpc] {
        for path in ["/healthz", "/readyz"] {
            let answer = exchange(address, &head("GET", path, &[])).await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, "application/json")
            );
        }
    }
    *running.recorder.ready.lock().unwrap() = Err("recovering".to_owned());
    for address in [running.http, running.grpc] {
        assert_eq!(
            exchange(address, &head("GET", "/healthz", &[]))
                .await
                .status,
            200
        );
        let answer = exchange(address, &head("GET", "/readyz", &[])).await;
        let not_ready = expected("readyz", (503, 14), Refusal::Unavailable, "recovering");
        check(
            &running,
            &Expected {
                signal: None,
                ..not_ready
            },
            &answer,
        )
        .await;
    }
}

#[tokio::test]
async fn the_port_of_grpc_names_the_other() {
    let running = start(config());
    for content_type in [JSON, PROTOBUF] {
        let answer = exchange(running.grpc, &post("/v1/logs", &[content_type], b"{}")).await;
        let lost = expected(
            "lost",
            (415, 3),
            Refusal::UnsupportedMediaType,
            "send OTLP/HTTP to port",
        );
        check(&running, &lost, &answer).await;
        assert!(
            answer
                .status()
                .message
                .contains(&running.http.port().to_string())
        );
    }
    assert!(running.admitted().is_empty());
}
