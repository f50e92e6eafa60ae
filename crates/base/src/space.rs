//! How much room a file system has.

use std::io;
use std::path::Path;

/// The room of a file system, for those who are not root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes in all.
    pub total_bytes: u64,
    /// Bytes that are free.
    pub free_bytes: u64,
    /// Files in all; 0 where the file system has no such limit.
    pub total_files: u64,
    /// Files that may still be made.
    pub free_files: u64,
}

impl Space {
    /// The room of the file system that `path` is on.
    ///
    /// # Errors
    /// The system's.
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(path)?;
        Ok(Self {
            total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
            free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
            total_files: found.f_files,
            free_files: found.f_favail,
        })
    }

    /// The part of the bytes that is free, from 0 to 1.
    #[must_use]
    pub fn free_part(&self) -> f64 {
        self.free_bytes as f64 / self.total_bytes.max(1) as f64
    }

    /// The part of the files that may still be made, from 0 to 1; 1 where there is no such limit.
    #[must_use]
    pub fn free_files_part(&self) -> f64 {
        match self.total_files {
            0 => 1.0,
            total => self.free_files as f64 / total as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_some_room_and_a_missing_one_none() {
        let dir = tempfile::tempdir().unwrap();
        let space = Space::of(dir.path()).unwrap();
        assert!(
            space.free_bytes > 0 && space.free_bytes <= space.total_bytes,
            "{space:?}"
        );
        assert!((0.0..=1.0).contains(&space.free_part()));
        assert!((0.0..=1.0).contains(&space.free_files_part()));
        assert!(Space::of(&dir.path().join("missing")).is_err());
    }
}
