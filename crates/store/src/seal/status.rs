//! What is encrypted, under which key, and what is still plain.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use base::Disk;
use base::seal::{HEADER_BYTES, KeyId, RING_PATH, Scope, Vault, is_sealed};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::store::Store;

/// What is looked at, a folder of the data directory each, and how deep.
const FOLDERS: [(&str, usize); 9] = [
    ("parts", 2),
    ("identities", 0),
    ("series", 0),
    ("manifest", 0),
    ("manifest-copies", 0),
    ("erasure", 0),
    ("damaged", 0),
    ("access", 1),
    ("keys", 0),
];
/// Files there that hold nothing that is secret: locks, the ring itself, which is wrapped, the head of the
/// audit trail, which is numbers and hashes, and the link for the first admin, which a person reads.
const NOT_SEALED: [&str; 3] = [".lock", "access/audit/head", "access/setup-link"];
/// How much of a directory a key has sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The key's name.
    pub key: String,
    /// Whose it is; `None` for the installation's, empty for items without an organisation.
    pub organization: Option<String>,
    /// Whether it seals what is written now.
    pub is_current: bool,
    /// When it was made, Unix seconds.
    pub made_at_s: u64,
    /// Files under it.
    pub files: u64,
    /// Bytes of these on the disk.
    pub bytes: u64,
}

/// Files whose lines are sealed one by one.
const LINES: &str = ".jsonl";

/// What of a data directory is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptionStatus {
    /// What the root key may be called by; none where nothing is encrypted.
    pub root_key: Option<String>,
    /// The keys, and what each has sealed.
    pub keys: Vec<KeyUse>,
    /// Files that are plain.
    pub plain_files: u64,
    /// Bytes of these.
    pub plain_bytes: u64,
    /// Parts with items of more than one organisation, under the installation's key.
    pub mixed_parts: u64,
    /// Files under keys that are not in the ring: nobody can read them.
    pub lost_files: u64,
    /// Bytes of these.
    pub lost_bytes: u64,
}

impl EncryptionStatus {
    /// Whether everything is under current keys, and nothing plain.
    pub fn is_finished(&self) -> bool {
        let is_old = |key: &KeyUse| !key.is_current && key.files > 0;
        self.root_key.is_some()
            && self.plain_files == 0
            && self.mixed_parts == 0
            && !self.keys.iter().any(is_old)
    }
}

/// A file and what seals it.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub(super) path: String,
    pub(super) bytes: u64,
    /// `None` when it is plain.
    pub(super) key: Option<KeyId>,
}

impl Store {
    /// What is encrypted and what is not. The journal is not looked at: what is in it leaves with the next
    /// flush.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn encryption_status(&self) -> Result<EncryptionStatus, StoreError> {
        let files = self.sealed_files().await?;
        let Some(vault) = self.objects.vault() else {
            let plain_bytes = files.iter().map(|file| file.bytes).sum();
            return Ok(EncryptionStatus {
                plain_files: files.len() as u64,
                plain_bytes,
                ..EncryptionStatus::default()
            });
        };
        Ok(status_of(vault, &files))
    }

    /// All files that hold anything, and what seals each.
    pub(super) async fn sealed_files(&self) -> Result<Vec<Sealed>, StoreError> {
        let (disk, root) = (Arc::clone(&self.config.disk), self.config.dir.clone());
        let looking = tokio::task::spawn_blocking(move || {
            let mut files = Vec::new();
            for (folder, depth) in FOLDERS {
                walk(disk.as_ref(), &root, folder, depth, &mut files)?;
            }
            let mut sealed = Vec::new();
            for path in files.into_iter().filter(|path| holds_something(path)) {
                sealed.extend(look(disk.as_ref(), &root, path)?);
            }
            Ok(sealed)
        });
        let looked: io::Result<Vec<Sealed>> = looking
            .await
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(looked?)
    }

    /// The keys that some file is under.
    pub(super) async fn keys_in_use(&self) -> Result<HashSet<KeyId>, StoreError> {
        let files = self.sealed_files().await?;
        Ok(files.into_iter().filter_map(|file| file.key).collect())
    }
}

