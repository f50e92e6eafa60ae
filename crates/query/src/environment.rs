//! What all queries of an engine share: memory, scratch space on the disk, and the parts.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use store::Store;
use url::Url;

use crate::config::Config;
use crate::memory::SharedMemory;
use crate::provider::OBJECTS_URL;
use crate::scratch::SealedScratch;

/// What the engine calls the folders that it makes in the scratch folder.
pub(crate) const OURS: &str = "datafusion-";

/// The environment of an engine over a store. Scratch files of an earlier process are removed.
pub(crate) fn of(store: &Arc<Store>, config: &Config) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    let scratch = scratch(store, config);
    let memory = match &scratch {
        Some(_) => SharedMemory::in_shares(config.memory_bytes, config.threads_of_a_question()),
        None => SharedMemory::undivided(config.memory_bytes),
    };
    let mode = match (scratch, store.vault()) {
        // What is put down is content.
        (Some(dir), Some(_)) => {
            let sealed = SealedScratch::new(&dir, store, config.scratch_bytes)?;
            DiskManagerMode::Custom(Arc::new(sealed))
        }
        (Some(dir), None) => DiskManagerMode::Directories(vec![dir]),
        (None, _) => DiskManagerMode::Disabled,
    };
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(memory))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
        .build_arc()?;
    let url =
        Url::parse(OBJECTS_URL).map_err(|error| DataFusionError::External(Box::new(error)))?;
    let objects = store
        .objects()
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    environment.register_object_store(&url, objects);
    Ok(environment)
}

/// Lets sorts put down no more than half of what is free beyond the reserve now, so that a question
/// cannot make intake find the disk full.
pub(crate) fn leave_room(environment: &RuntimeEnv, store: &Store, config: &Config) {
    let disk = &environment.disk_manager;
    if !disk.tmp_files_enabled() {
        return;
    }
    let spare = store.spare_bytes().unwrap_or(u64::MAX) / 2;
    let bytes = disk.used_disk_space().saturating_add(spare);
    // It refuses only where nothing may be put down at all.
    let _ = disk.set_max_temp_directory_size(config.scratch_bytes.min(bytes));
}

/// Where sorts put down what does not fit. Whatever is wrong with it, the questions that need none are
/// answered.
fn scratch(store: &Store, config: &Config) -> Option<PathBuf> {
    let dir = store.scratch_dir();
    match emptied(&dir) {
        Ok(()) => (config.scratch_bytes > 0).then_some(dir),
        Err(error) => {
            let dir = dir.display();
            tracing::warn!("queries do without scratch space: {dir} cannot be used: {error}");
            None
        }
    }
}

/// Makes the folder, or removes from it what an earlier process left, and nothing else.
fn emptied(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(OURS) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
