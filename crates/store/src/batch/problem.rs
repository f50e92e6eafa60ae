//! Why a request could not be prepared.

use arrow::error::ArrowError;

/// Why a request could not be prepared.
#[derive(Debug)]
pub enum PrepareError {
    /// The client's fault.
    Refused(otlp::Refused),
    /// Ours, after the items were counted.
    Internal {
        /// How many items the request holds.
        items: u64,
        /// What went wrong.
        error: ArrowError,
    },
}

impl std::fmt::Display for PrepareError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PrepareError::Refused(refused) => refused.fmt(formatter),
            PrepareError::Internal { error, .. } => write!(formatter, "building rows: {error}"),
        }
    }
}

impl std::error::Error for PrepareError {}
