//! Tests over real sockets: a served pair of ports, a client that writes what it likes, and an
//! `Admit` that records what reaches it and does what the body asks.
//!
//! What they do not prove: that an admitted request is durable (the store's tests), and that real
//! exporters are content (the end-to-end tests).

mod calls;
mod connections;
mod exports;
mod floods;
mod grants;
mod limits;
mod meters;
mod status;
mod wire;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::Shutdown;
use base::meters::Board;
use contract::Signal;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::{
    Admit, Admitted, Config, Denied, ExportRequest, Head, NotAdmitted, Refusal, RefusedRequest,
    Server,
};

/// Longer than anything here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does what the body says, and keeps it.
struct Recorder {
    requests: Mutex<Vec<ExportRequest>>,
    refused: Mutex<Vec<(Option<Signal>, Refusal)>>,
    ready: Mutex<Result<(), String>>,
    /// A permit for every request that has reached `admit`.
    begun: Semaphore,
    /// A permit for every request `wait` that may end.
    gate: Semaphore,
    /// A permit for every request `wait` that has ended.
    ended: Semaphore,
}

impl Admit for Recorder {
    type Grant = ();

    /// Lets everybody in but who sends `x-test: stranger`, `forbidden` or `limited`.
    fn authorize(&self, head: &Head<'_>) -> Result<(), Denied> {
        let wish = head.headers.get("x-test").map(|wish| wish.as_bytes());
        let reason = "The token is not known here.".to_owned();
        match wish {
            Some(b"stranger") => Err(Denied::Unauthenticated { reason }),
            Some(b"forbidden") => Err(Denied::Forbidden { reason }),
            Some(b"limited") => Err(Denied::Limited { reason }),
            _ => Ok(()),
        }
    }

    async fn admit(&self, request: ExportRequest, (): ()) -> Result<Admitted, NotAdmitted> {
        let body = request.body.clone();
        self.requests.lock().unwrap().push(request);
        self.begun.add_permits(1);
        match &*body {
            b"refuse" => Err(NotAdmitted::Refused(otlp::Refused::Malformed {
                reason: "wrong wire type".to_owned(),
                offset: Some(3),
            })),
            b"many" => Err(NotAdmitted::Refused(otlp::Refused::TooMany {
                what: "log records",
                limit: 50_000,
            })),
            b"unavailable" => Err(NotAdmitted::Unavailable {
                reason: "the disk is full".to_owned(),
            }),
            b"panic" => panic!("asked to"),
            b"quarantine" => Ok(Admitted {
                items: 5,
                quarantined: 2,
                held_back: 0,
                reason: Some("too deep".to_owned()),
            }),
            bytes if bytes.starts_with(b"wait") => {
                self.gate.acquire().await.unwrap().forget();
                self.ended.add_permits(1);
                Ok(Admitted::default())
            }
            _ => Ok(Admitted {
                items: 1,
                ..Admitted::default()
            }),
        }
    }

    fn count_refused(&self, refused: RefusedRequest<'_>) {
        let RefusedRequest { signal, why, .. } = refused;
        self.refused.lock().unwrap().push((signal, why));
    }

    fn ready(&self) -> Result<(), String> {
        self.ready.lock().unwrap().clone()
    }
}

/// A running pair of servers.
struct Running {
    http: SocketAddr,
    grpc: SocketAddr,
    recorder: Arc<Recorder>,
    board: Board,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

/// The settings of most tests: any port, a limit that is quick to exceed.
fn config() -> Config {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        http: any,
        grpc: any,
        max_body_bytes: 1 << 20,
        ..Config::default()
    }
}

fn start(config: Config) -> Running {
    let bound = Server::bind(config).unwrap();
    let recorder = Arc::new(Recorder {
        requests: Mutex::default(),
        refused: Mutex::default(),
        ready: Mutex::new(Ok(())),
        begun: Semaphore::new(0),
        gate: Semaphore::new(0),
        ended: Semaphore::new(0),
    });
    let board = Board::new();
    board.add(bound.meters()).unwrap();
    let shutdown = Shutdown::new();
    let (http, grpc) = (bound.http(), bound.grpc());
    let serving = tokio::spawn(bound.serve(Arc::clone(&recorder), shutdown.clone()));
    Running {
        http,
        grpc,
        recorder,
        board,
        shutdown,
        serving,
    }
}

impl Running {
    /// What has reached `admit`, which is then forgotten.
    fn admitted(&self) -> Vec<ExportRequest> {
        std::mem::take(&mut self.recorder.requests.lock().unwrap())
    }

    /// What was refused, which is then forgotten.
    fn refused(&self) -> Vec<(Option<Signal>, Refusal)> {
        std::mem::take(&mut self.recorder.refused.lock().unwrap())
    }

    /// Waits until one more request has reached `admit`.
    async fn begun(&self) {
        within(self.recorder.begun.acquire())
            .await
            .unwrap()
            .forget();
    }

    /// Lets one request `wait` end.
    fn release(&self) {
        self.recorder.gate.add_permits(1);
    }

    /// Waits until one more request `wait` has ended.
    async fn ended(&self) {
        within(self.recorder.ended.acquire())
            .await
            .unwrap()
            .forget();
    }
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it takes too long")
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A frame of zstd whose window is `log` bits wide.
fn zstd_window(plain: &[u8], log: u32) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(log).unwrap();
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
