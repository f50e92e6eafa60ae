//! What of the data directory is damaged, as far as it has been found out.
//!
//! Invariant: a damaged file is told of as long as the process lives; its rows are never missing from
//! an answer without a word.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Files beyond this number are not listed.
const LISTED_MAX: usize = 1_000;

/// A file that cannot be read as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DamagedFile {
    /// Its path under the data directory.
    pub path: String,
    /// What is wrong, and what follows from it.
    pub reason: String,
}

/// All that were found since the start.
#[derive(Debug, Default)]
pub(crate) struct Damages {
    files: Mutex<BTreeMap<String, String>>,
}

impl Damages {
    /// Notes a file, and says so the first time.
    pub(crate) fn note(&self, file: DamagedFile) {
        let mut files = self.files();
        if files.contains_key(&file.path) || files.len() >= LISTED_MAX {
            return;
        }
        tracing::error!("{} is damaged: {}", file.path, file.reason);
        files.insert(file.path, file.reason);
    }

    /// The files, by path.
    pub(crate) fn list(&self) -> Vec<DamagedFile> {
        let listed = self.files();
        let files = listed.iter().map(|(path, reason)| DamagedFile {
            path: path.clone(),
            reason: reason.clone(),
        });
        files.collect()
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
