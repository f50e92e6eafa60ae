//! Proof that the suite can fail: receivers that are wrong on purpose, and the checks that say so.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use conformance::receiver::Receiver;
use conformance::suite::{Row, Selection, Verdict, run};
use conformance::way::Way;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::time::timeout;

/// How long a wrong receiver waits for a body that does not come.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a wrong receiver answers to everything.
type Answer = fn(&HeaderMap) -> Response<Full<Bytes>>;

/// The limit that the suite is told; nobody keeps it here.
const LIMIT_BYTES: usize = 200_000;

/// Runs the suite against a receiver that answers everything with `answer`.
async fn rows_of(answer: Answer) -> Vec<Row> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| async move {
                    let (head, body) = request.into_parts();
                    let _ = timeout(PATIENCE, body.collect()).await;
                    Ok::<_, Infallible>(answer(&head.headers))
                });
                let builder = auto::Builder::new(TokioExecutor::new());
                let _ = builder
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    });
    let receiver = Receiver::at(&url, Some(&url), LIMIT_BYTES).expect("an address that is read");
    let rows = run(&receiver, &Selection::default(), |_, _, _| {}).await;
    serving.abort();
    rows
}

fn names(rows: &[Row], way: Way, verdict: Verdict) -> Vec<&'static str> {
    let rows = rows.iter();
    let of = rows.filter(|row| row.way == way && row.verdict == verdict);
    of.map(|row| row.check).collect()
}

#[track_caller]
fn check_failed(rows: &[Row], way: Way, expected: &[&str]) {
    let failed = names(rows, way, Verdict::Failed);
    assert_eq!(failed, expected, "{way}");
}

fn is_call(headers: &HeaderMap) -> bool {
    headers
        .get("content-type")
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

fn response(
    status: u16,
    headers: &[(&'static str, &str)],
    body: &'static [u8],
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body)));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a header");
        response.headers_mut().insert(*name, value);
    }
    response
}

/// Says yes to everything, in the right encoding.
fn yes(headers: &HeaderMap) -> Response<Full<Bytes>> {
    if is_call(headers) {
        let said = [("content-type", "application/grpc"), ("grpc-status", "0")];
        return response(200, &said, b"\0\0\0\0\0");
    }
    let media_type = headers.get("content-type").cloned();
    let media_type = media_type.unwrap_or(HeaderValue::from_static("application/json"));
    let is_json = media_type
        .as_bytes()
        .to_ascii_lowercase()
        .starts_with(b"application/json");
    let body: &[u8] = if is_json { b"{}" } else { b"" };
    response(
        200,
        &[("content-type", media_type.to_str().expect("text"))],
        body,
    )
}

/// Asks everybody to come back.
fn later(headers: &HeaderMap) -> Response<Full<Bytes>> {
    if is_call(headers) {
        let said = [("content-type", "application/grpc"), ("grpc-status", "14")];
        return response(200, &said, b"");
    }
    response(503, &[("retry-after", "1")], b"")
}

/// Refuses everything for good, with a page for people.
fn page(headers: &HeaderMap) -> Response<Full<Bytes>> {
    if is_call(headers) {
        let said = [("content-type", "application/grpc"), ("grpc-status", "3")];
        return response(200, &said, b"");
    }
    response(
        400,
        &[("content-type", "text/html")],
        b"<h1>Bad Request</h1>",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_yes_to_everything_is_found_out() {
    let rows = rows_of(yes).await;
    check_failed(
        &rows,
        Way::Json,
        &[
            "one byte more is refused",
            "one byte more in chunks is refused",
            "a gzip body that inflates to one byte more is refused",
            "gzip in members that inflate to one byte more is refused",
            "a zstd body that inflates to one byte more is refused",
            "a compressed body that is itself over the limit is refused",
            "a claimed length over the limit is refused before the body comes",
            "a body shorter than its content-length is not taken",
            "the answer to a name of 60 KB is short",
            "one bad log record of three is rejected, and the others are kept",
            "one bad data point of three is rejected, and the others are kept",
            "one bad span of three is rejected, and the others are kept",
            "another path is 404",
            "another method is 405 with Allow: POST",
            "no media type is 415",
            "another media type is 415, whatever the body is",
            "a body is read as its media type says, not as it looks",
            "400, 404, 405, 413, 415: a Status with code and message",
            "a refusal with an unknown media type still is a Status",
            "cut short is 400 with BadRequest",
            "noise is 400 with BadRequest",
            "br, deflate, compress and two at once are 415",
            "two requests written at once are answered in order",
            "after a refusal the connection is as good as before",
        ],
    );
    check_failed(
        &rows,
        Way::Grpc,
        &[
            "one byte more is refused",
            "a gzip body that inflates to one byte more is refused",
            "gzip in members that inflate to one byte more is refused",
            "a compressed body that is itself over the limit is refused",
            "a claimed length of a message over the limit is refused",
            "the answer to a name of 60 KB is short",
            "one bad log record of three is rejected, and the others are kept",
            "one bad data point of three is rejected, and the others are kept",
            "one bad span of three is rejected, and the others are kept",
            "what cannot be decoded, of every signal",
            "what cannot be inflated",
            "an unknown grpc-encoding is UNIMPLEMENTED and the known ones are named",
            "compressed without grpc-encoding is INTERNAL",
            "an unknown method",
            "an unknown service",
            "no message at all",
            "two messages",
            "a message cut short",
            "a prefix cut short",
            "a compressed flag that is neither 0 nor 1",
            "something behind the message",
            "another message format",
            "a message over the limit",
            "content that cannot be decoded",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_always_asks_to_come_back_passes_nothing_that_matters() {
    let rows = rows_of(later).await;
    let passed =
        [Way::Protobuf, Way::Json, Way::Grpc].map(|way| names(&rows, way, Verdict::Passed));
    let short = "the answer to thousands of bad items is short";
    // What is not taken is all that the first of these asks; the second looks at the media type alone.
    let cut = "a body shorter than its content-length is not taken";
    let call = "a call is answered as application/grpc";
    assert_eq!(passed[0], [cut, short]);
    assert_eq!(passed[1], [cut, short]);
    assert_eq!(passed[2], [short, call]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_is_a_page_is_no_status() {
    let rows = rows_of(page).await;
    let failed = names(&rows, Way::Json, Verdict::Failed);
    for check in [
        "noise is 400 with BadRequest",
        "cut short is 400 with BadRequest",
        "a refusal has the media type of its request",
        "400, 404, 405, 413, 415: a Status with code and message",
        "a refusal with an unknown media type still is a Status",
        "a plain body is taken",
    ] {
        assert!(failed.contains(&check), "{check} did not fail");
    }
    // Whether a code invites to come back is told even where the rest is wrong.
    let passed = names(&rows, Way::Json, Verdict::Passed);
    assert!(passed.contains(&"no permanent fault invites to come back"));
}
