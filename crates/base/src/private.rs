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
