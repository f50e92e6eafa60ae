//! The audit trail: who did what, when, from where, and how it ended.
//!
//! Invariant: append-only and chained. Each record holds the hash of the one before, and the head says,
//! sealed with a key of this installation, where the trail ends: a record that is changed, removed or
//! moved is found, the last one too. What must be on record is on the disk before it is answered; when
//! it cannot be, it is refused.
//!
//! ```text
//! DATA_DIR/access/audit/
//!   000001.jsonl   {"hash":"…","record":{"sequence":1,"previous":"…",…}}   one line each
//!   head           where the trail ends: two copies, written in turn
//!   head.lock      held while appending, by a server or a command beside it
//! ```
//!
//! | file | what is in it |
//! |---|---|
//! | `audit/record.rs` | what is on record of one act |
//! | `audit/line.rs` | a record as a line, and the chain |
//! | `audit/head.rs` | where the trail ends |
//! | `audit/writer.rs` | appends; repairs an unfinished end |
//! | `audit/trail.rs` | many at once, for a server |
//! | `audit/reader.rs` | lists and verifies, beside a server too |

mod head;
mod line;
mod reader;
mod record;
mod trail;
mod writer;

use std::path::{Path, PathBuf};
use std::{fmt, io};

use base::{Secret, SecretError};

pub use reader::{Checkpoint, Finding, Reader, Verified};
pub use record::{Act, Action, Outcome, Record};
pub use trail::Trail;
pub use writer::Writer;

/// Where the trail of a data directory is, and what seals its head.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
    secret: PathBuf,
}

impl Place {
    /// The trail of a data directory; nothing is made yet.
    #[must_use]
    pub fn of(data_dir: &Path) -> Place {
        Place {
            folder: data_dir.join("access").join("audit"),
            secret: data_dir.join("keys").join("server.key"),
        }
    }

    /// Where the trail is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}.jsonl"))
    }

    fn seal(&self, secret: &Secret) -> head::Seal {
        head::Seal::new(&secret.key("audit head"))
    }
}

/// Why the trail cannot be written or read.
#[derive(Debug)]
pub enum TrailError {
    /// The operating system failed.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The secret of the installation is not at hand.
    Secret(SecretError),
    /// The trail is not as it was written.
    Damaged(String),
    /// An earlier failure left it unknown what is on the disk.
    Poisoned,
    /// More wants to be on record than the disk can take.
    Full,
}

impl TrailError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> TrailError {
        let path = path.to_owned();
        move |source| TrailError::Io { path, source }
    }
}

impl fmt::Display for TrailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrailError::Io { path, source } => {
                write!(f, "the audit trail: {}: {source}", path.display())
            }
            TrailError::Secret(error) => error.fmt(f),
            TrailError::Damaged(what) => write!(
                f,
                "the audit trail is not as it was written: {what}; see tallybook audit verify, keep the folder as evidence, and move it away to begin a new one"
            ),
            TrailError::Poisoned => f.write_str(
                "the audit trail failed before, and what is on the disk is unknown: look at the disk, then restart",
            ),
            TrailError::Full => f.write_str("the audit trail cannot keep up: try again in a moment"),
        }
    }
}

impl std::error::Error for TrailError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TrailError::Io { source, .. } => Some(source),
            TrailError::Secret(error) => Some(error),
            TrailError::Damaged(_) | TrailError::Poisoned | TrailError::Full => None,
        }
    }
}

#[cfg(test)]
#[path = "audit/tests.rs"]
mod tests;
