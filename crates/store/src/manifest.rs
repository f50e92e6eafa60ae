//! The manifest: which parts there are, and from where the journal must be replayed.
//!
//! Each flush writes a new manifest object, `manifest/<number>.json`, created only if absent, so two
//! writers can never both win. The highest number that can be read is the truth. Invariant: every
//! object a durable manifest names is durable, and a journal segment is deleted only after the
//! manifest that makes it superfluous is.

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::objects::Objects;
use crate::origins::Split;
use crate::part::Part;

/// The version of the data directory that this binary writes.
pub(crate) const VERSION: u32 = 1;
pub(crate) const DIR: &str = "manifest";
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
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
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
        }
    }

    fn path(number: u64) -> String {
        format!("{DIR}/{number:020}.json")
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
    let mut found = objects.list(DIR).await?;
    found.sort_by(|one, other| other.cmp(one));
    let newest = found
        .first()
        .and_then(|path| number_of(path))
        .unwrap_or_default();
    let mut damaged = Vec::new();
    for path in &found {
        match parse(&objects.get(path).await?) {
            Ok(manifest) => {
                let is_fallback = manifest.number != newest;
                let manifest = Manifest {
                    number: newest,
                    ..manifest
                };
                return Ok(Some(Loaded {
                    manifest,
                    is_fallback,
                }));
            }
            Err(Unreadable::Newer(version)) => {
                return Err(StoreError::NewerVersion {
                    found: version,
                    known: VERSION,
                });
            }
            Err(Unreadable::Damaged(reason)) => damaged.push(format!("{path}: {reason}")),
        }
        tracing::error!("{path} cannot be read; trying the manifest before it");
    }
    if damaged.is_empty() {
        Ok(None)
    } else {
        Err(StoreError::DamagedManifest(damaged.join("; ")))
    }
}

fn number_of(path: &str) -> Option<u64> {
    path.strip_prefix(DIR)?
        .strip_prefix('/')?
        .strip_suffix(".json")?
        .parse()
        .ok()
}

enum Unreadable {
    Newer(u32),
    Damaged(String),
}

fn parse(text: &[u8]) -> Result<Manifest, Unreadable> {
    let damaged = |error: serde_json::Error| Unreadable::Damaged(error.to_string());
    // The version comes before the checksum: a newer version may write its checksum differently, and
    // taking an older manifest instead would lose what the newer version has stored since.
    let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<VersionOnly>();
    match documents.next() {
        Some(Ok(found)) if found.version > VERSION => return Err(Unreadable::Newer(found.version)),
        _ => {}
    }
    let body =
        checked(text).ok_or_else(|| Unreadable::Damaged("checksum does not match".into()))?;
    serde_json::from_slice(body).map_err(damaged)
}

/// The document before its last line, when that line is its checksum.
fn checked(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_suffix(b"\n")?;
    let at = text.iter().rposition(|byte| *byte == b'\n')?;
    let (body, line) = (&text[..at], &text[at + 1..]);
    (line == checksum_line(body).as_bytes()).then_some(body)
}

fn checksum_line(body: &[u8]) -> String {
    format!("crc32c {:08x}", crc32c::crc32c(body))
}

/// Makes `manifest` the newest one, durably.
pub(crate) async fn save(objects: &Objects, manifest: &Manifest) -> Result<(), StoreError> {
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| StoreError::Internal(error.to_string()))?;
    let line = checksum_line(&text);
    text.push(b'\n');
    text.extend_from_slice(line.as_bytes());
    text.push(b'\n');
    objects.create(&Manifest::path(manifest.number), text).await
}

/// Deletes manifests that are no longer needed.
pub(crate) async fn prune(objects: &Objects, newest: u64) -> Result<(), StoreError> {
    let oldest_kept = Manifest::path((newest + 1).saturating_sub(KEEP as u64));
    for path in objects
        .list(DIR)
        .await?
        .iter()
        .filter(|path| **path < oldest_kept)
    {
        objects.delete(path).await?;
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
            version: 2,
            number: 4,
            ..Manifest::first(7)
        };
        save(&objects, &newer).await.expect("saves");
        assert!(matches!(
            load(&objects).await,
            Err(StoreError::NewerVersion { found: 2, .. })
        ));
    }

    #[tokio::test]
    async fn every_flipped_bit_is_noticed() {
        let objects = Objects::simulated();
        save(&objects, &Manifest::first(7)).await.expect("saves");
        let text = objects.get(&Manifest::path(0)).await.expect("reads");
        for bit in 0..text.len() * 8 {
            let mut damaged = text.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&damaged).is_err(), "bit {bit}");
        }
    }
}
