//! What a request asks for, by its method, path and headers.
//!
//! Invariant: a body is never looked at to find out what it is. Browsers may send `text/plain` to any
//! site without asking; refusing everything but the two media types keeps them out.

use ::http::{HeaderMap, HeaderName, Method, header};
use contract::Signal;
use otlp::Encoding;

use crate::fault::Fault;
use crate::inflate::Coding;

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// OTLP/HTTP.
    Export(Signal),
    /// Whether the process lives.
    Health,
    /// Whether it takes export requests.
    Ready,
}

impl Place {
    /// The place at `path`, which may have a prefix before `/v1/…`: some guides put a path into the
    /// endpoint, some even `/v1/logs`, to which exporters add their own.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        match path {
            "/healthz" => return Some(Self::Health),
            "/readyz" => return Some(Self::Ready),
            _ => {}
        }
        let (before, signal) = path.rsplit_once('/')?;
        let signal = Signal::ALL
            .into_iter()
            .find(|known| known.name() == signal)?;
        before.ends_with("/v1").then_some(Self::Export(signal))
    }

    /// Whether `method` works here.
    pub(crate) fn check(self, method: &Method) -> Result<(), Fault> {
        match self {
            Self::Export(_) if method == Method::POST => Ok(()),
            Self::Export(_) => Err(Fault::MethodNotAllowed { allow: "POST" }),
            _ if method == Method::GET || method == Method::HEAD => Ok(()),
            _ => Err(Fault::MethodNotAllowed { allow: "GET, HEAD" }),
        }
    }
}

/// The encoding that content-type names, if it is one of the two.
pub(crate) fn encoding(headers: &HeaderMap) -> Result<Encoding, Fault> {
    let got = text(headers, &header::CONTENT_TYPE);
    let media_type = got.split(';').next().unwrap_or_default().trim();
    [Encoding::Protobuf, Encoding::Json]
        .into_iter()
        .find(|encoding| media_type.eq_ignore_ascii_case(encoding.content_type()))
        .ok_or(Fault::MediaType {
            got,
            wanted: "application/x-protobuf or application/json",
        })
}

/// The one compression that content-encoding names.
pub(crate) fn coding(headers: &HeaderMap) -> Result<Coding, Fault> {
    let got = text(headers, &header::CONTENT_ENCODING);
    let mut names = got
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let name = names.next().unwrap_or("identity").to_ascii_lowercase();
    match (name.as_str(), names.next()) {
        ("identity", None) => Ok(Coding::Identity),
        ("gzip" | "x-gzip", None) => Ok(Coding::Gzip),
        ("zstd", None) => Ok(Coding::Zstd),
        _ => Err(Fault::Coding { got }),
    }
}

/// All values of a header in one text, as RFC 9110 joins them.
fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    values.join(", ")
}
