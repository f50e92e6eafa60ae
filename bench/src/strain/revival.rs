//! kill -9 with a long journal: to the first durable acknowledgement, and until every answer is whole.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::{Launch, Problem, Server, until};

use super::{LANES, SATURATING};
use crate::endless::{Endless, check_stored};
use crate::gauge::{self, MemoryWatch};
use crate::load::{Connection, Crowd, Seen, send};

/// Large requests fill a journal soonest.
const FILLING_BATCH: usize = 500;
/// Settings with which nothing is flushed while the journal grows.
const UNFLUSHED: &str = "\
[store]
flush_rows = 1000000000
flush_size = \"64GiB\"
flush_age_seconds = 86400
buffer_rows_max = 1000000000
buffer_size_max = \"64GiB\"
";
const PATIENCE: Duration = Duration::from_secs(900);

/// What happened after the kill.
pub(super) struct Revival {
    pub(super) journal_bytes: u64,
    pub(super) events: u64,
    /// From the start of the process to the first acknowledgement.
    pub(super) first_acknowledgement: Duration,
    /// From the start of the process until all that was acknowledged is in the answers.
    pub(super) whole: Duration,
    pub(super) peak_memory: u64,
}

pub(super) async fn measure(binary: &Path, is_quick: bool) -> Result<Revival, Problem> {
    let wanted = if is_quick { 128 << 20 } else { 2 << 30 };
    eprintln!("revival: {} MiB of journal", wanted >> 20);
    let bodies = Endless::of(FILLING_BATCH).await?;
    let mut server = Launch::new(binary).settings(UNFLUSHED).start()?;
    let filled = fill(&server, &bodies, wanted).await?;
    server.kill()?;
    let journal_bytes = gauge::bytes_under(&server.data_dir().join("journal"))?;
    let started = Instant::now();
    server.restart_as(Launch::new(binary))?;
    let memory = MemoryWatch::of(server.pid());
    let fresh = bodies.next();
    let connection = Connection::to(&server, LANES[0])?;
    until(PATIENCE, "an acknowledgement", async || {
        Ok(connection.offer(&fresh).await?.is_success().then_some(()))
    })
    .await?;
    let first_acknowledgement = started.elapsed();
    let (events, requests) = (filled.events + fresh.items, filled.bodies + 1);
    until(PATIENCE, "the end of the replay", async || {
        // Answers wait for the replay, and are refused when it takes longer than a query may.
        Ok((server
            .sql()
            .ask("SELECT 1 FROM events LIMIT 1")
            .await?
            .status
            == 200)
            .then_some(()))
    })
    .await?;
    let whole = started.elapsed();
    check_stored(&server.sql(), events, requests).await?;
    server.terminate()?;
    Ok(Revival {
        journal_bytes,
        events,
        first_acknowledgement,
        whole,
        peak_memory: memory.peak()?,
    })
}

/// Sends until the journal has so many bytes.
async fn fill(server: &Server, bodies: &Arc<Endless>, wanted: u64) -> Result<Seen, Problem> {
    let journal = server.data_dir().join("journal");
    let grows = move || gauge::bytes_under(&journal).is_ok_and(|bytes| bytes < wanted);
    let crowd = Crowd::closed(&LANES[0], SATURATING);
    send(server, crowd, bodies.while_true(grows)).await
}
