//! Exporters: where batches go.
//!
//! Invariant: a batch has one end with each exporter: sent, rejected in part, or dropped with a reason.
//!
//! | file | what is in it |
//! |---|---|
//! | `http.rs` | one request over HTTP or gRPC, and its answer |
//! | `retry.rs` | what an answer means, and how long to wait |
//! | `dynamic_headers.rs` | headers from a command |

mod dynamic_headers;
mod http;
mod retry;

use std::io::Write;
use std::sync::Arc;

use contract::Signal;
use otlp::Encoding;
use tokio::time::sleep;

use crate::finding::Finding;
use crate::settings::{Endpoint, Exporter, Protocol, SignalExport};
use crate::shared::Shared;
use crate::surroundings::chance;

use self::dynamic_headers::Helper;
use self::http::Client;
use self::retry::{Verdict, wait};

/// One batch, in whichever encoding an exporter wants it.
pub(crate) struct Payload<'a> {
    pub(crate) items: u64,
    pub(crate) encode: Box<dyn Fn(Encoding) -> Vec<u8> + Send + Sync + 'a>,
}

/// All exporters of one process.
pub(crate) struct Exporters {
    logs: Vec<Sink>,
    metrics: Vec<Sink>,
}

enum Sink {
    Otlp(Box<Otlp>),
    Console,
}

impl Sink {
    fn encoding(&self) -> Encoding {
        match self {
            Sink::Otlp(otlp) => match otlp.endpoint.protocol {
                Protocol::HttpJson => Encoding::Json,
                Protocol::HttpProtobuf | Protocol::Grpc => Encoding::Protobuf,
            },
            Sink::Console => Encoding::Json,
        }
    }
}

/// A receiver of OTLP, and the connection to it.
struct Otlp {
    endpoint: Endpoint,
    client: Client,
    helper: Option<Arc<Helper>>,
}

impl Exporters {
    pub(crate) fn new(shared: &Shared) -> Exporters {
        let settings = &shared.settings;
        let helper = settings.headers_helper.clone();
        let helper = helper.map(|helper| Arc::new(Helper::new(helper)));
        Exporters {
            logs: sinks(&settings.logs, helper.as_ref()),
            metrics: sinks(&settings.metrics, helper.as_ref()),
        }
    }

    fn sinks(&self, signal: Signal) -> &[Sink] {
        match signal {
            Signal::Metrics => &self.metrics,
            _ => &self.logs,
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
    pub(crate) async fn export(&self, shared: &Shared, signal: Signal, payload: &Payload<'_>) {
        for sink in self.sinks(signal) {
            let body = (payload.encode)(sink.encoding());
            match sink {
                Sink::Otlp(otlp) => otlp.export(shared, signal, payload.items, &body).await,
                Sink::Console => print(shared, signal, payload.items, body),
            }
        }
    }
}

fn sinks(export: &SignalExport, helper: Option<&Arc<Helper>>) -> Vec<Sink> {
    let sink = |exporter: &Exporter| match (exporter, &export.endpoint) {
        (Exporter::Console, _) => Some(Sink::Console),
        (Exporter::Otlp, Some(endpoint)) => {
            let is_grpc = endpoint.protocol == Protocol::Grpc;
            Some(Sink::Otlp(Box::new(Otlp {
                endpoint: endpoint.clone(),
                client: Client::new(is_grpc),
                helper: helper.filter(|_| !is_grpc).map(Arc::clone),
            })))
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

impl Otlp {
    async fn export(&self, shared: &Shared, signal: Signal, items: u64, body: &[u8]) {
        let retry = &shared.settings.retry;
        let mut attempt = 1;
        loop {
            let headers = match &self.helper {
                Some(helper) => helper.headers(&shared.listener).await,
                None => Vec::new(),
            };
            let verdict = self
                .client
                .send(&self.endpoint, signal, body, &headers)
                .await;
            match verdict {
                Verdict::Taken(partial) => {
                    let rejected = partial.as_ref().map_or(0, |partial| partial.rejected);
                    shared.tally(signal).sent(items, rejected);
                    if let Some(partial) = partial {
                        let message = format!(
                            "the receiver rejected {rejected} of {items} {}: {}",
                            signal.items(),
                            partial.message
                        );
                        let finding = Finding::warning(signal.name(), message);
                        shared.listener.tell(&finding);
                    }
                    return;
                }
                Verdict::Again { reason, after } if attempt < retry.attempts_max => {
                    let wait = wait(retry, attempt, after, chance());
                    let message = format!(
                        "attempt {attempt} of {} failed, the next in {} ms: {reason}",
                        retry.attempts_max,
                        wait.as_millis()
                    );
                    let finding = Finding::warning(signal.name(), message);
                    shared.listener.tell(&finding);
                    shared.tally(signal).retried();
                    attempt += 1;
                    sleep(wait).await;
                }
                Verdict::Again { reason, .. } => {
                    let reason = format!("{attempt} attempts failed, the last: {reason}");
                    shared.drop_items(signal, items, &reason);
                    return;
                }
                Verdict::Refused(reason) => {
                    shared.drop_items(signal, items, &reason);
                    return;
                }
            }
        }
    }
}
