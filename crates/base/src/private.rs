//! Files and folders for their owner alone.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes `folder` and what is missing above it, with mode 0700; one that exists stays as it is.
///
/// # Errors
/// What the operating system says.
pub fn folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens an empty file at `path` for writing, with mode 0600 if it is new.
///
/// # Errors
/// What the operating system says.
pub fn file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a file at `path`, which must not exist yet, with mode 0600.
///
/// # Errors
/// What the operating system says.
pub fn new_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The permissions of a file that others than its owner may read or write.
#[cfg(unix)]
pub(crate) fn open_to_others(metadata: &fs::Metadata) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(crate) fn open_to_others(_: &fs::Metadata) -> Option<u32> {
    None
}
