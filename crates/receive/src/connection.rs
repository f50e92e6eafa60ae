//! One connection: its protocol, its shutdown, its end when nobody speaks.
//!
//! Invariant: a connection ends by itself in bounded time once nothing is in flight on it, whatever
//! its client does; requests in flight at shutdown are answered first, for as long as the drain lasts.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Method, Request, Response, Version};
use base::Shutdown;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::time::{Instant, sleep_until};

use crate::fault::Fault;
use crate::intake::{Caller, Cut, Intake};
use crate::pulse::{Due, End, InFlight, Pulse, Watched};
use crate::reply::Reply;
use crate::{Admit, Transport, grpc, http};

/// What the headers of a request may take, names and values together.
const HEAD_BYTES: u32 = 16 << 10;

/// What is read of a connection of HTTP/1.1 before somebody takes it; outside the memory budget.
const READ_BYTES: usize = 64 << 10;

/// What a client of HTTP/2 may send before somebody takes it, on a stream and on the connection;
/// outside the memory budget too.
const STREAM_WINDOW_BYTES: u32 = 256 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 512 << 10;

/// How many requests may be in flight on one connection of HTTP/2.
const STREAMS: u32 = 256;

/// How often a client of HTTP/2 is asked whether it is there, and how long it may take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long an idle client may take to agree to the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Which of the two ports a connection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// OTLP/HTTP; gRPC is understood as well.
    Http,
    /// OTLP/gRPC.
    Grpc,
}

impl Port {
    /// What is meant to be spoken there.
    pub(crate) fn transport(self) -> Transport {
        match self {
            Self::Http => Transport::Http,
            Self::Grpc => Transport::Grpc,
        }
    }
}

/// Both ends of a connection: the other one, and the address that is listened on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) listener: SocketAddr,
}

/// Serves `socket` until it is closed by either side.
pub(crate) async fn serve<A: Admit>(
    intake: Arc<Intake<A>>,
    port: Port,
    socket: tls::Stream,
    ends: Ends,
    shutdown: Shutdown,
) {
    let Ends { peer, listener } = ends;
    let pulse = Pulse::new();
    let io = TokioIo::new(Watched {
        socket,
        pulse: pulse.clone(),
    });
    let service = service_fn(|request| {
        let intake = Arc::clone(&intake);
        let in_flight = pulse.begin();
        let caller = Caller {
            peer,
            listener,
            since: Instant::now(),
        };
        async move { Ok::<_, Infallible>(answer(&intake, port, caller, request, in_flight).await) }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut stop = pin!(shutdown.wait());
    let mut ends: Option<Instant> = None;
    loop {
        let due = pulse.due(&intake.config);
        tokio::select! {
            outcome = connection.as_mut() => {
                if let Err(error) = outcome {
                    tracing::debug!(%peer, error, "a connection was broken off");
                    if pulse.is_tls() {
                        intake.cut(port.transport(), peer, Cut::Tls);
                    }
                }
                return;
            }
            () = pulse.closer() => {}
            () = until(ends) => return,
            () = &mut stop, if ends.is_none() => {
                connection.as_mut().graceful_shutdown();
                ends = Some(Instant::now() + intake.config.drain);
            }
            end = expire(due) => match end {
                End::Head { begun } => {
                    if begun {
                        intake.cut(port.transport(), peer, Cut::Slow);
                    }
                    return;
                }
                End::Idle => {
                    connection.as_mut().graceful_shutdown();
                    let farewell = Instant::now() + FAREWELL;
                    ends = Some(ends.map_or(farewell, |ends| ends.min(farewell)));
                }
            },
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The pulse does it, which tells a slow head from a kept connection.
        .header_read_timeout(None)
        // A client may close its side as soon as it has sent everything, and still wants the answer.
        .half_close(true)
        .max_buf_size(READ_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Answers one request by port and protocol.
async fn answer<A: Admit>(
    intake: &Intake<A>,
    port: Port,
    caller: Caller,
    request: Request<Incoming>,
    in_flight: InFlight,
) -> Response<Reply> {
    let is_call = grpc::is_call(request.headers()) && request.method() == Method::POST;
    match (is_call, port) {
        (true, _) if request.version() == Version::HTTP_2 => {
            let _in_flight = in_flight;
            grpc::answer(intake, caller, request).await
        }
        (true, _) => http::refuse(intake, caller, None, request, in_flight, &Fault::NeedsHttp2),
        (false, Port::Http) => http::answer(intake, caller, request, in_flight).await,
        (false, Port::Grpc) => http::misdirected(intake, caller, request, in_flight).await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

async fn expire(due: Option<Due>) -> End {
    until(due.map(|due| due.at)).await;
    due.map_or(End::Idle, |due| due.end)
}
