//! TLS: whom we trust, and who we are, from files.
//!
//! Invariant: a file that is named and cannot be used is an error, never a weaker connection: without
//! the trust or the certificate that was asked for nothing is sent.
//!
//! One implementation of TLS (rustls) with one cryptographic provider (ring), handed over by hand: the
//! process's own choice is neither read nor set, for the process is the host's.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::SecretDocument;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::pkcs5::{self, EncryptionScheme};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};

/// The files, all PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the authorities that alone may vouch for the receiver; without it those that
    /// the system trusts may.
    pub authorities: Option<PathBuf>,
    /// Authorities beside them.
    pub more_authorities: Option<PathBuf>,
    /// What we show to a receiver that asks who we are.
    pub client: Option<ClientCertificate>,
}

/// A client's certificate and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
    /// What an encrypted key (PKCS#8) is opened with.
    pub passphrase: Option<String>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ClientCertificate")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The files, read: what a connection needs. Files that change later are not read again.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    config: Arc<ClientConfig>,
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.files == other.files
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(formatter)
    }
}

/// Which of the files is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsPart {
    /// The authorities, or those of the system.
    Authorities,
    /// The authorities beside them.
    MoreAuthorities,
    /// The client's certificate.
    Certificate,
    /// The client's key.
    Key,
}

/// Why there is no TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFault {
    /// What is wrong.
    pub part: TlsPart,
    /// Why, and how to mend it.
    pub reason: String,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for TlsFault {}

impl TlsPart {
    fn fault(self, reason: impl Into<String>) -> TlsFault {
        TlsFault {
            part: self,
            reason: reason.into(),
        }
    }
}

impl Tls {
    /// Reads the files, and the system's authorities where no others are named.
    ///
    /// # Errors
    ///
    /// Names the first file that cannot be used.
    pub fn load(files: &TlsFiles) -> Result<Tls, TlsFault> {
        let roots = roots(files)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsPart::Authorities.fault(error.to_string()))?
            .with_root_certificates(roots);
        let config = match &files.client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let chain = certificates(TlsPart::Certificate, &client.certificate)?;
                let key = key(client)?;
                let config = builder.with_client_auth_cert(chain, key);
                config.map_err(|error| {
                    let path = client.key.display();
                    TlsPart::Key.fault(format!(
                        "{path} is not the key of the client's certificate ({error}): name the two that belong together"
                    ))
                })?
            }
        };
        Ok(Tls {
            files: files.clone(),
            config: Arc::new(config),
        })
    }

    /// Whether we can say who we are.
    pub(crate) fn has_client(&self) -> bool {
        self.files.client.is_some()
    }

    pub(crate) fn config(&self) -> ClientConfig {
        ClientConfig::clone(&self.config)
    }
}

/// Without a word on TLS nobody is trusted.
pub(crate) fn trusting_nobody() -> Option<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().ok()?;
    let roots = RootCertStore::empty();
    Some(builder.with_root_certificates(roots).with_no_client_auth())
}

fn roots(files: &TlsFiles) -> Result<RootCertStore, TlsFault> {
    let mut roots = RootCertStore::empty();
    let named = [
        (TlsPart::Authorities, &files.authorities),
        (TlsPart::MoreAuthorities, &files.more_authorities),
    ];
    for (part, path) in named {
        let Some(path) = path else { continue };
        for certificate in certificates(part, path)? {
            roots.add(certificate).map_err(|error| {
                let path = path.display();
                part.fault(format!("{path} holds a certificate that cannot be used ({error}): name the certificate of an authority"))
            })?;
        }
    }
    if files.authorities.is_none() {
        // Some of what systems trust is too old to be understood; the rest counts.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(TlsPart::Authorities.fault(
            "this system trusts no authority of certificates: install the package ca-certificates, or name the authority's file",
        ));
    }
    Ok(roots)
}

