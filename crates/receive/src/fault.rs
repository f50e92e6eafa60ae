//! Everything that can go wrong with a request, and what the client is told.
//!
//! Invariant: this is the only place that chooses codes. No permanent fault gets one that OTLP lists
//! as retryable (HTTP 429, 502, 503, 504; gRPC `CANCELLED`, `DEADLINE_EXCEEDED`, `ABORTED`,
//! `OUT_OF_RANGE`, `UNAVAILABLE`, `DATA_LOSS`), and nothing that goes wrong on our side gets one that
//! makes the client drop its data. In between is a client too slow to send: 408, which HTTP clients
//! do not retry, and over gRPC `UNAVAILABLE`, for there it was more likely the network than the client.
//!
//! Codes are those of `google.rpc.Code`. 404 is `NOT_FOUND` over HTTP, and `UNIMPLEMENTED` over gRPC,
//! where a path is a method.

use std::fmt;

use ::http::StatusCode;
use otlp::Encoding;
use otlp::answer::Detail;

use crate::budget::Exhausted;
use crate::{Denied, Refusal};

/// A client gets a message of at most this many bytes: gRPC repeats it in headers, which clients
/// limit to 8 KiB, percent-encoded and in base64.
const LONGEST_MESSAGE_BYTES: usize = 512;

const DEADLINE_EXCEEDED: u32 = 4;
const INVALID_ARGUMENT: u32 = 3;
const NOT_FOUND: u32 = 5;
const RESOURCE_EXHAUSTED: u32 = 8;
const UNIMPLEMENTED: u32 = 12;
const INTERNAL: u32 = 13;
const UNAVAILABLE: u32 = 14;
const PERMISSION_DENIED: u32 = 7;
const UNAUTHENTICATED: u32 = 16;

/// What went wrong with a request.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No such path or gRPC method.
    NotFound { path: String },
    /// The path exists, for other methods.
    MethodNotAllowed { allow: &'static str },
    /// A media type that is not spoken here.
    MediaType { got: String, wanted: &'static str },
    /// gRPC over HTTP/1.1, which has no way to send its status.
    NeedsHttp2,
    /// OTLP/HTTP at the port of OTLP/gRPC.
    WrongPort { http_port: u16 },
    /// A compression that is not spoken here.
    Coding { got: String },
    /// More than the limit.
    TooLarge {
        what: &'static str,
        limit_bytes: usize,
    },
    /// Compression or transfer that cannot be read; `reason` continues "The body".
    Malformed { reason: String },
    /// gRPC framing that cannot be read.
    Framing { reason: &'static str },
    /// A unary call with no message or with several.
    Messages { count: usize },
    /// The content cannot be admitted, ever.
    Refused(otlp::Refused),
    /// The client was too slow to send its body.
    Slow,
    /// No memory was free in time.
    Overloaded,
    /// It could not be admitted now.
    Unavailable { reason: String },
    /// Whoever sends it may not.
    Denied(Denied),
}

impl From<Exhausted> for Fault {
    fn from(_: Exhausted) -> Self {
        Self::Overloaded
    }
}

impl Fault {
    /// HTTP status and `google.rpc.Code` on OTLP/HTTP.
    pub(crate) fn http(&self) -> (StatusCode, u32) {
        match self {
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, NOT_FOUND),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, UNIMPLEMENTED),
            Self::MediaType { .. }
            | Self::NeedsHttp2
            | Self::WrongPort { .. }
            | Self::Coding { .. } => (StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID_ARGUMENT),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, RESOURCE_EXHAUSTED),
            Self::Malformed { .. }
            | Self::Framing { .. }
            | Self::Messages { .. }
            | Self::Refused(_) => (StatusCode::BAD_REQUEST, INVALID_ARGUMENT),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, DEADLINE_EXCEEDED),
            Self::Overloaded | Self::Unavailable { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE)
            }
            Self::Denied(denied) => of_denied(denied),
        }
    }

    /// `grpc-status` on OTLP/gRPC.
    pub(crate) fn grpc(&self) -> u32 {
        match self {
            Self::NotFound { .. }
            | Self::MethodNotAllowed { .. }
            | Self::Coding { .. }
            | Self::Messages { .. } => UNIMPLEMENTED,
            Self::Framing { .. } => INTERNAL,
            Self::MediaType { .. }
            | Self::NeedsHttp2
            | Self::WrongPort { .. }
            | Self::Malformed { .. }
            | Self::Refused(_) => INVALID_ARGUMENT,
            Self::TooLarge { .. } => RESOURCE_EXHAUSTED,
            Self::Slow | Self::Overloaded | Self::Unavailable { .. } => UNAVAILABLE,
            Self::Denied(denied) => of_denied(denied).1,
        }
    }

    /// The counter's label.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::NotFound { .. } => Refusal::NotFound,
            Self::MethodNotAllowed { .. } => Refusal::MethodNotAllowed,
            Self::MediaType { .. }
            | Self::NeedsHttp2
            | Self::WrongPort { .. }
            | Self::Coding { .. } => Refusal::UnsupportedMediaType,
            Self::TooLarge { .. } => Refusal::TooLarge,
            Self::Malformed { .. }
            | Self::Framing { .. }
            | Self::Messages { .. }
            | Self::Refused(_) => Refusal::Malformed,
            Self::Slow => Refusal::Timeout,
            Self::Overloaded => Refusal::Overloaded,
            Self::Unavailable { .. } | Self::Denied(Denied::Unavailable { .. }) => {
                Refusal::Unavailable
            }
            Self::Denied(Denied::Unauthenticated { .. }) => Refusal::Unauthenticated,
            Self::Denied(Denied::Forbidden { .. }) => Refusal::Forbidden,
            Self::Denied(Denied::Limited { .. }) => Refusal::Limited,
        }
    }

    /// The body of the answer: this fault as a `google.rpc.Status` with `code`, one of its two.
    /// What is wrong with the data, or when to send it again, is told in a form that programs read.
    pub(crate) fn status(&self, encoding: Encoding, code: u32, retry_seconds: u64) -> Vec<u8> {
        let message = self.message();
        let detail = match self {
            Self::Malformed { .. } | Self::Refused(_) => Some(Detail::BadRequest(&message)),
            _ if self.is_retryable(code) => Some(Detail::RetryInfo {
                seconds: retry_seconds,
            }),
            _ => None,
        };
        otlp::answer::status(encoding, code, &message, detail)
    }

    /// Whether `code`, one of its two, tells the client to send the same again. `RESOURCE_EXHAUSTED`
    /// does so only with a time after which to, which a message over the limit does not get.
    pub(crate) fn is_retryable(&self, code: u32) -> bool {
        code == UNAVAILABLE || matches!(self, Self::Denied(Denied::Limited { .. }))
    }

    /// Whether what the client is told may quote what it sent in a body.
    pub(crate) fn quotes(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::Refused(_))
    }

    /// What the client is told, cut to a length that fits headers.
    pub(crate) fn message(&self) -> String {
        let mut message = self.to_string();
        if message.len() > LONGEST_MESSAGE_BYTES {
            message.truncate(message.floor_char_boundary(LONGEST_MESSAGE_BYTES - 3));
            message.push_str("...");
        }
        message
    }
}

