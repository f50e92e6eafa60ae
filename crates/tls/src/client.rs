//! The client's side: whom a command of ours trusts.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

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

fn trusting(roots: RootCertStore, path: &Path) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(path, error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
