//! From the buffer to parts, and to a manifest that no longer needs the journal.
//!
//! Order, which is the durability argument: parts and identities first (each durable when `put`
//! returns), then the manifest that names them, then the swap in memory, and only then deletion of
//! journal segments. A crash anywhere before the manifest leaves objects that nothing names, which
//! the next start removes, and the journal, which is replayed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::dedup::{self, HORIZON_NS};
use crate::error::StoreError;
use crate::manifest::{self, IdentityFile, Manifest};
use crate::origins::Split;
use crate::part::{self, At, Part};
use crate::schema::Table;
use crate::state::{Batch, Taken};
use crate::store::Store;

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
        match self.write_out(&taken, through).await {
            Ok((manifest, flushed)) => {
                let number = manifest.number;
                self.state().flushed(manifest);
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
        let mut next = Manifest {
            number,
            age_ns: taken.age_ns,
            journal_through: through,
            split: Split::clone(&taken.split),
            ..Manifest::clone(&taken.manifest)
        };
        let mut flushed = Flushed::default();
        for table in Table::ALL {
            for part in self
                .write_table(table, &taken.tables[table as usize], number)
                .await?
            {
                flushed.rows += part.rows;
                flushed.parts += 1;
                flushed.bytes += part.bytes;
                next.parts.push(part);
            }
        }
        self.write_identities(taken, &mut next).await?;
        next.series = None;
        if !taken.series.is_empty() {
            let path = format!("series/{number:020}.json");
            let json = taken
                .series
                .to_json()
                .map_err(|error| StoreError::Internal(error.to_string()))?;
            self.objects.replace(&path, json).await?;
            next.series = Some(path);
        }
        manifest::save(&self.objects, &next).await?;
        Ok((next, flushed))
    }

    /// One part for each day that the batches have rows of.
    async fn write_table(
        &self,
        table: Table,
        batches: &[Arc<Batch>],
        flush: u64,
    ) -> Result<Vec<Part>, StoreError> {
        let mut parts = Vec::new();
        for (day, rows) in by_day(batches) {
            let (count, batches) = (rows.len() as u64, batches.to_vec());
            // Sorting and compressing is CPU work; it must not hold up the I/O runtime.
            let written =
                tokio::task::spawn_blocking(move || part::write(table, &batches, rows)).await;
            let (file, (time_min_ms, time_max_ms)) = written
                .map_err(|error| StoreError::Internal(error.to_string()))?
                .map_err(|error| StoreError::Internal(format!("writing a part: {error}")))?;
            let path = format!(
                "parts/{}/{}/{flush:020}.parquet",
                table.name(),
                day_text(day)
            );
            let (bytes, crc32c) = (file.len() as u64, crc32c::crc32c(&file));
            self.objects.replace(&path, file).await?;
            parts.push(Part {
                table,
                path,
                day,
                rows: count,
                bytes,
                time_min_ms,
                time_max_ms,
                crc32c,
            });
        }
        Ok(parts)
    }

    /// The identities of this flush, and those of earlier ones that are still within the horizon.
    async fn write_identities(&self, taken: &Taken, next: &mut Manifest) -> Result<(), StoreError> {
        let horizon = taken.age_ns.saturating_sub(HORIZON_NS);
        next.identities.retain(|file| file.age_ns >= horizon);
        if taken.identities.is_empty() {
            return Ok(());
        }
        let mut identities = taken.identities.clone();
        let newest_ns = taken.newest_received_ns;
        let file = dedup::encode(&mut identities, newest_ns)?;
        let (path, bytes) = (
            format!("identities/{:020}.ids", next.number),
            file.len() as u64,
        );
        self.objects.replace(&path, file).await?;
        next.identities.push(IdentityFile {
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
            if let Err(error) = self.objects.delete(path).await {
                tracing::warn!("{path} not deleted: {error}");
            }
        }
        if let Err(error) = manifest::prune(&self.objects, number).await {
            tracing::warn!("old manifests not deleted: {error}");
        }
    }

    /// Flushes when the buffer is large or old, until `shutdown`; then flushes once more.
    pub async fn run_flushes(self: Arc<Self>, shutdown: base::Shutdown) {
        let look_every = self.config.flush_age.min(std::time::Duration::from_secs(5)) / 5;
        while !shutdown.is_triggered() {
            tokio::select! {
                () = self.flush_wanted.notified() => {}
                () = tokio::time::sleep(look_every) => {}
                () = shutdown.wait() => break,
            }
            if self.is_flush_due()
                && let Err(error) = self.flush().await
            {
                tracing::error!("flush failed, will try again: {error}");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
        if let Err(error) = self.flush().await {
            tracing::error!("last flush failed; the journal has everything: {error}");
        }
    }

    fn is_flush_due(&self) -> bool {
        let state = self.state();
        let age_ns = state
            .oldest_age_ns
            .map_or(0, |oldest| self.age_ns().saturating_sub(oldest));
        self.is_full(&state) || u128::from(age_ns) >= self.config.flush_age.as_nanos()
    }
}

fn by_day(batches: &[Arc<Batch>]) -> BTreeMap<u32, Vec<At>> {
    let mut days: BTreeMap<u32, Vec<At>> = BTreeMap::new();
    for (index, batch) in batches.iter().enumerate() {
        for (row, day) in batch.days.iter().enumerate() {
            days.entry(*day).or_default().push((index, row));
        }
    }
    days
}

/// `2026-11-21`
fn day_text(day: u32) -> String {
    let iso =
        contract::iso_millis(u64::from(day) * 86_400_000).unwrap_or(*b"9999-99-99T00:00:00.000Z");
    String::from_utf8_lossy(&iso[..10]).into_owned()
}
