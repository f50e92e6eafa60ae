//! What all queries of an engine share: memory, scratch space on the disk, and the parts.

use std::io;
use std::path::Path;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use store::Store;
use url::Url;

use crate::config::Config;
use crate::memory::SharedMemory;
use crate::provider::OBJECTS_URL;

/// The environment of an engine over a store. Scratch files of an earlier process are removed.
pub(crate) fn of(store: &Store, config: &Config) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    let memory = SharedMemory::new(config.memory_bytes, config.threads_of_a_question());
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(memory))
        .with_disk_manager_builder(scratch(store, config))
        .build_arc()?;
    let url =
        Url::parse(OBJECTS_URL).map_err(|error| DataFusionError::External(Box::new(error)))?;
    let objects = store
        .objects()
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    environment.register_object_store(&url, objects);
    Ok(environment)
}

/// Where sorts put down what does not fit. Whatever is wrong with it, the questions that need none are
/// answered.
fn scratch(store: &Store, config: &Config) -> DiskManagerBuilder {
    let builder = DiskManagerBuilder::default();
    // Never so much that intake would find the disk full.
    let room = store.spare_bytes().unwrap_or(u64::MAX) / 2;
    let bytes = config.scratch_bytes.min(room);
    let dir = store.scratch_dir();
    match emptied(&dir) {
        Ok(()) if bytes > 0 => builder
            .with_mode(DiskManagerMode::Directories(vec![dir]))
            .with_max_temp_directory_size(bytes),
        Ok(()) => builder.with_mode(DiskManagerMode::Disabled),
        Err(error) => {
            let dir = dir.display();
            tracing::warn!("queries do without scratch space: {dir} cannot be emptied: {error}");
            builder.with_mode(DiskManagerMode::Disabled)
        }
    }
}

fn emptied(dir: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::create_dir_all(dir)
}
