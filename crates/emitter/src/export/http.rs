//! One request over HTTP or gRPC, and its answer.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use contract::Signal;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER, TE, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use otlp::Encoding;
use otlp::answer::read_partial;

use super::connection::Connections;
use super::retry::{Verdict, is_grpc_retryable, is_http_retryable};
use crate::settings::{Compression, Endpoint, Protocol};

const USER_AGENT_TEXT: &str = concat!("tallybook-emitter/", env!("CARGO_PKG_VERSION"));
/// No honest answer to an export request comes near this.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// How much of a receiver's reason is repeated.
const REASON_CHARS_MAX: usize = 200;

/// Requests to one receiver.
pub(super) struct Client {
    connections: Connections,
}

impl Client {
    pub(super) fn new(endpoint: &Endpoint) -> Client {
        Client {
            connections: Connections::new(endpoint),
        }
    }

    /// One attempt. `more` are headers beside those of the endpoint; they win.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        signal: Signal,
        body: &[u8],
        more: &[(String, String)],
    ) -> Verdict {
        let request = match request(endpoint, signal, body, more) {
            Ok(request) => request,
            Err(reason) => return Verdict::Refused(reason),
        };
        let exchange = async {
            let response = self.connections.send(request).await?;
            read(response).await
        };
        match tokio::time::timeout(endpoint.timeout, exchange).await {
            Ok(Ok(answer)) => answer.verdict(endpoint.protocol, signal),
            Ok(Err(reason)) => Verdict::Again {
                reason: format!("{}: {reason}", endpoint.address()),
                after: None,
            },
            Err(_) => Verdict::Again {
                reason: format!(
                    "{}: no answer within {} ms",
                    endpoint.address(),
                    endpoint.timeout.as_millis()
                ),
                after: None,
            },
        }
    }
}

fn request(
    endpoint: &Endpoint,
    signal: Signal,
    body: &[u8],
    more: &[(String, String)],
) -> Result<Request<Full<Bytes>>, String> {
    let is_grpc = endpoint.protocol == Protocol::Grpc;
    let mut url = endpoint.url.clone();
    if is_grpc {
        url.set_path(otlp::grpc::path(signal));
        url.set_query(None);
    }
    let (body, is_compressed) = match endpoint.compression {
        Compression::None => (body.to_vec(), false),
        Compression::Gzip => (gzip(body).map_err(|error| error.to_string())?, true),
    };
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(match endpoint.protocol {
            Protocol::HttpJson => Encoding::Json.content_type(),
            Protocol::HttpProtobuf => Encoding::Protobuf.content_type(),
            Protocol::Grpc => "application/grpc",
        }),
    );
    if is_grpc {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if is_compressed {
        let name = match is_grpc {
            true => HeaderName::from_static("grpc-encoding"),
            false => CONTENT_ENCODING,
        };
        headers.insert(name, HeaderValue::from_static("gzip"));
    }
    for (name, value) in endpoint.headers.iter().chain(more) {
        // The settings let nothing else through; a header that cannot be written is never guessed.
        let parsed = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        );
        let (Ok(name), Ok(value)) = parsed else {
            return Err(format!("header `{name}` cannot be written"));
        };
        headers.insert(name, value);
    }
    let body = match is_grpc {
        true => otlp::grpc::frame(&body, is_compressed),
        false => body,
    };
    let mut request = Request::post(url.as_str())
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| format!("{}: {error}", endpoint.address()))?;
    *request.headers_mut() = headers;
    Ok(request)
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Level::default());
    encoder.write_all(body)?;
    encoder.finish()
}

/// What a receiver answered.
struct Answer {
    status: u16,
    content_type: String,
    retry_after: Option<Duration>,
    grpc_status: Option<u32>,
    grpc_message: String,
    grpc_delay: Option<Duration>,
    body: Bytes,
}

async fn read(response: Response<Incoming>) -> Result<Answer, String> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| format!("the answer cannot be read: {error}"))?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    // A refusal without a body carries its status in the headers.
    let text = |key: &str| {
        let value = trailers.get(key).or_else(|| head.headers.get(key))?;
        value.to_str().ok().map(str::to_owned)
    };
    let details = text("grpc-status-details-bin").and_then(|text| base64(&text));
    Ok(Answer {
        status: head.status.as_u16(),
        content_type: text(CONTENT_TYPE.as_str()).unwrap_or_default(),
        // The other form, a date, is not written by receivers of OTLP; the own wait holds then.
        retry_after: text(RETRY_AFTER.as_str())
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs),
        grpc_status: text("grpc-status").and_then(|code| code.parse().ok()),
        grpc_message: text("grpc-message").unwrap_or_default(),
        grpc_delay: details.and_then(|status| otlp::grpc::retry_delay(&status)),
        body: body.to_bytes(),
    })
}

impl Answer {
    fn verdict(self, protocol: Protocol, signal: Signal) -> Verdict {
        match protocol {
            Protocol::Grpc => self.grpc_verdict(signal),
            Protocol::HttpJson | Protocol::HttpProtobuf => self.http_verdict(signal),
        }
    }

    fn http_verdict(self, signal: Signal) -> Verdict {
        let status = self.status;
        if (200..300).contains(&status) {
            let encoding = match self.content_type.starts_with(Encoding::Json.content_type()) {
                true => Encoding::Json,
                false => Encoding::Protobuf,
            };
            return Verdict::Taken(read_partial(signal, encoding, &self.body));
        }
        let mut reason = format!("the receiver answered HTTP {status}");
        if self.content_type.starts_with(Encoding::Json.content_type()) {
            reason = format!(
                "{reason}: {}",
                shorten(&String::from_utf8_lossy(&self.body))
            );
        }
        match is_http_retryable(status) {
            true => Verdict::Again {
                reason,
                after: self.retry_after,
            },
            false => Verdict::Refused(reason),
        }
    }

    fn grpc_verdict(self, signal: Signal) -> Verdict {
        let Some(code) = self.grpc_status else {
            let reason = format!(
                "HTTP status {} without a gRPC status: is this a gRPC port?",
                self.status
            );
            return match is_http_retryable(self.status) {
                true => Verdict::Again {
                    reason,
                    after: self.retry_after,
                },
                false => Verdict::Refused(reason),
            };
        };
        if code == 0 {
            let message = otlp::grpc::unframe(&self.body);
            return Verdict::Taken(read_partial(signal, Encoding::Protobuf, message));
        }
        let reason = format!(
            "the receiver answered gRPC status {code}: {}",
            shorten(&self.grpc_message)
        );
        match is_grpc_retryable(code, self.grpc_delay.is_some()) {
            true => Verdict::Again {
                reason,
                after: self.grpc_delay,
            },
            false => Verdict::Refused(reason),
        }
    }
}

fn shorten(text: &str) -> String {
    let kept = text.chars().filter(|letter| !letter.is_control());
    kept.take(REASON_CHARS_MAX).collect()
}

/// Base64 as binary metadata of gRPC has it, with or without padding; `None` when it is not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut group, mut bits) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        group = (group << 6 | u32::from(value)) & 0x3fff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((group >> bits) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn binary_metadata_is_read() {
        assert_eq!(base64("aGVsbG8=").as_deref(), Some(&b"hello"[..]));
        assert_eq!(base64("aGVsbG8").as_deref(), Some(&b"hello"[..]));
        assert_eq!(base64("_-8").as_deref(), Some(&[0xff, 0xef][..]));
        assert_eq!(base64("a b"), None);
    }
}
