//! The manifest: which parts there are, and from where the journal must be replayed.
//!
//! Each flush writes a new manifest object, `manifest/<number>.json`, created only if absent, so two
//! writers can never both win. A copy of it lies beside it, `manifest-copies/<number>.json`, so that one
//! damaged file costs nothing. The highest number that can be read is the truth. Invariant: every
//! object a durable manifest names is durable, and a journal segment is deleted only after the
//! manifest that makes it superfluous is. The newest manifest's version is no less than that of any
//! file beside it: whoever reads a later version of some file writes a manifest first.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::document;
use crate::error::StoreError;
use crate::objects::Objects;
use crate::part::Part;
use crate::split::Split;
use crate::twin::{self, Neither};

/// The version of the data directory that this binary writes. It rises with the version of any file
/// in it: a binary that cannot read some file must be stopped by the manifest, before it changes
/// anything.
///
/// 1. The first.
/// 2. The state of cumulative series has a version and a checksum; identities and series are kept twice.
/// 3. Split sessions are named by hashes.
pub(crate) const VERSION: u32 = 3;
pub(crate) const DIR: &str = "manifest";
/// Where the copies are: not beside the manifests, so that programs that know no copies see none.
pub(crate) const COPIES_DIR: &str = "manifest-copies";
/// Older manifests that are kept, in case the newest is damaged by the disk.
const KEEP: usize = 3;

/// The file of one flush's identities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct IdentityFile {
    pub(crate) path: String,
    /// The latest time of receipt in it, by the wall clock.
    pub(crate) newest_ns: u64,
    /// The data directory's age when it was written.
    #[serde(default)]
    pub(crate) age_ns: u64,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

/// The durable state of a store, beside the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) version: u32,
    pub(crate) number: u64,
    /// For how long the data directory had been served, see `age.rs`.
    #[serde(default)]
    pub(crate) age_ns: u64,
    /// The secret of the content hashes.
    pub(crate) identity_key: u64,
    /// Every journal frame up to this sequence is in the parts.
    pub(crate) journal_through: u64,
    pub(crate) parts: Vec<Part>,
    pub(crate) identities: Vec<IdentityFile>,
    /// State of cumulative series.
    pub(crate) series: Option<String>,
    /// Sessions that came under more than one resource.
    #[serde(default, skip_serializing_if = "Split::is_empty")]
    pub(crate) split: Split,
    /// The last erasure whose rows are in none of the parts any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erasure: Option<String>,
}

impl Manifest {
    /// The manifest of an empty data directory.
    pub(crate) fn first(identity_key: u64) -> Manifest {
        Manifest {
            version: VERSION,
            number: 0,
            age_ns: 0,
            identity_key,
            journal_through: 0,
            parts: Vec::new(),
            identities: Vec::new(),
            series: None,
            split: Split::default(),
            erasure: None,
        }
    }

    /// The same in the newest version, when it is not yet.
    pub(crate) fn upgraded(&self) -> Option<Manifest> {
        (self.version < VERSION).then(|| Manifest {
            version: VERSION,
            number: self.number + 1,
            ..self.clone()
        })
    }

    pub(crate) fn path(number: u64) -> String {
        format!("{DIR}/{number:020}.json")
    }

    fn copy_path(number: u64) -> String {
        format!("{COPIES_DIR}/{number:020}.json")
    }

    /// Every object the manifest names.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &str> {
        let parts = self.parts.iter().map(|part| part.path.as_str());
        let identities = self.identities.iter().map(|file| file.path.as_str());
        parts.chain(identities).chain(self.series.as_deref())
    }
}

/// A manifest, and whether a newer one is there that cannot be read.
#[derive(Debug, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) manifest: Manifest,
    pub(crate) is_fallback: bool,
}

/// The newest manifest that can be read, or `None` in an empty directory. Its number is that of the
/// newest object, so that the next manifest does not meet a damaged one's name.
pub(crate) async fn load(objects: &Objects) -> Result<Option<Loaded>, StoreError> {
    let mut numbers = numbers(objects, DIR).await?;
    numbers.extend(self::numbers(objects, COPIES_DIR).await?);
    let newest = numbers.last().copied().unwrap_or_default();
    let mut damaged = Vec::new();
    for number in numbers.into_iter().rev() {
        let (path, copy) = (Manifest::path(number), Manifest::copy_path(number));
        let decode = |bytes: &[u8]| document::unseal::<Manifest>(bytes, VERSION);
        match twin::either(objects, &path, &copy, decode).await {
            Ok((manifest, fault)) => {
                if let Some(fault) = fault {
                    tracing::error!("{path}: {fault}; its copy was read instead");
                }
                return Ok(Some(Loaded {
                    is_fallback: manifest.number != newest,
                    manifest: Manifest {
                        number: newest,
                        ..manifest
                    },
                }));
            }
            Err(Neither::Stops(error)) => return Err(error),
            Err(Neither::Damaged(reason)) => damaged.push(format!("{path}: {reason}")),
        }
        tracing::error!("{path} cannot be read; trying the manifest before it");
    }
    if damaged.is_empty() {
        Ok(None)
    } else {
        Err(StoreError::DamagedManifest(damaged.join("; ")))
    }
}

