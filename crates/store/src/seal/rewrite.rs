//! What is plain, mixed, or under an old key is written anew.
//!
//! Order, which is the argument that a crash costs nothing: parts are written beside the old ones, and
//! nothing names them; one manifest names them instead of the old; then the old are deleted. Everything
//! else is replaced in its place, whole or not at all. Cut short anywhere, it is begun again and goes on
//! with what is left.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::BooleanArray;
use base::seal::{KeyId, Scope, is_message};
use bytes::Bytes;
use journal::Sequence;
use parquet::errors::ParquetError;
use serde::Serialize;

use super::status::Sealed;
use super::{OWNER, Owners, scope_of_part};
use crate::error::StoreError;
use crate::manifest::{self, Manifest};
use crate::part::{self, Part, Reader, Rewriting, Rewritten, prompts_of};
use crate::store::Store;
use crate::twin;

/// So many parts are written before a manifest makes them count: no more work than this is lost, and no
/// more space is taken twice.
const PARTS_AT_ONCE: usize = 64;
/// How much of the journal is looked at at once.
const JOURNAL_BYTES: usize = 1 << 20;

/// What writing anew came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resealed {
    /// Parts that were written anew.
    pub parts: u64,
    /// Bytes of them.
    pub part_bytes: u64,
    /// Other files.
    pub files: u64,
    /// Old keys that nothing is under any more, forgotten.
    pub keys_forgotten: u64,
    /// Parts that could not be read, and are as they were.
    pub unreadable: u64,
}

impl Store {
    /// Writes anew all that is plain, mixed, or under an old key, and forgets the keys that nothing is
    /// under any more. `told` hears how many of how many parts are done. The journal must be replayed.
    ///
    /// # Errors
    /// The directory is not encrypted, somebody is being erased, or the disk fails. It may be begun again.
    pub async fn reseal(&self, told: impl Fn(u64, u64)) -> Result<Resealed, StoreError> {
        let Some(vault) = self.objects.vault().cloned() else {
            let reason = "the directory is not encrypted: set a key first";
            return Err(StoreError::Busy(reason.into()));
        };
        let alone = Arc::clone(&self.erasing.one).try_lock_owned();
        let _alone = alone.map_err(|_| StoreError::Busy("somebody is being erased".into()))?;
        self.flush().await?;
        let current = vault.keys().into_iter().filter(|key| key.is_current);
        let current: HashMap<KeyId, Scope> = current.map(|key| (key.id, key.scope)).collect();
        let is_mixed = |file: &Sealed| {
            file.path.starts_with("parts/")
                && file.key.and_then(|key| current.get(&key)) == Some(&Scope::Installation)
        };
        let files = self.sealed_files().await?;
        let is_due = |file: &Sealed| file.key.is_none_or(|key| !current.contains_key(&key));
        let due: HashSet<String> = files
            .into_iter()
            .filter(|file| is_due(file) || is_mixed(file))
            .map(|file| file.path)
            .collect();
        let mut done = Resealed::default();
        self.reseal_parts(&due, &mut done, told).await?;
        self.reseal_files(&due, &mut done).await?;
        let used = self.all_keys_in_use().await?;
        let forgotten = tokio::task::spawn_blocking(move || vault.drop_unused(&used)).await;
        let forgotten = forgotten.map_err(|error| StoreError::Internal(error.to_string()))?;
        done.keys_forgotten = forgotten? as u64;
        Ok(done)
    }

    async fn reseal_parts(
        &self,
        due: &HashSet<String>,
        done: &mut Resealed,
        told: impl Fn(u64, u64),
    ) -> Result<(), StoreError> {
        // Copied: who holds on to a manifest is waited for as a reader of its parts.
        let parts: Vec<Part> = self
            .state()
            .manifest
            .parts
            .iter()
            .filter(|part| due.contains(&part.path))
            .cloned()
            .collect();
        let total = parts.len() as u64;
        for some in parts.chunks(PARTS_AT_ONCE) {
            let mut replaced: HashMap<String, Vec<Part>> = HashMap::new();
            for part in some {
                match self.reseal_part(part).await? {
                    Some(new) => {
                        done.part_bytes += part.bytes;
                        replaced.insert(part.path.clone(), new);
                    }
                    None => done.unreadable += 1,
                }
            }
            done.parts += replaced.len() as u64;
            self.put_in_place(replaced).await?;
            told(done.parts + done.unreadable, total);
        }
        Ok(())
    }

    /// The parts that replace one, an owner each; nothing when it cannot be read.
    async fn reseal_part(&self, part: &Part) -> Result<Option<Vec<Part>>, StoreError> {
        let snapshot = self.state().snapshot();
        let Some(file) = self.part_file(&snapshot, part).await? else {
            return Ok(None);
        };
        let (table, read) = (part.table, file.clone());
        let owners = on_cpu(move || owners_of(table, read)).await?;
        let mut new = Vec::new();
        if let [owner] = &owners[..] {
            new.push(self.put_part(part, owner, whole(part, &file)).await?);
            return Ok(Some(new));
        }
        for owner in &owners {
            let (read, name) = (file.clone(), owner.clone());
            if let Some(rows) = on_cpu(move || rows_of(table, read, &name)).await? {
                new.push(self.put_part(part, owner, rows).await?);
            }
        }
        Ok(Some(new))
    }

