//! Files and messages that only who holds a key can read, and nobody can change unseen.
//!
//! Invariant: a key is used for one file or one message. From a key of the ring and random bytes in the
//! header a fresh key is derived (HKDF-SHA256, RFC 5869), so that no nonce is ever used twice under one
//! key, however much is written. What is sealed is bound to its place: a file to its path under the
//! directory, a message to its number, a block to its index and to the length of the whole. So nothing
//! can be cut, lengthened, swapped or moved without being refused.
//!
//! | file | what is in it |
//! |---|---|
//! | `seal/cipher.rs` | AES-256-GCM under derived keys |
//! | `seal/root.rs` | the key from outside the directory |
//! | `seal/ring.rs` | the keys under it, and their file |
//! | `seal/vault.rs` | a directory's ring, open: seals, opens, rotates |
//! | `seal/file.rs` | the format of a sealed file, read from any offset |
//! | `seal/message.rs` | the format of a sealed message |
//! | `seal/opening.rs` | a disk through which sealed files look plain |
//! | `seal/vaults.rs` | which directory is sealed by what, for whoever has a path |

mod cipher;
mod file;
mod message;
mod opening;
mod ring;
mod root;
#[cfg(test)]
mod tests;
mod vault;
mod vaults;

use std::fmt;
use std::io;
use std::path::PathBuf;

pub use file::{HEADER_BYTES, Opened, is_sealed};
pub use message::{Envelope, OVERHEAD_BYTES as MESSAGE_OVERHEAD_BYTES, is_message, is_sealed_line};
pub use opening::OpeningDisk;
pub use ring::{KeyId, KeyInfo, PATH as RING_PATH};
pub use root::{RootKey, RootKeyError};
pub use vault::{Random, Vault};
pub use vaults::{
    adopt, of as vault_of, provide, provided, renew, reseal_document, seal_document,
    unseal_document,
};

/// Whose key seals something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The installation's: what is of nobody in particular.
    Installation,
    /// That of one name, `""` for what has none.
    Named(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Installation => f.write_str("the installation"),
            Scope::Named(name) if name.is_empty() => f.write_str("items without an organisation"),
            Scope::Named(name) => write!(f, "{name:?}"),
        }
    }
}

/// Why a directory's keys are not at hand.
#[derive(Debug)]
pub enum SealError {
    /// The directory is encrypted, and there is no key.
    NoRootKey {
        /// The directory.
        dir: PathBuf,
    },
    /// The key is another than the one that the ring is sealed with.
    WrongRootKey {
        /// The directory.
        dir: PathBuf,
        /// What is known of the key that is wanted.
        wanted: String,
        /// What is known of the key that was given.
        given: String,
    },
    /// Neither copy of the ring is what was written.
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The disk, or the system's randomness, failed.
    Io(io::Error),
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealError::NoRootKey { dir } => write!(
                f,
                "{} is encrypted, and there is no key: set [encryption] key_file, or TALLYBOOK_ENCRYPTION_KEY_FILE, or TALLYBOOK_ENCRYPTION_KEY",
                dir.display()
            ),
            SealError::WrongRootKey { dir, wanted, given } => write!(
                f,
                "{} is encrypted under the root key {wanted}, and the key that is set is {given}: set the right one",
                dir.display()
            ),
            SealError::Damaged { dir, reason } => write!(
                f,
                "the key ring of {} cannot be read ({reason}): restore {RING_PATH} from a backup; without it nothing that is encrypted can be read",
                dir.display()
            ),
            SealError::Io(error) => write!(f, "the key ring: {error}"),
        }
    }
}

impl std::error::Error for SealError {}

impl From<io::Error> for SealError {
    fn from(error: io::Error) -> SealError {
        SealError::Io(error)
    }
}

impl From<SealError> for io::Error {
    fn from(error: SealError) -> io::Error {
        match error {
            SealError::Io(error) => error,
            other => io::Error::other(other.to_string()),
        }
    }
}

/// Why something sealed was not opened. Always of the kind [`io::ErrorKind::InvalidData`], so that damage
/// is told from a disk that fails.
fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

fn altered() -> io::Error {
    invalid("it is encrypted, and is not what was written: altered, or moved from another place")
}
