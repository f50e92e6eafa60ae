//! The seam between the wire and the store.
//!
//! Invariant: what passes it is an export request whole, inflated and within the limit of bytes, but
//! not looked into; what comes back decides the answer and nothing else does.

use std::net::SocketAddr;

use bytes::Bytes;
use contract::Signal;
use tokio::time::Instant;

/// How an export request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// OTLP/HTTP.
    Http,
    /// OTLP/gRPC.
    Grpc,
}

impl Transport {
    /// The name used in counters and messages: `http`, `grpc`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        }
    }
}

/// One export request, as it came, but inflated.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// Which of the three it exports.
    pub signal: Signal,
    /// How `body` is written.
    pub encoding: otlp::Encoding,
    /// The `Export…ServiceRequest`, without framing and compression.
    pub body: Bytes,
    /// How it came in.
    pub transport: Transport,
    /// Who sent it: the other end of the connection, which may be a proxy.
    pub peer: SocketAddr,
    /// Until when the client is kept waiting. What is not admitted by then is answered with 503 and
    /// sent again, so work that begins later is in vain.
    pub deadline: Instant,
}

/// An export request that is durable, deduplicated and queryable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    /// How many items the request held.
    pub items: u64,
    /// How many of them were quarantined: the client is told that these were rejected.
    pub quarantined: u64,
    /// Why they were, in English; not used when nothing was quarantined.
    pub reason: Option<String>,
}

/// Why an export request was not admitted. None of it is kept.
#[derive(Debug)]
pub enum NotAdmitted {
    /// It can never be admitted: the client must not send it again.
    Refused(otlp::Refused),
    /// It cannot be admitted now: the client should send it again.
    Unavailable {
        /// What is wrong here, in English.
        reason: String,
    },
}

/// Why a request was answered with an error, as a counter's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// No such path, or no such gRPC method.
    NotFound,
    /// A path that exists, asked with another method.
    MethodNotAllowed,
    /// A media type, a compression or a protocol that is not spoken at that port, or no TLS where it is.
    UnsupportedMediaType,
    /// More bytes than the limit, before or after inflation.
    TooLarge,
    /// Not what it says it is: compression, framing or content cannot be read.
    Malformed,
    /// The client was too slow to send it.
    Timeout,
    /// No memory was free for it in time.
    Overloaded,
    /// [`Admit::admit`] could not, did not in time, or panicked.
    Unavailable,
}

impl Refusal {
    /// Every refusal, in the order in which they are reported.
    pub const ALL: [Self; 8] = [
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UnsupportedMediaType,
        Self::TooLarge,
        Self::Malformed,
        Self::Timeout,
        Self::Overloaded,
        Self::Unavailable,
    ];

    /// The name used in counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Timeout => "timeout",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A request that was answered with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedRequest {
    /// What it meant to export, where its path tells.
    pub signal: Option<Signal>,
    /// Why.
    pub why: Refusal,
    /// Whether the client was told to send it again.
    pub is_retryable: bool,
}

/// Who decides what becomes of an export request.
pub trait Admit: Send + Sync + 'static {
    /// Admits `request`, or says why not. `Ok` is a promise: fsynced, deduplicated, queryable.
    ///
    /// It is called on the I/O runtime, so work on the CPU belongs elsewhere. It runs to its end even
    /// when the client has gone or the wait for it was given up: then the client sends the request
    /// again, and admitting it twice must change nothing. A panic is answered as `Unavailable`.
    fn admit(
        &self,
        request: ExportRequest,
    ) -> impl Future<Output = Result<Admitted, NotAdmitted>> + Send;

    /// Called exactly once for every request that was answered with an error, whoever refused it
    /// (so also for what `admit` did not admit); and for a connection cut in the middle of a head.
    fn count_refused(&self, refused: RefusedRequest);

    /// Whether export requests can be admitted now, and if not, why.
    ///
    /// # Errors
    /// The reason, in English, for `/readyz`.
    fn ready(&self) -> Result<(), String>;
}
