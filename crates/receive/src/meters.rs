//! What the servers count and time: requests and their answers, bytes, waits, and what is in use.
//!
//! Invariant: every answer to an export request is counted once, by [`Intake::acknowledge`] or
//! [`Intake::refuse`]; labels have few values, none of which a client can choose.
//!
//! [`Intake::acknowledge`]: crate::intake::Intake::acknowledge
//! [`Intake::refuse`]: crate::intake::Intake::refuse

use std::sync::Arc;
use std::time::Duration;

use base::meters::{
    Counter, Counters, Histogram, Histograms, Readings, Source, WAIT_SECONDS, counters, histograms,
};
use contract::Signal;
use otlp::Encoding;
use tokio::sync::Semaphore;

use crate::Transport;
use crate::budget::Budget;

const UNKNOWN: &str = "unknown";

/// The meters of both ports.
#[derive(Debug)]
pub(crate) struct Meters {
    requests: Counters,
    refused: Counters,
    waits: Histograms,
    admissions: Histograms,
    wire_bytes: Counters,
    inflated_bytes: Counters,
    lanes: [[Lane; 2]; 3],
}

/// The meters of one signal over one transport, found without a search.
#[derive(Debug)]
pub(crate) struct Lane {
    /// From the head of a request to its acknowledgement.
    wait: Histogram,
    /// The part of that which is ours: from the whole body to the promise.
    admission: Histogram,
    /// Bytes of bodies as they came.
    pub(crate) wire_bytes: Counter,
    /// Bytes of bodies after inflation.
    inflated_bytes: Counter,
}

/// What an answer says of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered<'a> {
    pub(crate) signal: Option<Signal>,
    pub(crate) transport: Transport,
    pub(crate) encoding: Option<Encoding>,
    /// Status of HTTP, or the name of gRPC's.
    pub(crate) code: &'a str,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let lane = ["signal", "transport"];
        let waits = histograms(
            "tallybook_receive_acknowledgement_duration_seconds",
            "From the complete head of an export request to its acknowledgement: what a client waits.",
            WAIT_SECONDS,
            &lane,
        );
        let admissions = histograms(
            "tallybook_receive_admission_duration_seconds",
            "From the whole, inflated body of an acknowledged request to durable, deduplicated and queryable.",
            WAIT_SECONDS,
            &lane,
        );
        let wire_bytes = counters(
            "tallybook_receive_body_bytes_total",
            "Bytes of request bodies as they came, those of refused requests included.",
            &lane,
        );
        let inflated_bytes = counters(
            "tallybook_receive_inflated_bytes_total",
            "Bytes of request bodies after inflation.",
            &lane,
        );
        let of = |signal: Signal, transport: Transport| {
            let labels = [signal.name(), transport.name()];
            Lane {
                wait: waits.with_label_values(&labels),
                admission: admissions.with_label_values(&labels),
                wire_bytes: wire_bytes.with_label_values(&labels),
                inflated_bytes: inflated_bytes.with_label_values(&labels),
            }
        };
        let lanes = Signal::ALL
            .map(|signal| [Transport::Http, Transport::Grpc].map(|over| of(signal, over)));
        Self {
            requests: counters(
                "tallybook_receive_requests_total",
                "Answered requests, by what they carried and what they were told.",
                &["signal", "transport", "encoding", "code"],
            ),
            refused: counters(
                "tallybook_receive_refused_requests_total",
                "Requests answered with an error, by why; retryable: whether the client was told to send again.",
                &["signal", "transport", "reason", "retryable"],
            ),
            waits,
            admissions,
            wire_bytes,
            inflated_bytes,
            lanes,
        }
    }

    pub(crate) fn lane(&self, signal: Signal, transport: Transport) -> &Lane {
        &self.lanes[signal as usize][transport as usize]
    }

    /// A request was answered.
    pub(crate) fn answered(&self, answered: Answered<'_>) {
        let encoding = match answered.encoding {
            Some(Encoding::Protobuf) => "protobuf",
            Some(Encoding::Json) => "json",
            None => UNKNOWN,
        };
        let (signal, transport) = (name(answered.signal), answered.transport.name());
        let labels = [signal, transport, encoding, answered.code];
        self.requests.with_label_values(&labels).inc();
    }

    /// A request was answered with an error.
    pub(crate) fn refused(
        &self,
        signal: Option<Signal>,
        transport: Transport,
        reason: &str,
        is_retryable: bool,
    ) {
        let retryable = if is_retryable { "true" } else { "false" };
        let labels = [name(signal), transport.name(), reason, retryable];
        self.refused.with_label_values(&labels).inc();
    }

    pub(crate) fn sources(&self) -> Vec<Source> {
        vec![
            Box::new(self.requests.clone()),
            Box::new(self.refused.clone()),
            Box::new(self.waits.clone()),
            Box::new(self.admissions.clone()),
            Box::new(self.wire_bytes.clone()),
            Box::new(self.inflated_bytes.clone()),
        ]
    }
}

impl Lane {
    /// A body is whole and inflated.
    pub(crate) fn inflated(&self, bytes: usize) {
        self.inflated_bytes.inc_by(bytes as u64);
    }

    /// What was admitted took so long from its whole body on.
    pub(crate) fn admitted(&self, took: Duration) {
        self.admission.observe(took.as_secs_f64());
    }

    /// The client had to wait so long for its acknowledgement.
    pub(crate) fn acknowledged(&self, took: Duration) {
        self.wait.observe(took.as_secs_f64());
    }
}

fn name(signal: Option<Signal>) -> &'static str {
    signal.map_or(UNKNOWN, Signal::name)
}

/// What is in use of what both ports share.
pub(crate) fn in_use(budget: &Budget, places: &Arc<Semaphore>, max_connections: usize) -> Source {
    let (budget, places) = (budget.clone(), Arc::clone(places));
    let limit_bytes = budget.limit_bytes();
    let open = move || max_connections.saturating_sub(places.available_permits());
    let readings = Readings::new(move || (open(), budget.used_bytes()))
        .gauge(
            "tallybook_receive_connections",
            "Connections open at the OTLP ports.",
            &[],
            |now| now.0 as f64,
        )
        .gauge(
            "tallybook_receive_connections_limit",
            "Connections served at once; more wait in the system's queue.",
            &[],
            move |_| max_connections as f64,
        )
        .gauge(
            "tallybook_receive_memory_bytes",
            "Memory budget of request bodies in use.",
            &[],
            |now| now.1 as f64,
        )
        .gauge(
            "tallybook_receive_memory_limit_bytes",
            "Memory budget of request bodies; requests wait when it is used up, and are then refused for now.",
            &[],
            move |_| limit_bytes as f64,
        );
    Box::new(readings)
}
