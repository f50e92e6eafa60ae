//! Answers to export requests, read within bounds.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use otlp::Encoding;

use super::Transport;

/// No honest answer to an export request comes near this.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// gRPC status, over gRPC.
    pub grpc_status: Option<u32>,
    /// `grpc-message`, where there is one.
    pub grpc_message: Option<String>,
    /// `Content-Type` of the answer.
    pub content_type: Option<String>,
    /// The answer's body, without gRPC framing.
    pub body: Bytes,
    /// `Retry-After` in seconds, where there is one.
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Whether the server took the request.
    pub fn is_success(&self) -> bool {
        match self.grpc_status {
            Some(code) => code == 0,
            None => (200..300).contains(&self.status),
        }
    }

    /// Why a request was refused, as the server put it.
    pub fn reason(&self) -> String {
        let (kind, code) = match self.grpc_status {
            Some(code) => ("gRPC status", code),
            None => ("HTTP status", u32::from(self.status)),
        };
        let of_body = || {
            let is_json = self.content_type.as_deref() == Some(Encoding::Json.content_type());
            let encoding = match is_json {
                true => Encoding::Json,
                false => Encoding::Protobuf,
            };
            otlp::answer::read_refusal(encoding, &self.body)
        };
        match self.grpc_message.clone().or_else(of_body) {
            Some(message) => format!("{kind} {code}: {message}"),
            None => format!("{kind} {code}"),
        }
    }

    /// Reads the whole answer, trailers included.
    pub(super) async fn read(
        response: Response<Incoming>,
        transport: Transport,
    ) -> Result<Answer, String> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| error.to_string())?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        // A refusal without a body carries its status in the headers.
        let text = |key: &str| text(&trailers, key).or_else(|| text(&head.headers, key));
        let grpc_status = text("grpc-status").and_then(|code| code.parse().ok());
        let (grpc_message, content_type) = (text("grpc-message"), text(CONTENT_TYPE.as_str()));
        let retry_after = text(RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok());
        let mut body = body.to_bytes();
        if transport == Transport::Grpc {
            if grpc_status.is_none() {
                return Err(format!(
                    "HTTP status {} without a gRPC status",
                    head.status.as_u16()
                ));
            }
            body = body.slice_ref(otlp::grpc::unframe(&body));
        }
        Ok(Answer {
            status: head.status.as_u16(),
            grpc_status,
            grpc_message,
            content_type,
            body,
            retry_after: retry_after.map(Duration::from_secs),
        })
    }
}

fn text(headers: &HeaderMap, key: &str) -> Option<String> {
    headers.get(key)?.to_str().ok().map(str::to_owned)
}
