//! Ten times the clients at ten times the rate that the server can take; and what comes after.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::{Launch, Problem, Server};

use super::{BATCH, LANES, SATURATING};
use crate::endless::{Endless, check_stored};
use crate::gauge::MemoryWatch;
use crate::load::{Connection, Crowd, Seen, send};

const TIMES: usize = 10;
/// How long the server is watched after the load has gone.
const WATCHED: Duration = Duration::from_secs(10);
/// It has recovered when requests of so long a time are acknowledged as an idle server does.
const CALM: Duration = Duration::from_secs(1);

/// What ten times the load did.
pub(super) struct Overload {
    /// The most that was acknowledged, with the connections that did it.
    pub(super) peak: Seen,
    pub(super) peak_connections: usize,
    /// Requests a second that the crowd wanted to send.
    pub(super) wanted_per_second: f64,
    pub(super) crowd: usize,
    pub(super) under_load: Seen,
    /// From the end of the load until the server was as quick as an idle one; nothing when it was not.
    pub(super) recovered: Option<Duration>,
    pub(super) peak_memory: u64,
}

pub(super) async fn measure(binary: &Path, is_quick: bool) -> Result<Overload, Problem> {
    let (trial, load) = if is_quick { (4, 15) } else { (15, 120) };
    let (trial, load) = (Duration::from_secs(trial), Duration::from_secs(load));
    let bodies = Endless::of(BATCH).await?;
    let mut server = Launch::new(binary).start()?;
    let memory = MemoryWatch::of(server.pid());
    let (mut events, mut requests) = (0, 0);
    let mut count = |seen: &Seen| {
        events += seen.events;
        requests += seen.bodies;
    };
    let mut peak = (0, Seen::default());
    for connections in [SATURATING / 2, SATURATING, SATURATING * 2] {
        eprintln!("overload: the most that {connections} connections can send");
        let crowd = Crowd {
            lanes: LANES,
            connections,
            pace: None,
            is_patient: true,
        };
        let seen = run(&server, crowd, &bodies, trial).await?;
        count(&seen);
        if seen.events_per_second() > peak.1.events_per_second() {
            peak = (connections, seen);
        }
    }
    let (peak_connections, peak) = peak;
    let wanted_per_second = TIMES as f64 * peak.bodies as f64 / peak.wall.as_secs_f64();
    let crowd = Crowd {
        lanes: LANES,
        connections: TIMES * peak_connections,
        pace: Some(Duration::from_secs_f64(
            (TIMES * peak_connections) as f64 / wanted_per_second,
        )),
        is_patient: true,
    };
    eprintln!(
        "overload: {} connections, {wanted_per_second:.0} requests/s",
        crowd.connections
    );
    let under_load = run(&server, crowd, &bodies, load).await?;
    count(&under_load);
    let (recovered, after) = watch(&server, &bodies).await?;
    count(&after);
    check_stored(&server.sql(), events, requests).await?;
    server.terminate()?;
    Ok(Overload {
        peak,
        peak_connections,
        wanted_per_second,
        crowd: crowd.connections,
        under_load,
        recovered,
        peak_memory: memory.peak()?,
    })
}

/// A crowd for so long. Requests under way at the end are waited for.
async fn run(
    server: &Server,
    crowd: Crowd,
    bodies: &Arc<Endless>,
    length: Duration,
) -> Result<Seen, Problem> {
    let end = Instant::now() + length;
    send(
        server,
        crowd,
        bodies.while_true(move || Instant::now() < end),
    )
    .await
}

/// One request at a time after the load: when it is as with an idle server again, and what was sent.
async fn watch(server: &Server, bodies: &Endless) -> Result<(Option<Duration>, Seen), Problem> {
    eprintln!("overload: recovery");
    let connection = Connection::to(server, LANES[0])?;
    let started = Instant::now();
    let (mut seen, mut calm_since) = (Seen::default(), None);
    while started.elapsed() < WATCHED {
        let (began, body) = (started.elapsed(), bodies.next());
        let delivered = connection.deliver(&body, true).await?;
        seen.events += body.items;
        seen.bodies += 1;
        if delivered.shed > 0 || delivered.latency > super::table::FLOOR_IDLE {
            calm_since = None;
            continue;
        }
        let since = *calm_since.get_or_insert(began);
        if started.elapsed() - since >= CALM {
            return Ok((Some(since), seen));
        }
    }
    Ok((None, seen))
}
