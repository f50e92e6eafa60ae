//! OTLP/gRPC: three unary calls, and the health check, on frames of our own.
//!
//! Invariant: one way to decode behind both transports, and no code that makes a client send again
//! what can never be admitted (stock servers answer `OUT_OF_RANGE`, which is retryable, to a message
//! over the limit, and inflate where no budget reaches).
//!
//! `grpc-timeout` is ignored: the wait is bounded by the hold, which is shorter than any usual one,
//! and who has given up sends again, which changes nothing.
//!
//! | file | what is in it |
//! |---|---|
//! | `frame.rs` | the five bytes before a message |
//! | `status.rs` | what a call is told |

pub(crate) mod frame;
mod status;

use ::http::{HeaderMap, Request, Response, header};
use contract::Signal;
use hyper::body::Incoming;
use otlp::Encoding;

use crate::body::collect;
use crate::budget::Paid;
use crate::fault::Fault;
use crate::inflate::{Coding, inflate};
use crate::intake::{Asked, Caller, Envelope, Intake};
use crate::reply::Reply;
use crate::{Admit, Admitted, AskedFor, Transport, http};

/// `HealthCheckResponse`s: field 1, the status.
const SERVING: &[u8] = &[0x08, 0x01];
const NOT_SERVING: &[u8] = &[0x08, 0x02];

/// What a path calls.
#[derive(Debug, Clone, Copy)]
enum Call {
    Export(Signal),
    /// Of the server as a whole: the name of a service in the request is not looked at.
    Health,
}

impl Call {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => {
                Self::Export(Signal::Logs)
            }
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => {
                Self::Export(Signal::Metrics)
            }
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => {
                Self::Export(Signal::Traces)
            }
            "/grpc.health.v1.Health/Check" => Self::Health,
            _ => return None,
        })
    }
}

/// Whether a request is a gRPC call, of any message format.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    let Some((start, rest)) = media_type.split_at_checked("application/grpc".len()) else {
        return false;
    };
    start.eq_ignore_ascii_case(b"application/grpc")
        && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

/// Answers one call, on whichever port it came.
pub(crate) async fn answer<A: Admit>(
    intake: &Intake<A>,
    caller: Caller,
    mut request: Request<Incoming>,
) -> Response<Reply> {
    let call = Call::of(request.uri().path());
    let signal = match call {
        Some(Call::Export(signal)) => Some(signal),
        _ => None,
    };
    let outcome = match call {
        Some(Call::Export(signal)) => receive(intake, caller, signal, &mut request).await,
        Some(Call::Health) => Ok(health(intake).to_vec()),
        None => Err(Fault::NotFound {
            path: request.uri().path().to_owned(),
        }),
    };
    match outcome {
        Ok(message) => status::ok(&message),
        Err(fault) => {
            let asked = Asked {
                signal,
                encoding: signal.map(|_| Encoding::Protobuf),
                transport: Transport::Grpc,
                caller,
                looks: AskedFor::of(&request),
            };
            intake.refuse(asked, &fault);
            status::refused(&fault, intake.config.retry_after_seconds)
        }
    }
}

fn health<A: Admit>(intake: &Intake<A>) -> &'static [u8] {
    match intake.admit.ready() {
        Ok(()) => SERVING,
        Err(_) => NOT_SERVING,
    }
}

/// From a call to the message that answers it.
async fn receive<A: Admit>(
    intake: &Intake<A>,
    caller: Caller,
    signal: Signal,
    request: &mut Request<Incoming>,
) -> Result<Vec<u8>, Fault> {
    let encoding = Encoding::Protobuf;
    let grant = intake.authorize(signal, Transport::Grpc, caller, request.headers())?;
    message_format(request.headers())?;
    let coding = coding(request.headers())?;
    let limit = intake.config.max_body_bytes;
    let check = |arrived: &[u8]| frame::check(arrived, limit);
    let bounds = intake.bounds(frame::PREFIX_BYTES);
    let arrived = &intake.meters.lane(signal, Transport::Grpc).wire_bytes;
    let lease = intake.budget.lease();
    let body = collect(request.body_mut(), bounds, lease, arrived, check).await?;
    let payload = payload(body, coding, limit).await?;
    let envelope = Envelope {
        signal,
        encoding,
        transport: Transport::Grpc,
        caller,
    };
    let admitted: Admitted = intake.admit(envelope, payload, grant).await?;
    intake.acknowledge(envelope, &admitted);
    Ok(http::answer::message(signal, encoding, &admitted))
}

/// The one message of a body, inflated to at most `limit_bytes`.
pub(crate) async fn payload(
    body: Paid,
    coding: Option<Coding>,
    limit_bytes: usize,
) -> Result<Paid, Fault> {
    let message = frame::only_message(&body.bytes)?;
    let coding = match (message.compressed, coding) {
        (false, _) => Coding::Identity,
        (true, Some(coding)) => coding,
        (true, None) => {
            let reason =
                "The gRPC message is marked as compressed, but grpc-encoding names no compression";
            return Err(Fault::Framing { reason });
        }
    };
    let payload = Paid {
        bytes: message.payload,
        lease: body.lease,
    };
    inflate(coding, payload, limit_bytes).await
}

/// OTLP/gRPC is protobuf; `application/grpc+json` would be decoded as what it is not.
fn message_format(headers: &HeaderMap) -> Result<(), Fault> {
    let got = headers
        .get(header::CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    let media_type = got
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let known = [&b"application/grpc"[..], b"application/grpc+proto"];
    if known
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
    {
        return Ok(());
    }
    let got = String::from_utf8_lossy(got).into_owned();
    Err(Fault::MediaType {
        got,
        wanted: "application/grpc or application/grpc+proto",
    })
}

/// The compression that `grpc-encoding` names; none if it names none.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Fault> {
    let Some(name) = headers.get("grpc-encoding") else {
        return Ok(None);
    };
    match name.as_bytes() {
        b"identity" => Ok(None),
        b"gzip" => Ok(Some(Coding::Gzip)),
        other => Err(Fault::Coding {
            got: String::from_utf8_lossy(other).into_owned(),
        }),
    }
}
