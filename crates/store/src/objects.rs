//! Files that are whole and durable when `create` or `replace` returns.
//!
//! A file is written under a name of its own, synced, renamed to the name that counts, and the
//! directory is synced. So a name that counts always leads to whole contents, whatever happens and
//! whenever; what a crash leaves under the other name is removed at the next start.
//!
//! All of it goes through [`base::Disk`], so that the store runs on a simulated disk as well.
//! Queries read parts through `object_store`, which sees the same files.
//!
//! In an encrypted directory every object is sealed as it is written, and opened as it is read: nothing
//! above this file sees a difference.

use std::collections::HashSet;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base::Disk;
use base::seal::{OpeningDisk, Scope, Vault, is_sealed};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use crate::error::StoreError;
use crate::seal::SealedReader;

/// Follows the name of a file that is being written.
const UNFINISHED: &str = ".unfinished";
/// How deep directories lie below the first: `parts/<table>/<day>`.
const DEPTH_MAX: usize = 2;

/// Where parts, identities and manifests are: files under one directory, named by paths with `/`.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    files: Arc<Files>,
}

#[derive(Debug)]
pub(crate) struct Files {
    /// Sealed files look plain on it.
    disk: Arc<dyn Disk>,
    root: PathBuf,
    vault: Option<Sealing>,
    /// Directories that are known to be durable, so that each is synced once.
    durable_dirs: Mutex<HashSet<PathBuf>>,
}

/// What seals objects, and the disk on which they are seen sealed.
#[derive(Debug)]
struct Sealing {
    vault: Arc<Vault>,
    opening: OpeningDisk,
    raw: Arc<dyn Disk>,
}

impl Objects {
    /// Objects as files under a directory, which must exist; sealed, where there is what seals them.
    pub(crate) fn new(raw: Arc<dyn Disk>, root: &Path, vault: Option<Arc<Vault>>) -> Objects {
        let vault = vault.map(|vault| Sealing {
            opening: OpeningDisk::new(Arc::clone(&raw), Arc::clone(&vault)),
            raw: Arc::clone(&raw),
            vault,
        });
        Objects {
            files: Arc::new(Files {
                disk: match &vault {
                    Some(sealing) => Arc::new(sealing.opening.clone()),
                    None => raw,
                },
                root: root.to_owned(),
                vault,
                durable_dirs: Mutex::default(),
            }),
        }
    }

    /// What seals the objects.
    pub(crate) fn vault(&self) -> Option<&Arc<Vault>> {
        self.files.vault.as_ref().map(|sealing| &sealing.vault)
    }

    /// The disk, on which sealed files look plain.
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.files.disk)
    }

    #[cfg(test)]
    pub(crate) fn simulated() -> Objects {
        Objects::new(
            Arc::new(base::sim::SimDisk::new()),
            Path::new("/data"),
            None,
        )
    }

    /// The same files for readers that know `object_store`.
    pub(crate) fn reader(&self) -> Result<Arc<dyn ObjectStore>, StoreError> {
        let plain = LocalFileSystem::new_with_prefix(&self.files.root)?;
        let Some(sealing) = &self.files.vault else {
            return Ok(Arc::new(plain));
        };
        Ok(Arc::new(SealedReader::new(
            plain,
            sealing.opening.clone(),
            Arc::clone(&sealing.raw),
            self.files.root.clone(),
        )))
    }

    /// Writes an object that must not exist yet; durable on return.
    pub(crate) async fn create(&self, path: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let name = path.to_owned();
        self.on_disk(path, move |files, target| {
            files.must_be_free(target)?;
            files.put(target, &files.sealed(&Scope::Installation, &name, bytes)?)
        })
        .await
    }

    /// Writes an object, replacing one that a flush cut short may have left; durable on return.
    pub(crate) async fn replace(&self, path: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.replace_of(&Scope::Installation, path, bytes).await
    }

    /// The same for an object that is somebody's: with that key it is sealed, if objects are.
    pub(crate) async fn replace_of(
        &self,
        scope: &Scope,
        path: &str,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let (name, scope) = (path.to_owned(), scope.clone());
        self.on_disk(path, move |files, target| {
            files.put(target, &files.sealed(&scope, &name, bytes)?)
        })
        .await
    }

    /// The whole of an object.
    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        self.on_disk(path, |files, target| {
            let bytes = files.disk.read(target)?;
            if files.vault.is_none() && is_sealed(&bytes) {
                let reason =
                    "it is encrypted, and the key ring is missing: restore keys/ring from a backup";
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            Ok(bytes)
        })
        .await
    }

    /// Removes an object, if it is there.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), StoreError> {
        self.on_disk(path, |files, target| {
            gone_is_fine(files.disk.remove(target))
        })
        .await
    }

    /// Makes the names that are in a directory durable: a killed process may have left some that are
    /// only in the system's memory.
    pub(crate) async fn sync_names(&self, dir: &str) -> Result<(), StoreError> {
        self.on_disk(dir, |files, target| {
            gone_is_fine(files.disk.sync_dir(target))
        })
        .await
    }

    /// The paths under a directory, in order.
    pub(crate) async fn list(&self, dir: &str) -> Result<Vec<String>, StoreError> {
        let mut paths = self.all_under(dir).await?;
        paths.retain(|path| !path.ends_with(UNFINISHED));
        Ok(paths)
    }

    /// The paths under a directory whose writing a crash or a failure has cut short, in order.
    pub(crate) async fn unfinished(&self, dir: &str) -> Result<Vec<String>, StoreError> {
        let mut paths = self.all_under(dir).await?;
        paths.retain(|path| path.ends_with(UNFINISHED));
        Ok(paths)
    }

    async fn all_under(&self, dir: &str) -> Result<Vec<String>, StoreError> {
        let top = dir.to_owned();
        self.on_disk(dir, move |files, _| {
            let mut paths = Vec::new();
            files.walk(&top, DEPTH_MAX, &mut paths)?;
            paths.sort_unstable();
            Ok(paths)
        })
        .await
    }

    /// Runs `work` where it may block; its errors name the object.
    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(&Files, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (files, target) = (Arc::clone(&self.files), self.files.root.join(path));
        let worked = tokio::task::spawn_blocking(move || work(&files, &target)).await;
        worked
            .map_err(|error| StoreError::Internal(error.to_string()))?
            .map_err(|source| StoreError::File {
                path: path.to_owned(),
                source,
            })
    }
}

