//! Somebody is erased: the rows leave the parts, and nothing that held them stays.
//!
//! Invariant: at any moment either all rows of the person are in answers or none is, and whatever ends
//! the process, the erasure is ended later. The order, which is the argument for that:
//!
//! 1. What is wanted is durable (`intent.rs`).
//! 2. A flush: what was acknowledged is in parts. What comes later is not erased.
//! 3. Parts are written anew without the rows, beside the old ones. Nothing names them yet; after a crash
//!    the next start removes them, and the erasure begins again.
//! 4. What was found is durable; then one manifest that names the new parts instead of the old ones. It
//!    carries the erasure's id: whoever opens the directory knows that this is done.
//! 5. Old parts, old manifests and their copies, segments of the journal, files set aside: deleted, and
//!    their folders synced. Queries that began before get a bounded time first.
//! 6. The search (`search.rs`), the certificate, and the intent goes.
//!
//! | file | what is in it |
//! |---|---|
//! | `order.rs` | who is to be erased, and which rows that are |
//! | `intent.rs` | what is under way, on the disk |
//! | `look.rs` | which rows are meant, part by part |
//! | `tally.rs` | what is removed, counted, and by what it is known |
//! | `rewrite.rs` | parts without the rows, and the manifest that names them |
//! | `clean.rs` | what held the rows is deleted |
//! | `needles.rs` | what must not be found any more |
//! | `search.rs` | every byte is looked at |
//! | `walk.rs` | all files of a directory |
//! | `certificate.rs` | what an erasure proves |

mod certificate;
mod clean;
mod intent;
mod look;
mod needles;
mod order;
mod rewrite;
mod search;
mod tally;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ring::hmac;
use serde::Serialize;

use crate::error::StoreError;
use crate::snapshot::Snapshot;
use crate::store::Store;

pub use certificate::Certificate;
pub use intent::ErasedPart;
use order::ID_CHARS;
pub use order::{CHOICE_COLUMNS, Choice, Order, Whom};
pub use search::{Finding, Search};
pub use tally::Counts;

use intent::{Found, Intent};

/// So many certificates are listed.
const CERTIFICATES_MAX: usize = 1_000;

/// Whether something may still be done; asked at the last moment.
pub type May = Arc<dyn Fn() -> Result<(), StoreError> + Send + Sync>;

/// The erasure that is under way.
#[derive(Debug, Default)]
pub(crate) struct Erasing {
    pub(crate) one: Arc<tokio::sync::Mutex<()>>,
    /// Whether parts are being written anew under other keys, which gives way.
    pub(crate) is_resealing: AtomicBool,
    progress: Mutex<Option<ErasureProgress>>,
}

/// How far an erasure is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErasureProgress {
    /// The erasure's id.
    pub id: String,
    /// What it does: `looking`, `rewriting`, `deleting` or `searching`.
    pub stage: &'static str,
    /// Parts that are done in this stage.
    pub parts_done: u64,
    /// Of so many.
    pub parts_total: u64,
}

/// An erasure that has begun: what was acknowledged before is in parts.
pub struct Erasure {
    store: Arc<Store>,
    intent: Intent,
    snapshot: Snapshot,
    _alone: tokio::sync::OwnedMutexGuard<()>,
}

