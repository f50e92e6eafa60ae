//! The key from outside the directory, under which all others are wrapped.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};

use crate::private;
use crate::secret::{self, KEY_BYTES};

/// Longer files are no key.
const FILE_BYTES_MAX: u64 = 4096;

/// The root key. It wraps the keys of the ring and does nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct RootKey([u8; KEY_BYTES]);

/// Why there is no root key.
#[derive(Debug)]
pub enum RootKeyError {
    /// The file cannot be read or made.
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is no key.
    Odd {
        /// Where it was found.
        place: String,
    },
    /// Others than the owner may read or write the file.
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl RootKey {
    /// The key of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> RootKey {
        RootKey(bytes)
    }

    /// A new key.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn new_random() -> io::Result<RootKey> {
        secret::random().map(RootKey)
    }

    /// The key that a text is: base64 of 32 bytes. `place` says where it was found.
    ///
    /// # Errors
    /// It is anything else.
    pub fn parse(text: &str, place: &str) -> Result<RootKey, RootKeyError> {
        let bytes = BASE64.decode(text.trim().as_bytes()).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(RootKey)
            .ok_or_else(|| RootKeyError::Odd {
                place: place.to_owned(),
            })
    }

    /// The key in a file, which must be for its owner alone.
    ///
    /// # Errors
    /// It cannot be read, is open to others, or holds anything else.
    pub fn read(path: &Path) -> Result<RootKey, RootKeyError> {
        let failed = |source| RootKeyError::Io {
            path: path.to_owned(),
            source,
        };
        let metadata = fs::metadata(path).map_err(failed)?;
        if let Some(mode) = private::open_to_others(&metadata) {
            let path = path.to_owned();
            return Err(RootKeyError::Open { path, mode });
        }
        let place = path.display().to_string();
        if metadata.len() > FILE_BYTES_MAX {
            return Err(RootKeyError::Odd { place });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        RootKey::parse(&text, &place)
    }

    /// Writes the key to a file that must not exist yet, with mode 0600.
    ///
    /// # Errors
    /// It exists, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RootKeyError> {
        let failed = |source| RootKeyError::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = private::new_file(path).map_err(failed)?;
        file.write_all(format!("{}\n", self.text()).as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed)
    }

    /// The key as a text. It is the secret itself.
    #[must_use]
    pub fn text(&self) -> String {
        BASE64.encode(&self.0)
    }

    /// What the key may be called by without saying anything of it: 8 bytes derived from it.
    #[must_use]
    pub fn name(&self) -> String {
        HEXLOWER.encode(&secret::Secret::from_bytes(&self.0).key("root key name")[..8])
    }

    pub(super) fn derived(&self, usage: &str) -> [u8; KEY_BYTES] {
        secret::Secret::from_bytes(&self.0).key(usage)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(…)")
    }
}

impl fmt::Display for RootKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RootKeyError::Io { path, source } => {
                write!(f, "the encryption key {}: {source}", path.display())
            }
            RootKeyError::Odd { place } => write!(
                f,
                "{place} holds no encryption key, which is base64 of 32 bytes: make one with tallybook encryption new-key"
            ),
            RootKeyError::Open { path, mode } => write!(
                f,
                "the encryption key {} may be read by others (mode {mode:04o}): chmod 600 it",
                path.display()
            ),
        }
    }
}

impl std::error::Error for RootKeyError {}