impl Files {
    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// The disk as it is: sealed files look sealed.
    pub(crate) fn raw(&self) -> &dyn Disk {
        match &self.vault {
            Some(sealing) => sealing.raw.as_ref(),
            None => self.disk.as_ref(),
        }
    }

    fn sealed(&self, scope: &Scope, name: &str, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        match &self.vault {
            Some(sealing) => sealing.vault.seal_file(scope, name, &bytes),
            None => Ok(bytes),
        }
    }

    /// The directory belongs to this process alone, so nobody takes the name in between.
    fn must_be_free(&self, target: &Path) -> io::Result<()> {
        match self.raw().file_len(target) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) => gone_is_fine(Err(error)),
        }
    }

    fn put(&self, target: &Path, bytes: &[u8]) -> io::Result<()> {
        let dir = target.parent().unwrap_or(&self.root);
        self.make_durable_dir(dir)?;
        let mut unfinished = target.as_os_str().to_owned();
        unfinished.push(UNFINISHED);
        let unfinished = PathBuf::from(unfinished);
        let written = self
            .write_whole(&unfinished, bytes)
            .and_then(|()| self.disk.rename(&unfinished, target));
        if written.is_err() {
            // Space matters most when writing fails. If this fails too, the next start removes it.
            let _ = self.disk.remove(&unfinished);
            self.forget_durable_dir(dir);
        }
        written?;
        self.disk.sync_dir(dir)
    }

    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = match self.disk.create_new(path) {
            // Left from an attempt that failed and could not be tidied up.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.disk.remove(path)?;
                self.disk.create_new(path)?
            }
            created => created?,
        };
        file.write_all(&mut [IoSlice::new(bytes)])?;
        file.sync_data()
    }

    fn make_durable_dir(&self, dir: &Path) -> io::Result<()> {
        if self.durable_dirs().contains(dir) {
            return Ok(());
        }
        // From the root down: each of them may have been made by a process that then died.
        let above = dir
            .ancestors()
            .take_while(|above| above.starts_with(&self.root) && *above != self.root);
        for part in above.collect::<Vec<_>>().into_iter().rev() {
            self.disk.create_dir_all(part)?;
        }
        self.durable_dirs().insert(dir.to_owned());
        Ok(())
    }

    /// It may have been removed.
    fn forget_durable_dir(&self, dir: &Path) {
        self.durable_dirs().remove(dir);
    }

    fn durable_dirs(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.durable_dirs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn walk(&self, dir: &str, depth_left: usize, paths: &mut Vec<String>) -> io::Result<()> {
        let at = self.root.join(dir);
        let names = match self.disk.list(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            names => names?,
        };
        paths.extend(names.iter().map(|name| format!("{dir}/{name}")));
        if depth_left == 0 {
            return Ok(());
        }
        for name in self.disk.list_dirs(&at)? {
            self.walk(&format!("{dir}/{name}"), depth_left - 1, paths)?;
        }
        Ok(())
    }
}

fn gone_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests;
