//! Request bodies of a simulated organisation, generated as they are sent.
//!
//! Events are spread over the last days, so that they are filed by their own time as those of real
//! clients are, and land in as many days' parts.

use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use contract::Signal;
use fleet::{Batched, ClientVersion, Config, Limited, Organisation, Truth, Variety};
use otlp::Encoding;
use testkit::Problem;
use tokio::sync::{mpsc, oneshot};

/// Days before now that events are spread over; older than a week would be filed by arrival.
const DAYS: u64 = 6;
/// Events of one person in that time, somewhat less than there are.
const EVENTS_A_PERSON: u64 = 850;
/// Bodies that wait to be sent.
const AHEAD: usize = 64;
const SEED: u64 = 20_261_121;

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corpus {
    pub(crate) client: ClientVersion,
    pub(crate) events: u64,
    /// Events in a request, about.
    pub(crate) batch: usize,
    pub(crate) encoding: Encoding,
}

/// One export request.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) items: u64,
}

/// Bodies as they are generated, and at their end what is true of them.
pub(crate) struct Stream {
    pub(crate) bodies: mpsc::Receiver<Body>,
    pub(crate) truth: oneshot::Receiver<Truth>,
}

impl Corpus {
    /// Generates on a thread of its own.
    pub(crate) fn stream(self) -> Result<Stream, Problem> {
        let (sender, bodies) = mpsc::channel(AHEAD);
        let (tell, truth) = oneshot::channel();
        let end_unix_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
        thread::spawn(move || {
            let mut organisation = Organisation::new(self.config(end_unix_ms));
            let limited = Limited::new(organisation.by_ref(), self.events);
            for batch in Batched::new(limited, self.batch) {
                let (items, protobuf) = (batch.items() as u64, batch.protobuf());
                let bytes = match self.encoding {
                    Encoding::Protobuf => protobuf,
                    // What was just encoded can be read.
                    Encoding::Json => otlp::to_json(Signal::Logs, &protobuf).unwrap_or_default(),
                };
                let bytes = Bytes::from(bytes);
                if sender.blocking_send(Body { bytes, items }).is_err() {
                    return;
                }
            }
            // Nobody waits for the truth of a load that failed.
            let _ = tell.send(organisation.truth().clone());
        });
        Ok(Stream { bodies, truth })
    }

    /// Everything at once, for measurements that generation must not disturb.
    pub(crate) async fn all(self) -> Result<Vec<Body>, Problem> {
        let mut stream = self.stream()?;
        let mut all = Vec::new();
        while let Some(body) = stream.bodies.recv().await {
            all.push(body);
        }
        Ok(all)
    }

    fn config(&self, end_unix_ms: u64) -> Config {
        Config {
            people: usize::try_from(self.events / EVENTS_A_PERSON)
                .unwrap_or(usize::MAX)
                .max(20),
            seed: SEED,
            end_unix_ms,
            days: DAYS,
            client: self.client,
            content: false,
            metrics: false,
            variety: Variety::default(),
        }
    }
}
