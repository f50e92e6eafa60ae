//! From an export request to an acknowledgement: decode, redact, prepare, append.
//!
//! Decoding and building rows is CPU work and runs on its own threads, so that a large request does
//! not hold up the connections of others. Nothing is durable before it is redacted: what fails there
//! is refused, never let through.

use std::sync::Arc;

use base::Shutdown;
use contract::Signal;
use receive::{Admit, Admitted, ExportRequest, NotAdmitted, RefusedRequest, Transport};
use redact::Tally;
use store::{ENTRY_BYTES_MAX, Entry, PrepareError, Prepared, RefusedRequests, Store};
use tokio::runtime::{Handle, Runtime};
use tokio::time::Instant;

use crate::redaction::Redaction;
use crate::refusals::Refusals;

/// Admits export requests into a store.
pub(crate) struct Intake {
    store: Arc<Store>,
    limits: otlp::Limits,
    redaction: Arc<Redaction>,
    cpu: Handle,
    refusals: Refusals,
}

/// The threads that decode.
pub(crate) fn cpu_runtime() -> std::io::Result<Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("intake")
        .build()
}

impl Intake {
    pub(crate) fn new(
        store: Arc<Store>,
        limits: otlp::Limits,
        redaction: Arc<Redaction>,
        cpu: Handle,
    ) -> Intake {
        Intake {
            store,
            limits,
            redaction,
            cpu,
            refusals: Refusals::default(),
        }
    }

    /// Says now and then what was refused, until `shutdown`.
    pub(crate) async fn run_log(self: Arc<Self>, shutdown: Shutdown) {
        self.refusals.run(self.store.clock(), shutdown).await;
    }
}

/// The CPU work of a request.
fn work(
    store: &Store,
    limits: &otlp::Limits,
    redaction: &Redaction,
    request: ExportRequest,
    received_ns: u64,
) -> Result<(Entry, Prepared, Tally), NotAdmitted> {
    // Nobody waits any more for what comes to its turn too late, and it will be sent again.
    if request.deadline <= Instant::now() {
        return Err(unavailable("too many requests wait to be decoded"));
    }
    let (protobuf, quarantined) = match request.encoding {
        otlp::Encoding::Protobuf => (request.body, Vec::new()),
        otlp::Encoding::Json => {
            let converted = otlp::from_json(request.signal, &request.body, limits)
                .map_err(NotAdmitted::Refused)?;
            (converted.protobuf.into(), converted.quarantined)
        }
    };
    let redacted = redaction
        .apply(request.signal, protobuf, quarantined, limits)
        .map_err(NotAdmitted::Refused)?;
    let transport = match request.transport {
        Transport::Http => store::Transport::Http,
        Transport::Grpc => store::Transport::Grpc,
    };
    let entry = Entry {
        signal: request.signal,
        transport,
        received_ns,
        quarantined: redacted.quarantined,
        protobuf: redacted.protobuf,
    };
    if entry.bytes() > ENTRY_BYTES_MAX {
        // Sent again it would be as large.
        return Err(NotAdmitted::Refused(otlp::Refused::TooMany {
            what: "bytes once it is decoded",
            limit: ENTRY_BYTES_MAX,
        }));
    }
    let prepared = store.prepare(&entry).map_err(|error| match error {
        PrepareError::Refused(refused) => NotAdmitted::Refused(refused),
        PrepareError::Internal { .. } => unavailable(error),
    })?;
    Ok((entry, prepared, redacted.tally))
}

fn unavailable(reason: impl std::fmt::Display) -> NotAdmitted {
    NotAdmitted::Unavailable {
        reason: reason.to_string(),
    }
}

impl Admit for Intake {
    async fn admit(&self, request: ExportRequest) -> Result<Admitted, NotAdmitted> {
        let received_ns = self.store.clock().now_unix_ns();
        let deadline = request.deadline;
        // Before decoding: what is refused in the end should cost little.
        self.store.room_by(deadline).await.map_err(unavailable)?;
        let (store, limits) = (Arc::clone(&self.store), self.limits.clone());
        let redaction = Arc::clone(&self.redaction);
        let working = self
            .cpu
            .spawn(async move { work(&store, &limits, &redaction, request, received_ns) });
        // A panic there is before anything is durable: the client may send the request again.
        let (entry, prepared, tally) = working.await.map_err(unavailable)??;
        if prepared.items == 0 {
            return Ok(Admitted::default());
        }
        let (items, quarantined) = (prepared.items, prepared.quarantined);
        let reason = prepared.first_reason.clone();
        match self.store.append_by(&entry, prepared, deadline).await {
            Ok(_) => {
                self.redaction.count(tally);
                Ok(Admitted {
                    items,
                    quarantined,
                    reason,
                })
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    fn count_refused(&self, refused: RefusedRequest) {
        let refused = RefusedRequests {
            signal: refused.signal.map_or("unknown", Signal::name),
            reason: refused.why.name(),
            retryable: refused.is_retryable,
        };
        self.store.fates().refuse_request(refused);
        self.refusals.note(refused, self.store.clock());
    }

    fn ready(&self) -> Result<(), String> {
        self.store.ready()
    }
}
