//! OTLP, protobuf and JSON, to and from the items of `contract`.
//!
//! Invariant: pure, and bounded before it allocates. Items, nodes and nesting are counted on the
//! wire first; what exceeds the limits is refused without being materialised. One bad item costs
//! itself alone: it is quarantined with its bytes and the reason, and its neighbours are kept. Only
//! a fault in what holds the items together refuses a request.
//!
//! Both encodings meet in `decode`: a JSON request is first written as protobuf.
//!
//! | file | what is in it |
//! |---|---|
//! | `schema.rs`, `schema/` | the messages of OTLP as tables |
//! | `wire.rs` | protobuf's wire format, read in place |
//! | `fault.rs` | what can be wrong with bytes, and what it costs |
//! | `scan.rs` | counting and validating on the wire, without allocating |
//! | `decode.rs`, `decode/` | protobuf to items |
//! | `writer.rs` | protobuf, written front to back |
//! | `encode.rs`, `encode/` | items to protobuf |
//! | `from_json.rs`, `from_json/` | a JSON request to protobuf, leniently |
//! | `to_json.rs` | protobuf to canonical OTLP/JSON |
//! | `javascript.rs` | items as the clients' own exporter writes them, byte for byte |
//! | `rewrite.rs`, `rewrite/` | a request with the texts that an `Editor` decides, the rest byte for byte |
//! | `sift.rs` | a request without the items that a `Sieve` holds back, the rest byte for byte |
//! | `grpc.rs` | the framing and the paths of OTLP over gRPC |
//! | `answer.rs`, `answer/` | responses: success, partial success, `google.rpc.Status` |

use std::fmt;

pub mod answer;
mod decode;
pub mod encode;
mod fault;
mod from_json;
pub mod grpc;
pub mod javascript;
mod rewrite;
mod scan;
mod schema;
mod sift;
mod to_json;
mod wire;
mod writer;

#[cfg(test)]
mod tests;

pub use decode::{Decoded, decode};
pub use from_json::{FromJson, from_json};
pub use rewrite::{Rewritten, rewrite};
pub use scan::count;
pub use sift::{Sieve, Sifted, sift};
pub use to_json::to_json;

/// How much one request may hold.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Log records, data points or spans in a request.
    pub items: usize,
    /// Attributes of one item, one resource or one scope.
    pub attributes_per_item: usize,
    /// Messages in a request: envelopes, items, attributes, values, all counted.
    pub nodes: usize,
    /// Bytes of all items of a request that cannot be read: they are kept apart, each with its bytes,
    /// beside the request.
    pub unreadable_bytes: usize,
    /// Bytes of protobuf that a JSON request may become: numbers and empty messages are shorter as JSON.
    pub written_bytes: usize,
    /// How deep values (arrays and key-value lists) may nest; a plain value is one deep. At most 128.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            items: 50_000,
            attributes_per_item: 1_024,
            nodes: 2_000_000,
            unreadable_bytes: 4 << 20,
            written_bytes: 64 << 20,
            depth: 32,
        }
    }
}

/// How deep values may nest at most, whatever `Limits` say: recursion must end.
const DEPTH_MAX: usize = 128;

impl Limits {
    fn depth(&self) -> usize {
        self.depth.min(DEPTH_MAX)
    }
}

/// The two encodings of OTLP over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Binary protobuf.
    Protobuf,
    /// OTLP/JSON.
    Json,
}

impl Encoding {
    /// The media type of requests and responses in this encoding.
    pub fn content_type(self) -> &'static str {
        match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        }
    }
}

/// Why a whole request is refused. Both are the client's fault and no repetition cures them.
#[derive(Debug, Clone, PartialEq)]
pub enum Refused {
    /// What holds the items together cannot be read.
    Malformed {
        /// What is wrong; for JSON with line and column.
        reason: String,
        /// Bytes from the start of the request, where known.
        offset: Option<usize>,
    },
    /// There is more than the limits allow.
    TooMany {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Malformed {
                reason,
                offset: None,
            } => {
                write!(formatter, "The request is not valid OTLP: {reason}.")
            }
            Refused::Malformed {
                reason,
                offset: Some(offset),
            } => {
                write!(
                    formatter,
                    "The request is not valid OTLP: {reason}, at byte {offset}."
                )
            }
            Refused::TooMany { what, limit } => {
                write!(formatter, "The request has more than {limit} {what}.")
            }
        }
    }
}

impl std::error::Error for Refused {}
