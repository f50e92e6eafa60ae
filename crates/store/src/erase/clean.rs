//! What held the rows is deleted, durably, and then everything is searched.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use journal::Sequence;

use super::intent::{Found, STRETCHES_PATH};
use super::needles::{Identifiers, Stretches};
use super::search::{Search, Searching};
use super::walk::walk;
use crate::error::StoreError;
use crate::store::Store;

/// How often the journal is cut: what arrives between a flush and the end of a segment makes a second
/// time necessary.
const CUTS_MAX: usize = 5;

impl Store {
    /// Deletes everything that held the rows. Says which files were deleted that nobody could read.
    pub(super) async fn clean_up(&self, found: &Found) -> Result<Vec<String>, StoreError> {
        let gone: HashSet<&str> = found.parts.iter().map(|part| part.path.as_str()).collect();
        self.delete_parts(&gone).await?;
        self.cut_journal(found.through).await?;
        self.forget_the_past().await?;
        self.delete_set_aside(found).await
    }

    /// Deletes the journal through a frame, which is in parts.
    pub(crate) async fn cut_journal(&self, through: u64) -> Result<(), StoreError> {
        for _ in 0..CUTS_MAX {
            self.flush().await?;
            let closed = self.journal.rotate().await;
            closed.map_err(|error| StoreError::Internal(error.to_string()))?;
            let (journal, flushed) = (
                Arc::clone(&self.journal),
                self.state().manifest.journal_through,
            );
            let delete = move || journal.delete_through(Sequence::new(flushed));
            let deleted = tokio::task::spawn_blocking(delete).await;
            deleted.map_err(|error| StoreError::Internal(error.to_string()))??;
            let first = self.journal.stats().first;
            if first.is_none_or(|first| first.get() > through) {
                return self.objects.sync_names("journal").await;
            }
        }
        let reason = "the journal could not be cut: segments with what is erased are still there";
        Err(StoreError::Internal(reason.into()))
    }

    /// Deletes what was set aside because nobody could read it, where it names the person.
    async fn delete_set_aside(&self, found: &Found) -> Result<Vec<String>, StoreError> {
        let identifiers = Identifiers::of(&found.identifiers)?;
        let mut candidates = self.objects.list("damaged").await?;
        let segments = self.objects.list("journal").await?;
        candidates.extend(
            segments
                .into_iter()
                .filter(|path| path.ends_with(".damaged")),
        );
        let mut deleted = Vec::new();
        for path in candidates {
            let file = self.objects.get(&path).await?;
            let mut is_in = identifiers.is_in(&file);
            if let Some(vault) = self.objects.vault() {
                // What cannot be opened is named by the search.
                vault.open_within(&file, |opened| {
                    is_in |= opened.is_ok_and(|plain| identifiers.is_in(&plain));
                });
            }
            if is_in {
                self.objects.delete(&path).await?;
                deleted.push(path);
            }
        }
        for dir in ["damaged", "journal"] {
            self.objects.sync_names(dir).await?;
        }
        Ok(deleted)
    }

    /// Searches every byte for what must not be there any more.
    pub(super) async fn search(
        self: &Arc<Self>,
        found: &Found,
        spares_trail: bool,
    ) -> Result<Search, StoreError> {
        let identifiers = Identifiers::of(&found.identifiers)?;
        let (mut stretches, unread) = match self.objects.get(STRETCHES_PATH).await {
            Ok(file) => match Stretches::decode(&file) {
                Ok(stretches) => (stretches, None),
                Err(unreadable) => (Stretches::new(0), Some(unreadable.to_string())),
            },
            Err(error) if error.is_missing() => (Stretches::new(0), Some(error.to_string())),
            Err(error) => return Err(error),
        };
        stretches.ready();
        let manifest = Arc::clone(&self.state().manifest);
        let (disk, root) = (self.objects.disk(), self.config.dir.clone());
        let vault = self.objects.vault().cloned();
        let (known, through) = (found.known.clone(), found.through);
        let searching = tokio::task::spawn_blocking(move || {
            let mut searching = Searching::new(disk.as_ref(), &root, &identifiers, &stretches);
            searching.known = known.iter().map(String::as_str).collect();
            searching.named = manifest
                .parts
                .iter()
                .map(|part| part.path.as_str())
                .collect();
            searching.through = through;
            searching.vault = vault.as_deref();
            searching.spares_trail = spares_trail;
            searching.run()
        });
        let searched = searching.await;
        let mut search = searched.map_err(|error| StoreError::Internal(error.to_string()))?;
        if let Some(reason) = unread {
            search.verified = false;
            let what =
                format!("for removed strings nothing was searched: {STRETCHES_PATH}: {reason}");
            search.unsearched.push(what);
        }
        Ok(search)
    }

    /// Bytes of all files of the data directory.
    pub(super) async fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        let (disk, root) = (Arc::clone(&self.config.disk), self.config.dir.clone());
        let adding = tokio::task::spawn_blocking(move || {
            let mut paths = Vec::new();
            walk(disk.as_ref(), &root, "", 8, &mut paths);
            let paths: BTreeSet<String> = paths.into_iter().flatten().collect();
            let sizes = paths
                .iter()
                .filter_map(|path| disk.file_len(&root.join(path)).ok());
            sizes.sum()
        });
        adding
            .await
            .map_err(|error| StoreError::Internal(error.to_string()))
    }
}
