//! Answers of OTLP/HTTP.
//!
//! Invariant: every answer to an export request, good or bad, is a message in the request's encoding;
//! where that is unknown, in JSON.

use ::http::{HeaderValue, Response, StatusCode, header};
use contract::Signal;
use otlp::Encoding;

use crate::fault::Fault;
use crate::reply::Reply;
use crate::{Admitted, Denied};

/// 200: all of it, or all but what was quarantined, is durable, deduplicated and queryable.
pub(crate) fn admitted(signal: Signal, encoding: Encoding, admitted: &Admitted) -> Response<Reply> {
    whole(
        StatusCode::OK,
        encoding.content_type(),
        message(signal, encoding, admitted),
    )
}

/// The `Export…ServiceResponse` for `admitted`.
pub(crate) fn message(signal: Signal, encoding: Encoding, admitted: &Admitted) -> Vec<u8> {
    let rejected = admitted.quarantined + admitted.held_back;
    if rejected == 0 {
        return otlp::answer::success(encoding);
    }
    let unnamed = || format!("some {} could not be understood", signal.items());
    let reason = admitted.reason.clone().unwrap_or_else(unnamed);
    otlp::answer::partial(signal, encoding, rejected, &reason)
}

/// The status that `fault` deserves.
pub(crate) fn refused(fault: &Fault, encoding: Encoding, retry_seconds: u64) -> Response<Reply> {
    let (status, code) = fault.http();
    let body = fault.status(encoding, code, retry_seconds);
    let mut response = whole(status, encoding.content_type(), body);
    let headers = response.headers_mut();
    match fault {
        Fault::MethodNotAllowed { allow } => {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        Fault::Coding { .. } => {
            let spoken = HeaderValue::from_static("identity, gzip, zstd");
            headers.insert(header::ACCEPT_ENCODING, spoken);
        }
        Fault::Denied(Denied::Unauthenticated { .. }) => {
            let wanted = HeaderValue::from_static("Bearer realm=\"tallybook\"");
            headers.insert(header::WWW_AUTHENTICATE, wanted);
        }
        _ if fault.is_retryable(code) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_seconds));
        }
        _ => {}
    }
    response
}

/// 200 with a line of JSON, for probes.
pub(crate) fn fine() -> Response<Reply> {
    whole(
        StatusCode::OK,
        Encoding::Json.content_type(),
        b"{\"status\":\"ok\"}\n".to_vec(),
    )
}

fn whole(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Reply> {
    let mut response = Response::new(Reply::of(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