/// Status and code of who may not send.
fn of_denied(denied: &Denied) -> (StatusCode, u32) {
    match denied {
        Denied::Unauthenticated { .. } => (StatusCode::UNAUTHORIZED, UNAUTHENTICATED),
        Denied::Forbidden { .. } => (StatusCode::FORBIDDEN, PERMISSION_DENIED),
        Denied::Limited { .. } => (StatusCode::TOO_MANY_REQUESTS, RESOURCE_EXHAUSTED),
        Denied::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
    }
}

/// The name that gRPC gives to `code`, one of those above.
pub(crate) fn code_name(code: u32) -> &'static str {
    match code {
        DEADLINE_EXCEEDED => "DEADLINE_EXCEEDED",
        INVALID_ARGUMENT => "INVALID_ARGUMENT",
        NOT_FOUND => "NOT_FOUND",
        RESOURCE_EXHAUSTED => "RESOURCE_EXHAUSTED",
        UNIMPLEMENTED => "UNIMPLEMENTED",
        INTERNAL => "INTERNAL",
        PERMISSION_DENIED => "PERMISSION_DENIED",
        UNAUTHENTICATED => "UNAUTHENTICATED",
        UNAVAILABLE => "UNAVAILABLE",
        _ => "UNKNOWN",
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { path } => write!(
                f,
                "There is nothing at {path}: OTLP/HTTP is at /v1/logs, /v1/metrics and /v1/traces, \
                 OTLP/gRPC at the Export method of its three services."
            ),
            Self::MethodNotAllowed { allow } => write!(f, "Only {allow} works here."),
            Self::MediaType { got, wanted } => {
                write!(f, "The content-type must be {wanted}, not `{got}`.")
            }
            Self::NeedsHttp2 => f.write_str(
                "gRPC needs HTTP/2: something between client and server turned it into HTTP/1.1.",
            ),
            Self::WrongPort { http_port } => write!(
                f,
                "This port speaks OTLP/gRPC (content-type application/grpc): send OTLP/HTTP to port \
                 {http_port}."
            ),
            Self::Coding { got } => write!(
                f,
                "The compression `{got}` is not supported: use gzip, or zstd over HTTP, or none."
            ),
            Self::TooLarge { what, limit_bytes } => {
                write!(
                    f,
                    "The {what} is larger than the limit of {limit_bytes} bytes: send smaller batches."
                )
            }
            Self::Malformed { reason } => write!(f, "The body {reason}."),
            Self::Framing { reason } => write!(f, "{reason}."),
            Self::Messages { count } => {
                write!(f, "Export takes exactly one message, not {count}.")
            }
            Self::Refused(refused) => refused.fmt(f),
            Self::Slow => f.write_str("The body did not arrive in time: send it again."),
            Self::Overloaded => f.write_str("Too much is being received at once: send it again."),
            Self::Unavailable { reason } | Self::Denied(Denied::Unavailable { reason }) => {
                write!(f, "Not accepted now, send it again: {reason}.")
            }
            Self::Denied(
                Denied::Unauthenticated { reason }
                | Denied::Forbidden { reason }
                | Denied::Limited { reason },
            ) => f.write_str(reason),
        }
    }
}
