//! The directory encrypted: which key is for what.
//!
//! Invariant: once there is a key ring, nothing is written plain, and nothing at all is written without
//! the root key. What is of one organisation (frames of the journal, parts) is sealed with its key; what
//! is of all (manifests, identities, series, erasures) with the installation's. So an organisation whose
//! keys are gone cannot be read any more, and nobody else misses anything.

mod reader;
mod rewrite;
mod status;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use base::Disk;
use base::seal::{Envelope, HEADER_BYTES, Random, RootKey, Scope, Vault, is_message};
use bytes::Bytes;
use journal::Frame;

use crate::entry::Entry;
use crate::error::{AppendError, StoreError, Unreadable};
use crate::objects::Objects;
use crate::store::{Config, Store};

pub(crate) use reader::SealedReader;
pub use rewrite::{Beside, Resealed};
pub use status::{EncryptionStatus, KeyUse};

/// The column that says whose a row is.
const OWNER: &str = "organization";

/// The keys of the directory of a configuration, if it is encrypted. Changes nothing.
pub(crate) fn open(config: &Config) -> Result<Option<Arc<Vault>>, StoreError> {
    let disk = Arc::clone(&config.disk);
    let vault = of(disk, &config.dir, config.root_key.as_ref(), config.seed)?;
    Ok(vault.map(Arc::new))
}

/// The keys of a directory, if it is encrypted. Changes nothing.
pub(crate) fn of(
    disk: Arc<dyn Disk>,
    dir: &Path,
    root: Option<&RootKey>,
    seed: Option<u64>,
) -> Result<Option<Vault>, StoreError> {
    let vault = Vault::open(disk, dir, root, randomness(seed));
    vault.map_err(StoreError::Encryption)
}

/// The same objects, sealed from now on if there is a root key.
pub(crate) async fn begin(config: &Config, objects: Objects) -> Result<Objects, StoreError> {
    let (None, Some(root)) = (objects.vault(), config.root_key.clone()) else {
        return Ok(objects);
    };
    let (disk, dir, seed) = (Arc::clone(&config.disk), config.dir.clone(), config.seed);
    let made = tokio::task::spawn_blocking(move || {
        let random = randomness(seed);
        let vault = Vault::create(Arc::clone(&disk), &dir, &root, random)?;
        Ok(Objects::new(disk, &dir, Some(Arc::new(vault))))
    });
    let made = made.await;
    made.map_err(|error| StoreError::Internal(error.to_string()))?
        .map_err(StoreError::Encryption)
}

/// Nothing is sealed under a key that a power cut may take away.
pub(crate) async fn settle(objects: &Objects) -> Result<(), StoreError> {
    let Some(vault) = objects.vault().cloned() else {
        return Ok(());
    };
    let settled = tokio::task::spawn_blocking(move || vault.settle()).await;
    settled
        .map_err(|error| StoreError::Internal(error.to_string()))?
        .map_err(|error| StoreError::Encryption(error.into()))
}

fn randomness(seed: Option<u64>) -> Random {
    seed.map_or(Random::System, Random::seeded)
}

/// Whose a request is.
fn scope_of(entry: &Entry) -> Scope {
    let name = entry.provenance.as_ref().map(|token| &token.organization);
    Scope::Named(name.cloned().unwrap_or_default())
}

/// Whose a part is; with no owner, of several.
pub(crate) fn scope_of_part(owner: Option<&str>) -> Scope {
    match owner {
        Some(owner) => Scope::Named(owner.to_owned()),
        None => Scope::Installation,
    }
}

/// Whose the rows of a batch are.
pub(crate) struct Owners<'a>(Option<&'a StringViewArray>);

impl<'a> Owners<'a> {
    pub(crate) fn of(rows: &'a RecordBatch) -> Owners<'a> {
        let column = rows.column_by_name(OWNER);
        Owners(column.and_then(|column| column.as_any().downcast_ref()))
    }

    /// `""` for who came without a token.
    pub(crate) fn at(&self, row: usize) -> &'a str {
        let named = self.0.filter(|column| column.is_valid(row));
        named.map(|column| column.value(row)).unwrap_or_default()
    }
}

impl Store {
    /// What seals the directory, if it is encrypted.
    pub fn vault(&self) -> Option<&Arc<Vault>> {
        self.objects.vault()
    }

    /// What seals the frame of an entry.
    pub(crate) async fn envelope_of(
        &self,
        entry: &Entry,
    ) -> Result<Option<Arc<Envelope>>, AppendError> {
        let Some(vault) = self.objects.vault() else {
            return Ok(None);
        };
        let scope = scope_of(entry);
        let made = if vault.has_key(&scope) {
            vault.envelope(&scope)
        } else {
            let vault = Arc::clone(vault);
            let making = tokio::task::spawn_blocking(move || vault.envelope(&scope));
            making
                .await
                .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        };
        let envelope = made.map_err(|error| AppendError::Journal(error.into()))?;
        Ok(Some(Arc::new(envelope)))
    }

    /// The payload of a frame as it was before it was sealed.
    pub(crate) fn opened(&self, frame: &Frame) -> Result<Bytes, Unreadable> {
        if !is_message(&frame.payload) {
            return Ok(frame.payload.clone());
        }
        let vault = self.objects.vault();
        let vault = vault.ok_or("it is encrypted, and the key ring is missing")?;
        let opened = vault.open_message(&frame.payload);
        let (number, payload) = opened.map_err(|error| Unreadable::from(error.to_string()))?;
        if number != frame.sequence.get() {
            return Err(format!("it was written as frame {number}, and has been moved").into());
        }
        Ok(payload.into())
    }

    /// Whose the part at a path is, so that what replaces it is sealed with the same key.
    pub(crate) async fn scope_like(&self, path: &str) -> Result<Scope, StoreError> {
        let Some(vault) = self.objects.vault().cloned() else {
            return Ok(Scope::Installation);
        };
        let looking = self.objects.on_disk(path, move |files, target| {
            let mut beginning = [0; HEADER_BYTES];
            let filled = files.raw().read_at(target, 0, &mut beginning)?;
            let bytes = files.raw().file_len(target)?;
            let key = vault.key_of_file(&beginning[..filled], bytes);
            Ok(key.and_then(|(_, info)| info).map(|info| info.scope))
        });
        Ok(looking.await?.unwrap_or(Scope::Installation))
    }
}
