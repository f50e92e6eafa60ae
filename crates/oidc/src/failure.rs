//! Why nobody is signed in.

use std::fmt;

/// Why nobody is signed in. The text is for the log and the audit trail: it holds no secret and no token.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The browser does not come back from a sign-in that it began, or too late.
    Expired(&'static str),
    /// The provider says no: somebody declined, or may not use us. The code is the provider's.
    Denied(String),
    /// The provider does not answer, or we may not ask it.
    Unreachable(String),
    /// What the provider says is not to be trusted, or our settings do not fit it.
    Untrusted(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Expired(why) => f.write_str(why),
            Failure::Denied(code) => write!(f, "the provider says {code}"),
            Failure::Unreachable(why) => write!(f, "the provider cannot be asked: {why}"),
            Failure::Untrusted(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl From<outgoing::Failure> for Failure {
    fn from(failure: outgoing::Failure) -> Failure {
        Failure::Unreachable(failure.to_string())
    }
}

pub(crate) fn untrusted(why: impl Into<String>) -> Failure {
    Failure::Untrusted(why.into())
}

/// Text of somebody else, short and on one line.
pub(crate) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 120;
    let plain = text.chars().filter(|symbol| !symbol.is_control());
    plain.take(CHARS_MAX).collect()
}
