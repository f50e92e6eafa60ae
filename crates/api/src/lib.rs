//! The JSON API, the live stream, and the web UI in the binary.
//!
//! Invariant: read-only but for erasing, and for this origin alone. Every request passes `guard.rs`: its host is one
//! of ours, no other site may have sent it, it ends in bounded time, and its answer carries the
//! security headers. What an answer says comes from `query`; nothing is computed here.
//!
//! | file | what is in it |
//! |---|---|
//! | `routes.rs` | all paths, and the OpenAPI document |
//! | `reports.rs` | the pages of the UI that are more than a report |
//! | `catalogue.rs` | the named reports, and how their figures are computed |
//! | `sql.rs` | any question: SQL, and the views there are |
//! | `live.rs` | newly stored events as they come |
//! | `status.rs` | the server's own state, for people, probes and Prometheus |
//! | `erase.rs` | erasing somebody |
//! | `fates.rs` | what became of everything that came |
//! | `web.rs` | the embedded UI |
//! | `guard.rs` | what every request must pass |
//! | `host.rs` | which hosts are ours |
//! | `input.rs` | parameters and bodies, refused with a reason |
//! | `fault.rs` | every error answer |
//! | `serve.rs` | connections: accept, time out, drain |

mod catalogue;
mod erase;
mod fates;
mod fault;
mod guard;
mod host;
mod input;
mod live;
mod reports;
mod routes;
mod serve;
mod sql;
mod status;
mod web;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base::meters::Board;
use query::{Engine, ErasureDesk};
use tokio::sync::OnceCell;

pub use routes::{openapi_json, router};
pub use serve::serve;

/// Where the API is served, and under which names.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address of the web UI and the API.
    pub addr: SocketAddr,
    /// Host names beside `localhost` and addresses under which browsers may reach us.
    pub allowed_hosts: Vec<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 4319)),
            allowed_hosts: Vec::new(),
        }
    }
}

impl Config {
    /// Everything that is wrong, a sentence each.
    pub fn validate(&self) -> Vec<String> {
        let odd = self
            .allowed_hosts
            .iter()
            .filter(|host| !host::is_name(host));
        odd.map(|host| {
            format!("allowed_hosts: {host:?} is not a host name; write it as in tally.example.org")
        })
        .collect()
    }
}

/// What the server says about itself.
#[derive(Clone, Debug)]
pub struct About {
    /// The version of the binary.
    pub version: String,
    /// When the process started, milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Where OTLP/HTTP is received.
    pub http: SocketAddr,
    /// Where OTLP/gRPC is received.
    pub grpc: SocketAddr,
    /// Whether what there is to see is simulated.
    pub demo: bool,
}

/// What answers come from.
pub struct Api {
    engine: Arc<Engine>,
    about: About,
    board: Board,
    config: Config,
    erasures: Option<Arc<ErasureDesk>>,
    /// The views never change while we run.
    views: OnceCell<sql::Views>,
}

impl Api {
    /// An API over an engine, which shows the meters on `board`.
    pub fn new(engine: Arc<Engine>, about: About, board: Board, config: Config) -> Api {
        Api {
            engine,
            about,
            board,
            config,
            erasures: None,
            views: OnceCell::new(),
        }
    }

    /// The same, by which somebody can be erased.
    #[must_use]
    pub fn with_erasures(self, desk: Arc<ErasureDesk>) -> Api {
        Api {
            erasures: Some(desk),
            ..self
        }
    }

    fn now_ms(&self) -> i64 {
        (self.engine.store().clock().now_unix_ns() / 1_000_000) as i64
    }
}
