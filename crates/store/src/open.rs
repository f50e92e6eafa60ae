//! Opening a data directory: lock, manifest, the journal's tail. What the journal holds is replayed
//! afterwards (`replay.rs`), so that a long journal does not keep clients waiting.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use base::Clock;
use contract::IdentityKey;
use journal::{Journal, Recovery, Sequence};
use tokio::sync::{Notify, RwLock, watch};

use crate::age::Age;
use crate::damage::Damages;
use crate::dedup;
use crate::erase::Erasing;
use crate::error::{StoreError, Unreadable};
use crate::manifest::{self, Manifest};
use crate::objects::Objects;
use crate::progress::Replaying;
use crate::replay::{Opened, Replay};
use crate::reserve::Reserve;
use crate::seal;
use crate::series::Series;
use crate::soundness::Inspector;
use crate::state::State;
use crate::stats::Meters;
use crate::store::{Config, Store};
use crate::twin;

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
        // Before anything is written: without the right key nothing is.
        seal::open(&config)?;
        if config.create {
            config.disk.create_dir_all(&config.dir)?;
        } else if config.disk.list(&config.dir.join(manifest::DIR)).is_err() {
            return Err(StoreError::NotAStore);
        }
        let lock = config.disk.lock(&config.dir)?;
        // Again: who held the directory until now may have made a key.
        let vault = seal::open(&config)?;
        let was_plain = vault.is_none();
        let objects = Objects::new(Arc::clone(&config.disk), &config.dir, vault);
        let loaded = manifest::load(&objects).await?;
        match &loaded {
            Some(loaded) => check_versions(&objects, &loaded.manifest).await?,
            None => refuse_data_without_manifest(&objects).await?,
        }
        let objects = seal::begin(&config, objects).await?;
        let (manifest, is_fallback) = match loaded {
            Some(loaded) => (loaded.manifest, loaded.is_fallback),
            None => (first_manifest(&objects, config.seed).await?, false),
        };
        // The journal looks at the versions of its segments first. From here on things may change.
        let (journal, recovery) = open_journal(&config, manifest.journal_through)?;
        seal::settle(&objects).await?;
        if is_fallback {
            reaches_back(&journal, &manifest)?;
        }
        let begins_sealing = was_plain && objects.vault().is_some();
        let manifest = upgrade(&objects, manifest, begins_sealing).await?;
        // What a damaged manifest may have named is not an orphan.
        let orphans = if is_fallback {
            0
        } else {
            remove_orphans(&objects, &manifest).await?
        };
        let damages = Arc::new(Damages::default());
        let inspector = Inspector::new(objects.clone(), Arc::clone(&damages));
        let store = Arc::new(Store {
            flush_number: AtomicU64::new(manifest.number),
            key: IdentityKey(manifest.identity_key),
            opened: (clock.now_unix_ns(), clock.monotonic()),
            clock,
            objects,
            age: Age::standing_at(manifest.age_ns),
            reserve: Reserve::new(
                Arc::clone(&config.disk),
                config.dir.clone(),
                config.disk_reserve_bytes,
            ),
            freed: watch::Sender::new(()),
            replaying: Replaying::from(manifest.journal_through, journal.stats().bytes),
            journal: Arc::new(journal),
            state: Mutex::new(State::new(manifest, inspector)),
            gate: RwLock::new(()),
            flushing: tokio::sync::Mutex::new(()),
            erasing: Erasing::default(),
            looked: Mutex::default(),
            flush_wanted: Notify::new(),
            fates: Arc::default(),
            meters: Meters::new(),
            damages,
            arrivals: Store::arrivals(),
            _lock: lock,
            config,
        });
        store.look_at_disk();
        let replay = Replay::new(&store, recovery, orphans);
        Ok((store, replay))
    }
}

