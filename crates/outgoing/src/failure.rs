//! Why there is no answer, and how to mend it.

use std::fmt;

use url::Url;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is not asked: the address is not one that may be asked.
    Forbidden,
    /// There is nobody, or not whom the certificate should name.
    Unreachable,
    /// It took too long.
    Slow,
    /// Head or body are larger than they may be.
    TooLarge,
    /// The answer leads elsewhere, which is not followed.
    Redirect,
    /// What came is not HTTP.
    Malformed,
}

/// Why there is no answer. The text names method and address, without what follows `?`.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What kind it is.
    pub reason: Reason,
    text: String,
}

impl Failure {
    pub(crate) fn new(reason: Reason, asked: &Asked, why: impl fmt::Display) -> Failure {
        Failure {
            reason,
            text: format!("{asked}: {why}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// What was asked, as failures say it: queries and credentials may be secrets.
#[derive(Clone, Debug)]
pub(crate) struct Asked(String);

impl Asked {
    pub(crate) fn new(method: &http::Method, url: &Url) -> Asked {
        let origin = url.origin().ascii_serialization();
        Asked(format!("{method} {origin}{}", url.path()))
    }

    /// Where no address could be read.
    pub(crate) fn nowhere(method: &http::Method) -> Asked {
        Asked(method.to_string())
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