fn certificates(part: TlsPart, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let text = read(part, path)?;
    let shown = path.display();
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let parsed = parsed.map_err(|error| part.fault(format!("{shown} is damaged: {error}")))?;
    if parsed.is_empty() {
        return Err(part.fault(format!(
            "{shown} holds no certificate: it must have a part `-----BEGIN CERTIFICATE-----`"
        )));
    }
    Ok(parsed)
}

fn key(client: &ClientCertificate) -> Result<PrivateKeyDer<'static>, TlsFault> {
    let bytes = read(TlsPart::Key, &client.key)?;
    let path = client.key.display();
    let fault = |reason: &str| TlsPart::Key.fault(format!("{path} {reason}"));
    let text = std::str::from_utf8(&bytes).map_err(|_| fault("is no PEM file"))?;
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(fault(
            "is encrypted in an old way that is not supported: convert it by `openssl pkcs8 -topk8 -in OLD -out NEW`",
        ));
    }
    if let Some(block) = encrypted_block(text) {
        let Some(passphrase) = &client.passphrase else {
            return Err(fault(
                "is encrypted: give its passphrase in CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
            ));
        };
        return decrypt(block, passphrase).map_err(|reason| fault(&reason));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        fault("holds no private key: it must have a part `-----BEGIN PRIVATE KEY-----`")
    })
}

fn encrypted_block(text: &str) -> Option<&str> {
    const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
    let start = text.find("-----BEGIN ENCRYPTED PRIVATE KEY-----")?;
    let length = text[start..].find(END)? + END.len();
    Some(&text[start..start + length])
}

/// So many rounds take a second or two; a file that asks for more would hold the program up.
const ROUNDS_MAX: u32 = 2_000_000;
const SCRYPT_BYTES_MAX: u64 = 128 << 20;
const SCRYPT_TIMES_MAX: u64 = 4;

fn decrypt(block: &str, passphrase: &str) -> Result<PrivateKeyDer<'static>, String> {
    let unknown = |error: &dyn fmt::Display| {
        format!(
            "is encrypted in a way that is not supported ({error}): convert it by `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in OLD -out NEW`"
        )
    };
    let (_, document) = SecretDocument::from_pem(block).map_err(|error| unknown(&error))?;
    let sealed = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
    let sealed = sealed.map_err(|error| unknown(&error))?;
    let EncryptionScheme::Pbes2(parameters) = &sealed.encryption_algorithm else {
        return Err(unknown(&"not PBES2"));
    };
    let is_bounded = match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= ROUNDS_MAX,
        Kdf::Scrypt(scrypt) => {
            let times = u64::from(scrypt.parallelization);
            let bytes = 128 * scrypt.cost_parameter * u64::from(scrypt.block_size);
            bytes <= SCRYPT_BYTES_MAX && times <= SCRYPT_TIMES_MAX
        }
        _ => return Err(unknown(&"an unknown derivation of keys")),
    };
    if !is_bounded {
        return Err("takes too long to decrypt: encrypt it with fewer rounds".to_owned());
    }
    let opened = sealed.decrypt(passphrase).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed) => {
            "cannot be decrypted: is CLAUDE_CODE_CLIENT_KEY_PASSPHRASE right?".to_owned()
        }
        other => unknown(&other),
    })?;
    let key = PrivatePkcs8KeyDer::from(opened.as_bytes().to_vec());
    Ok(PrivateKeyDer::Pkcs8(key))
}

/// Larger than all certificates of a system together.
const FILE_BYTES_MAX: u64 = 4 << 20;

fn read(part: TlsPart, path: &Path) -> Result<Vec<u8>, TlsFault> {
    let shown = path.display();
    let unreadable = |error| part.fault(format!("{shown} cannot be read: {error}"));
    // A pipe would make us wait for whoever writes into it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(part.fault(format!("{shown} is not a file")));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(FILE_BYTES_MAX + 1);
    std::io::copy(&mut bounded, &mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(part.fault(format!("{shown} is larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
