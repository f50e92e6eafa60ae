//! A disk that is only looked at.

use std::io;
use std::path::Path;

use super::{Disk, DiskFile, FreeSpace};
use crate::lock::{DirLock, LockError};

/// Another disk, but nothing is ever changed on it: what code that mends things would sync, cut,
/// rename or remove is passed over, as if it had succeeded, and nothing can be created. So such code
/// can say what it finds without mending it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unchanging<D>(pub D);

fn refused() -> io::Error {
    io::Error::new(
        io::ErrorKind::ReadOnlyFilesystem,
        "this disk is only looked at",
    )
}

impl<D: Disk> Disk for Unchanging<D> {
    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, dir: &Path) -> Result<DirLock, LockError> {
        Err(LockError::Io {
            dir: dir.to_owned(),
            source: refused(),
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list_dirs(dir)
    }

    fn create_new(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(refused())
    }

    fn file_len(&self, path: &Path) -> io::Result<u64> {
        self.0.file_len(path)
    }

    fn read_at(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(path, offset, buffer)
    }

    fn sync_file(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, _: &Path, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn free_space(&self, dir: &Path) -> io::Result<FreeSpace> {
        self.0.free_space(dir)
    }
}
