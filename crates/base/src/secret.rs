//! The one secret of an installation, and the keys that are derived from it.
//!
//! Invariant: the secret itself is used for nothing; every use has a key of its own, derived by
//! HKDF-SHA256 (RFC 5869) under a label, so that one that gets known says nothing about the others. In an
//! encrypted directory the file is sealed (`seal.rs`).
//! The file is for its owner alone; one that others may read is refused, not repaired, because it may
//! have been read.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};

use crate::{private, seal};

/// Bytes of the secret, and of every key.
pub const KEY_BYTES: usize = 32;

/// Longer files are no secret, sealed or not.
const FILE_BYTES_MAX: u64 = 4096;

/// The one secret of an installation.
pub struct Secret(hkdf::Prk);

/// Why the secret of an installation is not at hand.
#[derive(Debug)]
pub enum SecretError {
    /// The file cannot be read, made or written.
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file holds something else than a secret.
    Odd {
        /// The file.
        path: PathBuf,
        /// How many bytes it has.
        bytes: u64,
    },
    /// Others than the owner may read the file, or write it.
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl Secret {
    /// Reads the secret at `path`; where there is no file, makes one with mode 0600, and its folder
    /// with mode 0700, and returns when both are on the disk.
    ///
    /// # Errors
    /// The file cannot be read or made, holds anything but 32 bytes, or is open to others.
    pub fn open_or_create(path: &Path) -> Result<Secret, SecretError> {
        match Secret::open(path) {
            Err(SecretError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                create(path)?;
                Secret::open(path)
            }
            other => other,
        }
    }

    /// Reads the secret at `path`.
    ///
    /// # Errors
    /// The file cannot be read, holds anything but 32 bytes, or is open to others.
    pub fn open(path: &Path) -> Result<Secret, SecretError> {
        let failed = |source| SecretError::Io {
            path: path.to_owned(),
            source,
        };
        let metadata = fs::metadata(path).map_err(failed)?;
        refuse_open(path, &metadata)?;
        let odd = || SecretError::Odd {
            path: path.to_owned(),
            bytes: metadata.len(),
        };
        if metadata.len() > FILE_BYTES_MAX {
            return Err(odd());
        }
        let bytes = fs::read(path).map_err(failed)?;
        let bytes = seal::unseal_document(path, bytes).map_err(failed)?;
        let bytes: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| odd())?;
        Ok(Secret::from_bytes(&bytes))
    }

    /// The secret in `bytes`, for who keeps it elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Secret {
        Secret(hkdf::Salt::new(hkdf::HKDF_SHA256, b"tallybook").extract(bytes))
    }

    /// The key for one use. The same label gives the same key for ever.
    #[must_use]
    pub fn key(&self, label: &str) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        self.0
            .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|derived| derived.fill(&mut key))
            .expect("a key is as long as one block of the hash");
        key
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// 32 bytes that nobody can foresee.
///
/// # Errors
/// The operating system has none to give.
pub fn random() -> io::Result<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the operating system gives no random bytes"))?;
    Ok(bytes)
}

/// Makes the file whole or not at all: two processes that start at once agree on one secret.
fn create(path: &Path) -> Result<(), SecretError> {
    let failed = |source| SecretError::Io {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    private::folder(folder).map_err(failed)?;
    let bytes = random().map_err(failed)?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = private::file(&draft).map_err(failed)?;
    let bytes = seal::seal_document(path, bytes.to_vec()).map_err(failed)?;
    file.write_all(&bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    // A link, not a rename: a secret that another process made first stays.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

fn refuse_open(path: &Path, metadata: &fs::Metadata) -> Result<(), SecretError> {
    match private::open_to_others(metadata) {
        None => Ok(()),
        Some(mode) => Err(SecretError::Open {
            path: path.to_owned(),
            mode,
        }),
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => {
                write!(f, "the secret in {}: {source}", path.display())
            }
            Self::Odd { path, bytes } => write!(
                f,
                "{} has {bytes} bytes and is no secret, which has {KEY_BYTES}; put back the file that was there, or move this one away to begin with a new secret: what the old one protects can then not be read",
                path.display()
            ),
            Self::Open { path, mode } => write!(
                f,
                "{} can be read by others (mode {mode:03o}); if nobody can have read it, chmod 600 it",
                path.display()
            ),
        }
    }
}

impl std::error::Error for SecretError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Odd { .. } | Self::Open { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
