//! How long an acknowledgement takes, fsync included.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::{Launch, Problem};

use super::{BATCH, LANES, SATURATING};
use crate::endless::{Endless, check_stored};
use crate::load::{Crowd, Seen, send};

/// An idle server's latencies, and a busy one's.
pub(super) struct Latency {
    pub(super) idle: Seen,
    pub(super) saturated: Seen,
}

pub(super) async fn measure(binary: &Path, is_quick: bool) -> Result<Latency, Problem> {
    let (idle, saturated) = if is_quick {
        (500, 3_000)
    } else {
        (2_000, 30_000)
    };
    Ok(Latency {
        idle: closed_loop(binary, 1, idle).await?,
        saturated: closed_loop(binary, SATURATING, saturated).await?,
    })
}

/// So many requests over so many connections, against a server of its own.
async fn closed_loop(binary: &Path, connections: usize, requests: u64) -> Result<Seen, Problem> {
    eprintln!("latency: {requests} requests over {connections} connections");
    let bodies = Endless::of(BATCH).await?;
    let server = Launch::new(binary).start()?;
    let left = Arc::new(AtomicU64::new(requests));
    let bodies = bodies.while_true(move || {
        let less = |left: u64| left.checked_sub(1);
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    });
    let seen = send(&server, Crowd::closed(&LANES[0], connections), bodies).await?;
    check_stored(&server.sql(), seen.events, seen.bodies).await?;
    Ok(seen)
}
