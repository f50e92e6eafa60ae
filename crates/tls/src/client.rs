//! The client's side: whom a command of ours trusts.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Fault;
use crate::files::{certificates, fault};

/// Trusts the authorities of a file, or those that the system trusts.
///
/// # Errors
/// The file cannot be used, or the system trusts nobody.
pub fn client(authorities: Option<&Path>) -> Result<ClientConfig, Fault> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| fault(path, error))?;
            }
        }
        // Some of what systems trust is too old to be understood; the rest counts.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let system = Path::new("the system's list of trusted authorities");
    let path = authorities.unwrap_or(system);
    if roots.is_empty() {
        let mend = "is empty: install the package ca-certificates, or name the authority's file";
        return Err(fault(path, mend));
    }
    trusting(roots, path)
}

/// Trusts nobody: for addresses without TLS.
///
/// # Errors
/// None that has been seen.
pub fn trusting_nobody() -> Result<ClientConfig, Fault> {
    trusting(RootCertStore::empty(), Path::new(""))
}

/// Speaks TLS over sockets that are connected already: who connects decides to which address.
#[derive(Clone)]
pub struct Connector(TlsConnector);

impl Connector {
    /// Trusts whom `config` trusts. No protocol within TLS is offered: it is HTTP/1.1.
    #[must_use]
    pub fn new(config: ClientConfig) -> Connector {
        Connector(TlsConnector::from(Arc::new(config)))
    }

    /// Makes sure that who is at the other end is `host`, a name or an address without brackets.
    ///
    /// # Errors
    /// It is not, nobody who is trusted says so, or the connection broke.
    pub async fn connect(&self, host: &str, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.0.connect(name, socket).await
    }
}

fn trusting(roots: RootCertStore, path: &Path) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(path, error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
