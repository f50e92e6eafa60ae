//! From the buffer to parts, and to a manifest that no longer needs the journal.
//!
//! Order, which is the durability argument: parts and identities first (each durable when `put`
//! returns), then the manifest that names them, then the swap in memory, and only then deletion of
//! journal segments. A crash anywhere before the manifest leaves objects that nothing names, which
//! the next start removes, and the journal, which is replayed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::dedup::{self, HORIZON_NS};
use crate::error::StoreError;
use crate::manifest::{self, IdentityFile, Manifest};
use crate::part::{self, At, Part};
use crate::schema::Table;
use crate::seal::{self, Owners};
use crate::split::Split;
use crate::state::{Batch, Taken};
use crate::store::Store;
use crate::twin;

/// The pauses after flushes that failed. Space that somebody made is made use of within seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a flush did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Rows written.
    pub rows: u64,
    /// Parts written.
    pub parts: u64,
    /// Bytes of those parts.
    pub bytes: u64,
}

/// A flush on its way to its manifest.
struct Writing {
    next: Manifest,
    /// Objects that are written, or may be in part.
    begun: Vec<String>,
    flushed: Flushed,
}

impl Store {
    /// Writes everything in the buffer to parts. Queries see the rows throughout. On an error the
    /// rows stay in memory and in the journal, and a later flush tries again.
    pub async fn flush(&self) -> Result<Flushed, StoreError> {
        let _one_at_a_time = self.flushing.lock().await;
        let (taken, through) = {
            // Alone at the gate, every durable entry is applied: the buffer is the journal's content.
            // During a replay it is not; the buffer then says itself where it ends.
            let _nothing_between_journal_and_buffer = self.gate.write().await;
            let taken = self.state().take(self.age_ns());
            let acknowledged = self.journal.last_synced().get();
            let through = taken.replayed.unwrap_or(acknowledged);
            (taken, through)
        };
        if through == taken.manifest.journal_through && taken.identities.is_empty() {
            self.state().flushed(Manifest::clone(&taken.manifest));
            return Ok(Flushed::default());
        }
        let began = Instant::now();
        let outcome = self.write_out(&taken, through).await;
        let flushed = outcome.as_ref().ok().map(|(_, flushed)| *flushed);
        self.meters.flushed(began, flushed);
        match outcome {
            Ok((manifest, flushed)) => {
                let number = manifest.number;
                self.state().flushed(manifest);
                self.freed();
                self.clean(number, through, &taken.manifest).await;
                Ok(flushed)
            }
            Err(error) => {
                self.state().flush_failed(taken);
                Err(error)
            }
        }
    }

    async fn write_out(
        &self,
        taken: &Taken,
        through: u64,
    ) -> Result<(Manifest, Flushed), StoreError> {
        let number = self.flush_number.fetch_add(1, Ordering::Relaxed) + 1;
        let mut writing = Writing {
            next: Manifest {
                number,
                age_ns: taken.age_ns,
                journal_through: through,
                split: Split::clone(&taken.split),
                ..Manifest::clone(&taken.manifest)
            },
            begun: Vec::new(),
            flushed: Flushed::default(),
        };
        let outcome = match self.write_objects(taken, &mut writing).await {
            Ok(()) => manifest::save(&self.objects, &writing.next).await,
            failed => failed,
        };
        if let Err(error) = outcome {
            self.tidy(&writing).await;
            return Err(error);
        }
        Ok((writing.next, writing.flushed))
    }

    async fn write_objects(&self, taken: &Taken, writing: &mut Writing) -> Result<(), StoreError> {
        for table in Table::ALL {
            self.write_table(table, &taken.tables[table as usize], writing)
                .await?;
        }
        self.write_identities(taken, writing).await?;
        writing.next.series = None;
        if !taken.series.is_empty() {
            let path = format!("series/{:020}.json", writing.next.number);
            let series = taken.series.encode()?;
            self.write_twice(&path, series, writing).await?;
            writing.next.series = Some(path);
        }
        Ok(())
    }

