//! Keys of a directory that is being served: how it stands, new keys, another root key, and what is under old
//! keys written anew in the background.
//!
//! Invariant: that something is being written anew is on the disk before it begins, so that it goes on after
//! a restart until all is done.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::access::Document;
use ::access::audit::Action;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base::Shutdown;
use base::seal::{RootKey, Vault};
use serde::{Deserialize, Serialize};
use store::{Beside, EncryptionStatus, Resealed, Store};
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::fault::{ErrorBody, Fault};

/// Reads the root key from where the process has it from.
pub type ReadRootKey = Box<dyn Fn() -> Result<RootKey, String> + Send + Sync>;

/// Changes the keys of a directory that is being served.
pub struct EncryptionDesk {
    store: Arc<Store>,
    read_root: ReadRootKey,
    document: Document,
    shutdown: Shutdown,
    state: Mutex<Rewriting>,
}

impl std::fmt::Debug for EncryptionDesk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("EncryptionDesk")
    }
}

/// What is on the disk of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Intent {
    is_under_way: bool,
    asked_by: String,
    last: Option<Resealed>,
}

/// How far writing anew is.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Rewriting {
    /// Whether it is under way.
    is_running: bool,
    /// Parts that are done.
    parts_done: u64,
    /// Of so many.
    parts_total: u64,
    /// Why it failed last, if it did: it goes on when it is asked for, or with the next start.
    failed: Option<String>,
    /// What it came to when it ended last.
    #[schema(value_type = Option<Object>)]
    last: Option<Resealed>,
}

/// How the encryption of the data directory stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Standing {
    /// What is encrypted under which key, and what is plain.
    #[schema(value_type = Object)]
    status: EncryptionStatus,
    /// Whether everything is under current keys.
    is_finished: bool,
    rewriting: Rewriting,
}

/// What became of keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct Renewed {
    /// What the root key may be called by.
    root_key: String,
    /// Keys that there are now, old ones too.
    keys: usize,
}

/// Why keys were not changed.
enum Refusal {
    NotEncrypted,
    Conflict(String),
    Failed(String),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        match refusal {
            Refusal::NotEncrypted => Fault::new(
                StatusCode::CONFLICT,
                "the data directory is not encrypted",
                Some("restart with a root key: tallybook encryption new-key FILE"),
            ),
            Refusal::Conflict(what) => Fault::new(StatusCode::CONFLICT, what, None),
            Refusal::Failed(what) => Fault::new(StatusCode::INTERNAL_SERVER_ERROR, what, None),
        }
    }
}

