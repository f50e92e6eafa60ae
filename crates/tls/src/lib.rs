//! TLS for what we serve and ask: certificates from files, taken over again when the files change.
//!
//! Invariant: a file that is named and cannot be used is an error at the start, and later changes
//! nothing: what was read last stays in force until the files are right again. Whoever speaks without
//! TLS at a port with TLS is told so, and gets nothing else.
//!
//! One implementation (rustls) with one cryptographic provider (ring), handed over by hand. TLS 1.2
//! and 1.3, with what rustls holds to be safe.
//!
//! | file | what is in it |
//! |---|---|
//! | `client.rs` | whom a command of ours trusts |
//! | `files.rs` | the files, read and checked |
//! | `stream.rs` | a connection with or without TLS |
//! | `meters.rs` | handshakes, counted |

mod client;
mod files;
mod meters;
mod stream;

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base::Shutdown;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

pub use client::{client, trusting_nobody};
pub use files::{ClientCertificate, Fault, Files};
pub use meters::Meters;
pub use stream::Stream;

use files::Stamp;

/// How long a client may take for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often it is looked whether the files changed.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The first byte of a handshake (RFC 8446, 5.1: a record of type 22).
const HANDSHAKE_RECORD: u8 = 22;

/// What a port with TLS needs.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    current: RwLock<Current>,
    meters: Meters,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    stamp: Stamp,
}

/// Why a connection has no TLS. The client's side of it is told where that can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It speaks something else, and was told to speak TLS.
    Plain,
    /// It was too slow, or went away.
    Gone,
    /// It and we do not agree: it does not trust the certificate, shows none, or speaks an old version.
    Refused,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// The first file that cannot be used, and how to mend it.
    pub fn load(files: Files, meters: Meters) -> Result<Tls, Fault> {
        let stamp = files.stamp();
        let config = Arc::new(files.read()?);
        Ok(Tls {
            files,
            current: RwLock::new(Current { config, stamp }),
            meters,
        })
    }

    /// Takes the files over if they changed; whether they did.
    ///
    /// # Errors
    /// The first file that cannot be used. What was read before stays in force; the same files are
    /// not told of again.
    pub fn look(&self) -> Result<bool, Fault> {
        let stamp = self.files.stamp();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if stamp == current.stamp {
            return Ok(false);
        }
        current.stamp = stamp;
        current.config = Arc::new(self.files.read()?);
        Ok(true)
    }

    /// Looks for changes until `shutdown`, and says what it found.
    pub async fn watch(self: Arc<Tls>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.wait() => return,
            }
            let tls = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || tls.look()).await {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => tracing::info!("TLS: the new certificate is in force"),
                Ok(Err(fault)) => {
                    tracing::error!("TLS: {fault}; what was read before stays in force");
                }
                Err(error) => tracing::error!(%error, "TLS: the files could not be looked after"),
            }
        }
    }

    /// Makes a connection of a socket that was accepted.
    ///
    /// # Errors
    /// Why there is none; the socket is closed.
    pub async fn accept(&self, socket: TcpStream) -> Result<Stream, Failed> {
        let outcome = match timeout(HANDSHAKE, self.handshake(socket)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failed::Gone),
        };
        self.meters.count(outcome.as_ref().err().copied());
        outcome
    }

    async fn handshake(&self, socket: TcpStream) -> Result<Stream, Failed> {
        let mut first = [0];
        match socket.peek(&mut first).await {
            Ok(1) if first[0] == HANDSHAKE_RECORD => {}
            Ok(1) => {
                stream::say_that_tls_is_spoken(socket).await;
                return Err(Failed::Plain);
            }
            _ => return Err(Failed::Gone),
        }
        let config = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&current.config)
        };
        match TlsAcceptor::from(config).accept(socket).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Failed::Refused),
            Err(_) => Err(Failed::Gone),
        }
    }
}

/// Makes a connection of a socket that was accepted, with TLS where there is any.
///
/// # Errors
/// As [`Tls::accept`].
pub async fn accept(tls: Option<&Tls>, socket: TcpStream) -> Result<Stream, Failed> {
    match tls {
        None => Ok(Stream::Plain(socket)),
        Some(tls) => tls.accept(socket).await,
    }
}

#[cfg(test)]
mod tests;
