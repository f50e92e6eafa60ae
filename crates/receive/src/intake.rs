//! What all connections share, and the one call behind both transports.
//!
//! Invariant: whatever happens to [`Admit::admit`] (it refuses, it cannot, it takes too long, it
//! panics), the client gets an answer, and `Ok` only if `admit` said `Ok`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Request, StatusCode, header};
use contract::Signal;
use otlp::Encoding;
use tokio::time::{Instant, timeout_at};

use crate::body::Bounds;
use crate::budget::{Budget, Paid};
use crate::fault::{Fault, code_name};
use crate::meters::{Answered, Meters};
use crate::{
    Admit, Admitted, AskedFor, Config, ExportRequest, Head, NotAdmitted, Refusal, RefusedRequest,
    Transport,
};

/// This part of the hold is left for the journal, however long a request waited for memory.
const JOURNAL_SHARE: u32 = 5;

/// Whoever waits until the deadline can still say what for.
const GRACE: Duration = Duration::from_millis(50);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Intake<A> {
    pub(crate) admit: Arc<A>,
    pub(crate) config: Config,
    pub(crate) budget: Budget,
    pub(crate) meters: Arc<Meters>,
    /// The port where OTLP/HTTP is served in truth, for messages.
    pub(crate) http_port: u16,
}

/// Who asks, where, and since when: since the head of the request was complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) peer: SocketAddr,
    /// The address that is listened on.
    pub(crate) listener: SocketAddr,
    pub(crate) since: Instant,
}

/// Why a connection was cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// Its client was too slow.
    Slow,
    /// Its client speaks TLS.
    Tls,
    /// Its client does not speak TLS, and was told to.
    Plain,
}

/// An export request but for its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope {
    pub(crate) signal: Signal,
    pub(crate) encoding: Encoding,
    pub(crate) transport: Transport,
    pub(crate) caller: Caller,
}

/// What is known of a request that is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) signal: Option<Signal>,
    pub(crate) encoding: Option<Encoding>,
    pub(crate) transport: Transport,
    pub(crate) caller: Caller,
    pub(crate) looks: AskedFor<'a>,
}

impl<'a> AskedFor<'a> {
    /// What `request` looks like.
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        Self {
            method: request.method().as_str(),
            path: request.uri().path(),
            content_type: content_type.map_or("", |text| text.to_str().unwrap_or("not text")),
        }
    }
}

/// The memory that all connections share.
pub(crate) fn budget(config: &Config) -> Budget {
    let for_memory = config.hold - config.hold / JOURNAL_SHARE;
    Budget::new(config.memory_budget_bytes, for_memory)
}

impl<A: Admit> Intake<A> {
    pub(crate) fn new(
        admit: Arc<A>,
        config: Config,
        budget: Budget,
        meters: Arc<Meters>,
        http_port: u16,
    ) -> Self {
        Self {
            admit,
            config,
            budget,
            meters,
            http_port,
        }
    }

    /// What one body may be, if it is `framing_bytes` longer than its content.
    pub(crate) fn bounds(&self, framing_bytes: usize) -> Bounds {
        Bounds {
            limit_bytes: self.config.max_body_bytes,
            framing_bytes,
            timeout: self.config.body_timeout,
        }
    }

    /// Asks whether whoever sends a request may, before its body is read.
    pub(crate) fn authorize(
        &self,
        signal: Signal,
        transport: Transport,
        caller: Caller,
        headers: &HeaderMap,
    ) -> Result<A::Grant, Fault> {
        let head = Head {
            signal,
            transport,
            peer: caller.peer,
            listener: caller.listener,
            headers,
        };
        self.admit.authorize(&head).map_err(Fault::Denied)
    }

