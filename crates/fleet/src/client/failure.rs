//! Why a request got no answer. Each message says where it was going.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::layout::MalformedBody;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// A token that no header can hold.
    Token,
    /// The URL cannot be used.
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The URL asks for TLS, which this client does not speak.
    Tls {
        /// The URL.
        url: String,
    },
    /// No address was given for a transport that a recorded request needs.
    NoTarget {
        /// `HTTP` or `gRPC`.
        transport: &'static str,
    },
    /// No connection, or it broke before the answer began.
    Connection {
        /// Where the request was going.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The server took too long.
    Timeout {
        /// Where the request was going.
        address: String,
        /// How long the client waited.
        after: Duration,
    },
    /// The answer could not be read.
    Answer {
        /// Where the request was going.
        address: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// A recorded body could not be given new times.
    Body(MalformedBody),
}

impl SendError {
    pub(super) fn from_exchange(
        address: &str,
        error: &hyper_util::client::legacy::Error,
    ) -> SendError {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            reason = format!("{reason}: {inner}");
            source = inner.source();
        }
        SendError::Connection {
            address: address.to_owned(),
            reason,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Url { url, reason } => write!(f, "`{url}` cannot be used: {reason}"),
            SendError::Tls { url } => {
                write!(
                    f,
                    "`{url}` asks for TLS: use an http:// address, or a proxy that adds TLS"
                )
            }
            SendError::Token => f.write_str("the token holds characters that no header can"),
            SendError::NoTarget { transport } => {
                write!(
                    f,
                    "a request was recorded over {transport}, and no address for it was given"
                )
            }
            SendError::Connection { address, reason } => write!(f, "{address}: {reason}"),
            SendError::Timeout { address, after } => {
                write!(f, "{address}: no answer within {} s", after.as_secs())
            }
            SendError::Answer { address, reason } => {
                write!(f, "{address}: the answer could not be read: {reason}")
            }
            SendError::Body(malformed) => malformed.fmt(f),
        }
    }
}

impl Error for SendError {}

impl From<MalformedBody> for SendError {
    fn from(malformed: MalformedBody) -> SendError {
        SendError::Body(malformed)
    }
}
