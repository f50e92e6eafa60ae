//! What all connections share, and the one call behind both transports.
//!
//! Invariant: whatever happens to [`Admit::admit`] (it refuses, it cannot, it takes too long, it
//! panics), the client gets an answer, and `Ok` only if `admit` said `Ok`.

use std::net::SocketAddr;
use std::sync::Arc;

use contract::Signal;
use otlp::Encoding;
use tokio::time::timeout;

use crate::body::Bounds;
use crate::budget::{Budget, Paid};
use crate::fault::Fault;
use crate::{Admit, Admitted, Config, ExportRequest, NotAdmitted, Transport};

/// At least this part of the hold is left for the journal, however long a request waited for memory.
const JOURNAL_SHARE: u32 = 5;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Intake<A> {
    pub(crate) admit: Arc<A>,
    pub(crate) config: Config,
    pub(crate) budget: Budget,
    /// The port where OTLP/HTTP is served in truth, for messages.
    pub(crate) http_port: u16,
}

/// An export request but for its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope {
    pub(crate) signal: Signal,
    pub(crate) encoding: Encoding,
    pub(crate) transport: Transport,
    pub(crate) peer: SocketAddr,
}

impl<A: Admit> Intake<A> {
    /// What one body may be, if it is `framing_bytes` longer than its content.
    pub(crate) fn bounds(&self, framing_bytes: usize) -> Bounds {
        Bounds {
            limit_bytes: self.config.max_body_bytes,
            framing_bytes,
            timeout: self.config.body_timeout,
        }
    }

    /// Hands an inflated body on. `Ok` is `admit`'s promise, passed on: the request is durable,
    /// deduplicated and queryable.
    pub(crate) async fn admit(&self, envelope: Envelope, body: Paid) -> Result<Admitted, Fault> {
        let Paid { bytes, mut lease } = body;
        let hold = self.config.hold;
        let turn = lease.turn_to_be_admitted(bytes.len()).await?;
        let patience = lease.patience().max(hold / JOURNAL_SHARE);
        let admit = Arc::clone(&self.admit);
        let request = ExportRequest {
            signal: envelope.signal,
            encoding: envelope.encoding,
            body: bytes,
            transport: envelope.transport,
            peer: envelope.peer,
        };
        // A task of its own, so that a client that goes away cannot stop it half-way, and so that its
        // panic is an answer. The memory is held until it has really ended.
        let admitting = tokio::spawn(async move {
            let outcome = admit.admit(request).await;
            drop((lease, turn));
            outcome
        });
        match timeout(patience, admitting).await {
            Ok(Ok(Ok(admitted))) => Ok(admitted),
            Ok(Ok(Err(NotAdmitted::Refused(refused)))) => Err(Fault::Refused(refused)),
            Ok(Ok(Err(NotAdmitted::Unavailable { reason }))) => Err(Fault::Unavailable { reason }),
            Ok(Err(failure)) => {
                tracing::error!(signal = envelope.signal.name(), %failure, "admitting a request failed");
                Err(Fault::Unavailable {
                    reason: "an internal error".to_owned(),
                })
            }
            Err(_) => Err(Fault::Unavailable {
                reason: format!("the journal did not take it within {hold:?}"),
            }),
        }
    }

    /// Counts and logs a fault before it is answered.
    pub(crate) fn refuse(&self, signal: Option<Signal>, peer: SocketAddr, fault: &Fault) {
        tracing::debug!(%peer, signal = signal.map(Signal::name), %fault, "refused a request");
        self.admit.count_refused(signal, fault.refusal());
    }
}
