//! A body as it came to the export request in it, without a connection: for tools and fuzzing.
//!
//! Invariant: these are the steps behind both ports, in the same functions, and their faults get the
//! same codes.

use std::time::Duration;

use bytes::Bytes;

use crate::budget::{Budget, Paid};
use crate::fault::Fault;
use crate::grpc::{self, frame};
use crate::inflate::{Coding, inflate};

/// How a body came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// Over OTLP/HTTP, in this coding.
    Http(Coding),
    /// Over OTLP/gRPC: in a frame, and in this coding where the frame says that it is compressed.
    /// `None` when the call names no coding.
    Grpc(Option<Coding>),
}

/// A body that is refused, and the codes with which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The HTTP status on OTLP/HTTP.
    pub http_status: u16,
    /// `grpc-status` on OTLP/gRPC, a `google.rpc.Code`.
    pub grpc_status: u32,
    /// What the client is told.
    pub message: String,
}

impl From<Fault> for Unusable {
    fn from(fault: Fault) -> Self {
        Self {
            http_status: fault.http().0.as_u16(),
            grpc_status: fault.grpc(),
            message: fault.message(),
        }
    }
}

/// The export request in `body`, at most `limit_bytes` long, for which at most `budget_bytes` of memory
/// are paid. Nothing waits for memory: what does not fit is refused at once. Needs a runtime of tokio
/// with timers.
///
/// # Errors
/// What the client would be told.
pub async fn unpack(
    wrapping: Wrapping,
    body: Bytes,
    limit_bytes: usize,
    budget_bytes: usize,
) -> Result<Bytes, Unusable> {
    let lease = Budget::new(budget_bytes, Duration::ZERO).lease();
    let body = Paid { bytes: body, lease };
    let unpacked = match wrapping {
        Wrapping::Http(coding) => inflate(coding, body, limit_bytes).await?,
        Wrapping::Grpc(coding) => {
            frame::check(&body.bytes, limit_bytes)?;
            grpc::payload(body, coding, limit_bytes).await?
        }
    };
    Ok(unpacked.bytes)
}
