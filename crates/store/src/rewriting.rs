//! Parts that are written anew, and the one manifest that makes them count.
//!
//! Invariant: at any moment either the old parts count or the new ones, all together; and nothing that a
//! durable manifest names is deleted.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parquet::errors::ParquetError;

use crate::error::StoreError;
use crate::manifest::{self, Manifest};
use crate::open::remove_orphans;
use crate::part::{self, Part, Rewritten};
use crate::schema::Table;
use crate::snapshot::Snapshot;
use crate::split::Split;
use crate::store::Store;

/// For how long queries that began before may go on reading: longer than a query may take.
const READERS_MAX: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What replaces a part, by its path; nothing where no row is left.
pub(crate) type Replacements = HashMap<String, Option<Part>>;

/// What changes with one manifest.
pub(crate) struct Switch<'a> {
    pub(crate) replacements: &'a Replacements,
    /// The erasure that this ends.
    pub(crate) erasure: Option<&'a str>,
    /// Split sessions that are named no more.
    pub(crate) forgotten: &'a BTreeSet<String>,
    /// How split sessions are called now.
    pub(crate) renamed: &'a [(Table, String)],
    /// Whether it may still be done: asked last.
    pub(crate) may: &'a (dyn Fn() -> Result<(), StoreError> + Sync),
}

impl<'a> Switch<'a> {
    /// Changes nothing but the number of the manifest.
    pub(crate) fn nothing(replacements: &'a Replacements) -> Switch<'a> {
        static NAMES: BTreeSet<String> = BTreeSet::new();
        Switch {
            replacements,
            erasure: None,
            forgotten: &NAMES,
            renamed: &[],
            may: &|| Ok(()),
        }
    }

    fn change(&self, split: &mut Split) {
        *split = split.without(self.forgotten);
        for (table, name) in self.renamed {
            split.add(*table, name);
        }
    }
}

impl Store {
    /// The file of a part; nothing when it is damaged.
    pub(crate) async fn part_file(
        &self,
        snapshot: &Snapshot,
        part: &Part,
    ) -> Result<Option<Bytes>, StoreError> {
        if snapshot.sound(vec![part.clone()]).await?.is_empty() {
            return Ok(None);
        }
        let file = self.objects.get(&part.path).await?;
        Ok(Some(file.into()))
    }

    /// Writes what replaces a part beside it. Nothing names it yet.
    pub(crate) async fn put_rewritten(
        &self,
        part: &Part,
        rewritten: Rewritten,
    ) -> Result<Part, StoreError> {
        let number = self.flush_number.fetch_add(1, Ordering::Relaxed) + 1;
        let new = Part {
            path: format!("{}/{number:020}.parquet", dir_of(&part.path)),
            rows: rewritten.rows,
            bytes: rewritten.file.len() as u64,
            time_min_ms: rewritten.times.0,
            time_max_ms: rewritten.times.1,
            crc32c: crc32c::crc32c(&rewritten.file),
            version: part::VERSION,
            ..part.clone()
        };
        let scope = self.scope_like(&part.path).await?;
        self.objects
            .replace_of(&scope, &new.path, rewritten.file)
            .await?;
        Ok(new)
    }

    /// Makes one manifest count that names the new parts.
    pub(crate) async fn replace_parts(&self, switch: &Switch<'_>) -> Result<(), StoreError> {
        let _no_flush_between = self.flushing.lock().await;
        let (manifest, replacements) = (Arc::clone(&self.state().manifest), switch.replacements);
        let replaced = manifest.parts.iter();
        let replaced = replaced.filter(|part| replacements.contains_key(&part.path));
        if replaced.count() != replacements.len() {
            let reason = "the parts have changed while they were rewritten: try again";
            return Err(StoreError::Busy(reason.into()));
        }
        (switch.may)()?;
        let parts = manifest.parts.iter();
        let parts = parts.filter_map(|part| match replacements.get(&part.path) {
            Some(new) => new.clone(),
            None => Some(part.clone()),
        });
        let mut split = Split::clone(self.state().origins.split());
        switch.change(&mut split);
        let next = Manifest {
            number: self.flush_number.fetch_add(1, Ordering::Relaxed) + 1,
            parts: parts.collect(),
            split,
            erasure: switch
                .erasure
                .map(str::to_owned)
                .or(manifest.erasure.clone()),
            ..Manifest::clone(&manifest)
        };
        manifest::save(&self.objects, &next).await?;
        self.state().rewritten(next, |split| switch.change(split));
        Ok(())
    }

    /// Returns when no manifest is on its way any more that was begun before: whatever is to keep one
    /// from counting has kept it, or it has counted.
    pub async fn settled(&self) {
        drop(self.flushing.lock().await);
    }

    /// Deletes parts that count no more, when nobody reads them, durably.
    pub(crate) async fn delete_parts(&self, gone: &HashSet<&str>) -> Result<(), StoreError> {
        self.readers_gone(gone).await;
        self.state().inspector.retire(gone);
        for path in gone {
            self.delete_part_at(path).await?;
        }
        Ok(())
    }

    /// Waits until nobody reads the parts any more, but not for ever: then who still reads gets an error.
    pub(crate) async fn readers_gone(&self, gone: &HashSet<&str>) {
        let began = Instant::now();
        while self.state().is_read(|path| gone.contains(path)) {
            if began.elapsed() >= READERS_MAX {
                tracing::warn!("a query still reads what is deleted; it will fail");
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Deletes a part with all that belongs to it, durably.
    pub(crate) async fn delete_part_at(&self, path: &str) -> Result<(), StoreError> {
        for path in Part::files_at(path) {
            self.objects.delete(&path).await?;
        }
        self.objects.sync_names(dir_of(path)).await
    }

    /// Whether no later manifest lies on the disk, that of something that failed halfway.
    pub(crate) async fn is_newest(&self, number: u64) -> Result<bool, StoreError> {
        let newest = manifest::load(&self.objects).await?;
        Ok(newest.is_some_and(|newest| newest.manifest.number == number))
    }

    /// Deletes older manifests, what only they name, and what was never finished.
    pub(crate) async fn forget_the_past(&self) -> Result<(), StoreError> {
        let _no_flush_between = self.flushing.lock().await;
        let manifest = Arc::clone(&self.state().manifest);
        if !self.is_newest(manifest.number).await? {
            // Its flush has failed, but the next start may go by it: what it names must stay.
            let reason = "there is a manifest of a flush that failed; the next flush replaces it";
            return Err(StoreError::Busy(reason.into()));
        }
        manifest::forget_before(&self.objects, manifest.number).await?;
        remove_orphans(&self.objects, &manifest).await.map(drop)
    }
}

fn dir_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("parts", |(dir, _)| dir)
}

/// Runs where it may take long.
pub(crate) async fn on_cpu<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ParquetError> + Send + 'static,
) -> Result<T, StoreError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked
        .map_err(|error| StoreError::Internal(error.to_string()))?
        .map_err(|error| StoreError::Internal(format!("reading a part: {error}")))
}
