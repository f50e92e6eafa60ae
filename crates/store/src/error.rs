//! What can go wrong in the store; each variant tells the caller what to do.

use std::fmt;

/// Why the store could not open, flush or read.
#[derive(Debug)]
pub enum StoreError {
    /// A file was written by a newer version. Nothing was changed.
    NewerVersion {
        /// Which file, under the data directory.
        path: String,
        /// The file's version of its format.
        found: u32,
        /// The newest version that this binary reads.
        known: u32,
    },
    /// No manifest can be read, or not the one that is needed.
    DamagedManifest(String),
    /// The directory is not a data directory.
    NotAStore,
    /// Another process has the directory, or it cannot be locked.
    Lock(base::LockError),
    /// The journal cannot be opened.
    Journal(journal::OpenError),
    /// A file other than the journal's cannot be read or written.
    File {
        /// Which file, under the data directory.
        path: String,
        /// What the disk said.
        source: std::io::Error,
    },
    /// Parts cannot be made readable to queries.
    Objects(object_store::Error),
    /// A file of the store holds what it should not.
    Damaged {
        /// Which file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be done now: says what is under way, or lacking.
    Busy(String),
    /// The disk failed.
    Io(std::io::Error),
    /// A fault of ours.
    Internal(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::NewerVersion { path, found, known } => write!(
                formatter,
                "{path} has version {found} of its format, and this program reads versions up to {known}: start the newer tallybook again, or choose another --data-dir"
            ),
            StoreError::DamagedManifest(what) => {
                write!(
                    formatter,
                    "the manifest cannot be read ({what}): restore the manifest folder from a backup"
                )
            }
            StoreError::NotAStore => {
                formatter.write_str("this is not a data directory of Tallybook")
            }
            StoreError::Lock(error) => error.fmt(formatter),
            StoreError::Journal(error) => error.fmt(formatter),
            StoreError::File { path, source } => write!(formatter, "{path}: {source}"),
            StoreError::Objects(error) => error.fmt(formatter),
            StoreError::Damaged { path, reason } => {
                write!(formatter, "{path} is damaged: {reason}")
            }
            StoreError::Busy(what) => formatter.write_str(what),
            StoreError::Io(error) => error.fmt(formatter),
            StoreError::Internal(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// Whether a file is not there.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, StoreError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}

/// Why the bytes of a file are not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A newer version wrote them: they are whole, and must be left alone.
    Newer {
        /// Their version of the format.
        found: u32,
        /// The newest version that this binary reads.
        known: u32,
    },
    /// They are not what any version writes; the reason.
    Damaged(String),
}

impl Unreadable {
    /// The same, of a file with this path under the data directory.
    pub(crate) fn of(self, path: &str) -> StoreError {
        let path = path.to_owned();
        match self {
            Unreadable::Newer { found, known } => StoreError::NewerVersion { path, found, known },
            Unreadable::Damaged(reason) => StoreError::Damaged { path, reason },
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Newer { found, known } => {
                write!(
                    formatter,
                    "version {found}; this binary reads up to {known}"
                )
            }
            Unreadable::Damaged(reason) => formatter.write_str(reason),
        }
    }
}

impl From<&str> for Unreadable {
    fn from(reason: &str) -> Self {
        Unreadable::Damaged(reason.to_owned())
    }
}

impl From<String> for Unreadable {
    fn from(reason: String) -> Self {
        Unreadable::Damaged(reason)
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        StoreError::Objects(error)
    }
}

impl From<base::LockError> for StoreError {
    fn from(error: base::LockError) -> Self {
        StoreError::Lock(error)
    }
}

impl From<journal::OpenError> for StoreError {
    fn from(error: journal::OpenError) -> Self {
        StoreError::Journal(error)
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        StoreError::Io(error)
    }
}

/// Why an entry was not acknowledged. In every case the client may send it again.
#[derive(Debug)]
pub enum AppendError {
    /// The journal could not make it durable.
    Journal(journal::AppendError),
    /// More has come than can be taken in now; says what is waited for.
    Behind(String),
    /// A fault of ours after the entry became durable; it will be there after a restart.
    Internal(String),
}

impl fmt::Display for AppendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::Journal(error) => error.fmt(formatter),
            AppendError::Behind(reason) | AppendError::Internal(reason) => {
                formatter.write_str(reason)
            }
        }
    }
}

impl std::error::Error for AppendError {}
