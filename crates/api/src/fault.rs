//! Every error answer: `{"error": {"message", "line", "column", "hint"}}` with a status that says
//! whose turn it is.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use query::{ErrorKind, QueryError};
use serde::Serialize;
use utoipa::ToSchema;

/// An error answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    pub(crate) error: Reason,
}

/// What is wrong and how to mend it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reason {
    /// What is wrong, one sentence.
    pub(crate) message: String,
    /// The line of the SQL text where it is wrong, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// The column in that line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u64>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// Why a request is not answered as asked.
#[derive(Debug)]
pub(crate) struct Fault {
    status: StatusCode,
    reason: Reason,
    retry_after_s: Option<u64>,
}

impl Fault {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>, hint: Option<&str>) -> Fault {
        let hint = hint.map(str::to_owned);
        Fault {
            status,
            reason: Reason {
                message: message.into(),
                line: None,
                column: None,
                hint,
            },
            retry_after_s: None,
        }
    }

    /// Says when it may be tried again.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Fault {
        self.retry_after_s = Some(seconds);
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn internal(error: impl std::fmt::Display) -> Fault {
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), None)
    }
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Fault {
        let status = match error.kind {
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ErrorKind::Replaying => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Memory => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let (line, column) = error.position.unzip();
        Fault {
            status,
            reason: Reason {
                message: error.message,
                line,
                column,
                hint: error.hint,
            },
            retry_after_s: None,
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            // The reason may hold the text of a question, or of an event; who asked is told.
            tracing::warn!(status = self.status.as_u16(), "a request of the API failed");
        }
        let retry_after_s = self.retry_after_s;
        let mut response = (self.status, Json(ErrorBody { error: self.reason })).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
