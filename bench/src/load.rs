//! Connections that each send their next request when the one before is acknowledged: at once (a closed
//! loop), or when its turn has come, whichever is later.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::Signal;
use fleet::{Answer, Client, ContentEncoding, SendError, Transport};
use otlp::Encoding;
use testkit::{Problem, Server};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::corpus::Body;
use crate::gauge;

/// Connections that keep the server busy with large requests.
pub(crate) const CONNECTIONS: usize = 8;
/// How soon a refused request is sent again, unless the load says otherwise.
const BACKOFF: Duration = Duration::from_millis(20);
/// What a refusal asks for.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const GRPC_UNAVAILABLE: u32 = 14;

/// How bodies are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) transport: Transport,
    pub(crate) encoding: Encoding,
}

/// How many connections send, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    /// Connections take these in turn.
    pub(crate) lanes: &'static [Lane],
    pub(crate) connections: usize,
    /// Time between the turns of one connection.
    pub(crate) pace: Option<Duration>,
    /// Whether a refused request waits as long as the answer asked, as clients do.
    pub(crate) is_patient: bool,
}

impl Crowd {
    /// A closed loop over one lane.
    pub(crate) fn closed(lane: &'static Lane, connections: usize) -> Crowd {
        Crowd {
            lanes: std::slice::from_ref(lane),
            connections,
            pace: None,
            is_patient: false,
        }
    }
}

/// Where connections take bodies from.
pub(crate) trait Bodies: Send + Sync + 'static {
    /// The next one; nothing when there are no more.
    fn take(&self) -> impl Future<Output = Option<Body>> + Send;
}

impl Bodies for Mutex<mpsc::Receiver<Body>> {
    async fn take(&self) -> Option<Body> {
        self.lock().await.recv().await
    }
}

/// What a load saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) events: u64,
    pub(crate) bodies: u64,
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

    fn add(&mut self, other: Seen) {
        self.events += other.events;
        self.bodies += other.bodies;
        self.body_bytes += other.body_bytes;
        self.shed += other.shed;
        self.latencies.extend(other.latencies);
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
    crowd: Crowd,
    bodies: Arc<impl Bodies>,
) -> Result<Seen, Problem> {
    let (started, before) = (Instant::now(), gauge::cpu(server.pid())?);
    let mut connections = JoinSet::new();
    for number in 0..crowd.connections {
        let lane = crowd.lanes[number % crowd.lanes.len()];
        connections.spawn(several(
            Connection::to(server, lane)?,
            crowd,
            number,
            Arc::clone(&bodies),
        ));
    }
    let mut seen = Seen::default();
    while let Some(ended) = connections.join_next().await {
        seen.add(ended??);
    }
    seen.wall = started.elapsed();
    seen.cpu = gauge::cpu(server.pid())?.saturating_sub(before);
    seen.latencies.sort_unstable();
    Ok(seen)
}

/// All that one connection of a crowd sends.
async fn several(
    connection: Connection,
    crowd: Crowd,
    number: usize,
    bodies: Arc<impl Bodies>,
) -> Result<Seen, Problem> {
    let mut seen = Seen::default();
    // The first turns are spread over one pace, so that the crowd does not march in step.
    let share = number as f64 / crowd.connections as f64;
    let mut turn = tokio::time::Instant::now() + crowd.pace.unwrap_or_default().mul_f64(share);
    while let Some(body) = bodies.take().await {
        if let Some(pace) = crowd.pace {
            // A turn that has passed is taken at once; those missed meanwhile are not made up for.
            tokio::time::sleep_until(turn).await;
            turn = (turn + pace).max(tokio::time::Instant::now());
        }
        let delivered = connection.deliver(&body, crowd.is_patient).await?;
        seen.latencies.push(delivered.latency);
        seen.shed += delivered.shed;
        seen.bodies += 1;
        seen.events += body.items;
        seen.body_bytes += body.bytes.len() as u64;
    }
    Ok(seen)
}

/// One connection: a client of its own.
pub(crate) struct Connection {
    client: Client,
    encoding: Encoding,
}

/// How a body came to be acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivered {
    /// From first sending it to the acknowledgement.
    pub(crate) latency: Duration,
    /// Refusals before it.
    pub(crate) shed: u64,
}

impl Connection {
    pub(crate) fn to(server: &Server, lane: Lane) -> Result<Connection, Problem> {
        let target = server.target();
        let url = match lane.transport {
            Transport::Http => target.http,
            Transport::Grpc => target.grpc,
        };
        Ok(Connection {
            client: Client::new(&url.unwrap_or_default(), lane.transport)?,
            encoding: lane.encoding,
        })
    }

    /// Sends a body until it is acknowledged.
    pub(crate) async fn deliver(
        &self,
        body: &Body,
        is_patient: bool,
    ) -> Result<Delivered, Problem> {
        let (started, mut shed) = (Instant::now(), 0);
        loop {
            let answer = self.offer(body).await?;
            if answer.is_success() {
                let latency = started.elapsed();
                return Ok(Delivered { latency, shed });
            }
            if !is_retryable(&answer) {
                return Err(Problem::new(format!("refused for good: {answer:?}")));
            }
            shed += 1;
            // gRPC clients wait as long: the crowd is the same on both ports.
            let asked = answer.retry_after.unwrap_or(RETRY_AFTER);
            tokio::time::sleep(if is_patient { asked } else { BACKOFF }).await;
        }
    }

    /// Sends a body once; fails when there is no answer.
    pub(crate) async fn offer(&self, body: &Body) -> Result<Answer, SendError> {
        let (plain, bytes) = (ContentEncoding::Identity, body.bytes.clone());
        let signal = Signal::Logs;
        self.client
            .send(signal, self.encoding, plain, bytes, None)
            .await
    }
}

/// Whether an answer asks to come again, in the one way in which this server may.
fn is_retryable(answer: &Answer) -> bool {
    match answer.grpc_status {
        Some(code) => code == GRPC_UNAVAILABLE,
        None => answer.status == 503 && answer.retry_after == Some(RETRY_AFTER),
    }
}
