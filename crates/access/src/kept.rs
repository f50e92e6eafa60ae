//! A document that several processes read and change: a server, and commands beside it.
//!
//! Invariant: nobody's change is lost, and a change counts from the next look on: a look costs one
//! `stat`. Once there was a document, its absence is an error and not a beginning, so that taking the
//! file away opens nothing.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::private;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::document::{Document, DocumentError};

/// A document and what was last read of it.
pub struct Kept<T> {
    document: Document,
    last: Mutex<Last<T>>,
}

struct Last<T> {
    stamp: Option<Stamp>,
    content: Arc<T>,
}

/// A replaced document is another file.
type Stamp = (u64, u64, i64, i64);

impl<T: Default + Clone + Serialize + DeserializeOwned> Kept<T> {
    /// The document at its place, which need not exist yet.
    #[must_use]
    pub fn new(document: Document) -> Kept<T> {
        let last = Last {
            stamp: None,
            content: Arc::new(T::default()),
        };
        Kept {
            document,
            last: Mutex::new(last),
        }
    }

    /// What it says now.
    ///
    /// # Errors
    /// It cannot be read, or was there and is gone.
    pub fn look(&self) -> Result<Arc<T>, DocumentError> {
        let mut last = self.last();
        let stamp = self.stamp()?;
        if stamp.is_none() && last.stamp.is_some() {
            let gone = "it was there and is gone; put it back, or restart to begin anew";
            return Err(self.document.failed(io::Error::other(gone)));
        }
        if stamp != last.stamp {
            last.content = Arc::new(self.document.read()?.unwrap_or_default());
            last.stamp = stamp;
        }
        Ok(Arc::clone(&last.content))
    }

    /// Changes it; when `change` fails, nothing happens. Returns when it is on the disk.
    ///
    /// # Errors
    /// `change` fails, or it cannot be read or written.
    pub fn change<R, E: From<DocumentError>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let _lock = self.lock()?;
        let mut content = T::clone(&*self.look()?);
        let result = change(&mut content)?;
        self.document.replace(&content)?;
        let mut last = self.last();
        last.stamp = self.stamp()?;
        last.content = Arc::new(content);
        Ok(result)
    }

    /// The right to change it, among all processes; for as long as the file is open.
    fn lock(&self) -> Result<File, DocumentError> {
        let path = self.document.path().with_extension("lock");
        let folder = path.parent().unwrap_or(Path::new("."));
        let locked = private::folder(folder)
            .and_then(|()| private::file(&path))
            .and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| self.document.failed(error))
    }

    fn stamp(&self) -> Result<Option<Stamp>, DocumentError> {
        match fs::metadata(self.document.path()) {
            Ok(seen) => Ok(Some((
                seen.ino(),
                seen.len(),
                seen.mtime(),
                seen.mtime_nsec(),
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.document.failed(error)),
        }
    }

    fn last(&self) -> MutexGuard<'_, Last<T>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    //! Changes of others are seen; none is lost; a document that goes away is not taken for none.
    use super::*;

    fn kept(folder: &Path) -> Kept<Vec<u32>> {
        Kept::new(Document::at(folder.join("access/list.json")))
    }

    fn push(kept: &Kept<Vec<u32>>, number: u32) {
        let pushed = kept.change(|list| {
            list.push(number);
            Ok::<_, DocumentError>(())
        });
        pushed.unwrap();
    }

    #[test]
    fn changes_of_others_are_seen_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (kept(folder.path()), kept(folder.path()));
        assert!(one.look().unwrap().is_empty());
        push(&other, 1);
        assert_eq!(*one.look().unwrap(), [1]);
        std::thread::scope(|scope| {
            for number in 0..20 {
                let kept = if number % 2 == 0 { &one } else { &other };
                scope.spawn(move || push(kept, number));
            }
        });
        assert_eq!(one.look().unwrap().len(), 21);
        assert_eq!(other.look().unwrap(), one.look().unwrap());
    }

    #[test]
    fn what_goes_away_or_breaks_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let kept = kept(folder.path());
        push(&kept, 1);
        let path = folder.path().join("access/list.json");
        fs::write(&path, "nonsense").unwrap();
        assert!(kept.look().is_err());
        fs::remove_file(&path).unwrap();
        let error = kept.look().unwrap_err().to_string();
        assert!(error.contains("is gone"), "{error}");
        let failed: Result<(), DocumentError> = kept.change(|_| Ok(()));
        assert!(failed.is_err() && !path.exists());
    }
}