/// The numbers of the manifests in a directory.
async fn numbers(objects: &Objects, dir: &str) -> Result<BTreeSet<u64>, StoreError> {
    let paths = objects.list(dir).await?;
    let number_of = |path: &String| {
        let name = path.strip_prefix(dir)?.strip_prefix('/')?;
        name.strip_suffix(".json")?.parse().ok()
    };
    Ok(paths.iter().filter_map(number_of).collect())
}

/// Makes `manifest` the newest one, durably.
pub(crate) async fn save(objects: &Objects, manifest: &Manifest) -> Result<(), StoreError> {
    let text = document::seal(manifest)?;
    let path = Manifest::path(manifest.number);
    objects.create(&path, text.clone()).await?;
    // It counts from here on. Without its copy it is as safe as the journal before it was.
    let copied = objects
        .replace(&Manifest::copy_path(manifest.number), text)
        .await;
    if let Err(error) = copied {
        tracing::warn!("{path} has no copy: {error}");
    }
    Ok(())
}

/// Deletes manifests that are no longer needed.
pub(crate) async fn prune(objects: &Objects, newest: u64) -> Result<(), StoreError> {
    delete_before(objects, (newest + 1).saturating_sub(KEEP as u64)).await
}

/// Deletes all manifests before `oldest_kept`, durably: what they name must not come back.
pub(crate) async fn forget_before(objects: &Objects, oldest_kept: u64) -> Result<(), StoreError> {
    delete_before(objects, oldest_kept).await?;
    objects.sync_names(DIR).await?;
    objects.sync_names(COPIES_DIR).await
}

async fn delete_before(objects: &Objects, oldest_kept: u64) -> Result<(), StoreError> {
    for dir in [DIR, COPIES_DIR] {
        for number in numbers(objects, dir).await?.range(..oldest_kept) {
            objects.delete(&format!("{dir}/{number:020}.json")).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_wins_and_none_is_overwritten() {
        let objects = Objects::simulated();
        assert_eq!(load(&objects).await.expect("loads"), None);
        let mut manifest = Manifest::first(7);
        for number in 1..=6 {
            manifest.number = number;
            save(&objects, &manifest).await.expect("saves");
        }
        assert!(
            save(&objects, &manifest).await.is_err(),
            "a second writer of the same number loses"
        );
        prune(&objects, 6).await.expect("prunes");
        let is_fallback = false;
        assert_eq!(
            load(&objects).await.expect("loads"),
            Some(Loaded {
                manifest,
                is_fallback
            })
        );
        assert_eq!(objects.list(DIR).await.expect("lists").len(), KEEP);
    }

    #[tokio::test]
    async fn a_damaged_manifest_falls_back_and_a_newer_version_is_refused() {
        let objects = Objects::simulated();
        let mut manifest = Manifest::first(7);
        manifest.number = 1;
        save(&objects, &manifest).await.expect("saves");
        objects
            .create(&Manifest::path(2), b"{\"version\":1,\"numb".to_vec())
            .await
            .expect("puts");
        let mut fallen_back = load(&objects)
            .await
            .expect("loads")
            .expect("the one before");
        assert!(fallen_back.is_fallback);
        let fallen_back = &mut fallen_back.manifest;
        assert_eq!((fallen_back.number, fallen_back.identity_key), (2, 7));
        fallen_back.number += 1;
        save(&objects, fallen_back)
            .await
            .expect("the next number is free");
        let newer = Manifest {
            version: VERSION + 1,
            number: 4,
            ..Manifest::first(7)
        };
        save(&objects, &newer).await.expect("saves");
        assert!(matches!(
            load(&objects).await,
            Err(StoreError::NewerVersion { found, path, .. })
                if found == VERSION + 1 && path == Manifest::path(4)
        ));
    }
}