fn holds_something(path: &str) -> bool {
    !path.starts_with(RING_PATH) && !NOT_SEALED.iter().any(|end| path.ends_with(end))
}

fn status_of(vault: &Vault, files: &[Sealed]) -> EncryptionStatus {
    let mut by_key: BTreeMap<KeyId, (u64, u64)> = BTreeMap::new();
    let mut status = EncryptionStatus {
        root_key: Some(vault.root_name()),
        ..EncryptionStatus::default()
    };
    let keys = vault.keys();
    for file in files {
        let Some(id) = file.key else {
            status.plain_files += 1;
            status.plain_bytes += file.bytes;
            continue;
        };
        let Some(key) = keys.iter().find(|key| key.id == id) else {
            status.lost_files += 1;
            status.lost_bytes += file.bytes;
            continue;
        };
        let is_mixed = key.scope == Scope::Installation && file.path.starts_with("parts/");
        status.mixed_parts += u64::from(is_mixed);
        let used = by_key.entry(id).or_default();
        *used = (used.0 + 1, used.1 + file.bytes);
    }
    let uses = keys.into_iter().map(|key| {
        let (files, bytes) = by_key.get(&key.id).copied().unwrap_or_default();
        KeyUse {
            key: key.id.to_string(),
            organization: match key.scope {
                Scope::Installation => None,
                Scope::Named(name) => Some(name),
            },
            is_current: key.is_current,
            made_at_s: key.made_at_s,
            files,
            bytes,
        }
    });
    status.keys = uses.collect();
    status.keys.sort_by(|a, b| {
        let order = |key: &KeyUse| (key.organization.clone(), !key.is_current, key.made_at_s);
        order(a).cmp(&order(b))
    });
    status
}

/// A file as what seals it; one whose lines are sealed one by one, as each key that seals some.
fn look(disk: &dyn Disk, root: &Path, path: String) -> io::Result<Vec<Sealed>> {
    let target = root.join(&path);
    let mut beginning = [0; HEADER_BYTES];
    let read = disk.file_len(&target).and_then(|bytes| {
        let filled = disk.read_at(&target, 0, &mut beginning)?;
        Ok((bytes, filled))
    });
    let (bytes, filled) = match read {
        // Removed since the folder was listed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    if bytes == 0 {
        return Ok(Vec::new());
    }
    if path.ends_with(LINES) {
        return lines(disk, &target, &path);
    }
    let beginning = &beginning[..filled];
    let key = is_sealed(beginning)
        .then(|| KeyId::of_header(beginning))
        .flatten();
    Ok(vec![Sealed { path, bytes, key }])
}

fn lines(disk: &dyn Disk, target: &Path, path: &str) -> io::Result<Vec<Sealed>> {
    let mut by_key: BTreeMap<Option<KeyId>, u64> = BTreeMap::new();
    for line in disk.read(target)?.split_inclusive(|byte| *byte == b'\n') {
        let key = Vault::key_of_line(line.trim_ascii_end());
        *by_key.entry(key).or_default() += line.len() as u64;
    }
    let found = by_key.into_iter().map(|(key, bytes)| Sealed {
        path: path.to_owned(),
        bytes,
        key,
    });
    Ok(found.collect())
}

fn walk(
    disk: &dyn Disk,
    root: &Path,
    folder: &str,
    depth_left: usize,
    paths: &mut Vec<String>,
) -> io::Result<()> {
    let at = root.join(folder);
    let names = match disk.list(&at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        names => names?,
    };
    paths.extend(names.iter().map(|name| format!("{folder}/{name}")));
    if depth_left == 0 {
        return Ok(());
    }
    for name in disk.list_dirs(&at)? {
        walk(
            disk,
            root,
            &format!("{folder}/{name}"),
            depth_left - 1,
            paths,
        )?;
    }
    Ok(())
}
