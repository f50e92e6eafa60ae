//! A disk through which sealed files look plain.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{HEADER_BYTES, Opened, is_sealed};
use super::vault::Vault;
use crate::disk::{Disk, DiskFile, FreeSpace};
use crate::lock::{DirLock, LockError};

/// A file that is being written belongs to the name it will have.
const UNFINISHED: &str = ".unfinished";

/// Another disk whose sealed files are read as what is in them. What is written is written as it comes.
#[derive(Clone, Debug)]
pub struct OpeningDisk {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    vault: Arc<Vault>,
}

impl OpeningDisk {
    /// Reads what is under the vault's directory.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, vault: Arc<Vault>) -> OpeningDisk {
        OpeningDisk {
            disk,
            root: vault.dir().to_owned(),
            vault,
        }
    }

    /// The file, if it is sealed.
    ///
    /// # Errors
    /// It is not what was written, its key is not at hand, or the disk fails.
    pub fn opened(&self, path: &Path) -> io::Result<Option<Opened>> {
        let mut beginning = [0; HEADER_BYTES];
        let filled = self.disk.read_at(path, 0, &mut beginning)?;
        if !is_sealed(&beginning[..filled]) {
            return Ok(None);
        }
        let bytes = self.disk.file_len(path)?;
        let name = self.name(path);
        let opened = self.vault.open_file(&name, &beginning[..filled], bytes)?;
        Ok(Some(opened))
    }

    fn name(&self, path: &Path) -> String {
        let name = path.strip_prefix(&self.root).unwrap_or(path);
        let name = name.to_string_lossy().replace('\\', "/");
        name.strip_suffix(UNFINISHED).unwrap_or(&name).to_owned()
    }
}

impl Disk for OpeningDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn lock(&self, dir: &Path) -> Result<DirLock, LockError> {
        self.disk.lock(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list_dirs(dir)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create_new(path)
    }

    fn file_len(&self, path: &Path) -> io::Result<u64> {
        match self.opened(path)? {
            Some(opened) => Ok(opened.plain_bytes()),
            None => self.disk.file_len(path),
        }
    }

    fn read_at(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self.opened(path)? {
            Some(opened) => {
                let read_at = |offset, buffer: &mut [u8]| self.disk.read_at(path, offset, buffer);
                opened.read(read_at, offset, buffer)
            }
            None => self.disk.read_at(path, offset, buffer),
        }
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_file(path)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.disk.truncate(path, len)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn free_space(&self, dir: &Path) -> io::Result<FreeSpace> {
        self.disk.free_space(dir)
    }
}
