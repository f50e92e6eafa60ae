//! The clients of the tests, which can do wrong.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ::http::{HeaderMap, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::status::{Status, unbase64, utf8};
use super::within;

/// An answer of HTTP/1.1.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The answer that begins with `head`.
    fn of(head: &str) -> Self {
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: Vec::new(),
        }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The `google.rpc.Status` in the body, by its content-type.
    pub(super) fn status(&self) -> Status {
        match self.header("content-type") {
            "application/json" => Status::from_json(&self.body),
            "application/x-protobuf" => Status::from_protobuf(&self.body),
            other => panic!("a status as {other}"),
        }
    }
}

/// A request of HTTP/1.1 with a content-length; `headers` are lines without their ends.
pub(super) fn post(path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    let mut lines = headers.to_vec();
    lines.push(&length);
    let mut request = head("POST", path, &lines);
    request.extend_from_slice(body);
    request
}

/// A request of HTTP/1.1 in chunks of `size` bytes.
pub(super) fn chunked(path: &str, headers: &[&str], body: &[u8], size: usize) -> Vec<u8> {
    let mut lines = headers.to_vec();
    lines.push("transfer-encoding: chunked");
    let mut request = head("POST", path, &lines);
    for chunk in body.chunks(size) {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

/// The head of a request of HTTP/1.1.
pub(super) fn head(method: &str, path: &str, headers: &[&str]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Sends `request` on a connection of its own. An answer to HEAD has no body, whatever it says.
pub(super) async fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let mut socket = connect(address).await;
    if request.starts_with(b"HEAD ") {
        within(socket.write_all(request)).await.unwrap();
        return Answer::of(&read_head(&mut socket).await);
    }
    ask(&mut socket, request).await
}

pub(super) async fn connect(address: SocketAddr) -> TcpStream {
    within(TcpStream::connect(address)).await.unwrap()
}

/// Sends `request` on `socket`.
pub(super) async fn ask(socket: &mut TcpStream, request: &[u8]) -> Answer {
    within(socket.write_all(request)).await.unwrap();
    read_answer(socket).await
}

/// One answer, which has a content-length; what comes before it must not.
pub(super) async fn read_answer(socket: &mut TcpStream) -> Answer {
    let head = read_head(socket).await;
    let mut answer = Answer::of(&head);
    let length = answer.headers.get("content-length");
    answer
        .body
        .resize(length.map_or(0, |length| length.parse().unwrap()), 0);
    within(socket.read_exact(&mut answer.body)).await.unwrap();
    answer
}

/// The head of an answer, to its empty line.
pub(super) async fn read_head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = within(socket.read_u8()).await;
        head.push(byte.unwrap_or_else(|error| panic!("{error} after {}", utf8(&head))));
    }
    utf8(&head)
}

/// Waits for the other side to close; returns what it sent before.
pub(super) async fn read_to_close(socket: &mut TcpStream) -> Vec<u8> {
    let mut sent = Vec::new();
    let mut piece = [0; 4096];
    loop {
        // A reset closes as well.
        match within(socket.read(&mut piece)).await {
            Ok(0) | Err(_) => return sent,
            Ok(length) => sent.extend_from_slice(&piece[..length]),
        }
    }
}

/// A connection of HTTP/2.
pub(super) async fn http2(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let io = TokioIo::new(connect(address).await);
    let (sender, connection) = within(hyper::client::conn::http2::handshake(
        TokioExecutor::new(),
        io,
    ))
    .await
    .unwrap();
    tokio::spawn(connection);
    sender
}

/// What a gRPC call was told.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    trailers: Option<HeaderMap>,
}

impl Told {
    /// `grpc-status`, which is in the headers only when nothing follows them.
    pub(super) fn code(&self) -> u64 {
        let of = |headers: &HeaderMap| headers["grpc-status"].to_str().unwrap().parse().unwrap();
        match &self.trailers {
            Some(trailers) => of(trailers),
            None => {
                assert_eq!(self.headers["content-type"], "application/grpc");
                assert!(self.body.is_empty());
                of(&self.headers)
            }
        }
    }

    pub(super) fn message(&self) -> &str {
        self.headers["grpc-message"].to_str().unwrap()
    }

    /// `grpc-status-details-bin`, if there is one.
    pub(super) fn details(&self) -> Option<Status> {
        let details = self.headers.get("grpc-status-details-bin")?;
        Some(Status::from_protobuf(&unbase64(details.as_bytes())))
    }
}

/// Calls `path` with `body` as it is.
pub(super) async fn call(
    sender: &mut SendRequest<Full<Bytes>>,
    path: &str,
    headers: &[(&'static str, &'static str)],
    body: Vec<u8>,
) -> Told {
    let mut request = Request::post(format!("http://localhost{path}")).header("te", "trailers");
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/grpc");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let response = within(sender.send_request(request)).await.unwrap();
    assert_eq!(response.status(), 200);
    let (head, body) = response.into_parts();
    let body = within(body.collect()).await.unwrap();
    let trailers = body.trailers().cloned();
    Told {
        headers: head.headers,
        body: body.to_bytes(),
        trailers,
    }
}
