//! The seam between the wire and the store.
//!
//! Invariant: what passes it is an export request whole, inflated and within the limit of bytes, but
//! not looked into; what comes back decides the answer and nothing else does.

use std::net::SocketAddr;

use ::http::HeaderMap;
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

/// The head of an export request, before anything of its body is read.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// Which of the three it exports.
    pub signal: Signal,
    /// How it came in.
    pub transport: Transport,
    /// Who sends it: the other end of the connection, which may be a proxy.
    pub peer: SocketAddr,
    /// The address that is listened on, as it was configured: `0.0.0.0` where that is all of them.
    pub listener: SocketAddr,
    /// Headers of HTTP, or metadata of gRPC.
    pub headers: &'a HeaderMap,
}

/// Why somebody may not export. A reason is a sentence for the one who set the client up; it names
/// nothing that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// It is not known who it is: 401, `UNAUTHENTICATED`. Not to be sent again.
    Unauthenticated {
        /// What is missing or wrong.
        reason: String,
    },
    /// It is known, and may not: 403, `PERMISSION_DENIED`. Not to be sent again.
    Forbidden {
        /// What is not allowed.
        reason: String,
    },
    /// It is known, and has sent too much: 429, `RESOURCE_EXHAUSTED`, to be sent again later.
    Limited {
        /// Of what there was too much.
        reason: String,
    },
    /// Nobody can be judged now: 503, `UNAVAILABLE`, to be sent again.
    Unavailable {
        /// What is wrong here, in English, as the end of a sentence.
        reason: String,
    },
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
    /// How many items beside `items` were held back and not kept at all: the client is told that these
    /// were rejected, too.
    pub held_back: u64,
    /// Why some were, in English; not used when all was kept.
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
    /// Whoever sends it may not send this.
    Denied(Denied),
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
    /// [`Denied::Unauthenticated`].
    Unauthenticated,
    /// [`Denied::Forbidden`].
    Forbidden,
    /// [`Denied::Limited`].
    Limited,
}

impl Refusal {
    /// Every refusal, in the order in which they are reported.
    pub const ALL: [Self; 11] = [
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UnsupportedMediaType,
        Self::TooLarge,
        Self::Malformed,
        Self::Timeout,
        Self::Overloaded,
        Self::Unavailable,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Limited,
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
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "permission_denied",
            Self::Limited => "limited",
        }
    }
}

/// A request that was answered with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRequest<'a> {
    /// What it meant to export, where its path tells.
    pub signal: Option<Signal>,
    /// Why.
    pub why: Refusal,
    /// Whether the client was told to send it again.
    pub is_retryable: bool,
    /// At which of the two ports it came, or over which protocol where that was understood.
    pub transport: Transport,
    /// Who sent it.
    pub peer: SocketAddr,
    /// What it looked like; none of a connection that was cut before its head was complete.
    pub asked: Option<AskedFor<'a>>,
    /// The status that it got: that of HTTP, or the name of gRPC's.
    pub code: &'static str,
    /// What it was told, except where that may quote what was sent.
    pub told: Option<String>,
}

/// What a request looked like from outside. Whatever the client wrote there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedFor<'a> {
    /// The method of HTTP.
    pub method: &'a str,
    /// Its path, without the query.
    pub path: &'a str,
    /// Its media type; empty if it named none.
    pub content_type: &'a str,
}

/// Who decides what becomes of an export request.
pub trait Admit: Send + Sync + 'static {
    /// What is known of a sender who may export: for [`Admit::admit`], which gets it with the request.
    type Grant: Send + 'static;

    /// Whether whoever sends a request may export, by its head alone. Nothing of its body is read
    /// before the answer, so it must be quick; it is called on the I/O runtime.
    ///
    /// # Errors
    /// Why not.
    fn authorize(&self, head: &Head<'_>) -> Result<Self::Grant, Denied>;

    /// Admits `request`, or says why not. `Ok` is a promise: fsynced, deduplicated, queryable.
    ///
    /// It is called on the I/O runtime, so work on the CPU belongs elsewhere. It runs to its end even
    /// when the client has gone or the wait for it was given up: then the client sends the request
    /// again, and admitting it twice must change nothing. A panic is answered as `Unavailable`.
    fn admit(
        &self,
        request: ExportRequest,
        grant: Self::Grant,
    ) -> impl Future<Output = Result<Admitted, NotAdmitted>> + Send;

    /// Called exactly once for every request that was answered with an error, whoever refused it
    /// (so also for what `admit` did not admit); and for a connection cut in the middle of a head.
    fn count_refused(&self, refused: RefusedRequest<'_>);

    /// Whether export requests can be admitted now, and if not, why.
    ///
    /// # Errors
    /// The reason, in English, for `/readyz`.
    fn ready(&self) -> Result<(), String>;
}