    async fn write_twice(
        &self,
        path: &str,
        bytes: Vec<u8>,
        writing: &mut Writing,
    ) -> Result<(), StoreError> {
        writing.begun.push(path.to_owned());
        twin::write(&self.objects, path, bytes).await
    }

    /// Removes what a flush that failed has written: when writing fails, space matters most. Not when
    /// its manifest has got its name all the same, for then the next start may go by it.
    async fn tidy(&self, writing: &Writing) {
        let manifest = Manifest::path(writing.next.number);
        let manifests = self.objects.list(manifest::DIR).await;
        if manifests.map_or(true, |paths| paths.contains(&manifest)) {
            return;
        }
        for path in &writing.begun {
            if let Err(error) = twin::delete(&self.objects, path).await {
                tracing::warn!("{path} of a flush that failed not deleted: {error}");
            }
        }
    }

    /// One part for each day that the batches have rows of; in an encrypted directory one for each day and
    /// organisation.
    async fn write_table(
        &self,
        table: Table,
        batches: &[Arc<Batch>],
        writing: &mut Writing,
    ) -> Result<(), StoreError> {
        let is_apart = self.objects.vault().is_some();
        for (ordinal, ((day, owner), rows)) in (0..).zip(by_file(batches, is_apart)) {
            let (count, batches) = (rows.len() as u64, batches.to_vec());
            // Sorting and compressing is CPU work; it must not hold up the I/O runtime.
            let written =
                tokio::task::spawn_blocking(move || part::write(table, &batches, rows)).await;
            let (file, (time_min_ms, time_max_ms)) = written
                .map_err(|error| StoreError::Internal(error.to_string()))?
                .map_err(|error| StoreError::Internal(format!("writing a part: {error}")))?;
            let path = part_path(table, day, writing.next.number, owner.as_deref(), ordinal);
            let (bytes, crc32c) = (file.len() as u64, crc32c::crc32c(&file));
            writing.begun.push(path.clone());
            let scope = seal::scope_of_part(owner.as_deref());
            self.objects.replace_of(&scope, &path, file).await?;
            writing.flushed.rows += count;
            writing.flushed.parts += 1;
            writing.flushed.bytes += bytes;
            writing.next.parts.push(Part {
                table,
                path,
                day,
                rows: count,
                bytes,
                time_min_ms,
                time_max_ms,
                crc32c,
                version: part::VERSION,
                looked: None,
            });
        }
        Ok(())
    }

    /// The identities of this flush, and those of earlier ones that are still within the horizon.
    async fn write_identities(
        &self,
        taken: &Taken,
        writing: &mut Writing,
    ) -> Result<(), StoreError> {
        let horizon = taken.age_ns.saturating_sub(HORIZON_NS);
        let known = &mut writing.next.identities;
        known.retain(|file| file.age_ns >= horizon);
        if taken.identities.is_empty() {
            return Ok(());
        }
        let mut identities = taken.identities.clone();
        let newest_ns = taken.newest_received_ns;
        let file = dedup::encode(&mut identities, newest_ns)?;
        let (path, bytes) = (
            format!("identities/{:020}.ids", writing.next.number),
            file.len() as u64,
        );
        self.write_twice(&path, file, writing).await?;
        writing.next.identities.push(IdentityFile {
            path,
            newest_ns,
            age_ns: taken.age_ns,
            count: identities.len() as u64,
            bytes,
        });
        Ok(())
    }

