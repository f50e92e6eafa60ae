//! Both ports: bind, accept, drain.
//!
//! Invariant: the accept loop ends by shutdown and by nothing else. When the system has no more
//! sockets for us it waits and tries again; connections that are open go on meanwhile.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::Shutdown;
use base::meters::Source;
use tls::{Failed, Tls};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::budget::Budget;
use crate::connection::{self, Ends, Port};
use crate::intake::{self, Cut, Intake};
use crate::meters::{self, Meters};
use crate::{Admit, Config};

/// How many connections the system keeps for us until they are accepted.
const BACKLOG: u32 = 1024;

/// The pauses after a failure to accept.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The OTLP servers, not yet bound.
#[derive(Debug)]
pub struct Server;

/// The OTLP servers, bound to their addresses: clients can connect, and wait to be served.
#[derive(Debug)]
pub struct Bound {
    config: Config,
    http: TcpListener,
    grpc: TcpListener,
    http_address: SocketAddr,
    grpc_address: SocketAddr,
    budget: Budget,
    places: Arc<Semaphore>,
    meters: Arc<Meters>,
    tls: Option<Arc<Tls>>,
}

/// An address that cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    /// What was to be served there: `OTLP/HTTP` or `OTLP/gRPC`.
    pub what: &'static str,
    /// Where.
    pub address: SocketAddr,
    /// Why not.
    pub source: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            address,
            source,
        } = self;
        write!(f, "cannot serve {what} on {address}: ")?;
        match source.kind() {
            ErrorKind::AddrInUse => f.write_str(
                "another process listens there (perhaps another Tallybook or an OpenTelemetry \
                 Collector): stop it or choose another port",
            ),
            ErrorKind::PermissionDenied => {
                f.write_str("not permitted: choose a port from 1024 upwards")
            }
            ErrorKind::AddrNotAvailable => f.write_str(
                "this machine has no such address: use 127.0.0.1 for this machine only, 0.0.0.0 for all",
            ),
            _ => write!(f, "{source}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Server {
    /// Binds both ports. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The first address that cannot be listened on.
    pub fn bind(config: Config) -> Result<Bound, BindError> {
        let (http, http_address) = bind("OTLP/HTTP", config.http)?;
        let (grpc, grpc_address) = bind("OTLP/gRPC", config.grpc)?;
        let places = config.max_connections.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Bound {
            budget: intake::budget(&config),
            places: Arc::new(Semaphore::new(places)),
            meters: Arc::new(Meters::new()),
            config,
            http,
            grpc,
            http_address,
            grpc_address,
            tls: None,
        })
    }
}

fn bind(what: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let listen = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        // A restart must not wait until the system has forgotten connections of the last run.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let actual = listener.local_addr()?;
        Ok((listener, actual))
    };
    listen().map_err(|source| BindError {
        what,
        address,
        source,
    })
}

impl Bound {
    /// Where OTLP/HTTP is served, with the actual port.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http_address
    }

    /// Where OTLP/gRPC is served, with the actual port.
    #[must_use]
    pub fn grpc(&self) -> SocketAddr {
        self.grpc_address
    }

    /// Speaks TLS at both ports, and nothing else.
    #[must_use]
    pub fn with_tls(self, tls: Option<Arc<Tls>>) -> Bound {
        Bound { tls, ..self }
    }

    /// What the servers count and time, to be shown.
    #[must_use]
    pub fn meters(&self) -> Vec<Source> {
        let mut sources = self.meters.sources();
        let max_connections = self.config.max_connections;
        sources.push(meters::in_use(&self.budget, &self.places, max_connections));
        sources
    }

    /// Serves until `shutdown`: then accepts nobody any more, answers what is in flight, and returns
    /// when the last connection is closed or the drain is over.
    pub async fn serve<A: Admit>(self, admit: Arc<A>, shutdown: Shutdown) {
        let places = self.places;
        let http_port = self.http_address.port();
        let (budget, meters, tls) = (self.budget, self.meters, self.tls);
        let intake = Intake::new(admit, self.config, budget, meters, http_port);
        let served = Arc::new(Served {
            intake: Arc::new(intake),
            places,
            tls,
        });
        tokio::join!(
            listen(&served, Port::Http, self.http, &shutdown),
            listen(&served, Port::Grpc, self.grpc, &shutdown),
        );
    }
}

/// What both ports serve.
struct Served<A> {
    intake: Arc<Intake<A>>,
    places: Arc<Semaphore>,
    tls: Option<Arc<Tls>>,
}

/// Accepts until shutdown, then waits for the connections that are open.
async fn listen<A: Admit>(
    served: &Arc<Served<A>>,
    port: Port,
    listener: TcpListener,
    shutdown: &Shutdown,
) {
    // They are aborted if this future is dropped.
    let mut connections = JoinSet::new();
    let address = match port {
        Port::Http => served.intake.config.http,
        Port::Grpc => served.intake.config.grpc,
    };
    let mut stop = std::pin::pin!(shutdown.wait());
    loop {
        let (socket, peer, place) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &served.places) => accepted,
        };
        while let Some(ended) = connections.try_join_next() {
            note(ended);
        }
        let (served, shutdown) = (Arc::clone(served), shutdown.clone());
        let ends = Ends {
            peer,
            listener: address,
        };
        connections.spawn(async move {
            let _place = place;
            serve(&served, port, socket, ends, shutdown).await;
        });
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        note(ended);
    }
}

/// Serves one connection, once its handshake is done.
async fn serve<A: Admit>(
    served: &Served<A>,
    port: Port,
    socket: TcpStream,
    ends: Ends,
    shutdown: Shutdown,
) {
    let accepted = tokio::select! {
        accepted = tls::accept(served.tls.as_deref(), socket) => accepted,
        () = shutdown.wait() => return,
    };
    let intake = Arc::clone(&served.intake);
    match accepted {
        Ok(stream) => connection::serve(intake, port, stream, ends, shutdown).await,
        Err(failed) => {
            tracing::debug!(peer = %ends.peer, ?failed, "a connection without TLS was closed");
            if failed == Failed::Plain {
                intake.cut(port.transport(), ends.peer, Cut::Plain);
            }
        }
    }
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(failure) = ended {
        // What a panic says may hold what the client sent; its place is logged where it is.
        tracing::error!(is_panic = failure.is_panic(), "serving a connection failed");
    }
}

/// The next connection and its place among all. Whatever goes wrong, it tries again.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let mut pause = FIRST_PAUSE;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                // Answers are small and nothing follows them: waiting to fill a packet is pure delay.
                if let Err(error) = socket.set_nodelay(true) {
                    tracing::debug!(%peer, %error, "cannot switch off Nagle's algorithm");
                }
                // Whoever comes after one without a place waits in the system's queue.
                if let Ok(place) = Arc::clone(places).acquire_owned().await {
                    return (socket, peer, place);
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, ?pause, "cannot accept a connection: trying again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Whether `error` says that the one connection was gone before it was accepted. Everything else
/// (no more descriptors, no memory) is about this process and will not be better at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}
