//! What is in a data directory, without opening it.
//!
//! Invariant: nothing is changed, and nothing but the manifest and the journal is read whole: of other
//! files it is looked only at whether they are there and as long as they were written.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base::{Disk, OsDisk, Unchanging};
use journal::Sequence;

use crate::error::StoreError;
use crate::manifest::{self, Loaded, Manifest};
use crate::objects::Objects;
use crate::schema::Table;
use crate::seal;

/// Frames that replays could not understand.
const SET_ASIDE_DIR: &str = "damaged";
/// So many problems are listed.
const LISTED_MAX: usize = 100;

/// A data directory.
#[derive(Debug)]
pub struct Inspection {
    /// Version of the manifest.
    pub version: u32,
    /// The newest manifest.
    pub manifest_number: u64,
    /// Whether the newest manifest cannot be read, so that an older one counts.
    pub is_fallback: bool,
    /// Parts.
    pub parts: u64,
    /// Rows in them.
    pub part_rows: u64,
    /// Bytes of them.
    pub part_bytes: u64,
    /// Rows of quarantine in them.
    pub quarantined_rows: u64,
    /// Files that the manifest names and that are missing or of another length, at most 100.
    pub missing: Vec<String>,
    /// Files that were set aside because they could not be read, at most 100.
    pub set_aside: Vec<String>,
    /// The journal, where it was looked at.
    pub journal: Option<journal::Inspection>,
}

/// Looks at a data directory; `None` when it is none. The journal is left out on request: while a
/// server writes it, only the server knows it.
///
/// # Errors
/// What would keep a server from opening it.
pub async fn inspect(dir: &Path, with_journal: bool) -> Result<Option<Inspection>, StoreError> {
    let disk: Arc<dyn Disk> = Arc::new(Unchanging(OsDisk));
    if disk.list(&dir.join(manifest::DIR)).is_err() {
        return Ok(None);
    }
    let vault = seal::of(
        Arc::clone(&disk),
        dir,
        base::seal::provided().as_ref(),
        None,
    )?;
    let objects = Objects::new(disk, dir, vault.map(Arc::new));
    let disk = objects.disk();
    let Some(mut loaded) = manifest::load(&objects).await? else {
        return Ok(None);
    };
    let mut missing = missing(disk.as_ref(), dir, &loaded.manifest);
    if !missing.is_empty() {
        // A running server may have flushed meanwhile and removed what the manifest read first named.
        loaded = manifest::load(&objects).await?.unwrap_or(loaded);
        missing = self::missing(disk.as_ref(), dir, &loaded.manifest);
    }
    let mut set_aside = disk.list(&dir.join(SET_ASIDE_DIR)).unwrap_or_default();
    set_aside.truncate(LISTED_MAX);
    let mut inspection = Inspection::of(&loaded, missing, set_aside);
    if with_journal {
        inspection.journal = Some(journal_of(dir, loaded.manifest.journal_through).await?);
    }
    Ok(Some(inspection))
}

impl Inspection {
    fn of(loaded: &Loaded, missing: Vec<String>, set_aside: Vec<String>) -> Inspection {
        let manifest = &loaded.manifest;
        let quarantine = |part: &&crate::Part| part.table == Table::Quarantine;
        Inspection {
            version: manifest.version,
            manifest_number: manifest.number,
            is_fallback: loaded.is_fallback,
            parts: manifest.parts.len() as u64,
            part_rows: manifest.parts.iter().map(|part| part.rows).sum(),
            part_bytes: manifest.parts.iter().map(|part| part.bytes).sum(),
            quarantined_rows: manifest
                .parts
                .iter()
                .filter(quarantine)
                .map(|part| part.rows)
                .sum(),
            missing,
            set_aside,
            journal: None,
        }
    }
}

/// Files that the manifest names and that are not as it says.
fn missing(disk: &dyn Disk, dir: &Path, manifest: &Manifest) -> Vec<String> {
    let parts = manifest
        .parts
        .iter()
        .map(|part| (&part.path, Some(part.bytes)));
    let identities = manifest
        .identities
        .iter()
        .map(|file| (&file.path, Some(file.bytes)));
    let series = manifest.series.iter().map(|path| (path, None));
    let problems = parts
        .chain(identities)
        .chain(series)
        .filter_map(
            |(path, bytes)| match (disk.file_len(&dir.join(path)), bytes) {
                (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
                    Some(format!("{path} is missing"))
                }
                (Err(error), _) => Some(format!("{path}: {error}")),
                (Ok(found), Some(bytes)) if found != bytes => {
                    Some(format!("{path} has {found} bytes instead of {bytes}"))
                }
                _ => None,
            },
        );
    problems.take(LISTED_MAX).collect()
}

async fn journal_of(dir: &Path, through: u64) -> Result<journal::Inspection, StoreError> {
    let dir = dir.join("journal");
    let looking =
        tokio::task::spawn_blocking(move || journal::inspect(OsDisk, &dir, Sequence::new(through)));
    let looked = looking
        .await
        .map_err(|error| StoreError::Internal(error.to_string()))?;
    Ok(looked?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::Life;

    #[tokio::test]
    async fn a_store_is_told_as_it_is() {
        let mut life = Life::begin().await;
        life.events(0..10).await;
        life.store().flush().await.expect("flushes");
        life.events(10..13).await;
        life.store = None;
        let dir = life.dir.path();
        let found = inspect(dir, true).await.expect("reads").expect("a store");
        assert_eq!(
            (found.parts, found.part_rows, found.missing.len()),
            (1, 10, 0)
        );
        let journal = found.journal.expect("it was looked at");
        assert_eq!(
            (journal.report.frames, journal.report.is_clean()),
            (1, true)
        );
    }

    #[tokio::test]
    async fn what_is_gone_or_cut_is_named() {
        let mut life = Life::begin().await;
        life.events(0..10).await;
        life.store().flush().await.expect("flushes");
        life.store = None;
        let dir = life.dir.path().to_owned();
        let path = |kind: &str| {
            let found = std::fs::read_dir(dir.join(kind)).expect("a folder").next();
            found.expect("a file").expect("readable").path()
        };
        std::fs::remove_file(path("identities")).expect("removes");
        let mut part = path("parts");
        while part.is_dir() {
            let inner = std::fs::read_dir(&part).expect("a folder").next();
            part = inner.expect("a file").expect("readable").path();
        }
        std::fs::write(&part, b"short").expect("writes");
        let found = inspect(&dir, false).await.expect("reads").expect("a store");
        let said = found.missing.join("; ");
        assert!(
            said.contains("is missing") && said.contains("has 5 bytes instead of"),
            "{said}"
        );
        assert!(found.journal.is_none());
    }

    #[tokio::test]
    async fn any_other_folder_is_no_store_and_stays_as_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(inspect(dir.path(), true).await.expect("reads").is_none());
        assert!(
            inspect(&dir.path().join("missing"), true)
                .await
                .expect("reads")
                .is_none()
        );
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0);
    }
}
