//! Exporters: where batches go.
//!
//! Invariant: a batch has one end with each exporter: sent, rejected in part, kept in the spool, or
//! dropped with a reason.
//!
//! | file | what is in it |
//! |---|---|
//! | `receiver.rs` | a receiver of OTLP: attempts, and what becomes of a batch in the end |
//! | `http.rs` | one request over HTTP or gRPC, and its answer |
//! | `connection.rs` | kept-alive connections, and why one failed |
//! | `scrape.rs` | metrics for Prometheus to fetch |
//! | `retry.rs` | what an answer means, and how long to wait |
//! | `dynamic_headers.rs` | headers from a command |

mod connection;
mod dynamic_headers;
mod http;
mod receiver;
mod retry;
pub(crate) mod scrape;

use std::io::Write;
use std::sync::Arc;

use contract::Signal;
use otlp::Encoding;

use crate::settings::{Egress, Exporter, SignalExport};
use crate::shared::Shared;
use crate::spool::Spool;
use crate::worker::End;

use self::dynamic_headers::Helper;
use self::receiver::Receiver;

/// One batch, in whichever encoding an exporter wants it.
pub(crate) struct Payload<'a> {
    pub(crate) items: u64,
    pub(crate) encode: Box<dyn Fn(Encoding) -> Vec<u8> + Send + Sync + 'a>,
}

/// All exporters of one process.
pub(crate) struct Exporters {
    logs: Vec<Sink>,
    metrics: Vec<Sink>,
    traces: Vec<Sink>,
}

enum Sink {
    Receiver(Box<Receiver>),
    Console,
}

impl Sink {
    fn encoding(&self) -> Encoding {
        match self {
            Sink::Receiver(receiver) => receiver.encoding(),
            Sink::Console => Encoding::Json,
        }
    }
}

impl Exporters {
    pub(crate) fn new(shared: &Shared) -> Exporters {
        let settings = &shared.settings;
        let helper = settings.headers_helper.clone();
        let helper = helper.map(|helper| Arc::new(Helper::new(helper)));
        let spool = settings
            .spool
            .clone()
            .map(|spool| Arc::new(Spool::new(spool)));
        if let Some(Err(error)) = spool.as_ref().map(|spool| spool.recover()) {
            shared.tell_of_spool(&error);
        }
        let sinks = |export| sinks(export, helper.as_ref(), spool.as_ref(), &settings.egress);
        Exporters {
            logs: sinks(&settings.logs),
            metrics: sinks(&settings.metrics),
            traces: sinks(&settings.traces),
        }
    }

    fn sinks(&self, signal: Signal) -> &[Sink] {
        match signal {
            Signal::Logs => &self.logs,
            Signal::Metrics => &self.metrics,
            Signal::Traces => &self.traces,
        }
    }

    /// The encodings that a signal is wanted in, each once.
    pub(crate) fn encodings(&self, signal: Signal) -> Vec<Encoding> {
        let mut encodings: Vec<Encoding> = Vec::new();
        for sink in self.sinks(signal) {
            if !encodings.contains(&sink.encoding()) {
                encodings.push(sink.encoding());
            }
        }
        encodings
    }

    /// Sends one batch to every exporter of its signal.
    pub(crate) async fn export(
        &self,
        shared: &Shared,
        signal: Signal,
        payload: Payload<'_>,
        end: &mut End,
    ) {
        let items = payload.items;
        for sink in self.sinks(signal) {
            let body = (payload.encode)(sink.encoding());
            match sink {
                Sink::Receiver(receiver) => {
                    receiver.export(shared, signal, items, &body, end).await;
                }
                Sink::Console => print(shared, signal, items, body),
            }
        }
    }

    /// Sends what waits in the spool.
    pub(crate) async fn resend(&self, shared: &Shared, signal: Signal, end: &mut End) {
        for sink in self.sinks(signal) {
            if let Sink::Receiver(receiver) = sink {
                receiver.resend(shared, signal, end).await;
            }
        }
    }
}

fn sinks(
    export: &SignalExport,
    helper: Option<&Arc<Helper>>,
    spool: Option<&Arc<Spool>>,
    egress: &Egress,
) -> Vec<Sink> {
    let sink = |exporter: &Exporter| match (exporter, &export.endpoint) {
        (Exporter::Console, _) => Some(Sink::Console),
        (Exporter::Prometheus, _) => None,
        (Exporter::Otlp, Some(endpoint)) => {
            let receiver = Receiver::new(endpoint, helper, spool, egress);
            Some(Sink::Receiver(Box::new(receiver)))
        }
        (Exporter::Otlp, None) => None,
    };
    export.exporters.iter().filter_map(sink).collect()
}

/// One line of OTLP/JSON on standard output.
fn print(shared: &Shared, signal: Signal, items: u64, mut body: Vec<u8>) {
    body.push(b'\n');
    let mut out = std::io::stdout().lock();
    match out.write_all(&body).and_then(|()| out.flush()) {
        Ok(()) => shared.tally(signal).sent(items, 0),
        Err(error) => shared.drop_items(signal, items, &format!("standard output: {error}")),
    }
}
