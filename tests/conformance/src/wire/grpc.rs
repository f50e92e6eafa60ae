//! gRPC calls whose frames are written by hand, over a connection of HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use testkit::Problem;
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// One message with its prefix: the compressed flag, and the length in four bytes.
pub fn frame(is_compressed: bool, message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u32).to_be_bytes();
    [&[u8::from(is_compressed)], &length[..], message].concat()
}

/// A call to be made.
#[derive(Clone, Debug)]
pub struct Call {
    /// `/package.Service/Method`.
    pub path: String,
    /// Names and values; `content-type` replaces the usual one.
    pub headers: Vec<(String, String)>,
    /// Everything that is sent, frames and all.
    pub body: Vec<u8>,
}

impl Call {
    /// A call with these further headers.
    pub fn new(path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Call {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Call {
            path: path.to_owned(),
            headers: headers.iter().map(owned).collect(),
            body,
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status of HTTP, 200 for all that is gRPC.
    pub http_status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The trailers; empty when the answer was headers alone.
    pub trailers: HeaderMap,
    /// The frames.
    pub body: Bytes,
}

impl Reply {
    /// A header or trailer, as text.
    pub fn said(&self, name: &str) -> Option<&str> {
        let value = self.trailers.get(name).or_else(|| self.headers.get(name))?;
        value.to_str().ok()
    }

    /// `grpc-status`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn code(&self) -> Result<u32, Problem> {
        let code = self.said("grpc-status").and_then(|code| code.parse().ok());
        code.ok_or_else(|| Problem::new(format!("no grpc-status, HTTP {}", self.http_status)))
    }

    /// The one message of the answer.
    ///
    /// # Errors
    ///
    /// When it is not one uncompressed message.
    pub fn message(&self) -> Result<&[u8], Problem> {
        match self.body.split_first_chunk() {
            Some(([0, a, b, c, d], message))
                if u32::from_be_bytes([*a, *b, *c, *d]) as usize == message.len() =>
            {
                Ok(message)
            }
            _ => Err(Problem::new(format!(
                "{} bytes that are not one message",
                self.body.len()
            ))),
        }
    }

    /// `grpc-status-details-bin`, decoded.
    pub fn details(&self) -> Option<Vec<u8>> {
        unbase64(self.said("grpc-status-details-bin")?)
    }
}

/// One connection of HTTP/2.
#[derive(Clone, Debug)]
pub struct Channel {
    sender: SendRequest<Full<Bytes>>,
}

impl Channel {
    /// Connects to `host:port`.
    ///
    /// # Errors
    ///
    /// When nobody listens there, or HTTP/2 is not spoken.
    pub async fn open(address: &str) -> Result<Channel, Problem> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let shaken = handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = timeout(PATIENCE, shaken).await??;
        // It ends with the last sender; what breaks it is told to the calls.
        tokio::spawn(connection);
        Ok(Channel { sender })
    }

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn call(&self, call: &Call) -> Result<Reply, Problem> {
        let mut request = Request::post(format!("http://localhost{}", call.path));
        request = request.header("te", "trailers");
        if !call.headers.iter().any(|(name, _)| name == "content-type") {
            request = request.header("content-type", "application/grpc");
        }
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(call.body.clone())))?;
        self.send(request).await
    }

    /// Sends any request.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Reply, Problem> {
        let mut sender = self.sender.clone();
        let exchange = async {
            sender.ready().await?;
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| Problem::new(error.to_string()))?;
            Ok(Reply {
                http_status: head.status.as_u16(),
                headers: head.headers,
                trailers: body.trailers().cloned().unwrap_or_default(),
                body: body.to_bytes(),
            })
        };
        timeout(PATIENCE, exchange).await?
    }
}

/// Base64 with or without padding.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.trim_end_matches('=').bytes() {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}
