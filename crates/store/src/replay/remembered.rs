//! What must be known before the first frame is replayed: identities and cumulative series.

use crate::damage::DamagedFile;
use crate::dedup::{self, Dedup};
use crate::error::StoreError;
use crate::manifest::Manifest;
use crate::objects::Objects;
use crate::series::Series;
use crate::twin;

/// What was remembered, and which files were not read for it.
pub(super) type Remembered<T> = (T, Vec<DamagedFile>);

/// All of them: what was known when a frame was acknowledged must be known when it is replayed, however
/// long the server was down. One damaged copy is told; without both the replay does not get on.
pub(super) async fn load_identities(
    objects: &Objects,
    manifest: &Manifest,
) -> Result<Remembered<Dedup>, StoreError> {
    let (mut dedup, mut damaged) = (Dedup::default(), Vec::new());
    let mut files: Vec<_> = manifest.identities.iter().collect();
    files.sort_by_key(|file| file.age_ns);
    for file in files {
        let read = twin::read(objects, &file.path, dedup::decode).await?;
        if let Some((identities, _)) = read.found {
            dedup.restore(identities, file.age_ns);
        }
        damaged.extend(read.damaged);
    }
    Ok((dedup, damaged))
}

pub(super) async fn load_series(
    objects: &Objects,
    manifest: &Manifest,
) -> Result<Remembered<Series>, StoreError> {
    let Some(path) = &manifest.series else {
        return Ok(Remembered::default());
    };
    let read = twin::read(objects, path, Series::decode).await?;
    let damaged = read.damaged.into_iter().collect();
    Ok((read.found.unwrap_or_default(), damaged))
}
