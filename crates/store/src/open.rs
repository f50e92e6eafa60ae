//! Opening a data directory: lock, manifest, identities, journal. Recovery is live intake again.

use std::sync::{Arc, Mutex};

use base::{Clock, DirLock, OsDisk};
use contract::IdentityKey;
use journal::{Journal, Recovery, Sequence};
use tokio::sync::{Notify, RwLock};

use crate::dedup::{self, Dedup, HORIZON_NS};
use crate::entry::Entry;
use crate::error::StoreError;
use crate::fates::Fates;
use crate::manifest::{self, Manifest};
use crate::objects::Objects;
use crate::series::Series;
use crate::state::State;
use crate::store::{Config, Store};

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Journal frames that were replayed.
    pub frames: u64,
    /// Rows that the replay brought back into the buffer.
    pub rows: u64,
    /// Frames that could not be read, each with the reason; their segments are kept.
    pub damaged: Vec<String>,
    /// Objects that no manifest names, from a flush that a crash cut short; removed.
    pub orphans: u64,
}

impl Store {
    /// Opens a data directory, creating it when it is not there, and replays the journal.
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Result<(Arc<Store>, Opened), StoreError> {
        create_private(&config.dir)?;
        let lock = DirLock::acquire(&config.dir)?;
        let objects = Objects::local(&config.dir)?;
        let manifest = match manifest::load(&objects).await? {
            Some(manifest) => manifest,
            None => first_manifest(&objects).await?,
        };
        let orphans = remove_orphans(&objects, &manifest).await?;
        let dedup = load_identities(&objects, &manifest, clock.now_unix_ns()).await?;
        let series = load_series(&objects, &manifest).await?;
        let (journal, recovery) = open_journal(&config, manifest.journal_through)?;
        let store = Arc::new(Store {
            key: IdentityKey(manifest.identity_key),
            clock,
            objects,
            journal: Arc::new(journal),
            state: Mutex::new(State::new(manifest, dedup, series)),
            gate: RwLock::new(()),
            flushing: tokio::sync::Mutex::new(()),
            flush_wanted: Notify::new(),
            fates: Fates::default(),
            arrivals: Store::arrivals(),
            _lock: lock,
            config,
        });
        let mut opened = Opened {
            orphans,
            ..Opened::default()
        };
        store.replay(recovery, &mut opened).await?;
        Ok((store, opened))
    }

    async fn replay(&self, mut recovery: Recovery, opened: &mut Opened) -> Result<(), StoreError> {
        for frame in recovery.by_ref() {
            let frame = frame?;
            opened.frames += 1;
            let sequence = frame.sequence.get();
            let entry = match Entry::decode(&frame.payload) {
                Ok(entry) => entry,
                Err(reason) => {
                    opened.damaged.push(format!("frame {sequence}: {reason}"));
                    continue;
                }
            };
            let prepared = match self.prepare(&entry) {
                Ok(prepared) => prepared,
                Err(error) => {
                    opened.damaged.push(format!("frame {sequence}: {error}"));
                    continue;
                }
            };
            let applied = self
                .state()
                .apply(prepared)
                .map_err(|error| StoreError::Internal(error.to_string()))?;
            opened.rows += applied.accepted + applied.quarantined;
        }
        let damage = recovery.report().damage.iter();
        opened
            .damaged
            .extend(damage.map(|damage| format!("{damage:?}")));
        Ok(())
    }
}

/// Creates the data directory so that only its owner may enter: it will hold whole conversations.
fn create_private(dir: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
}

fn open_journal(config: &Config, through: u64) -> Result<(Journal, Recovery), StoreError> {
    let journal = journal::Config::new(config.dir.join("journal"));
    Ok(Journal::open(
        journal,
        Arc::new(OsDisk),
        Sequence::new(through),
    )?)
}

async fn first_manifest(objects: &Objects) -> Result<Manifest, StoreError> {
    let identity_key = getrandom::u64()
        .map_err(|error| StoreError::Internal(format!("no randomness: {error}")))?;
    let manifest = Manifest::first(identity_key);
    manifest::save(objects, &manifest).await?;
    Ok(manifest)
}

/// Objects of a flush that did not reach its manifest.
async fn remove_orphans(objects: &Objects, manifest: &Manifest) -> Result<u64, StoreError> {
    let named: std::collections::HashSet<&str> = manifest.objects().collect();
    let mut orphans = 0;
    for dir in ["parts", "identities", "series"] {
        for path in objects
            .list(dir)
            .await?
            .iter()
            .filter(|path| !named.contains(path.as_str()))
        {
            objects.delete(path).await?;
            orphans += 1;
        }
    }
    Ok(orphans)
}

async fn load_identities(
    objects: &Objects,
    manifest: &Manifest,
    now_ns: u64,
) -> Result<Dedup, StoreError> {
    let mut dedup = Dedup::default();
    let mut files: Vec<_> = manifest
        .identities
        .iter()
        .filter(|file| file.newest_ns >= now_ns.saturating_sub(HORIZON_NS))
        .collect();
    files.sort_by_key(|file| file.newest_ns);
    for file in files {
        let bytes = objects.get(&file.path).await?;
        let damaged = |reason| StoreError::Damaged {
            path: file.path.clone(),
            reason,
        };
        let (identities, newest_ns) = dedup::decode(&bytes).map_err(damaged)?;
        dedup.restore(identities, newest_ns);
    }
    Ok(dedup)
}

async fn load_series(objects: &Objects, manifest: &Manifest) -> Result<Series, StoreError> {
    let Some(path) = &manifest.series else {
        return Ok(Series::default());
    };
    let bytes = objects.get(path).await?;
    Series::from_json(&bytes).map_err(|reason| StoreError::Damaged {
        path: path.clone(),
        reason,
    })
}
