//! An answer in words that are the same for all three ways.

use std::fmt;

use testkit::Problem;

use crate::way::{Encoding, Signal, Way};
use crate::wire::grpc::Reply;
use crate::wire::http1::Answer;
use crate::wire::status::{Partial, Status};

/// Codes of gRPC that OTLP lists as retryable, beside `RESOURCE_EXHAUSTED` with `RetryInfo`.
const RETRYABLE_CODES: [u32; 6] = [1, 4, 10, 11, 14, 15];
/// Statuses of HTTP that OTLP lists as retryable.
const RETRYABLE_STATUSES: [u16; 4] = [429, 502, 503, 504];

/// An answer to an export request.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The status of HTTP; 200 for all that is gRPC.
    pub http: u16,
    /// `grpc-status`; none over HTTP.
    pub grpc: Option<u32>,
    /// The media type of the answer, as it came.
    pub content_type: String,
    /// How long the answer's message is; over gRPC without its frame.
    pub length: usize,
    /// `retry-after`.
    pub retry_after: Option<String>,
    /// `allow`, `accept-encoding` or `grpc-accept-encoding`, whichever there is.
    pub offers: Option<String>,
    /// What a refusal says of itself; `Err` when it says it wrongly.
    pub status: Result<Option<Status>, String>,
    /// What a success says beside; `Err` when it says it wrongly.
    pub partial: Result<Option<Partial>, String>,
}

impl Seen {
    /// An answer over HTTP, read in the encoding that it names.
    ///
    /// # Errors
    ///
    /// When that is none.
    pub fn of_answer(signal: Signal, way: Way, answer: &Answer) -> Result<Seen, Problem> {
        let content_type = answer.header("content-type").unwrap_or_default().to_owned();
        let encoding = match content_type.split(';').next().unwrap_or_default().trim() {
            "application/x-protobuf" => Encoding::Protobuf,
            "application/json" => Encoding::Json,
            _ => way.encoding(),
        };
        let is_success = answer.status == 200;
        let read_status = || Status::read(encoding, &answer.body).map(Some);
        let read_partial = || Partial::read(signal, encoding, &answer.body);
        let header = |name| answer.header(name).map(str::to_owned);
        Ok(Seen {
            http: answer.status,
            grpc: None,
            content_type,
            length: answer.body.len(),
            retry_after: header("retry-after"),
            offers: header("allow").or_else(|| header("accept-encoding")),
            status: read_if(!is_success, read_status),
            partial: read_if(is_success, read_partial),
        })
    }

    /// An answer over gRPC.
    ///
    /// # Errors
    ///
    /// When it has no `grpc-status`.
    pub fn of_reply(signal: Signal, reply: &Reply) -> Result<Seen, Problem> {
        let code = reply.code()?;
        let read_partial = || Partial::read(signal, Encoding::Protobuf, reply.message()?);
        let read_status = || match reply.details() {
            Some(details) => Status::read(Encoding::Protobuf, &details).map(Some),
            None => Ok(None),
        };
        Ok(Seen {
            http: reply.http_status,
            grpc: Some(code),
            content_type: reply.said("content-type").unwrap_or_default().to_owned(),
            length: reply.message().map_or(0, <[u8]>::len),
            retry_after: reply.said("retry-after").map(str::to_owned),
            offers: reply.said("grpc-accept-encoding").map(str::to_owned),
            status: read_if(code != 0, read_status),
            partial: read_if(code == 0, read_partial),
        })
    }

    /// Whether everything was taken, and nothing is said beside.
    pub fn is_full_success(&self) -> bool {
        self.is_success() && self.partial == Ok(None)
    }

    /// Whether the client need not care any more.
    pub fn is_success(&self) -> bool {
        self.http == 200 && self.grpc.unwrap_or(0) == 0
    }

    /// Whether an exporter sends the same again after this answer.
    pub fn is_retryable(&self) -> bool {
        let has_delay = matches!(&self.status, Ok(Some(status)) if status.retry_seconds.is_some());
        match self.grpc {
            Some(8) => has_delay,
            Some(code) => RETRYABLE_CODES.contains(&code),
            None => RETRYABLE_STATUSES.contains(&self.http),
        }
    }

    /// Whether it was refused for good: neither a success nor an invitation to come back.
    pub fn is_refused_for_good(&self) -> bool {
        !self.is_success() && !self.is_retryable() && self.retry_after.is_none()
    }

    /// The answer's `google.rpc.Status`.
    pub fn said(&self) -> Option<&Status> {
        self.status.as_ref().ok()?.as_ref()
    }

    /// The answer's partial success.
    pub fn partial(&self) -> Option<&Partial> {
        self.partial.as_ref().ok()?.as_ref()
    }
}

fn read_if<T>(
    is_wanted: bool,
    read: impl FnOnce() -> Result<Option<T>, Problem>,
) -> Result<Option<T>, String> {
    match is_wanted {
        true => read().map_err(|problem| problem.to_string()),
        false => Ok(None),
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.grpc {
            Some(code) => write!(formatter, "grpc-status {code}")?,
            None => write!(formatter, "{}", self.http)?,
        }
        if let Some(partial) = self.partial() {
            write!(formatter, ", {} rejected", partial.rejected)?;
        }
        if let Some(status) = self.said() {
            if self.grpc.is_none() {
                write!(formatter, ", code {}", status.code)?;
            }
            if status.has_bad_request {
                formatter.write_str(", BadRequest")?;
            }
            if let Some(seconds) = status.retry_seconds {
                write!(formatter, ", RetryInfo {seconds} s")?;
            }
        }
        if let Some(after) = &self.retry_after {
            write!(formatter, ", Retry-After {after}")?;
        }
        for unread in [self.status.as_ref().err(), self.partial.as_ref().err()]
            .into_iter()
            .flatten()
        {
            write!(formatter, ", {unread}")?;
        }
        Ok(())
    }
}