    /// Hands an inflated body on. `Ok` is `admit`'s promise, passed on: the request is durable,
    /// deduplicated and queryable.
    pub(crate) async fn admit(
        &self,
        envelope: Envelope,
        body: Paid,
        grant: A::Grant,
    ) -> Result<Admitted, Fault> {
        let whole = Instant::now();
        let lane = self.meters.lane(envelope.signal, envelope.transport);
        let Paid { bytes, mut lease } = body;
        lane.inflated(bytes.len());
        let hold = self.config.hold;
        let turn = lease.turn_to_be_admitted(bytes.len()).await?;
        let deadline = Instant::now() + lease.patience() + hold / JOURNAL_SHARE;
        let admit = Arc::clone(&self.admit);
        let request = ExportRequest {
            signal: envelope.signal,
            encoding: envelope.encoding,
            body: bytes,
            transport: envelope.transport,
            peer: envelope.caller.peer,
            deadline,
        };
        // A task of its own, so that a client that goes away cannot stop it half-way, and so that its
        // panic is an answer. The memory is held until it has really ended.
        let admitting = tokio::spawn(async move {
            let outcome = admit.admit(request, grant).await;
            drop((lease, turn));
            outcome
        });
        match timeout_at(deadline + GRACE, admitting).await {
            Ok(Ok(Ok(admitted))) => {
                lane.admitted(whole.elapsed());
                Ok(admitted)
            }
            Ok(Ok(Err(NotAdmitted::Refused(refused)))) => Err(Fault::Refused(refused)),
            Ok(Ok(Err(NotAdmitted::Unavailable { reason }))) => Err(Fault::Unavailable { reason }),
            Ok(Ok(Err(NotAdmitted::Denied(denied)))) => Err(Fault::Denied(denied)),
            Ok(Err(failure)) => {
                // What a panic says may hold what the client sent; its place is logged where it is.
                let is_panic = failure.is_panic();
                tracing::error!(
                    signal = envelope.signal.name(),
                    is_panic,
                    "admitting a request failed"
                );
                Err(Fault::Unavailable {
                    reason: "an internal error".to_owned(),
                })
            }
            Err(_) => Err(Fault::Unavailable {
                reason: format!("the journal did not take it within {hold:?}"),
            }),
        }
    }

    /// Counts, times and logs what was admitted before it is acknowledged.
    pub(crate) fn acknowledge(&self, envelope: Envelope, admitted: &Admitted) {
        let Envelope {
            signal,
            encoding,
            transport,
            caller,
        } = envelope;
        let waited = caller.since.elapsed();
        self.meters.lane(signal, transport).acknowledged(waited);
        let code = match transport {
            Transport::Http => StatusCode::OK.as_str(),
            Transport::Grpc => "OK",
        };
        self.meters.answered(Answered {
            signal: Some(signal),
            transport,
            encoding: Some(encoding),
            code,
        });
        tracing::debug!(
            peer = %caller.peer,
            signal = signal.name(),
            transport = transport.name(),
            code,
            items = admitted.items,
            quarantined = admitted.quarantined,
            waited_ms = waited.as_secs_f64() * 1e3,
            "acknowledged a request"
        );
    }

    /// Counts and logs a fault before it is answered. What the client sent is not logged, nor what
    /// was found in it: the client is told.
    pub(crate) fn refuse(&self, asked: Asked<'_>, fault: &Fault) {
        let Asked {
            signal,
            encoding,
            transport,
            caller,
            looks,
        } = asked;
        let ((status, http_code), grpc_code) = (fault.http(), fault.grpc());
        let (code, is_retryable) = match transport {
            Transport::Http => (status_name(status), fault.is_retryable(http_code)),
            Transport::Grpc => (code_name(grpc_code), fault.is_retryable(grpc_code)),
        };
        self.meters.answered(Answered {
            signal,
            transport,
            encoding,
            code,
        });
        let why = fault.refusal();
        tracing::debug!(
            peer = %caller.peer,
            signal = signal.map(Signal::name),
            transport = transport.name(),
            code,
            reason = why.name(),
            "refused a request"
        );
        self.count_refused(RefusedRequest {
            signal,
            why,
            is_retryable,
            transport,
            peer: caller.peer,
            asked: Some(looks),
            code,
            told: (!fault.quotes()).then(|| fault.message()),
        });
    }

    /// Counts a connection that was cut before the head of a request was there: there is nobody to
    /// answer.
    pub(crate) fn cut(&self, transport: Transport, peer: SocketAddr, cut: Cut) {
        let (why, told) = match cut {
            Cut::Slow => (Refusal::Timeout, "The head of a request came too slowly."),
            Cut::Plain => (
                Refusal::UnsupportedMediaType,
                "The client speaks without TLS, and this port with it: write https:// in its endpoint.",
            ),
            Cut::Tls => (
                Refusal::UnsupportedMediaType,
                "The client speaks TLS, and this port does not: write http:// in its endpoint.",
            ),
        };
        tracing::debug!(%peer, reason = why.name(), "a connection was cut");
        self.count_refused(RefusedRequest {
            signal: None,
            why,
            is_retryable: false,
            transport,
            peer,
            asked: None,
            code: "cut",
            told: Some(told.to_owned()),
        });
    }

    fn count_refused(&self, refused: RefusedRequest<'_>) {
        let RefusedRequest {
            signal,
            why,
            is_retryable,
            transport,
            ..
        } = refused;
        self.meters
            .refused(signal, transport, why.name(), is_retryable);
        self.admit.count_refused(refused);
    }
}

/// The number of a status that faults have.
fn status_name(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        405 => "405",
        408 => "408",
        413 => "413",
        415 => "415",
        429 => "429",
        503 => "503",
        _ => "500",
    }
}
