//! OTLP/gRPC: what is taken and what is refused, with status, details and headers.

use ::http::Request;
use bytes::Bytes;
use contract::Signal;
use http_body_util::{BodyExt, Full};
use otlp::Encoding;

use super::wire::{Told, call, http2};
use super::{Running, config, gzip, start, within};
use crate::{Config, Refusal, Transport};

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const GZIP: (&str, &str) = ("grpc-encoding", "gzip");

fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = vec![flag];
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

#[tokio::test]
async fn takes_three_services_plain_and_compressed_on_both_ports() {
    let running = start(config());
    let message = b"some bytes that nobody looks at here".repeat(40);
    let packed = frame(1, &gzip(&message));
    for address in [running.grpc, running.http] {
        let mut sender = http2(address).await;
        let identity = ("grpc-encoding", "identity");
        let proto = ("content-type", "application/grpc+proto");
        let plain = frame(0, &message);
        let cases = [
            (LOGS, Signal::Logs, vec![], &plain),
            (METRICS, Signal::Metrics, vec![], &plain),
            (TRACES, Signal::Traces, vec![], &plain),
            (LOGS, Signal::Logs, vec![identity], &plain),
            (LOGS, Signal::Logs, vec![GZIP], &packed),
            (LOGS, Signal::Logs, vec![GZIP], &plain),
            (LOGS, Signal::Logs, vec![proto], &plain),
        ];
        for (path, signal, headers, body) in cases {
            let told = call(&mut sender, path, &headers, body.clone()).await;
            assert_eq!(told.code(), 0, "{path} {headers:?}");
            assert_eq!(told.headers["content-type"], "application/grpc");
            assert_eq!(&told.body[..], b"\0\0\0\0\0", "one empty message");
            let [got] = &running.admitted()[..] else {
                panic!("not one request")
            };
            assert_eq!((got.signal, got.encoding), (signal, Encoding::Protobuf));
            assert_eq!(got.transport, Transport::Grpc);
            assert_eq!(got.body, message);
        }
        let told = call(&mut sender, LOGS, &[], frame(0, b"quarantine")).await;
        assert_eq!(told.code(), 0);
        assert_eq!(
            &told.body[..],
            b"\0\0\0\0\x0e\x0a\x0c\x08\x02\x12\x08too deep"
        );
        running.admitted();
    }
    assert_eq!(running.refused(), []);
}

/// A call and what it must be told.
struct Case {
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    code: u64,
    refusal: Refusal,
    /// In the message.
    says: &'static str,
}

fn case(body: Vec<u8>, code: u64, refusal: Refusal, says: &'static str) -> Case {
    Case {
        path: LOGS,
        headers: Vec::new(),
        body,
        code,
        refusal,
        says,
    }
}

impl Case {
    fn with(self, name: &'static str, value: &'static str) -> Self {
        Self {
            headers: vec![(name, value)],
            ..self
        }
    }

    fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }
}

fn bad_sizes(limit: usize) -> Vec<Case> {
    let over = vec![b'x'; limit + 1];
    let claim = [&[0][..], &u32::MAX.to_be_bytes()].concat();
    let no = |body, says| case(body, 8, Refusal::TooLarge, says);
    vec![
        no(frame(0, &over), "limit of 1048576 bytes"),
        no(
            [frame(0, &over), frame(0, b"x")].concat(),
            "limit of 1048576 bytes",
        ),
        no(claim, "limit"),
        no(frame(1, &gzip(&over)), "inflated").with(GZIP.0, GZIP.1),
    ]
}

