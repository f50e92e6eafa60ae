//! What can go wrong in the store; each variant tells the caller what to do.

use std::fmt;

/// Why the store could not open, flush or read.
#[derive(Debug)]
pub enum StoreError {
    /// The data directory was written by a newer version.
    NewerVersion {
        /// The directory's version.
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
    /// The disk failed.
    Io(std::io::Error),
    /// A fault of ours.
    Internal(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::NewerVersion { found, known } => write!(
                formatter,
                "the data directory has version {found}, this binary reads up to {known}: use a newer tallybook, or another --data-dir"
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
            StoreError::Io(error) => error.fmt(formatter),
            StoreError::Internal(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for StoreError {}

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
