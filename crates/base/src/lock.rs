//! One process per data directory.
//!
//! Invariant: while a [`DirLock`] lives, no other process holds one of the same directory. The
//! operating system gives the lock back when the process dies, however it dies; a file that is left
//! over means nothing.

use std::any::Any;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Name of the file that is locked; it contains the owner's process id.
const LOCK_FILE: &str = "LOCK";

/// The exclusive right to a data directory, for as long as it lives.
#[derive(Debug)]
pub struct DirLock {
    /// What gives the right back when it is dropped.
    _held: Box<dyn Any + Send + Sync>,
}

/// Why a directory could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    Held {
        /// The directory.
        dir: PathBuf,
        /// The other process, if it has written its id yet.
        pid: Option<u32>,
    },
    /// The lock file could not be opened, locked or written.
    Io {
        /// The directory.
        dir: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl DirLock {
    /// Locks `dir`, which must exist.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process (or another lock of this one) has it.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            dir: dir.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join(LOCK_FILE))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    dir: dir.to_owned(),
                    pid: owner_of(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // The owner is told to others only; on a full disk the directory can be opened without.
        let _ = write_owner(&mut file);
        Ok(Self::held_by(file))
    }

    /// Who has `dir`, if anybody: the process, as far as it has written its id. Nothing is written; for
    /// the moment of asking a lock is shared, and an owner that begins just then is refused.
    ///
    /// # Errors
    /// What the system says of a lock file that is there.
    pub fn owner(dir: &Path) -> io::Result<Option<Option<u32>>> {
        let mut file = match File::open(dir.join(LOCK_FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(owner_of(&mut file))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// A right that lasts as long as `guard`, for disks that are not the operating system's.
    pub(crate) fn held_by(guard: impl Any + Send + Sync) -> Self {
        Self {
            _held: Box::new(guard),
        }
    }
}

fn write_owner(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn owner_of(file: &mut File) -> Option<u32> {
    // A process id has few digits: a strange file is not read to its end.
    let mut text = [0; 32];
    let len = file.read(&mut text).ok()?;
    str::from_utf8(&text[..len]).ok()?.trim().parse().ok()
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { dir, pid } => {
                write!(f, "{} is in use by ", dir.display())?;
                match pid {
                    Some(pid) => write!(f, "process {pid}")?,
                    None => f.write_str("another process")?,
                }
                f.write_str(": stop it, or choose another directory")
            }
            Self::Io { dir, source } => write!(f, "cannot lock {}: {source}", dir.display()),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Held { .. } => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

#[cfg(test)]
mod tests;