    /// Writes a part that nothing names yet.
    async fn put_part(&self, old: &Part, owner: &str, rows: Rewritten) -> Result<Part, StoreError> {
        let number = self.flush_number.fetch_add(1, Ordering::Relaxed) + 1;
        let dir = old.path.rsplit_once('/').map_or("parts", |(dir, _)| dir);
        let new = Part {
            path: format!("{dir}/{number:020}.parquet"),
            rows: rows.rows,
            bytes: rows.file.len() as u64,
            time_min_ms: rows.times.0,
            time_max_ms: rows.times.1,
            crc32c: crc32c::crc32c(&rows.file),
            version: part::VERSION,
            ..old.clone()
        };
        let scope = scope_of_part(Some(owner));
        self.objects
            .replace_of(&scope, &new.path, rows.file)
            .await?;
        Ok(new)
    }

    /// One manifest that names the new parts; then the old ones go.
    async fn put_in_place(&self, replaced: HashMap<String, Vec<Part>>) -> Result<(), StoreError> {
        if !replaced.is_empty() {
            let _no_flush_between = self.flushing.lock().await;
            let manifest = Arc::clone(&self.state().manifest);
            let parts = manifest.parts.iter().flat_map(|part| {
                let new = replaced.get(&part.path);
                new.map_or_else(|| vec![part.clone()], Clone::clone)
            });
            let next = Manifest {
                number: self.flush_number.fetch_add(1, Ordering::Relaxed) + 1,
                parts: parts.collect(),
                ..Manifest::clone(&manifest)
            };
            manifest::save(&self.objects, &next).await?;
            self.state().rewritten(next, |_| ());
        }
        let gone: HashSet<&str> = replaced.keys().map(String::as_str).collect();
        self.readers_gone(&gone).await;
        self.state().inspector.retire(&gone);
        for path in gone {
            self.delete_part_at(path).await?;
        }
        Ok(())
    }

    /// All but parts and manifests in its place; then a new manifest, and those before it go.
    async fn reseal_files(
        &self,
        due: &HashSet<String>,
        done: &mut Resealed,
    ) -> Result<(), StoreError> {
        let _no_flush_between = self.flushing.lock().await;
        let manifest = Arc::clone(&self.state().manifest);
        let mut of_manifests = 0;
        for path in due {
            let folder = path.split('/').next().unwrap_or_default();
            let is_due = match folder {
                // A copy comes by its own name.
                "identities" | "series" => {
                    let original = twin::original(path);
                    manifest.objects().any(|named| named == original)
                }
                "manifest" | "manifest-copies" => {
                    of_manifests += 1;
                    false
                }
                _ => folder == "erasure" || folder == "damaged",
            };
            if is_due {
                let content = self.objects.get(path).await?;
                self.objects.replace(path, content).await?;
                done.files += 1;
            }
        }
        if of_manifests > 0 {
            let next = Manifest {
                number: self.flush_number.fetch_add(1, Ordering::Relaxed) + 1,
                ..Manifest::clone(&manifest)
            };
            manifest::save(&self.objects, &next).await?;
            manifest::forget_before(&self.objects, next.number).await?;
            self.state().rewritten(next, |_| ());
            done.files += of_manifests;
        }
        Ok(())
    }

    /// The keys that files or frames of the journal are under.
    async fn all_keys_in_use(&self) -> Result<HashSet<KeyId>, StoreError> {
        let mut used = self.keys_in_use().await?;
        let mut from = Sequence::new(1);
        loop {
            let frames = self.journal.read_from(from, JOURNAL_BYTES)?;
            let Some(last) = frames.last() else {
                return Ok(used);
            };
            from = last.sequence.next();
            let sealed = frames.iter().filter(|frame| is_message(&frame.payload));
            used.extend(sealed.filter_map(|frame| KeyId::of_message(&frame.payload)));
        }
    }
}

/// A part as it is: only what seals it changes.
fn whole(part: &Part, file: &Bytes) -> Rewritten {
    Rewritten {
        file: file.to_vec(),
        rows: part.rows,
        times: (part.time_min_ms, part.time_max_ms),
    }
}

async fn on_cpu<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ParquetError> + Send + 'static,
) -> Result<T, StoreError> {
    crate::rewriting::on_cpu(work).await
}

fn owners_of(table: crate::Table, file: Bytes) -> Result<Vec<String>, ParquetError> {
    let mut owners = BTreeSet::new();
    for batch in Reader::open(table, file, Some(&[OWNER]))? {
        let batch = batch?;
        let column = Owners::of(&batch);
        for row in 0..batch.num_rows() {
            let owner = column.at(row);
            if !owners.contains(owner) {
                owners.insert(owner.to_owned());
            }
        }
    }
    Ok(owners.into_iter().collect())
}

/// The rows of one owner as a part of their own.
fn rows_of(
    table: crate::Table,
    file: Bytes,
    owner: &str,
) -> Result<Option<Rewritten>, ParquetError> {
    let prompts = prompts_of(file.clone(), table)?;
    let mut rewriting = Rewriting::begin(table, prompts)?;
    for batch in Reader::open(table, file, None)? {
        let batch = batch?;
        let column = Owners::of(&batch);
        let stays = (0..batch.num_rows()).map(|row| column.at(row) == owner);
        let stays = BooleanArray::from(stays.collect::<Vec<_>>());
        rewriting.keep(&batch, &stays)?;
    }
    rewriting.end()
}