impl Store {
    /// The erasure that was asked for and has not ended: after a crash, or an error on its way.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn unfinished_erasure(&self) -> Result<Option<Order>, StoreError> {
        let intent = Intent::load(&self.objects).await?;
        Ok(intent.map(|intent| intent.order))
    }

    /// The certificate of an erasure that has ended.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn certificate(&self, id: &str) -> Result<Option<Certificate>, StoreError> {
        // The id comes from a stranger: it is no path, and no name that the disk refuses.
        let is_id = id.len() == ID_CHARS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Ok(None);
        }
        let path = format!("{}/{id}.json", intent::DIR);
        let file = match self.objects.get(&path).await {
            Err(error) if error.is_missing() => return Ok(None),
            read => read?,
        };
        let damaged = |error: serde_json::Error| StoreError::Damaged {
            path,
            reason: error.to_string(),
        };
        serde_json::from_slice(&file).map(Some).map_err(damaged)
    }

    /// The certificates of erasures that have ended, the newest first, at most 1,000.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn certificates(&self) -> Result<Vec<Certificate>, StoreError> {
        let mut certificates = Vec::new();
        for path in self.objects.list(intent::DIR).await? {
            let name = path.rsplit_once('/').map_or(&*path, |(_, name)| name);
            let id = name.strip_suffix(".json").unwrap_or_default();
            certificates.extend(self.certificate(id).await?);
        }
        certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.ended_at_ms));
        certificates.truncate(CERTIFICATES_MAX);
        Ok(certificates)
    }

    /// How far the erasure is that is under way.
    pub fn erasure_progress(&self) -> Option<ErasureProgress> {
        self.progress().clone()
    }

    /// What an erasure would remove now, without removing it.
    ///
    /// # Errors
    /// Parts cannot be read.
    pub async fn plan_erasure(
        &self,
        whom: &Whom,
        choice: &Arc<dyn Choice>,
    ) -> Result<Counts, StoreError> {
        let looked = self
            .look(&self.snapshot().await, whom, choice, |_| {})
            .await?;
        Ok(looked.tally.counts)
    }

    /// By what somebody is known now and nobody else, with the ids that are known to be theirs.
    ///
    /// # Errors
    /// Parts cannot be read.
    pub async fn known_by(
        &self,
        whom: &Whom,
        choice: &Arc<dyn Choice>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let snapshot = self.snapshot().await;
        let looked = self.look(&snapshot, whom, choice, |_| {}).await?;
        Ok(looked.identifiers.union(&whom.ids).cloned().collect())
    }

    /// Begins an erasure, or goes on with the one of the same id. From here on it is on the disk, and goes
    /// on after a restart.
    ///
    /// # Errors
    /// Another one is under way, the journal is being replayed, or the disk fails.
    pub async fn begin_erasure(self: &Arc<Self>, order: Order) -> Result<Erasure, StoreError> {
        let alone = self.alone("another erasure is under way").await?;
        if !self.replay_progress().is_done() {
            let reason = "the journal is being replayed: erase when that is done";
            return Err(StoreError::Busy(reason.into()));
        }
        let intent = match Intent::load(&self.objects).await? {
            Some(intent) if intent.order.id == order.id => intent,
            Some(other) => {
                let id = other.order.id;
                let reason = format!("the erasure {id} has not ended: it is to be ended first");
                return Err(StoreError::Busy(reason));
            }
            None => {
                let intent = Intent::new(order);
                intent.save(&self.objects).await?;
                intent
            }
        };
        if let Err(error) = self.flush().await {
            self.forget_if_nothing_changed(&intent).await;
            return Err(error);
        }
        let snapshot = self.snapshot().await;
        Ok(Erasure {
            store: Arc::clone(self),
            intent,
            snapshot,
            _alone: alone,
        })
    }

    /// One at a time changes parts that are there: who erases, ages out, or writes anew. The last gives way
    /// between a few parts, and is waited for; the others are told to come again.
    pub(crate) async fn alone(
        &self,
        busy: &str,
    ) -> Result<tokio::sync::OwnedMutexGuard<()>, StoreError> {
        let one = Arc::clone(&self.erasing.one);
        if self.erasing.is_resealing.load(Ordering::SeqCst) {
            return Ok(one.lock_owned().await);
        }
        one.try_lock_owned()
            .map_err(|_| StoreError::Busy(busy.into()))
    }

    /// An erasure that has failed before anything was gone is as if it had not been asked for.
    async fn forget_if_nothing_changed(&self, intent: &Intent) {
        if self.may_be_switched(&intent.order.id).await {
            return;
        }
        if let Err(error) = Intent::forget(&self.objects).await {
            tracing::warn!(
                "the erasure goes on with the next start: it cannot be forgotten: {error}"
            );
        }
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Option<ErasureProgress>> {
        let progress = self.erasing.progress.lock();
        progress.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Erasure {
    fn drop(&mut self) {
        *self.store.progress() = None;
    }
}

impl Erasure {
    /// The order.
    pub fn order(&self) -> &Order {
        &self.intent.order
    }

    /// Whether the rows are gone from answers already.
    pub fn is_switched(&self) -> bool {
        self.switched().is_some()
    }

    /// Gives it up, if nothing of it counts yet.
    pub async fn forget(self) {
        self.store.forget_if_nothing_changed(&self.intent).await;
    }

    /// What there is to be erased from.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Erases to the end. `key` makes the hashes of identifiers; `may` is asked last before the rows go.
    ///
    /// # Errors
    /// The disk fails. Before the rows are gone from answers nothing has changed, and the erasure is
    /// forgotten; after that it is to be gone on with.
    pub async fn run(
        self,
        choice: Arc<dyn Choice>,
        key: &[u8; 32],
        may: May,
    ) -> Result<Certificate, StoreError> {
        self.work(&choice, key, &may).await
    }

    async fn work(
        mut self,
        choice: &Arc<dyn Choice>,
        key: &[u8; 32],
        may: &May,
    ) -> Result<Certificate, StoreError> {
        let store = Arc::clone(&self.store);
        if let Some(certificate) = store.certificate(&self.intent.order.id).await? {
            // All was done but this.
            Intent::forget(&store.objects).await?;
            return Ok(certificate);
        }
        let found = match self.switched() {
            Some(found) => found,
            None => match self.rewrite(choice, may).await {
                Ok(found) => found,
                Err(error) => {
                    store.forget_if_nothing_changed(&self.intent).await;
                    return Err(error);
                }
            },
        };
        // The one from before would be waited for.
        self.snapshot = store.snapshot().await;
        self.stage(&store, "deleting", 0, 0);
        let set_aside_deleted = store.clean_up(&found).await?;
        self.stage(&store, "searching", 0, 0);
        let search = store
            .search(&found, self.intent.order.whom.and_account)
            .await?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let order = &self.intent.order;
        let mut certificate = Certificate::new(order, &found, &key, search);
        certificate.set_aside_deleted = set_aside_deleted;
        certificate.bytes_after = store.bytes_on_disk().await?;
        certificate.ended_at_ms = store.clock.now_unix_ns() / 1_000_000;
        certificate.seal()?;
        let text = serde_json::to_vec_pretty(&certificate)
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        let path = format!("{}/{}.json", intent::DIR, order.id);
        store.objects.replace(&path, text).await?;
        Intent::forget(&store.objects).await?;
        Ok(certificate)
    }

    /// What was found, when the manifest without it counts already.
    fn switched(&self) -> Option<Found> {
        let manifest = Arc::clone(&self.store.state().manifest);
        let is_it = manifest.erasure.as_deref() == Some(&self.intent.order.id);
        self.intent.found.clone().filter(|_| is_it)
    }

    fn stage(&self, store: &Store, stage: &'static str, parts_done: u64, parts_total: u64) {
        *store.progress() = Some(ErasureProgress {
            id: self.intent.order.id.clone(),
            stage,
            parts_done,
            parts_total,
        });
    }
}
