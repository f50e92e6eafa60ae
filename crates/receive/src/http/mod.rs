//! OTLP/HTTP, and the probes.
//!
//! Invariant: everything that reaches this module is answered by it, in the request's encoding.
//!
//! | file | what is in it |
//! |---|---|
//! | `route.rs` | what a request asks for |
//! | `answer.rs` | what it is told |

pub(crate) mod answer;
pub(crate) mod route;

use ::http::{Request, Response, Version, header};
use contract::Signal;
use hyper::body::Incoming;
use otlp::Encoding;

use crate::body::{collect, linger};
use crate::fault::Fault;
use crate::inflate::inflate;
use crate::intake::{Asked, Caller, Envelope, Intake};
use crate::pulse::InFlight;
use crate::reply::Reply;
use crate::{Admit, Admitted, AskedFor, Denied, Transport};
use route::Place;

/// Half of what is read and thrown away of the body of who may not send: the largest batch of agents
/// fits, so that its client sees the answer.
const STRANGER_BYTES: usize = 1 << 20;

/// Answers one request at the port of OTLP/HTTP.
pub(crate) async fn answer<A: Admit>(
    intake: &Intake<A>,
    caller: Caller,
    request: Request<Incoming>,
    in_flight: InFlight,
) -> Response<Reply> {
    let place = Place::of(request.uri().path());
    let Some(place) = place else {
        let path = request.uri().path().to_owned();
        return refuse(
            intake,
            caller,
            None,
            request,
            in_flight,
            &Fault::NotFound { path },
        );
    };
    let signal = match place {
        Place::Export(signal) => Some(signal),
        Place::Health | Place::Ready => None,
    };
    if let Err(fault) = place.check(request.method()) {
        return refuse(intake, caller, signal, request, in_flight, &fault);
    }
    match place {
        Place::Export(signal) => export(intake, caller, signal, request, in_flight).await,
        Place::Health => answer::fine(),
        Place::Ready => match intake.admit.ready() {
            Ok(()) => answer::fine(),
            Err(reason) => {
                let fault = Fault::Unavailable { reason };
                refuse(intake, caller, None, request, in_flight, &fault)
            }
        },
    }
}

/// Answers what is not gRPC at the port of OTLP/gRPC: probes work there too, the rest is told where
/// to go.
pub(crate) async fn misdirected<A: Admit>(
    intake: &Intake<A>,
    caller: Caller,
    request: Request<Incoming>,
    in_flight: InFlight,
) -> Response<Reply> {
    let signal = match Place::of(request.uri().path()) {
        Some(Place::Health | Place::Ready) => {
            return answer(intake, caller, request, in_flight).await;
        }
        Some(Place::Export(signal)) => Some(signal),
        None => None,
    };
    let fault = Fault::WrongPort {
        http_port: intake.http_port,
    };
    refuse(intake, caller, signal, request, in_flight, &fault)
}

async fn export<A: Admit>(
    intake: &Intake<A>,
    caller: Caller,
    signal: Signal,
    mut request: Request<Incoming>,
    in_flight: InFlight,
) -> Response<Reply> {
    match receive(intake, caller, signal, &mut request).await {
        Ok((encoding, admitted)) => answer::admitted(signal, encoding, &admitted),
        Err(fault) => refuse(intake, caller, Some(signal), request, in_flight, &fault),
    }
}

/// From a request to an admitted one.
async fn receive<A: Admit>(
    intake: &Intake<A>,
    caller: Caller,
    signal: Signal,
    request: &mut Request<Incoming>,
) -> Result<(Encoding, Admitted), Fault> {
    let grant = intake.authorize(signal, Transport::Http, caller, request.headers())?;
    let encoding = route::encoding(request.headers())?;
    let coding = route::coding(request.headers())?;
    let bounds = intake.bounds(0);
    let arrived = &intake.meters.lane(signal, Transport::Http).wire_bytes;
    let lease = intake.budget.lease();
    let body = collect(request.body_mut(), bounds, lease, arrived, |_| Ok(())).await?;
    let body = inflate(coding, body, bounds.limit_bytes).await?;
    let envelope = Envelope {
        signal,
        encoding,
        transport: Transport::Http,
        caller,
    };
    let admitted = intake.admit(envelope, body, grant).await?;
    intake.acknowledge(envelope, &admitted);
    Ok((encoding, admitted))
}

/// Counts `fault` and answers with it, in the encoding that the request names.
pub(crate) fn refuse<A: Admit>(
    intake: &Intake<A>,
    caller: Caller,
    signal: Option<Signal>,
    request: Request<Incoming>,
    in_flight: InFlight,
    fault: &Fault,
) -> Response<Reply> {
    let encoding = route::encoding(request.headers()).ok();
    let asked = Asked {
        signal,
        encoding,
        transport: Transport::Http,
        caller,
        looks: AskedFor::of(&request),
    };
    intake.refuse(asked, fault);
    let encoding = encoding.unwrap_or(Encoding::Json);
    // Over HTTP/2 one stream is reset without harm to the others. A client that asked before sending
    // (`Expect`) sends nothing when refused, and one that is too slow has had its time.
    let waits = request.headers().contains_key(header::EXPECT) || matches!(fault, Fault::Slow);
    if request.version() < Version::HTTP_2 && !waits {
        let limit_bytes = match fault {
            // A stranger is not listened to for as long.
            Fault::Denied(Denied::Unauthenticated { .. } | Denied::Forbidden { .. }) => {
                intake.config.max_body_bytes.min(STRANGER_BYTES)
            }
            _ => intake.config.max_body_bytes,
        };
        linger(request.into_body(), limit_bytes, in_flight);
    }
    answer::refused(fault, encoding, intake.config.retry_after_seconds)
}
