//! Which directory is sealed by what, for whoever has a path.
//!
//! Small files are written by many who know a path and nothing else. Whether such a file is sealed must not
//! depend on each of them: a ring above it decides. The root key is the process's, as its environment is.
//!
//! Invariant: below a directory with a ring nothing is written plain through here, and without the root key
//! nothing is written at all.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::is_sealed;
use super::ring::{self, COPY_PATH, PATH};
use super::root::RootKey;
use super::vault::{Random, Vault};
use super::{Scope, SealError, invalid};
use crate::disk::OsDisk;
use crate::private;

/// How deep a file may lie under its directory: `access/audit/000001.jsonl`.
const DEPTH_MAX: usize = 4;

#[derive(Default)]
struct Known {
    root: Option<RootKey>,
    vaults: Option<HashMap<PathBuf, Arc<Vault>>>,
}

static KNOWN: Mutex<Known> = Mutex::new(Known {
    root: None,
    vaults: None,
});

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on this is the process's root key. Vaults that are open are opened anew.
pub fn provide(root: Option<RootKey>) {
    let mut known = known();
    known.root = root;
    known.vaults = None;
}

/// From now on this is the process's root key, which the vaults that are open know already.
pub fn renew(root: RootKey) {
    known().root = Some(root);
}

/// From now on `vault` seals what is under its directory: whoever changes its keys has it, too.
pub fn adopt(vault: Arc<Vault>) {
    let mut known = known();
    let vaults = known.vaults.get_or_insert_default();
    vaults.insert(vault.dir().to_owned(), vault);
}

/// The process's root key.
#[must_use]
pub fn provided() -> Option<RootKey> {
    known().root.clone()
}

/// What seals the file at `path`, and its name under the directory; `None` when no directory above it has
/// a ring.
///
/// # Errors
/// There is a ring, and the root key is missing or another.
pub fn of(path: &Path) -> Result<Option<(Arc<Vault>, String)>, SealError> {
    for dir in path.ancestors().skip(1).take(DEPTH_MAX) {
        // What cannot be looked at may be there: then nothing is written plain.
        if !dir.join(PATH).try_exists()? && !dir.join(COPY_PATH).try_exists()? {
            continue;
        }
        let name = path.strip_prefix(dir).unwrap_or(path);
        let name = name.to_string_lossy().replace('\\', "/");
        return vault(dir).map(|vault| vault.map(|vault| (vault, name)));
    }
    Ok(None)
}

fn vault(dir: &Path) -> Result<Option<Arc<Vault>>, SealError> {
    let mut known = known();
    if let Some(vault) = known.vaults.as_ref().and_then(|vaults| vaults.get(dir)) {
        return Ok(Some(Arc::clone(vault)));
    }
    let opened = Vault::open(Arc::new(OsDisk), dir, known.root.as_ref(), Random::System)?;
    let vault = opened.map(Arc::new);
    if let Some(vault) = &vault {
        // A process that was killed may have left it half done.
        ring::make_durable(&OsDisk, dir)?;
        let vaults = known.vaults.get_or_insert_default();
        vaults.insert(dir.to_owned(), Arc::clone(vault));
    }
    Ok(vault)
}

/// What is to be written at `path`: sealed where there is a ring.
///
/// # Errors
/// There is a ring, and the root key is missing or another.
pub fn seal_document(path: &Path, plain: Vec<u8>) -> io::Result<Vec<u8>> {
    match of(path)? {
        Some((vault, name)) => vault.seal_file(&Scope::Installation, &name, &plain),
        None => Ok(plain),
    }
}

/// What was read at `path`, opened if it is sealed.
///
/// # Errors
/// It is not what was written, or the key is not at hand.
pub fn unseal_document(path: &Path, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if !is_sealed(&bytes) {
        return Ok(bytes);
    }
    match of(path)? {
        Some((vault, name)) => vault.unseal(&name, &bytes),
        None => Err(invalid(format!(
            "it is encrypted, and there is no {PATH} above it: restore it from a backup"
        ))),
    }
}

/// Seals the file at `path` anew, in its place, under the current key; says whether it had to be. Nobody
/// else may be writing it.
///
/// # Errors
/// It cannot be opened or written; then it is as it was.
pub fn reseal_document(path: &Path) -> io::Result<bool> {
    let Some((vault, name)) = of(path)?.filter(|_| path.exists()) else {
        return Ok(false);
    };
    let kept = fs::read(path)?;
    let key = vault.key_of_file(&kept, kept.len() as u64);
    if key.is_some_and(|(_, info)| info.is_some_and(|info| info.is_current)) {
        return Ok(false);
    }
    let plain = unseal_document(path, kept)?;
    let sealed = vault.seal_file(&Scope::Installation, &name, &plain)?;
    let draft = path.with_extension("resealed");
    let mut file = private::file(&draft)?;
    file.write_all(&sealed)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()?;
    Ok(true)
}
