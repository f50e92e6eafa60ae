//! The JSON API, the live stream, and the web UI in the binary.
//!
//! Invariant: for this origin alone, and read-only but for who may come in, ingest tokens and erasing. Every request passes `guard.rs`: its host is one
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
//! | `redaction.rs` | what is taken out of requests before they are kept |
//! | `status.rs` | the server's own state, for people, probes and Prometheus |
//! | `encryption.rs` | keys of a directory that is being served |
//! | `erase.rs` | erasing somebody |
//! | `refused_people.rs` | who was erased and is refused at the door |
//! | `organizations.rs` | which organisations there are to choose from |
//! | `demo_data.rs` | example data for an empty server, and its removal |
//! | `fates.rs` | what became of everything that came |
//! | `intake.rs` | what the API knows of the door: the gate, who is told |
//! | `tokens.rs` | ingest tokens: list, make, rotate, revoke |
//! | `door.rs` | who was turned away and why, which events came first |
//! | `connect.rs` | what to paste where, for each client |
//! | `web.rs` | the embedded UI |
//! | `guard.rs` | what every request must pass |
//! | `sight.rs` | what a request may see |
//! | `access.rs`, `access/` | who asks, and whether they may; people, keys, the audit trail |
//! | `host.rs` | which hosts are ours |
//! | `input.rs` | parameters and bodies, refused with a reason |
//! | `fault.rs` | every error answer |
//! | `serve.rs` | connections: accept, time out, drain |
//! | `places.rs` | how many connections, and how many of one address |

mod access;
mod catalogue;
mod connect;
mod demo_data;
mod door;
mod encryption;
mod erase;
mod fates;
mod fault;
mod guard;
mod holds;
mod host;
mod input;
mod intake;
mod live;
mod live_filter;
mod organizations;
mod places;
mod redaction;
mod refused_people;
mod reports;
mod retention;
mod routes;
mod serve;
mod sight;
mod sql;
mod status;
mod tokens;
mod web;
mod why;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use ::access::barred::Barred;
use axum::http::StatusCode;
use base::Shutdown;
use base::meters::Board;
use fault::Fault;
use query::{Engine, ErasureDesk, RetentionDesk};
use tokio::sync::OnceCell;

pub use access::Access;
pub use access::federated::{CALLBACK, SignInProvider};
pub use connect::{Client, Guide, Step, TOKEN, guide};
pub use demo_data::{DemoData, DemoRefusal, DemoStanding};
pub use encryption::{EncryptionDesk, ReadRootKey};
pub use holds::HoldRegister;
pub use intake::Intake;
pub use places::{Connections, Places};
pub use routes::{openapi_json, policies_markdown, router};
pub use serve::serve;
pub use tokens::{OVERLAP_DAYS, TokenRow};

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
    /// Whether TLS is spoken at all ports.
    pub tls: bool,
    /// Whether what there is to see is simulated.
    pub demo: bool,
}

impl About {
    /// How addresses begin.
    fn scheme(&self) -> &'static str {
        match self.tls {
            true => "https",
            false => "http",
        }
    }
}

/// Retention, and what is held.
#[derive(Clone)]
pub struct Privacy {
    /// Runs retention.
    pub retention: Arc<RetentionDesk>,
    /// What is held.
    pub holds: Arc<HoldRegister>,
    /// Runs that were begun by somebody end with it.
    pub shutdown: Shutdown,
}

/// What answers come from.
pub struct Api {
    engine: Arc<Engine>,
    about: About,
    board: Board,
    config: Config,
    access: Access,
    redaction: Option<Arc<redact::Ledger>>,
    intake: Option<Intake>,
    erasures: Option<Arc<ErasureDesk>>,
    refused_people: Option<Arc<Barred>>,
    encryption: Option<Arc<EncryptionDesk>>,
    provider: Option<Arc<SignInProvider>>,
    demo_data: Option<Arc<dyn DemoData>>,
    privacy: Option<Privacy>,
    /// The views never change while we run.
    views: OnceCell<sql::Views>,
}

impl Api {
    /// An API over an engine, which shows the meters on `board`, for those whom `access` lets in.
    pub fn new(
        engine: Arc<Engine>,
        about: About,
        board: Board,
        config: Config,
        access: Access,
    ) -> Api {
        Api {
            engine,
            about,
            board,
            config,
            access,
            redaction: None,
            intake: None,
            erasures: None,
            refused_people: None,
            encryption: None,
            provider: None,
            demo_data: None,
            privacy: None,
            views: OnceCell::new(),
        }
    }

    /// Shows what is taken out of requests before they are kept.
    #[must_use]
    pub fn with_redaction(self, ledger: Arc<redact::Ledger>) -> Api {
        Api {
            redaction: Some(ledger),
            ..self
        }
    }

    /// With the door of the server.
    #[must_use]
    pub fn with_intake(self, intake: Intake) -> Api {
        Api {
            intake: Some(intake),
            ..self
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

    /// The same, where who was erased may be refused from then on.
    #[must_use]
    pub fn with_refused_people(self, barred: Arc<Barred>) -> Api {
        Api {
            refused_people: Some(barred),
            ..self
        }
    }

    /// The same, whose directory's keys can be changed.
    #[must_use]
    pub fn with_encryption(self, desk: Arc<EncryptionDesk>) -> Api {
        Api {
            encryption: Some(desk),
            ..self
        }
    }

    /// The same, where people sign in by a provider.
    #[must_use]
    pub fn with_provider(self, provider: Option<Arc<SignInProvider>>) -> Api {
        Api { provider, ..self }
    }

    /// The same, which can be filled with example data.
    #[must_use]
    pub fn with_demo_data(self, demo_data: Arc<dyn DemoData>) -> Api {
        Api {
            demo_data: Some(demo_data),
            ..self
        }
    }

    /// The same, by which retention can be run and things held.
    #[must_use]
    pub fn with_privacy(self, privacy: Privacy) -> Api {
        Api {
            privacy: Some(privacy),
            ..self
        }
    }

    fn privacy(&self) -> Result<&Privacy, Fault> {
        self.privacy.as_ref().ok_or_else(|| {
            let hint = Some("use tallybook retention and tallybook hold with --data-dir");
            Fault::new(
                StatusCode::NOT_IMPLEMENTED,
                "this server keeps nothing",
                hint,
            )
        })
    }

    fn now_ms(&self) -> i64 {
        (self.engine.store().clock().now_unix_ns() / 1_000_000) as i64
    }
}
