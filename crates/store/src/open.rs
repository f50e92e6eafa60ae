//! Opening a data directory: lock, manifest, identities, journal. Recovery is live intake again.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use base::Clock;
use contract::IdentityKey;
use journal::{Journal, Recovery, Sequence};
use tokio::sync::{Notify, RwLock};

use crate::batch;
use crate::dedup::{self, Dedup};
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
    /// Frames that could not be read or are missing, each with the reason.
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
        if config.create {
            config.disk.create_dir_all(&config.dir)?;
        } else if config.disk.list(&config.dir.join(manifest::DIR)).is_err() {
            return Err(StoreError::NotAStore);
        }
        let lock = config.disk.lock(&config.dir)?;
        let objects = Objects::new(Arc::clone(&config.disk), &config.dir);
        let (manifest, is_fallback) = match manifest::load(&objects).await? {
            Some(loaded) => (loaded.manifest, loaded.is_fallback),
            None => (first_manifest(&objects).await?, false),
        };
        // What a damaged manifest may have named is not an orphan.
        let orphans = if is_fallback {
            0
        } else {
            remove_orphans(&objects, &manifest).await?
        };
        let dedup = load_identities(&objects, &manifest).await?;
        let series = load_series(&objects, &manifest).await?;
        let (journal, recovery) = open_journal(&config, manifest.journal_through)?;
        if is_fallback {
            reaches_back(&journal, &manifest)?;
        }
        let store = Arc::new(Store {
            flush_number: AtomicU64::new(manifest.number),
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
        // What was admitted once is admitted again, whatever the limits are now.
        let as_admitted = otlp::Limits {
            items: usize::MAX,
            nodes: usize::MAX,
            ..self.config.limits.clone()
        };
        for frame in recovery.by_ref() {
            let frame = frame?;
            opened.frames += 1;
            let sequence = frame.sequence.get();
            let entry = match Entry::decode(&frame.payload) {
                Ok(entry) => entry,
                Err(reason) => {
                    self.set_aside(sequence, &frame.payload, &reason, opened)
                        .await?;
                    continue;
                }
            };
            let prepared = match batch::prepare(&entry, &as_admitted, self.key) {
                Ok(prepared) => prepared,
                Err(error) => {
                    self.set_aside(sequence, &frame.payload, &error.to_string(), opened)
                        .await?;
                    continue;
                }
            };
            let applied = self
                .state()
                .apply(prepared)
                .map_err(|error| StoreError::Internal(error.to_string()))?;
            opened.rows += applied.accepted + applied.quarantined;
            // A journal may hold more than memory does.
            let is_full = self.is_full(&self.state());
            if is_full {
                self.flush_through(Some(sequence)).await?;
            }
        }
        let gaps = recovery.report().gaps.iter();
        opened.damaged.extend(gaps.map(|gap| format!("{gap:?}")));
        let damage = recovery.report().damage.iter();
        opened
            .damaged
            .extend(damage.map(|damage| format!("{damage:?}")));
        Ok(())
    }

    /// Keeps an acknowledged frame that cannot be understood, because the next flush lets the journal
    /// forget it.
    async fn set_aside(
        &self,
        sequence: u64,
        payload: &[u8],
        reason: &str,
        opened: &mut Opened,
    ) -> Result<(), StoreError> {
        let path = format!("damaged/frame-{sequence:020}.bin");
        self.objects.replace(&path, payload.to_vec()).await?;
        opened
            .damaged
            .push(format!("frame {sequence}: {reason}; kept in {path}"));
        Ok(())
    }
}

fn open_journal(config: &Config, through: u64) -> Result<(Journal, Recovery), StoreError> {
    let journal = journal::Config::new(config.dir.join("journal"));
    Ok(Journal::open(
        journal,
        Arc::clone(&config.disk),
        Sequence::new(through),
    )?)
}

async fn first_manifest(objects: &Objects) -> Result<Manifest, StoreError> {
    // Data without a manifest is a restore that went wrong, or not ours: it must not be taken for empty.
    for holds in ["parts", "identities", "series", "journal"] {
        if !objects.list(holds).await?.is_empty() {
            return Err(StoreError::DamagedManifest(format!(
                "there is none beside {holds}/"
            )));
        }
    }
    let identity_key = getrandom::u64()
        .map_err(|error| StoreError::Internal(format!("no randomness: {error}")))?;
    let manifest = Manifest::first(identity_key);
    manifest::save(objects, &manifest).await?;
    Ok(manifest)
}

/// After a fallback to an older manifest, the journal must still hold what the damaged one had
/// covered; otherwise opening would silently lose it.
fn reaches_back(journal: &Journal, manifest: &Manifest) -> Result<(), StoreError> {
    let first = journal.stats().first.map(Sequence::get);
    if first.is_some_and(|first| first <= manifest.journal_through + 1) {
        return Ok(());
    }
    Err(StoreError::DamagedManifest(
        "the newest is damaged, and the journal no longer has what it covered".into(),
    ))
}

/// Objects of a flush that did not reach its manifest. The manifest is made durable first, so that no
/// older one comes back that names what is removed.
async fn remove_orphans(objects: &Objects, manifest: &Manifest) -> Result<u64, StoreError> {
    objects.sync_names(manifest::DIR).await?;
    for dir in ["parts", "identities", "series", "damaged", manifest::DIR] {
        for path in objects.unfinished(dir).await? {
            objects.delete(&path).await?;
        }
    }
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

/// All of them: what was known when a frame was acknowledged must be known when it is replayed, however
/// long the server was down.
async fn load_identities(objects: &Objects, manifest: &Manifest) -> Result<Dedup, StoreError> {
    let mut dedup = Dedup::default();
    let mut files: Vec<_> = manifest.identities.iter().collect();
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
