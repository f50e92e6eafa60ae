//! The files, read and checked.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

/// The protocols within TLS, as they are preferred (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// Larger than any chain and key.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Whether a client must show a certificate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificate {
    /// One that is shown must be right; none need be shown.
    Optional,
    /// Without one there is no connection.
    Required,
}

/// The files, all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The server's certificate, followed by those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// The authorities whose certificates clients may show, and whether they must.
    pub clients: Option<(PathBuf, ClientCertificate)>,
}

/// A file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    path: PathBuf,
    reason: String,
}

/// What the files were when they were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<Option<(Option<SystemTime>, u64)>>);

impl Files {
    pub(crate) fn stamp(&self) -> Stamp {
        let clients = self.clients.as_ref().map(|(path, _)| path);
        let paths = [&self.certificate, &self.key].into_iter().chain(clients);
        let stamp = |path: &PathBuf| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok(), metadata.len()))
        };
        Stamp(paths.map(stamp).collect())
    }

    pub(crate) fn read(&self) -> Result<ServerConfig, Fault> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = certificates(&self.certificate)?;
        let key = key(&self.key)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| fault(&self.certificate, error))?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some((authorities, demand)) => {
                builder.with_client_cert_verifier(verifier(authorities, *demand, provider)?)
            }
        };
        let config = builder.with_single_cert(chain, key);
        let mut config = config.map_err(|error| {
            fault(
                &self.key,
                format!(
                    "is not the key of {} ({error}): name the two that belong together",
                    self.certificate.display()
                ),
            )
        })?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(config)
    }
}

fn verifier(
    path: &Path,
    demand: ClientCertificate,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Fault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| {
            fault(
                path,
                format!("holds a certificate that cannot vouch for others ({error}): name the certificate of an authority"),
            )
        })?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match demand {
        ClientCertificate::Optional => builder.allow_unauthenticated(),
        ClientCertificate::Required => builder,
    };
    builder.build().map_err(|error| fault(path, error))
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let text = read(path)?;
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let parsed = parsed.map_err(|error| fault(path, format!("is damaged: {error}")))?;
    if parsed.is_empty() {
        return Err(fault(
            path,
            "holds no certificate: it must have a part `-----BEGIN CERTIFICATE-----`",
        ));
    }
    Ok(parsed)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        fault(
            path,
            "holds no private key that can be used: it must have a part `-----BEGIN PRIVATE KEY-----`; an encrypted one is decrypted by `openssl pkey -in OLD -out NEW`",
        )
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let unreadable = |error| fault(path, format!("cannot be read: {error}"));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(fault(path, "is not a file of certificates or keys"));
    }
    fs::read(path).map_err(unreadable)
}

pub(crate) fn fault(path: &Path, reason: impl fmt::Display) -> Fault {
    Fault {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for Fault {}
