//! A simulated organisation goes the way of requests: redacted, journalled, deduplicated.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::Shutdown;
use otlp::Encoding;
use receive::{ExportRequest, NotAdmitted, Transport};
use store::Provenance;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::intake::Intake;
use crate::simulation::{Drive, Ended, Kinds, Pace, Parcel, Plan, Progress, Sink, Speed, Stream};

/// Few enough to be there in seconds, enough for every page: half a year's habits are not the point.
const PEOPLE: u64 = 10;
/// The week that is shown first, and the one before it.
const DAYS: u64 = 16;
/// Of the first organisation; each time it is another, or what was erased a moment ago would be known
/// and not be taken again.
const SEED: u64 = 7;
/// Items of a request.
const BATCH_ITEMS: usize = 500;
/// How long a request may wait for room.
const PATIENCE: Duration = Duration::from_secs(60);
/// The organisation for which the rows were written, as `organization` says.
const ORGANIZATION: &str = "example data";

/// Fills a server.
pub(super) struct Filling {
    intake: Arc<Intake>,
    provenance: Arc<Provenance>,
    seed: u64,
    items: AtomicU64,
}

impl Filling {
    /// Into that server, for the `round`th time, with that token.
    pub(super) fn new(intake: Arc<Intake>, round: u64, token: String) -> Filling {
        let provenance = Provenance {
            token,
            organization: ORGANIZATION.to_owned(),
            ..Provenance::default()
        };
        Filling {
            intake,
            provenance: Arc::new(provenance),
            seed: SEED.wrapping_add(round),
            items: AtomicU64::new(0),
        }
    }

    /// Items that are there.
    pub(super) fn items(&self) -> u64 {
        self.items.load(Ordering::Relaxed)
    }

    /// Until all is there, or one of the two says stop.
    pub(super) async fn run(self: Arc<Self>, stop: Shutdown, end: Shutdown) -> Result<(), Failure> {
        let now_ms = self.intake.store().clock().now_unix_ns() / 1_000_000;
        let plan = plan(self.seed, now_ms);
        let mut stream = Stream::start(&plan, 0)?;
        let drive = Drive {
            sink: self,
            pace: Pace::Max,
            checkpoint: None,
            progress: Progress::new(&plan, 0, true),
            shutdown: stop.clone(),
            on_caught_up: None,
        };
        let driving = drive.run(&mut stream);
        tokio::pin!(driving);
        let ended = tokio::select! {
            ended = &mut driving => ended,
            () = end.wait() => {
                stop.trigger();
                driving.await
            }
        };
        match ended? {
            (Ended::Whole, _) => Ok(()),
            (Ended::Interrupted, _) => Err(Failure::failed(
                "it was stopped while it was loaded: not all is there",
            )),
        }
    }
}

fn plan(seed: u64, now_ms: u64) -> Plan {
    Plan {
        tallybook: env!("CARGO_PKG_VERSION").to_owned(),
        users: PEOPLE,
        days: DAYS,
        seed,
        end_unix_ms: now_ms,
        events: None,
        content: true,
        metrics: true,
        variety: Kinds::None,
        disorder: "none".to_owned(),
        speed: Speed::Max,
        batch: BATCH_ITEMS,
        alone_from_ms: None,
        target: ORGANIZATION.to_owned(),
    }
}

impl Sink for Filling {
    /// Real requests come first: these wait for one another.
    const AT_ONCE: usize = 4;

    async fn put(&self, parcel: Parcel) -> Result<(), Failure> {
        let request = ExportRequest {
            signal: parcel.signal,
            encoding: Encoding::Protobuf,
            body: parcel.body,
            transport: Transport::Http,
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            deadline: Instant::now() + PATIENCE,
        };
        let received_ns = parcel.at_ms * 1_000_000;
        let provenance = Arc::clone(&self.provenance);
        let taken = self.intake.take_own(request, provenance, received_ns);
        taken.await.map_err(|error| match error {
            NotAdmitted::Unavailable { reason } => Failure::failed(reason),
            other => Failure::failed(format!("{other:?}")),
        })?;
        self.items.fetch_add(parcel.items, Ordering::Relaxed);
        Ok(())
    }

    fn wants_keeping(&self, _is_time: bool) -> bool {
        false
    }

    /// What is acknowledged is durable.
    async fn keep(&self) -> Result<(), Failure> {
        Ok(())
    }
}