impl EncryptionDesk {
    /// The desk of a data directory.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        data_dir: &Path,
        read_root: ReadRootKey,
        shutdown: Shutdown,
    ) -> EncryptionDesk {
        let document = Document::at(data_dir.join("access").join("encryption-rewrite.json"));
        EncryptionDesk {
            store,
            read_root,
            document,
            shutdown,
            state: Mutex::default(),
        }
    }

    /// Goes on with what a restart has cut short. To be called once the journal is replayed.
    pub fn resume(self: &Arc<Self>) {
        if self.store.vault().is_none() {
            return;
        }
        let intent = match self.document.read::<Intent>() {
            Ok(intent) => intent.unwrap_or_default(),
            Err(error) => {
                tracing::error!("whether something is to be written anew cannot be read: {error}");
                return;
            }
        };
        self.state().last = intent.last;
        if intent.is_under_way && self.take() {
            tracing::info!("going on with writing anew what is under old keys");
            self.start(intent);
        }
    }

    fn vault(&self) -> Result<Arc<Vault>, Refusal> {
        self.store.vault().cloned().ok_or(Refusal::NotEncrypted)
    }

    /// New keys for all organisations and the installation. Blocks on the disk.
    fn rotate(&self) -> Result<Renewed, Refusal> {
        let vault = self.vault()?;
        let rotated = vault.rotate_keys();
        rotated.map_err(|error| Refusal::Failed(error.to_string()))?;
        Ok(renewed(&vault))
    }

    /// Wraps all keys by the root key that is where the one of now came from. Blocks on the disk.
    fn reload(&self) -> Result<Renewed, Refusal> {
        let vault = self.vault()?;
        let root = (self.read_root)().map_err(Refusal::Conflict)?;
        if root.name() == vault.root_name() {
            let what =
                "the root key that is there is the one in use: put another in its place first";
            return Err(Refusal::Conflict(what.to_owned()));
        }
        let rotated = vault.rotate_root(root.clone());
        rotated.map_err(|error| Refusal::Failed(error.to_string()))?;
        base::seal::renew(root);
        Ok(renewed(&vault))
    }

    /// Begins to write anew, durably. Blocks on the disk.
    fn begin(self: &Arc<Self>, asked_by: String) -> Result<(), Refusal> {
        self.vault()?;
        if !self.take() {
            let what = "it is being written anew already";
            return Err(Refusal::Conflict(what.to_owned()));
        }
        let intent = Intent {
            is_under_way: true,
            asked_by,
            last: self.state().last,
        };
        if let Err(error) = self.document.replace(&intent) {
            self.state().is_running = false;
            return Err(Refusal::Failed(error.to_string()));
        }
        self.start(intent);
        Ok(())
    }

    /// Whether nobody else has it in hand; from now on somebody has.
    fn take(&self) -> bool {
        let mut state = self.state();
        let is_free = !state.is_running;
        state.is_running = true;
        is_free
    }

    fn start(self: &Arc<Self>, intent: Intent) {
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = desk.work(intent) => {}
                // What it was at is begun again with the next start.
                () = desk.shutdown.wait() => {}
            }
        });
    }

    async fn work(self: &Arc<Self>, intent: Intent) {
        let told = |done, total| {
            let mut state = self.state();
            (state.parts_done, state.parts_total, state.failed) = (done, total, None);
        };
        let resealed = self.store.reseal(Beside::Others, told).await;
        let (desk, ended) = (Arc::clone(self), resealed.as_ref().ok().copied());
        let noted = tokio::task::spawn_blocking(move || match ended {
            Some(last) => desk.document.replace(&Intent {
                is_under_way: false,
                last: Some(last),
                ..intent
            }),
            None => Ok(()),
        });
        let noted = match noted.await {
            Ok(noted) => noted.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let mut state = self.state();
        state.is_running = false;
        match (resealed, noted) {
            (Ok(last), Ok(())) => {
                state.last = Some(last);
                tracing::info!("{} parts are written anew under current keys", last.parts);
            }
            (Err(error), _) => {
                state.failed = Some(error.to_string());
                tracing::error!("what is under old keys is not written anew: {error}");
            }
            (_, Err(error)) => {
                state.failed = Some(error.clone());
                tracing::error!("that all is written anew cannot be noted: {error}");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, Rewriting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn renewed(vault: &Vault) -> Renewed {
    Renewed {
        root_key: vault.root_name(),
        keys: vault.keys().len(),
    }
}

fn desk(api: &Api) -> Result<Arc<EncryptionDesk>, Fault> {
    api.encryption.clone().ok_or_else(|| {
        let hint = Some("use tallybook encryption --data-dir");
        Fault::new(
            StatusCode::NOT_IMPLEMENTED,
            "keys are not changed by this server",
            hint,
        )
    })
}

/// What is encrypted under which key, and how far writing anew is.
#[utoipa::path(get, path = "/api/v1/encryption", tag = "privacy",
    responses((status = 200, body = Standing)))]
pub(crate) async fn standing(State(api): State<Arc<Api>>) -> Result<Json<Standing>, Fault> {
    let desk = desk(&api)?;
    let status = desk.store.encryption_status().await;
    let status = status.map_err(Fault::internal)?;
    let rewriting = desk.state().clone();
    Ok(Json(Standing {
        is_finished: status.is_finished(),
        status,
        rewriting,
    }))
}

/// Gives every organisation a new key for what is written from now on. Old ones open what they have sealed.
#[utoipa::path(post, path = "/api/v1/encryption/rotate", tag = "privacy", responses(
    (status = 200, body = Renewed),
    (status = 409, description = "The directory is not encrypted", body = ErrorBody)))]
pub(crate) async fn rotate(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<Json<Renewed>, Fault> {
    let desk = desk(&api)?;
    api.on_record(&asker, Action::Settings, "encryption: rotate keys")
        .await?;
    let rotated = tokio::task::spawn_blocking(move || desk.rotate()).await;
    Ok(Json(rotated.map_err(Fault::internal)??))
}

/// Wraps all keys by the root key that is in the server's key file now. From the answer on the one before
/// opens nothing any more.
#[utoipa::path(post, path = "/api/v1/encryption/reload", tag = "privacy", responses(
    (status = 200, body = Renewed),
    (status = 409, description = "There is no other key in the file", body = ErrorBody)))]
pub(crate) async fn reload(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<Json<Renewed>, Fault> {
    let desk = desk(&api)?;
    api.on_record(&asker, Action::Settings, "encryption: another root key")
        .await?;
    let reloaded = tokio::task::spawn_blocking(move || desk.reload()).await;
    Ok(Json(reloaded.map_err(Fault::internal)??))
}

/// Begins to write anew what is plain or under an old key, in the background.
#[utoipa::path(post, path = "/api/v1/encryption/rewrite", tag = "privacy", responses(
    (status = 202, description = "It has begun"),
    (status = 409, description = "It is under way, or the directory is not encrypted", body = ErrorBody)))]
pub(crate) async fn rewrite(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<StatusCode, Fault> {
    let desk = desk(&api)?;
    api.on_record(&asker, Action::Settings, "encryption: rewrite")
        .await?;
    let by = asker.principal.who.to_string();
    let begun = tokio::task::spawn_blocking(move || desk.begin(by)).await;
    begun.map_err(Fault::internal)??;
    Ok(StatusCode::ACCEPTED)
}
