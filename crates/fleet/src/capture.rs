//! Recorded scenarios: the requests of one run of the real client, and what it said it had spent.
//!
//! A scenario is a folder:
//!
//! | file | what is in it |
//! |---|---|
//! | `NNN-<signal>.json` or `.pb` | the body of request NNN, uncompressed, without gRPC framing |
//! | the same with `.gz` | the compressed body, where the client compressed |
//! | `NNN-<signal>.meta.json` | transport, path, headers, the answer that the recorder gave |
//! | `expected.json` | the client's version and its own ledger |

mod folder;
mod ledger;

use contract::Signal;
use otlp::Encoding;

use crate::client::{ContentEncoding, Transport};

pub use folder::{CaptureError, list};
pub use ledger::{Ledger, PermissionDenial};

/// One recorded run of the client.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The folder's name.
    pub name: String,
    /// The requests in the order in which they came.
    pub requests: Vec<Recorded>,
    /// What the client reported at its end; `None` where it did not get to report.
    pub expected: Option<Ledger>,
    /// `2.1.329` for example.
    pub client_version: String,
}

/// One recorded request.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its place in the order of arrival, counted from 1.
    pub number: u32,
    /// What it carries.
    pub signal: Signal,
    /// How it came.
    pub transport: Transport,
    /// The path of its URL.
    pub path: String,
    /// Its headers, as the client wrote them.
    pub headers: Vec<(String, String)>,
    /// The body as sent: compressed where the client compressed; without gRPC framing.
    pub body: Vec<u8>,
    /// The body uncompressed.
    pub plain_body: Vec<u8>,
    /// How the body is written.
    pub encoding: Encoding,
    /// How it is compressed.
    pub content_encoding: ContentEncoding,
    /// Whether it came in chunks, without a Content-Length.
    pub is_chunked: bool,
    /// The HTTP status that the recorder answered, where it did.
    pub answered_status: Option<u16>,
}
