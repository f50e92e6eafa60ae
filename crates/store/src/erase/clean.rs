//! What held the rows is deleted, durably, and then everything is searched.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::Sequence;

use super::intent::{Found, STRETCHES_PATH};
use super::needles::{Identifiers, Stretches};
use super::search::{Search, Searching, walk};
use crate::error::StoreError;
use crate::manifest;
use crate::open::remove_orphans;
use crate::part::Part;
use crate::store::Store;

/// For how long queries that began before may go on reading: longer than a query may take.
const READERS_MAX: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often the journal is cut: what arrives between a flush and the end of a segment makes a second
/// time necessary.
const CUTS_MAX: usize = 5;
impl Store {
    /// Deletes everything that held the rows. Says which files were deleted that nobody could read.
    pub(super) async fn clean_up(&self, found: &Found) -> Result<Vec<String>, StoreError> {
        let gone: HashSet<&str> = found.parts.iter().map(|part| part.path.as_str()).collect();
        self.readers_gone(&gone).await;
        self.state().inspector.retire(&gone);
        for path in &gone {
            self.delete_part_at(path).await?;
        }
        self.cut_journal(found.through).await?;
        self.forget_the_past().await?;
        self.delete_set_aside(found).await
    }

    /// Deletes older manifests, what only they name, and what was never finished.
    async fn forget_the_past(&self) -> Result<(), StoreError> {
        let _no_flush_between = self.flushing.lock().await;
        let manifest = Arc::clone(&self.state().manifest);
        let newest = manifest::load(&self.objects).await?;
        if newest.is_none_or(|newest| newest.manifest.number != manifest.number) {
            // Its flush has failed, but the next start may go by it: what it names must stay.
            let reason = "there is a manifest of a flush that failed; the next flush replaces it";
            return Err(StoreError::Busy(reason.into()));
        }
        manifest::forget_before(&self.objects, manifest.number).await?;
        remove_orphans(&self.objects, &manifest).await.map(drop)
    }

    /// Waits until nobody reads the parts any more, but not for ever: then who still reads gets an error.
    async fn readers_gone(&self, gone: &HashSet<&str>) {
        let began = Instant::now();
        while self.state().is_read(|path| gone.contains(path)) {
            if began.elapsed() >= READERS_MAX {
                tracing::warn!("a query still reads what is erased; it will fail");
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Deletes a part with all that belongs to it, durably.
    pub(super) async fn delete_part_at(&self, path: &str) -> Result<(), StoreError> {
        for path in Part::files_at(path) {
            self.objects.delete(&path).await?;
        }
        let dir = path.rsplit_once('/').map_or("parts", |(dir, _)| dir);
        self.objects.sync_names(dir).await
    }

    /// Deletes the journal through a frame, which is in parts.
    async fn cut_journal(&self, through: u64) -> Result<(), StoreError> {
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
            if identifiers.is_in(&self.objects.get(&path).await?) {
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
    pub(super) async fn search(self: &Arc<Self>, found: &Found) -> Result<Search, StoreError> {
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
        let (disk, root) = (Arc::clone(&self.config.disk), self.config.dir.clone());
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
