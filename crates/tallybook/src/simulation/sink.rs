//! Where requests go on this machine: into a data directory that no server has, or into the store of
//! the server in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use store::{AppendError, Entry, Prepared, Store, Transport};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::stream::Parcel;
use crate::failure::Failure;
use crate::redaction::Redaction;

/// How long a request may wait for room. Only a disk that is full and stays full takes longer.
const ROOM_PATIENCE: Duration = Duration::from_secs(60);

/// Where the requests of a simulation go.
pub(crate) trait Sink: Send + Sync + 'static {
    /// Requests on their way at once.
    const AT_ONCE: usize;

    /// Puts one request. Durable when `keep` has returned that was called afterwards.
    fn put(&self, parcel: Parcel) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Whether what was put should be made durable now; `is_time` when that is a while ago.
    fn wants_keeping(&self, is_time: bool) -> bool;

    /// Makes durable all that was put.
    fn keep(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The work of a request that touches no shared state, but for what redaction counts.
fn prepared(
    store: &Store,
    redaction: &Redaction,
    parcel: Parcel,
) -> Result<(Entry, Prepared), Failure> {
    let limits = otlp::Limits::default();
    let redacted = redaction.apply((parcel.signal, None), parcel.body, Vec::new(), &limits);
    let redacted = redacted.map_err(Failure::failed)?;
    redaction.count(redacted.tally);
    let entry = Entry {
        signal: parcel.signal,
        transport: Transport::Http,
        received_ns: parcel.at_ms * 1_000_000,
        quarantined: redacted.quarantined,
        provenance: None,
        protobuf: redacted.protobuf,
    };
    let prepared = store.prepare(&entry).map_err(Failure::failed)?;
    if let Some(reason) = &prepared.first_reason {
        let what = format!("an item was not understood ({reason}); this is a fault of tallybook");
        return Err(Failure::failed(what));
    }
    Ok((entry, prepared))
}

/// A store that this process alone has. No journal: what a crash takes is generated again.
pub(crate) struct Load {
    store: Arc<Store>,
    redaction: Arc<Redaction>,
    cpu: Handle,
    known: AtomicU64,
}

impl Load {
    /// Into that store, redacting and decoding on these threads.
    pub(crate) fn new(store: Arc<Store>, redaction: Arc<Redaction>, cpu: Handle) -> Load {
        Load {
            store,
            redaction,
            cpu,
            known: AtomicU64::new(0),
        }
    }

    /// Items that were stored already, by a run before or by the simulated disorder.
    pub(crate) fn known(&self) -> u64 {
        self.known.load(Ordering::Relaxed)
    }
}

impl Sink for Load {
    const AT_ONCE: usize = 4;

    async fn put(&self, parcel: Parcel) -> Result<(), Failure> {
        let (store, redaction) = (Arc::clone(&self.store), Arc::clone(&self.redaction));
        let working = self
            .cpu
            .spawn(async move { prepared(&store, &redaction, parcel) });
        let (entry, prepared) = working.await.map_err(Failure::failed)??;
        drop(entry);
        let deadline = Instant::now() + ROOM_PATIENCE;
        let applied = self.store.load_by(prepared, deadline).await;
        let applied = applied.map_err(|error| no_room(&error))?;
        self.known
            .fetch_add(applied.deduplicated, Ordering::Relaxed);
        Ok(())
    }

    fn wants_keeping(&self, _is_time: bool) -> bool {
        self.store.wants_flush()
    }

    async fn keep(&self) -> Result<(), Failure> {
        let flushed = self.store.flush().await;
        flushed.map(drop).map_err(|error| {
            Failure::failed(format!(
                "cannot write parts: {error}; run the same command again when that is mended"
            ))
        })
    }
}

fn no_room(error: &AppendError) -> Failure {
    Failure::failed(format!(
        "{error}; run the same command again when that is mended: it goes on where it was"
    ))
}

/// The store of the server in this process: each request as a real one, received at its simulated
/// time.
pub(crate) struct Append {
    store: Arc<Store>,
    redaction: Arc<Redaction>,
}

impl Append {
    pub(crate) fn new(store: Arc<Store>, redaction: Arc<Redaction>) -> Append {
        Append { store, redaction }
    }
}

impl Sink for Append {
    const AT_ONCE: usize = 16;

    async fn put(&self, parcel: Parcel) -> Result<(), Failure> {
        let (entry, prepared) = prepared(&self.store, &self.redaction, parcel)?;
        // It waits while a flush makes room.
        let deadline = Instant::now() + ROOM_PATIENCE;
        let appended = self.store.append_by(&entry, prepared, deadline).await;
        appended.map(drop).map_err(Failure::failed)
    }

    fn wants_keeping(&self, _is_time: bool) -> bool {
        false
    }

    /// What is acknowledged is durable.
    async fn keep(&self) -> Result<(), Failure> {
        Ok(())
    }
}