    /// Removes what the new manifest has made superfluous. Failures cost space only, so they are said
    /// and the next flush or start tries again.
    async fn clean(&self, number: u64, through: u64, before: &Manifest) {
        let journal = Arc::clone(&self.journal);
        if let Err(error) = journal.rotate().await {
            tracing::warn!("journal not rotated: {error}");
        }
        let delete = move || journal.delete_through(journal::Sequence::new(through));
        match tokio::task::spawn_blocking(delete).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!("journal segments not deleted: {error}"),
            Err(error) => tracing::warn!("journal segments not deleted: {error}"),
        }
        let now = self.state().snapshot();
        let kept: std::collections::HashSet<&str> = now.objects().collect();
        for path in before.objects().filter(|path| !kept.contains(path)) {
            if let Err(error) = twin::delete(&self.objects, path).await {
                tracing::warn!("{path} not deleted: {error}");
            }
        }
        if let Err(error) = manifest::prune(&self.objects, number).await {
            tracing::warn!("old manifests not deleted: {error}");
        }
    }

    /// Flushes when the buffer is large or old, until `shutdown`; then flushes once more.
    pub async fn run_flushes(self: Arc<Self>, shutdown: base::Shutdown) {
        let look_every = self.config.flush_age.min(Duration::from_secs(5)) / 5;
        let mut pause = FIRST_PAUSE;
        while !shutdown.is_triggered() {
            tokio::select! {
                () = self.flush_wanted.notified() => {}
                () = tokio::time::sleep(look_every) => {}
                () = shutdown.wait() => break,
            }
            if !self.is_flush_due() {
                continue;
            }
            let Err(error) = self.flush().await else {
                pause = FIRST_PAUSE;
                continue;
            };
            tracing::error!("flush failed, will try again in {pause:?}: {error}");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.wait() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if let Err(error) = self.flush().await {
            tracing::error!("last flush failed; the journal has everything: {error}");
        }
    }

    pub(crate) fn is_flush_due(&self) -> bool {
        let state = self.state();
        let age_ns = state
            .oldest_age_ns
            .map_or(0, |oldest| self.age_ns().saturating_sub(oldest));
        // Parts are a fraction of the journal's size: on a disk that is nearly full a flush makes room.
        let is_space_wanted = state.unflushed_rows() > 0 && self.reserve.check().is_err();
        self.is_full(&state)
            || is_space_wanted
            || u128::from(age_ns) >= self.config.flush_age.as_nanos()
    }
}

/// A day, and whose rows they are where each owner's are apart.
type File = (u32, Option<String>);

/// The rows of each file: one a day, or one a day and owner.
fn by_file(batches: &[Arc<Batch>], is_apart: bool) -> BTreeMap<File, Vec<At>> {
    let mut files: BTreeMap<File, Vec<At>> = BTreeMap::new();
    for (index, batch) in batches.iter().enumerate() {
        let owners = is_apart.then(|| Owners::of(&batch.rows));
        for (row, day) in batch.days.iter().enumerate() {
            let owner = owners.as_ref().map(|owners| owners.at(row));
            // Rows come in runs, so that a name is copied seldom.
            match files.last_entry() {
                Some(mut last) if last.key().0 == *day && last.key().1.as_deref() == owner => {
                    last.get_mut().push((index, row));
                }
                _ => files
                    .entry((*day, owner.map(str::to_owned)))
                    .or_default()
                    .push((index, row)),
            }
        }
    }
    files
}

/// Where a part is. With one owner it is where it would be if they were not kept apart.
fn part_path(table: Table, day: u32, number: u64, owner: Option<&str>, ordinal: usize) -> String {
    let (table, day) = (table.name(), day_text(day));
    match owner {
        Some(owner) if !owner.is_empty() => {
            format!("parts/{table}/{day}/{number:020}-{ordinal}.parquet")
        }
        _ => format!("parts/{table}/{day}/{number:020}.parquet"),
    }
}

/// `2026-11-21`
pub(crate) fn day_text(day: u32) -> String {
    let iso =
        contract::iso_millis(u64::from(day) * 86_400_000).unwrap_or(*b"9999-99-99T00:00:00.000Z");
    String::from_utf8_lossy(&iso[..10]).into_owned()
}