fn bad_frames() -> Vec<Case> {
    let packed = gzip(b"something");
    let two = [frame(0, b"a"), frame(0, b"b")].concat();
    let trailing = [&frame(0, b"a")[..], b"rest"].concat();
    let cut = frame(0, b"something")[..9].to_vec();
    let no = |body, code, says| case(body, code, Refusal::Malformed, says);
    vec![
        no(frame(1, &packed), 13, "grpc-encoding"),
        no(frame(1, &packed), 13, "grpc-encoding").with(GZIP.0, "identity"),
        no(frame(2, b"x"), 13, "flag"),
        no(vec![0, 0], 13, "cut short"),
        no(cut, 13, "cut short"),
        no(trailing, 13, "behind"),
        no(Vec::new(), 12, "not 0"),
        no(two, 12, "not 2"),
        no(frame(1, b"plain"), 3, "gzip").with(GZIP.0, GZIP.1),
        no(frame(1, &packed[..9]), 3, "gzip").with(GZIP.0, GZIP.1),
    ]
}

fn bad_requests() -> Vec<Case> {
    use Refusal::{Malformed, NotFound, Unavailable, UnsupportedMediaType};
    let method = "/opentelemetry.proto.collector.logs.v1.LogsService/Import";
    let prefixed = "/x/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    let json = "application/grpc+json";
    vec![
        case(
            frame(0, b"refuse"),
            3,
            Malformed,
            "wrong wire type, at byte 3",
        ),
        case(frame(0, b"many"), 3, Malformed, "50000 log records"),
        case(
            frame(0, b"unavailable"),
            14,
            Unavailable,
            "the disk is full",
        ),
        case(frame(0, b"panic"), 14, Unavailable, "internal error"),
        case(frame(0, b""), 12, NotFound, "Import").at(method),
        case(frame(0, b""), 12, NotFound, "/x/").at(prefixed),
        case(frame(1, b"x"), 12, UnsupportedMediaType, "snappy").with(GZIP.0, "snappy"),
        case(frame(0, b"{}"), 3, UnsupportedMediaType, json).with("content-type", json),
    ]
}

fn check(running: &Running, case: &Case, told: &Told) {
    let says = case.says;
    assert_eq!(told.code(), case.code, "{says}: {}", told.message());
    assert!(told.message().contains(says), "{says}: {}", told.message());
    let details = told.details();
    match case.code {
        14 => {
            let details = details.unwrap();
            assert_eq!(
                (details.code, details.retry_seconds),
                (14, Some(1)),
                "{says}"
            );
        }
        3 if case.refusal == Refusal::Malformed => {
            let details = details.unwrap();
            assert_eq!(details.code, 3, "{says}");
            assert_eq!(
                details.bad_request.as_deref(),
                Some(&*details.message),
                "{says}"
            );
        }
        _ => assert_eq!(details, None, "{says}: nothing here invites to try again"),
    }
    let spoken = (says == "snappy").then_some("identity,gzip");
    let header = told.headers.get("grpc-accept-encoding");
    assert_eq!(
        header.map(|value| value.to_str().unwrap()),
        spoken,
        "{says}"
    );
    let signal = (case.path == LOGS).then_some(Signal::Logs);
    assert_eq!(running.refused(), [(signal, case.refusal)], "{says}");
}

#[tokio::test]
async fn refuses_bad_calls() {
    let running = start(config());
    let mut sender = http2(running.grpc).await;
    let sizes = bad_sizes(config().max_body_bytes);
    for case in sizes.into_iter().chain(bad_frames()).chain(bad_requests()) {
        let told = call(&mut sender, case.path, &case.headers, case.body.clone()).await;
        check(&running, &case, &told);
    }
    // The connection has survived all of that.
    assert_eq!(call(&mut sender, LOGS, &[], frame(0, b"")).await.code(), 0);
}

#[tokio::test]
async fn the_largest_message_fits() {
    let running = start(config());
    let largest = vec![b'x'; config().max_body_bytes];
    let mut sender = http2(running.grpc).await;
    for (headers, body) in [
        (&[][..], frame(0, &largest)),
        (&[GZIP], frame(1, &gzip(&largest))),
    ] {
        assert_eq!(call(&mut sender, LOGS, headers, body).await.code(), 0);
        assert_eq!(running.admitted()[0].body.len(), largest.len());
    }
}

