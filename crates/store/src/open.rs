//! Opening a data directory: lock, manifest, the journal's tail. What the journal holds is replayed
//! afterwards (`replay.rs`), so that a long journal does not keep clients waiting.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use base::Clock;
use contract::IdentityKey;
use journal::{Journal, Recovery, Sequence};
use tokio::sync::{Notify, RwLock};

use crate::age::Age;
use crate::error::StoreError;
use crate::fates::Fates;
use crate::manifest::{self, Manifest};
use crate::objects::Objects;
use crate::progress::Replaying;
use crate::replay::{Opened, Replay};
use crate::state::State;
use crate::store::{Config, Store};

impl Store {
    /// Opens a data directory, creating it when it is not there, and replays the journal.
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Result<(Arc<Store>, Opened), StoreError> {
        let (store, mut replay) = Store::open_for_intake(config, clock).await?;
        let opened = replay.run().await?;
        Ok((store, opened))
    }

    /// The same without replaying: the store takes entries at once, and the caller runs the replay.
    /// Snapshots wait for it.
    pub async fn open_for_intake(
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Result<(Arc<Store>, Replay), StoreError> {
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
        let (journal, recovery) = open_journal(&config, manifest.journal_through)?;
        if is_fallback {
            reaches_back(&journal, &manifest)?;
        }
        let store = Arc::new(Store {
            flush_number: AtomicU64::new(manifest.number),
            key: IdentityKey(manifest.identity_key),
            clock,
            objects,
            age: Age::standing_at(manifest.age_ns),
            replaying: Replaying::from(manifest.journal_through, journal.stats().bytes),
            journal: Arc::new(journal),
            state: Mutex::new(State::new(manifest)),
            gate: RwLock::new(()),
            flushing: tokio::sync::Mutex::new(()),
            flush_wanted: Notify::new(),
            fates: Fates::default(),
            arrivals: Store::arrivals(),
            _lock: lock,
            config,
        });
        let replay = Replay::new(&store, recovery, orphans);
        Ok((store, replay))
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
