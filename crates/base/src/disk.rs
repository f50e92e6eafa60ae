//! The few file operations that durable code needs, as a trait, so that a simulated disk can stand in.
//!
//! Invariant: nothing is durable unless its method says so. File contents become durable with a
//! sync of the file, names (create, rename, remove) with a sync of their directory.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::lock::{DirLock, LockError};

mod unchanging;

pub use unchanging::Unchanging;

/// A disk: names, whole-file operations and reads.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Creates `dir` and its missing parents, for their owner only. `dir` is durable when it returns,
    /// also when it was there: whoever made it may have died before its name was.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Takes the exclusive right to `dir`, which must exist.
    fn lock(&self, dir: &Path) -> Result<DirLock, LockError>;

    /// Names of the files directly in `dir`, in no particular order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Names of the directories directly in `dir`, in no particular order.
    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Creates an empty file to write to, readable by its owner only; fails if it exists. The name
    /// is durable after [`Disk::sync_dir`].
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Length of a file in bytes.
    fn file_len(&self, path: &Path) -> io::Result<u64>;

    /// Fills `buffer` from `offset` on; returns how many bytes there were, fewer only at the end.
    fn read_at(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Makes the contents of an existing file durable.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Cuts a file to `len` bytes and makes that durable.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;

    /// Renames a file. Durable after [`Disk::sync_dir`] of both directories.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Durable after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in `dir` durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// What is free on the file system of `dir`, which must exist.
    fn free_space(&self, dir: &Path) -> io::Result<FreeSpace>;

    /// The whole of a (small) file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.file_len(path)?).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        let filled = self.read_at(path, 0, &mut bytes)?;
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// What is free on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// Bytes that this process may still write.
    pub bytes: u64,
    /// Bytes of the file system.
    pub bytes_total: u64,
    /// Files that may still be made.
    pub files: u64,
    /// Files that the file system can hold; 0 when it does not count them.
    pub files_total: u64,
    /// Whether nothing can be written whatever is free.
    pub is_read_only: bool,
}

/// A file that is being written, from its beginning to its end.
pub trait DiskFile: Send {
    /// Appends all slices, in order, with as few system calls as possible. After an error any part
    /// of them may have been written. The slices are consumed.
    fn write_all(&mut self, slices: &mut [IoSlice<'_>]) -> io::Result<()>;

    /// Makes everything written so far durable. After an error **nothing more may be concluded
    /// from a later success**: the system may have dropped the pages and forgotten the error.
    fn sync_data(&mut self) -> io::Result<()>;

    /// Cuts the file to `len` bytes, without making that durable: later reads do not see the rest.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
}

/// The operating system's disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let parent = match dir.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if dir.is_dir() {
            // A directory is made only in a durable one, so that the one above is all that can lack.
            return self.sync_dir(parent).or_else(unless_not_ours);
        }
        self.create_dir_all(parent)?;
        match create_private_dir(dir) {
            // Somebody else was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
            created => created?,
        }
        self.sync_dir(parent)
    }

    fn lock(&self, dir: &Path) -> Result<DirLock, LockError> {
        DirLock::acquire(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        names(dir, |kind| kind.is_file())
    }

    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<String>> {
        names(dir, |kind| kind.is_dir())
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(OsFile(options.open(path)?)))
    }

    fn file_len(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn read_at(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        OpenOptions::new().write(true).open(path)?.sync_data()
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(len)?;
        file.sync_data()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Only Unix lets a directory be opened and synced; elsewhere names are journalled anyway.
        if cfg!(unix) {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }

    fn free_space(&self, dir: &Path) -> io::Result<FreeSpace> {
        free_space(dir)
    }
}

fn names(dir: &Path, wanted: impl Fn(&fs::FileType) -> bool) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if wanted(&entry.file_type()?) {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(names)
}

/// A parent that we may not open or sync was not made by us.
fn unless_not_ours(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::Unsupported
        | io::ErrorKind::ReadOnlyFilesystem => Ok(()),
        _ => Err(error),
    }
}

#[cfg(unix)]
fn free_space(dir: &Path) -> io::Result<FreeSpace> {
    let found = rustix::fs::statvfs(dir)?;
    Ok(FreeSpace {
        bytes: found.f_bavail.saturating_mul(found.f_frsize),
        bytes_total: found.f_blocks.saturating_mul(found.f_frsize),
        files: found.f_favail,
        files_total: found.f_files,
        is_read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}

#[cfg(not(unix))]
fn free_space(_dir: &Path) -> io::Result<FreeSpace> {
    Err(io::ErrorKind::Unsupported.into())
}

fn create_private_dir(dir: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

struct OsFile(File);

impl DiskFile for OsFile {
    fn write_all(&mut self, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        // Drops empty slices at the front, so that writing nothing is told from a full disk.
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            match self.0.write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut slices, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

#[cfg(test)]
mod tests;
