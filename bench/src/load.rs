//! A closed loop of connections: each sends its next request when the one before is acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::Signal;
use fleet::{Answer, Client, ContentEncoding, Transport};
use otlp::Encoding;
use testkit::{Problem, Server};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::corpus::Body;
use crate::gauge;

const CONNECTIONS: usize = 8;
const BACKOFF: Duration = Duration::from_millis(20);

/// How bodies are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) transport: Transport,
    pub(crate) encoding: Encoding,
}

/// What a load saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) events: u64,
    pub(crate) body_bytes: u64,
    /// Answers that asked to come again.
    pub(crate) shed: u64,
    pub(crate) wall: Duration,
    /// CPU time of the server meanwhile.
    pub(crate) cpu: Duration,
    /// From sending to the acknowledgement, sorted.
    pub(crate) latencies: Vec<Duration>,
}

impl Seen {
    pub(crate) fn events_per_core_second(&self) -> f64 {
        self.events as f64 / self.cpu.as_secs_f64().max(1e-9)
    }

    pub(crate) fn events_per_second(&self) -> f64 {
        self.events as f64 / self.wall.as_secs_f64().max(1e-9)
    }

    pub(crate) fn latency(&self, share: f64) -> Duration {
        let rank = (self.latencies.len() as f64 * share) as usize;
        let last = self.latencies.len().saturating_sub(1);
        self.latencies
            .get(rank.min(last))
            .copied()
            .unwrap_or_default()
    }
}

/// Sends all bodies to a server and waits until every one is acknowledged.
pub(crate) async fn send(
    server: &Server,
    lane: Lane,
    bodies: mpsc::Receiver<Body>,
) -> Result<Seen, Problem> {
    let target = server.target();
    let url = match lane.transport {
        Transport::Http => target.http,
        Transport::Grpc => target.grpc,
    };
    let url = url.unwrap_or_default();
    let bodies = Arc::new(Mutex::new(bodies));
    let (started, before) = (Instant::now(), gauge::cpu(server.pid())?);
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        // A client of its own is a connection of its own.
        let client = Client::new(&url, lane.transport)?;
        connections.spawn(connection(client, lane.encoding, Arc::clone(&bodies)));
    }
    let mut seen = Seen::default();
    while let Some(ended) = connections.join_next().await {
        let one = ended??;
        seen.events += one.events;
        seen.body_bytes += one.body_bytes;
        seen.shed += one.shed;
        seen.latencies.extend(one.latencies);
    }
    seen.wall = started.elapsed();
    seen.cpu = gauge::cpu(server.pid())?.saturating_sub(before);
    seen.latencies.sort_unstable();
    Ok(seen)
}

async fn connection(
    client: Client,
    encoding: Encoding,
    bodies: Arc<Mutex<mpsc::Receiver<Body>>>,
) -> Result<Seen, Problem> {
    let mut seen = Seen::default();
    loop {
        let Some(body) = bodies.lock().await.recv().await else {
            return Ok(seen);
        };
        let started = Instant::now();
        loop {
            let sent = body.bytes.clone();
            let plain = ContentEncoding::Identity;
            let answer = client
                .send(Signal::Logs, encoding, plain, sent, None)
                .await?;
            if answer.is_success() {
                break;
            }
            if !is_retryable(&answer) {
                return Err(Problem::new(format!("refused: {answer:?}")));
            }
            seen.shed += 1;
            tokio::time::sleep(BACKOFF).await;
        }
        seen.latencies.push(started.elapsed());
        seen.events += body.items;
        seen.body_bytes += body.bytes.len() as u64;
    }
}

fn is_retryable(answer: &Answer) -> bool {
    answer.grpc_status == Some(14) || answer.grpc_status.is_none() && answer.status == 503
}
