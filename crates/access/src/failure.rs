//! Why something about access was not done.

use std::{fmt, io};

use crate::document::DocumentError;

/// Why something about access was not done. Nothing is half done.
#[derive(Debug)]
pub enum AccessError {
    /// What was asked for is not possible; how to mend it.
    Wrong {
        /// What is wrong, without a full stop.
        message: String,
        /// How to mend it.
        hint: &'static str,
    },
    /// There is no such person, key or session.
    Missing(String),
    /// What is kept cannot be read or changed.
    Kept(DocumentError),
    /// The operating system failed.
    Io(io::Error),
}

impl AccessError {
    pub(crate) fn wrong(message: impl Into<String>, hint: &'static str) -> AccessError {
        AccessError::Wrong {
            message: message.into(),
            hint,
        }
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessError::Wrong { message, hint } => write!(f, "{message}: {hint}"),
            AccessError::Missing(what) => f.write_str(what),
            AccessError::Kept(error) => error.fmt(f),
            AccessError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AccessError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AccessError::Kept(error) => Some(error),
            AccessError::Io(error) => Some(error),
            AccessError::Wrong { .. } | AccessError::Missing(_) => None,
        }
    }
}

impl From<DocumentError> for AccessError {
    fn from(error: DocumentError) -> AccessError {
        AccessError::Kept(error)
    }
}

impl From<io::Error> for AccessError {
    fn from(error: io::Error) -> AccessError {
        AccessError::Io(error)
    }
}