#[tokio::test]
async fn overload_is_unavailable_with_retry_info() {
    let settings = Config {
        memory_budget_bytes: 256 << 10,
        hold: std::time::Duration::from_millis(100),
        ..config()
    };
    let running = start(settings);
    let mut holder = http2(running.grpc).await;
    let held = [&b"wait"[..], &[0; 100 << 10]].concat();
    let holding = call(&mut holder, LOGS, &[], frame(0, &held));
    let other = async {
        running.begun().await;
        let mut sender = http2(running.grpc).await;
        call(&mut sender, LOGS, &[], frame(0, &[0; 100 << 10])).await
    };
    let (late, crowded_out) = tokio::join!(holding, other);
    for (told, says) in [(late, "did not take it"), (crowded_out, "Too much")] {
        assert_eq!(told.code(), 14);
        assert!(told.message().contains(says), "{}", told.message());
        assert_eq!(told.details().unwrap().retry_seconds, Some(1));
    }
    let mut refused = running.refused();
    refused.sort();
    let logs = Some(Signal::Logs);
    assert_eq!(
        refused,
        [(logs, Refusal::Overloaded), (logs, Refusal::Unavailable)]
    );
    // What was late is admitted after all, and only then gives its memory back.
    running.release();
    running.ended().await;
    assert_eq!(
        call(&mut holder, LOGS, &[], frame(0, &[0; 100 << 10]))
            .await
            .code(),
        0
    );
}

#[tokio::test]
async fn messages_are_percent_encoded() {
    let running = start(config());
    let mut sender = http2(running.grpc).await;
    let told = call(
        &mut sender,
        LOGS,
        &[("grpc-encoding", "100%")],
        frame(0, b""),
    )
    .await;
    assert_eq!(told.code(), 12);
    assert!(told.message().contains("`100%25`"), "{}", told.message());
}

#[tokio::test]
async fn health_follows_readiness() {
    let running = start(config());
    let mut sender = http2(running.grpc).await;
    let check = "/grpc.health.v1.Health/Check";
    let told = call(&mut sender, check, &[], frame(0, b"")).await;
    assert_eq!(
        (told.code(), &told.body[..]),
        (0, &b"\0\0\0\0\x02\x08\x01"[..])
    );
    *running.recorder.ready.lock().unwrap() = Err("recovering".to_owned());
    let told = call(&mut sender, check, &[], frame(0, b"")).await;
    assert_eq!(
        (told.code(), &told.body[..]),
        (0, &b"\0\0\0\0\x02\x08\x02"[..])
    );
    let told = call(
        &mut sender,
        "/grpc.health.v1.Health/Watch",
        &[],
        frame(0, b""),
    )
    .await;
    assert_eq!(told.code(), 12);
}

#[tokio::test]
async fn many_calls_at_once_on_one_connection() {
    let running = start(config());
    let sender = http2(running.grpc).await;
    let calls = (0..300_u32).map(|number| {
        let mut sender = sender.clone();
        async move {
            call(&mut sender, LOGS, &[], frame(0, &number.to_be_bytes()))
                .await
                .code()
        }
    });
    let codes = futures::future::join_all(calls).await;
    assert!(codes.iter().all(|code| *code == 0));
    assert_eq!(running.admitted().len(), 300);
}

#[tokio::test]
async fn otlp_http_works_over_http2_at_its_port_and_is_redirected_at_the_other() {
    let running = start(config());
    for (address, status) in [(running.http, 200), (running.grpc, 415)] {
        let mut sender = http2(address).await;
        let request = Request::post("http://localhost/v1/logs")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(b"{}")))
            .unwrap();
        let response = within(sender.send_request(request)).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/json");
        let body = within(response.into_body().collect())
            .await
            .unwrap()
            .to_bytes();
        assert!(body.starts_with(b"{"));
    }
}
