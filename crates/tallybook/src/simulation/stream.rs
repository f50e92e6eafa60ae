//! The thread that generates: requests in order, and at the end what is true of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use contract::Signal;
use fleet::{Deliveries, Limited, Organisation, Requests, TruthFile, roster};
use tokio::sync::mpsc;

use super::plan::{PACK_WAIT_MS, Plan, disorder};
use crate::failure::Failure;

/// Requests that may wait to be taken.
const AHEAD: usize = 8;

/// One export request of the simulation.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    /// Which request of the simulation it is, counted from 0.
    pub(crate) number: u64,
    /// When it is sent, milliseconds since the Unix epoch.
    pub(crate) at_ms: u64,
    pub(crate) signal: Signal,
    /// Log records or data points.
    pub(crate) items: u64,
    /// OTLP protobuf.
    pub(crate) body: Bytes,
}

impl Parcel {
    /// Log records in it.
    pub(crate) fn events(&self) -> u64 {
        match self.signal {
            Signal::Logs => self.items,
            _ => 0,
        }
    }
}

/// What is known when everything is generated.
pub(crate) struct Whole {
    pub(crate) truth: TruthFile,
    pub(crate) roster: String,
    /// Requests, those that were passed over included.
    pub(crate) requests: u64,
}

/// Requests as they are generated.
pub(crate) struct Stream {
    parcels: mpsc::Receiver<Parcel>,
    thread: JoinHandle<Option<Whole>>,
    passed: Arc<AtomicU64>,
}

impl Stream {
    /// Generates from request number `from` on; those before are generated and passed over.
    pub(crate) fn start(plan: &Plan, from: u64) -> Result<Stream, Failure> {
        let (sender, parcels) = mpsc::channel(AHEAD);
        let passed = Arc::new(AtomicU64::new(0));
        let generator = Generator {
            plan: plan.clone(),
            from,
            sender,
            passed: Arc::clone(&passed),
        };
        let thread = thread::Builder::new()
            .name("generate".to_owned())
            .spawn(move || generator.run())
            .map_err(Failure::failed)?;
        Ok(Stream {
            parcels,
            thread,
            passed,
        })
    }

    /// The next request; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Parcel> {
        self.parcels.recv().await
    }

    /// How many requests have been passed over so far.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// What is true of all of it; nothing when it was not taken to its end.
    pub(crate) async fn end(self) -> Result<Option<Whole>, Failure> {
        drop(self.parcels);
        let joined = tokio::task::spawn_blocking(|| self.thread.join()).await;
        let whole = joined.map_err(Failure::failed)?;
        whole.map_err(|_| Failure::failed("generating failed; this is a fault of tallybook"))
    }
}

struct Generator {
    plan: Plan,
    from: u64,
    sender: mpsc::Sender<Parcel>,
    passed: Arc<AtomicU64>,
}

impl Generator {
    fn run(self) -> Option<Whole> {
        let plan = self.plan;
        let mut organisation = Organisation::new(plan.config());
        let limited = Limited::new(organisation.by_ref(), plan.events.unwrap_or(u64::MAX));
        // It was read before.
        let disorder = disorder(&plan.disorder, plan.seed).unwrap_or_default();
        let mut deliveries = Deliveries::new(limited, disorder);
        let mut requests = Requests::new(deliveries.by_ref(), plan.batch, PACK_WAIT_MS)
            .alone_from(plan.alone_from_ms.unwrap_or(u64::MAX));
        let mut number = 0;
        while number < self.from && !self.sender.is_closed() {
            requests.pass_over()?;
            number += 1;
            self.passed.store(number, Ordering::Relaxed);
        }
        for request in requests {
            let parcel = Parcel {
                number,
                at_ms: request.at_ms,
                signal: request.signal,
                items: request.items as u64,
                body: request.protobuf.into(),
            };
            number += 1;
            self.sender.blocking_send(parcel).ok()?;
        }
        // Whoever stores need not wait for what is true of it.
        drop(self.sender);
        let (arrived, lost) = deliveries.into_facts();
        Some(Whole {
            truth: TruthFile::new(&organisation, &arrived, &lost),
            roster: roster(&organisation),
            requests: number,
        })
    }
}
