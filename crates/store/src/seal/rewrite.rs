//! What is plain, mixed, or under an old key is written anew.
//!
//! Order, which is the argument that a crash costs nothing: parts are written beside the old ones, and
//! nothing names them; one manifest names them instead of the old; then the old are deleted. Everything
//! else is replaced in its place, whole or not at all. Cut short anywhere, it is begun again and goes on
//! with what is left.
//!
//! Intake, queries, erasing and aging out go on meanwhile: between a few parts whoever waits has their turn,
//! and parts that are gone or new by then are left to the next time. A key is forgotten only if it was old
//! before a flush that everybody was waited for who may have had it in hand, and nothing is under it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::BooleanArray;
use base::seal::{KeyId, KeyInfo, Scope, is_message};
use bytes::Bytes;
use journal::Sequence;
use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};

use super::status::Sealed;
use super::{OWNER, Owners, scope_of_part};
use crate::error::StoreError;
use crate::manifest::{self, Manifest};
use crate::part::{self, Part, Reader, Rewriting, Rewritten, prompts_of};
use crate::store::Store;
use crate::twin;

/// So many parts are written before a manifest makes them count: no more work than this is lost, and no
/// more space is taken twice.
const PARTS_AT_ONCE: usize = 16;
/// How much of the journal is looked at at once.
const JOURNAL_BYTES: usize = 1 << 20;

/// What writing anew came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// Who else may be writing into the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nobody but this process, and it writes no documents.
    Nobody,
    /// A server's other work, and commands that have the keys of the installation in hand: these are not
    /// forgotten.
    Others,
}

impl Beside {
    fn may_forget(self, scope: &Scope) -> bool {
        self == Beside::Nobody || *scope != Scope::Installation
    }
}

/// Says that parts are being written anew, until it is dropped.
struct Resealing<'a>(&'a AtomicBool);

impl<'a> Resealing<'a> {
    fn begin(is_resealing: &'a AtomicBool) -> Result<Resealing<'a>, StoreError> {
        match is_resealing.swap(true, Ordering::SeqCst) {
            true => Err(StoreError::Busy("it is being written anew already".into())),
            false => Ok(Resealing(is_resealing)),
        }
    }
}

impl Drop for Resealing<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Store {
    /// Writes anew all that is plain, mixed, or under an old key, and forgets the keys that nothing is
    /// under any more. `told` hears how many of how many parts are done. The journal must be replayed.
    ///
    /// # Errors
    /// The directory is not encrypted, this is under way already, or the disk fails. It may be begun again.
    pub async fn reseal(
        &self,
        beside: Beside,
        told: impl Fn(u64, u64),
    ) -> Result<Resealed, StoreError> {
        let Some(vault) = self.objects.vault().cloned() else {
            let reason = "the directory is not encrypted: set a key first";
            return Err(StoreError::Busy(reason.into()));
        };
        if !self.replay_progress().is_done() {
            let reason = "the journal is being replayed: write anew when that is done";
            return Err(StoreError::Busy(reason.into()));
        }
        let _one = Resealing::begin(&self.erasing.is_resealing)?;
        let may_go = |key: &KeyInfo| !key.is_current && beside.may_forget(&key.scope);
        let old = vault.keys().into_iter().filter(may_go);
        let old: HashSet<KeyId> = old.map(|key| key.id).collect();
        // Also what a process before left of the journal that is in parts: its frames are under old keys.
        self.cut_journal(self.journal.last_synced().get()).await?;
        let current = vault.keys().into_iter().filter(|key| key.is_current);
        let current: HashMap<KeyId, Scope> = current.map(|key| (key.id, key.scope)).collect();
        let is_mixed = |file: &Sealed| {
            file.path.starts_with("parts/")
                && file.key.and_then(|key| current.get(&key)) == Some(&Scope::Installation)
        };
        let files = self.sealed_files().await?;
        let is_due = |file: &Sealed| file.key.is_none_or(|key| !current.contains_key(&key));
        let due: BTreeSet<String> = files
            .into_iter()
            .filter(|file| is_due(file) || is_mixed(file))
            .map(|file| file.path)
            .collect();
        let mut done = Resealed::default();
        self.reseal_parts(&due, &mut done, told).await?;
        self.reseal_files(&due, &mut done).await?;
        let mut used = self.all_keys_in_use().await?;
        used.extend(
            vault
                .keys()
                .iter()
                .map(|key| key.id)
                .filter(|id| !old.contains(id)),
        );
        let forgotten = tokio::task::spawn_blocking(move || vault.drop_unused(&used)).await;
        let forgotten = forgotten.map_err(|error| StoreError::Internal(error.to_string()))?;
        done.keys_forgotten = forgotten? as u64;
        Ok(done)
    }

    async fn reseal_parts(
        &self,
        due: &BTreeSet<String>,
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
        let mut others = 0;
        told(0, total);
        for some in parts.chunks(PARTS_AT_ONCE) {
            let _turn = self.erasing.one.lock().await;
            let mut replaced: HashMap<String, Vec<Part>> = HashMap::new();
            // Whoever had their turn may have replaced some.
            let there = self.still_there(some);
            others += (some.len() - there.len()) as u64;
            for part in there {
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
            told(done.parts + done.unreadable + others, total);
        }
        Ok(())
    }

    fn still_there<'p>(&self, parts: &'p [Part]) -> Vec<&'p Part> {
        let state = self.state();
        let now: HashSet<&str> = state
            .manifest
            .parts
            .iter()
            .map(|part| &*part.path)
            .collect();
        let there = parts.iter().filter(|part| now.contains(&*part.path));
        there.collect()
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
        // In the same order each time, so that a simulation can be repeated.
        for path in gone.into_iter().collect::<BTreeSet<_>>() {
            self.delete_part_at(path).await?;
        }
        Ok(())
    }

    /// All but parts and manifests in its place; then a new manifest, and those before it go.
    async fn reseal_files(
        &self,
        due: &BTreeSet<String>,
        done: &mut Resealed,
    ) -> Result<(), StoreError> {
        let _turn = self.erasing.one.lock().await;
        let _no_flush_between = self.flushing.lock().await;
        let manifest = Arc::clone(&self.state().manifest);
        let is_named = |path: &str| {
            let original = twin::original(path);
            manifest.objects().any(|named| named == original)
        };
        let mut of_manifests = 0;
        for path in due {
            let folder = path.split('/').next().unwrap_or_default();
            match folder {
                // A copy comes by its own name.
                "identities" | "series" if !is_named(path) => {}
                "identities" | "series" | "erasure" | "damaged" => {
                    let content = match self.objects.get(path).await {
                        // Gone since it was looked at.
                        Err(error) if error.is_missing() => continue,
                        read => read?,
                    };
                    self.objects.replace(path, content).await?;
                    done.files += 1;
                }
                "manifest" | "manifest-copies" => of_manifests += 1,
                _ => {}
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