fn open_journal(config: &Config, through: u64) -> Result<(Journal, Recovery), StoreError> {
    let mut journal = journal::Config::new(config.dir.join("journal"));
    journal.segment_target_bytes = config.journal_segment_bytes;
    journal.salt = config.seed.unwrap_or(journal.salt);
    Ok(Journal::open(
        journal,
        Arc::clone(&config.disk),
        Sequence::new(through),
    )?)
}

async fn refuse_data_without_manifest(objects: &Objects) -> Result<(), StoreError> {
    // Data without a manifest is a restore that went wrong, or not ours: it must not be taken for empty.
    for holds in ["parts", "identities", "series", "journal"] {
        if !objects.list(holds).await?.is_empty() {
            return Err(StoreError::DamagedManifest(format!(
                "there is none beside {holds}/"
            )));
        }
    }
    Ok(())
}

async fn first_manifest(objects: &Objects, seed: Option<u64>) -> Result<Manifest, StoreError> {
    let identity_key = match seed {
        Some(seed) => seed,
        None => getrandom::u64()
            .map_err(|error| StoreError::Internal(format!("no randomness: {error}")))?,
    };
    let manifest = Manifest::first(identity_key);
    manifest::save(objects, &manifest).await?;
    Ok(manifest)
}

/// Refuses what a newer version has written, before anything is changed. The manifest has stopped
/// whoever is older than the newest file, so this is for directories that were mixed by hand. Of the
/// identities the newest file is looked at: there may be thousands.
async fn check_versions(objects: &Objects, manifest: &Manifest) -> Result<(), StoreError> {
    for part in &manifest.parts {
        part.check_version().map_err(|newer| newer.of(&part.path))?;
    }
    if let Some(newest) = manifest.identities.last() {
        refuse_newer(objects, &newest.path, dedup::decode).await?;
    }
    if let Some(series) = &manifest.series {
        refuse_newer(objects, series, Series::decode).await?;
    }
    Ok(())
}

/// That a file is damaged is for whoever needs it.
async fn refuse_newer<T>(
    objects: &Objects,
    path: &str,
    decode: impl Fn(&[u8]) -> Result<T, Unreadable>,
) -> Result<(), StoreError> {
    match twin::read(objects, path, decode).await {
        Err(newer @ StoreError::NewerVersion { .. }) => Err(newer),
        _ => Ok(()),
    }
}

/// The manifest rises to this version before anything is written in it, so that an older program
/// refuses the directory as a whole and by name.
async fn upgrade(
    objects: &Objects,
    manifest: Manifest,
    begins_sealing: bool,
) -> Result<Manifest, StoreError> {
    let upgraded = match manifest.upgraded() {
        Some(upgraded) => upgraded,
        // A sealed manifest stops programs that would write plain files beside sealed ones.
        None if begins_sealing => Manifest {
            number: manifest.number + 1,
            ..manifest
        },
        None => return Ok(manifest),
    };
    manifest::save(objects, &upgraded).await?;
    Ok(upgraded)
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
pub(crate) async fn remove_orphans(
    objects: &Objects,
    manifest: &Manifest,
) -> Result<u64, StoreError> {
    objects.sync_names(manifest::DIR).await?;
    let unfinished = [
        "parts",
        "identities",
        "series",
        "damaged",
        "erasure",
        "retention",
    ];
    for dir in unfinished
        .into_iter()
        .chain([manifest::DIR, manifest::COPIES_DIR])
    {
        for path in objects.unfinished(dir).await? {
            objects.delete(&path).await?;
        }
    }
    let named: HashSet<&str> = manifest.objects().collect();
    let (mut orphans, mut dirs) = (0, BTreeSet::new());
    for dir in ["parts", "identities", "series"] {
        for path in objects
            .list(dir)
            .await?
            .iter()
            .filter(|path| !named.contains(twin::original(path)))
        {
            objects.delete(path).await?;
            dirs.extend(path.rsplit_once('/').map(|(dir, _)| dir.to_owned()));
            orphans += 1;
        }
    }
    for dir in dirs {
        objects.sync_names(&dir).await?;
    }
    Ok(orphans)
}
