//! A small JSON file that is replaced whole or not at all.
//!
//! Invariant: whoever opens the file after a crash finds what was there before a change or after it.
//! The file is for its owner alone (mode 0600), in a folder of mode 0700.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base::private;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where one document is kept.
#[derive(Debug, Clone)]
pub struct Document {
    path: PathBuf,
}

/// Why a document could not be read or replaced.
#[derive(Debug)]
pub struct DocumentError {
    path: PathBuf,
    source: io::Error,
}

impl Document {
    /// The document at `path`, which need not exist yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Document {
        Document { path }
    }

    /// What it holds; `None` when it was never written.
    ///
    /// # Errors
    /// It cannot be read, or is not what `T` looks like. Nothing is repaired or forgotten.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, DocumentError> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| self.failed(io::Error::other(error))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Puts `content` in its place, and returns when it is on the disk.
    ///
    /// # Errors
    /// It cannot be written. What was there before is still there.
    pub fn replace<T: Serialize>(&self, content: &T) -> Result<(), DocumentError> {
        let bytes = serde_json::to_vec_pretty(content).map_err(|e| self.failed(e.into()))?;
        self.write(&bytes).map_err(|error| self.failed(error))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        private::folder(folder)?;
        let draft = self.path.with_extension("new");
        let mut file = private::file(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        File::open(folder)?.sync_all()
    }

    pub(crate) fn failed(&self, source: io::Error) -> DocumentError {
        DocumentError {
            path: self.path.clone(),
            source,
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for DocumentError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    //! What was written is read; what was never written is absent; what is damaged is an error.
    use super::*;

    #[test]
    fn is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let document = Document::at(folder.path().join("access/people.json"));
        assert_eq!(document.read::<Vec<u32>>().unwrap(), None);
        document.replace(&[1, 2]).unwrap();
        document.replace(&[3]).unwrap();
        assert_eq!(document.read::<Vec<u32>>().unwrap(), Some(vec![3]));
        assert_eq!(
            fs::read_dir(folder.path().join("access")).unwrap().count(),
            1
        );
    }

    #[test]
    fn what_is_damaged_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.json");
        fs::write(&path, "[1,").unwrap();
        let document = Document::at(path.clone());
        let error = document.read::<Vec<u32>>().unwrap_err();
        assert!(error.to_string().contains("people.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "[1,");
    }
}
