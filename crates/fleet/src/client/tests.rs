//! The client against a server that writes down what it gets and answers as it is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::header::{HeaderMap, RETRY_AFTER};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

use super::*;

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) peer: SocketAddr,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the server is to answer next: HTTP status and `Retry-After`; 200 when nothing is left.
pub(crate) type Script = VecDeque<(u16, Option<&'static str>)>;

#[derive(Clone, Default)]
pub(crate) struct Server {
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    pub(crate) script: Arc<Mutex<Script>>,
}

impl Server {
    /// Starts serving both HTTP and gRPC; the URL.
    pub(crate) async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move {
                    let service = service_fn(|request| server.clone().answer(request, peer));
                    let connection = auto::Builder::new(TokioExecutor::new());
                    let _ = connection
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        url
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let seen = Seen {
            peer,
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body,
        };
        let is_grpc = seen.headers[CONTENT_TYPE] == "application/grpc";
        self.seen.lock().expect("lock").push(seen);
        if is_grpc {
            return Ok(grpc_answer());
        }
        let (status, retry_after) = self
            .script
            .lock()
            .expect("lock")
            .pop_front()
            .unwrap_or((200, None));
        let mut response = Response::new(Full::new(Bytes::from_static(b"{}")).boxed());
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        if let Some(seconds) = retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        Ok(response)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("lock").clone()
    }
}

/// An empty message and, in the trailers, status 0.
fn grpc_answer() -> Response<BoxBody<Bytes, Infallible>> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = WithTrailers(VecDeque::from([
        Frame::data(Bytes::from_static(&[0, 0, 0, 0, 2, 0x0a, 0x00])),
        Frame::trailers(trailers),
    ]));
    let mut response = Response::new(body.boxed());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

struct WithTrailers(VecDeque<Frame<Bytes>>);

impl Body for WithTrailers {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(self.0.pop_front().map(Ok))
    }
}

#[tokio::test]
async fn http_requests_go_out_as_asked_over_one_connection() {
    let server = Server::default();
    let url = server.start().await;
    server
        .script
        .lock()
        .expect("lock")
        .push_back((429, Some("7")));
    let client = Client::new(&format!("{url}/prefix/"), Transport::Http).expect("a client");
    let send = |encoding, compression, body, path| {
        client.send(
            Signal::Logs,
            encoding,
            compression,
            Bytes::from_static(body),
            path,
        )
    };
    let first = send(Encoding::Json, ContentEncoding::Identity, b"{}", None)
        .await
        .expect("an answer");
    assert_eq!(
        (first.status, first.retry_after, first.is_success()),
        (429, Some(Duration::from_secs(7)), false)
    );
    let second = send(
        Encoding::Protobuf,
        ContentEncoding::Zstd,
        b"zz",
        Some("/other"),
    )
    .await
    .expect("an answer");
    assert!(second.is_success() && second.body == "{}");
    let seen = server.seen();
    assert_eq!(
        (seen[0].path.as_str(), seen[1].path.as_str()),
        ("/prefix/v1/logs", "/prefix/other")
    );
    assert_eq!(seen[0].headers[CONTENT_TYPE], "application/json");
    assert_eq!(seen[0].headers["content-length"], "2");
    assert_eq!(seen[1].headers[CONTENT_TYPE], "application/x-protobuf");
    assert_eq!(seen[1].headers[CONTENT_ENCODING], "zstd");
    assert_eq!(seen[0].peer, seen[1].peer, "the connection was kept");
}

#[tokio::test]
async fn a_chunked_request_has_no_length() {
    let server = Server::default();
    let client = Client::new(&server.start().await, Transport::Http).expect("a client");
    let body = Bytes::from_static(b"{}");
    let answer = client
        .send_as(
            Encoding::Json,
            ContentEncoding::Identity,
            body,
            "/v1/logs",
            true,
        )
        .await;
    assert!(answer.expect("an answer").is_success());
    let seen = &server.seen()[0];
    assert_eq!(seen.headers["transfer-encoding"], "chunked");
    assert!(!seen.headers.contains_key("content-length") && seen.body == "{}");
}

#[tokio::test]
async fn grpc_requests_are_framed_and_answers_unframed() {
    let server = Server::default();
    let client = Client::new(&server.start().await, Transport::Grpc).expect("a client");
    for signal in Signal::ALL {
        let body = Bytes::from_static(b"abc");
        let answer = client
            .send(
                signal,
                Encoding::Protobuf,
                ContentEncoding::Gzip,
                body,
                None,
            )
            .await;
        let answer = answer.expect("an answer");
        assert_eq!(
            (answer.grpc_status, answer.body.as_ref()),
            (Some(0), [0x0a, 0x00].as_slice())
        );
    }
    let seen = server.seen();
    assert_eq!(
        seen[2].path,
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    );
    assert_eq!(seen[0].body.as_ref(), [1, 0, 0, 0, 3, b'a', b'b', b'c']);
    assert_eq!(seen[0].headers["grpc-encoding"], "gzip");
    assert_eq!(seen[0].headers["te"], "trailers");
}

#[tokio::test]
async fn what_cannot_be_sent_says_why() {
    let error = |url: &str| {
        Client::new(url, Transport::Http)
            .err()
            .expect("no client")
            .to_string()
    };
    assert!(error("https://example.com").contains("asks for TLS"));
    assert!(error("ftp://example.com").contains("scheme `ftp` is not http"));
    assert!(error("example").contains("`example` cannot be used"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let client = Client::new(&url, Transport::Http).expect("a client");
    let answer = client
        .send(
            Signal::Logs,
            Encoding::Json,
            ContentEncoding::Identity,
            Bytes::new(),
            None,
        )
        .await;
    let message = answer.expect_err("nobody listens").to_string();
    assert!(
        message.contains(&url) && message.contains("refused"),
        "{message}"
    );
}
