//! Objects that are durable when `put` returns.
//!
//! `object_store`'s local file system renames into place but does not sync; after a power cut the
//! name could stand over an empty file. So on a local disk the file and every directory above it are
//! synced before `put` returns. A remote store is durable by its own promise.

use std::fs::File;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::error::StoreError;

/// Where parts, identities and manifests are.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    inner: Arc<dyn ObjectStore>,
    /// The directory, when the objects are files.
    root: Option<PathBuf>,
}

impl Objects {
    /// Objects as files under a directory, which must exist.
    pub(crate) fn local(dir: &FilePath) -> Result<Objects, StoreError> {
        let inner = Arc::new(LocalFileSystem::new_with_prefix(dir)?);
        Ok(Objects {
            inner,
            root: Some(dir.to_owned()),
        })
    }

    #[cfg(test)]
    pub(crate) fn in_memory() -> Objects {
        Objects {
            inner: Arc::new(object_store::memory::InMemory::new()),
            root: None,
        }
    }

    /// For readers that know `object_store`.
    pub(crate) fn inner(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner)
    }

    /// Writes an object that must not exist yet; durable on return.
    pub(crate) async fn create(&self, path: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.put(path, bytes, PutMode::Create).await
    }

    /// Writes an object, replacing one that a flush cut short may have left; durable on return.
    pub(crate) async fn replace(&self, path: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.put(path, bytes, PutMode::Overwrite).await
    }

    async fn put(&self, path: &str, bytes: Vec<u8>, mode: PutMode) -> Result<(), StoreError> {
        let payload = PutPayload::from_bytes(Bytes::from(bytes));
        self.inner
            .put_opts(&Path::from(path), payload, PutOptions::from(mode))
            .await?;
        let Some(root) = self.root.clone() else {
            return Ok(());
        };
        let file = root.join(path);
        tokio::task::spawn_blocking(move || sync_up_to(&file, &root))
            .await
            .map_err(|error| StoreError::Internal(error.to_string()))??;
        Ok(())
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Bytes, StoreError> {
        Ok(self.inner.get(&Path::from(path)).await?.bytes().await?)
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.inner.delete(&Path::from(path)).await {
            // Gone already is what was wanted.
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The paths under a prefix.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let found: Vec<ObjectMeta> = self
            .inner
            .list(Some(&Path::from(prefix)))
            .try_collect()
            .await?;
        Ok(found
            .into_iter()
            .map(|meta| meta.location.to_string())
            .collect())
    }
}

/// Syncs a file and the directories that lead to it, so that both content and name are durable.
fn sync_up_to(file: &FilePath, root: &FilePath) -> std::io::Result<()> {
    File::open(file)?.sync_all()?;
    let mut dir = file.parent();
    while let Some(path) = dir {
        File::open(path)?.sync_all()?;
        if path == root {
            break;
        }
        dir = path.parent();
    }
    Ok(())
}
