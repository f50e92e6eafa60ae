//! An OTLP client over HTTP and gRPC, with kept-alive connections and no TLS.
//!
//! | file | what is in it |
//! |---|---|
//! | `answer.rs` | answers, read within bounds |
//! | `payload.rs` | request bodies with and without a known length |
//! | `failure.rs` | why a request got no answer |

mod answer;
mod failure;
mod payload;

#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use bytes::Bytes;
use contract::Signal;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use otlp::Encoding;
use url::Url;

pub use answer::Answer;
pub use failure::SendError;
use payload::Payload;

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// OTLP/HTTP.
    Http,
    /// OTLP/gRPC, HTTP/2 with prior knowledge.
    Grpc,
}

/// How a request body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentEncoding {
    /// Not at all.
    Identity,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl ContentEncoding {
    /// The name in headers; `None` where no header is sent.
    pub fn name(self) -> Option<&'static str> {
        match self {
            ContentEncoding::Identity => None,
            ContentEncoding::Gzip => Some("gzip"),
            ContentEncoding::Zstd => Some("zstd"),
        }
    }
}

/// Where to send: one address for each transport.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Base URL for OTLP/HTTP; a path in it stands before the request's path.
    pub http: Option<String>,
    /// URL for OTLP/gRPC.
    pub grpc: Option<String>,
}

/// How long a request may take from start to end.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT_TEXT: &str = concat!("tallybook/", env!("CARGO_PKG_VERSION"));

/// An OTLP client for one server. Clones share connections.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
    /// `http://host:port` and a path prefix without a slash at its end.
    base: String,
    /// Sent with every request.
    headers: HeaderMap,
    pool: hyper_util::client::legacy::Client<HttpConnector, Payload>,
}

impl Client {
    /// A client for the server at `url`; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When the URL is not one, or asks for TLS.
    pub fn new(url: &str, transport: Transport) -> Result<Client, SendError> {
        let parsed = Url::parse(url).map_err(|error| SendError::Url {
            url: url.to_owned(),
            reason: error.to_string(),
        })?;
        match parsed.scheme() {
            "http" => {}
            "https" => {
                return Err(SendError::Tls {
                    url: url.to_owned(),
                });
            }
            other => {
                let reason = format!("scheme `{other}` is not http");
                return Err(SendError::Url {
                    url: url.to_owned(),
                    reason,
                });
            }
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .http2_only(transport == Transport::Grpc)
            .build(connector);
        let base = format!("{}{}", &parsed[..url::Position::BeforePath], parsed.path());
        Ok(Client {
            transport,
            base: base.trim_end_matches('/').to_owned(),
            headers: HeaderMap::new(),
            pool,
        })
    }

    /// The same with one more header in every request; over gRPC it is metadata.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Client {
        self.headers.append(name, value);
        self
    }

    /// The same with an ingest token, as exporters send it.
    ///
    /// # Errors
    ///
    /// When it holds what no header can.
    pub fn with_token(self, token: &str) -> Result<Client, SendError> {
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.map_err(|_| SendError::Token)?;
        value.set_sensitive(true);
        Ok(self.with_header(AUTHORIZATION, value))
    }

    /// Sends one request and reads the whole answer. `path` is OTLP's own when it is `None`.
    ///
    /// # Errors
    ///
    /// When there is no answer; an answer that refuses is not an error.
    pub async fn send(
        &self,
        signal: Signal,
        encoding: Encoding,
        content_encoding: ContentEncoding,
        body: Bytes,
        path: Option<&str>,
    ) -> Result<Answer, SendError> {
        let path = path.map_or_else(|| self.default_path(signal), str::to_owned);
        self.send_as(encoding, content_encoding, body, &path, false)
            .await
    }

    /// Like `send`, without a Content-Length when `is_chunked` says so.
    pub(crate) async fn send_as(
        &self,
        encoding: Encoding,
        content_encoding: ContentEncoding,
        body: Bytes,
        path: &str,
        is_chunked: bool,
    ) -> Result<Answer, SendError> {
        let address = format!("{}{path}", self.base);
        let uri: Uri = address
            .parse()
            .map_err(|error: http::uri::InvalidUri| SendError::Url {
                url: address.clone(),
                reason: error.to_string(),
            })?;
        let request = match self.transport {
            Transport::Http => http_request(uri, encoding, content_encoding, body, is_chunked),
            Transport::Grpc => grpc_request(uri, content_encoding, &body),
        };
        let mut request = request.map_err(|error| SendError::Url {
            url: address.clone(),
            reason: error.to_string(),
        })?;
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        match tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(request, &address)).await {
            Ok(answer) => answer,
            Err(_) => Err(SendError::Timeout {
                address,
                after: REQUEST_TIMEOUT,
            }),
        }
    }

    async fn exchange(
        &self,
        request: Request<Payload>,
        address: &str,
    ) -> Result<Answer, SendError> {
        let response = self
            .pool
            .request(request)
            .await
            .map_err(|error| SendError::from_exchange(address, &error))?;
        Answer::read(response, self.transport)
            .await
            .map_err(|reason| SendError::Answer {
                address: address.to_owned(),
                reason,
            })
    }

    fn default_path(&self, signal: Signal) -> String {
        match self.transport {
            Transport::Http => format!("/v1/{}", signal.name()),
            Transport::Grpc => otlp::grpc::path(signal).to_owned(),
        }
    }
}

fn http_request(
    uri: Uri,
    encoding: Encoding,
    content_encoding: ContentEncoding,
    body: Bytes,
    is_chunked: bool,
) -> http::Result<Request<Payload>> {
    let mut request = Request::post(uri)
        .header(CONTENT_TYPE, encoding.content_type())
        .header(USER_AGENT, USER_AGENT_TEXT);
    if let Some(name) = content_encoding.name() {
        request = request.header(CONTENT_ENCODING, name);
    }
    request.body(if is_chunked {
        Payload::chunked(body)
    } else {
        Payload::sized(body)
    })
}

fn grpc_request(
    uri: Uri,
    content_encoding: ContentEncoding,
    message: &[u8],
) -> http::Result<Request<Payload>> {
    let mut request = Request::post(uri)
        .header(CONTENT_TYPE, "application/grpc")
        .header(USER_AGENT, USER_AGENT_TEXT)
        .header(TE, "trailers");
    if let Some(name) = content_encoding.name() {
        request = request.header("grpc-encoding", name);
    }
    let framed = otlp::grpc::frame(message, content_encoding != ContentEncoding::Identity);
    request.body(Payload::sized(framed.into()))
}
