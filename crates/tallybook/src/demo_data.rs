//! Example data in a running server: a small simulated organisation, and its removal.
//!
//! Invariant: what was loaded is told from everything else by the token it came with, which no client
//! can send: the server gives it, after the door, and keeps it with the request in the journal. So it
//! can be removed whatever else came meanwhile. The token is derived from the secret of the
//! installation and is in no file but with the rows; the erasure finds it nowhere afterwards.
//!
//! | file | what is in it |
//! |---|---|
//! | `demo_data/kept.rs` | how it stands, in `access/demo-data.json` of the data directory |
//! | `demo_data/fill.rs` | the organisation, through the way of requests |

mod fill;
mod kept;

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use api::{DemoRefusal, DemoStanding};
use base::{Secret, Shutdown};
use query::{Asked, EraseError, ErasureDesk, ErasureState};
use store::Store;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::intake::Intake;
use crate::opening;
use fill::Filling;
use kept::{File, Kept, Stage};

/// What certificates call it.
const NAME: &str = "example data";

type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Example data of one server.
pub(crate) struct DemoData {
    intake: Arc<Intake>,
    desk: Arc<ErasureDesk>,
    secret: Secret,
    file: File,
    shutdown: Shutdown,
    now: Mutex<Now>,
}

/// How it stands, and what is being done.
struct Now {
    kept: Kept,
    loading: Option<Loading>,
}

/// Loading that goes on.
struct Loading {
    filling: Arc<Filling>,
    stop: Shutdown,
    task: JoinHandle<Result<(), Failure>>,
}

impl DemoData {
    /// As the data directory says it.
    ///
    /// # Errors
    /// Its file or the secret cannot be read.
    pub(crate) fn open(
        data_dir: &Path,
        intake: &Arc<Intake>,
        desk: &Arc<ErasureDesk>,
        shutdown: Shutdown,
    ) -> Result<Arc<DemoData>, Failure> {
        let file = File::of(data_dir);
        let mut kept = file.read().map_err(Failure::failed)?;
        if kept.stage == Stage::Loading {
            kept.stage = Stage::Loaded;
            kept.failure = Some("the server ended while it was loaded: not all is there".into());
        }
        Ok(Arc::new(DemoData {
            intake: Arc::clone(intake),
            desk: Arc::clone(desk),
            secret: opening::secret(data_dir)?,
            file,
            shutdown,
            now: Mutex::new(Now {
                kept,
                loading: None,
            }),
        }))
    }

    /// Waits until nothing is loaded any more; for a server that has been told to end.
    pub(crate) async fn settle(&self) {
        let mut now = self.now.lock().await;
        if now.loading.is_some() {
            let outcome = self.end_loading(&mut now).await;
            if let Err(error) = outcome {
                tracing::error!("how example data stands is not kept: {error}");
            }
        }
    }

    /// The token of the rows that were loaded last.
    fn token(&self, round: u64) -> String {
        let key = self.secret.key(&format!("example data {round}"));
        let digits: String = key[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("example-{digits}")
    }

    /// How it stands, brought up to date with what has ended meanwhile.
    async fn current(&self) -> Result<MutexGuard<'_, Now>, String> {
        let mut now = self.now.lock().await;
        if now.loading.as_ref().is_some_and(|it| it.task.is_finished()) {
            self.end_loading(&mut now).await?;
        }
        if now.kept.stage == Stage::Removing {
            self.look_after_erasure(&mut now).await?;
        }
        Ok(now)
    }

    /// Waits for the end of loading.
    async fn end_loading(&self, now: &mut Now) -> Result<(), String> {
        let Some(loading) = now.loading.take() else {
            return Ok(());
        };
        let outcome = loading.task.await;
        now.kept.stage = Stage::Loaded;
        now.kept.items = loading.filling.items();
        now.kept.failure = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.text().to_owned()),
            Err(error) => Some(error.to_string()),
        };
        self.file.write(&now.kept).await
    }

    async fn look_after_erasure(&self, now: &mut Now) -> Result<(), String> {
        let id = now.kept.erasure.clone().unwrap_or_default();
        let state = self.desk.state(&id).await.map_err(|e| e.to_string())?;
        let (stage, failure) = match state {
            Some(ErasureState::Running(_)) => return Ok(()),
            Some(ErasureState::Ended(_)) => (Stage::None, None),
            Some(ErasureState::Failed(why)) => (Stage::Loaded, Some(why)),
            // The server ended before it was on the disk: it was asked for all the same.
            None if !self.intake.store().replay_progress().is_done() => return Ok(()),
            None => {
                let begun = self.erase(now, "asked for before a restart".into()).await;
                return begun.map_err(|refusal| format!("{refusal:?}"));
            }
        };
        if stage == Stage::None {
            (now.kept.items, now.kept.since_ms) = (0, None);
        }
        (now.kept.stage, now.kept.failure) = (stage, failure);
        self.file.write(&now.kept).await
    }

    async fn begin_loading(&self) -> Result<(), DemoRefusal> {
        let mut now = self.current().await.map_err(DemoRefusal::Failed)?;
        let store = self.intake.store();
        if now.kept.stage != Stage::None {
            let why = "example data is there already: tallybook demo-data remove";
            return Err(DemoRefusal::Conflict(why.to_owned()));
        }
        if !is_empty(store).await {
            let why = "example data is for a server without data, and this one holds items: \
                       `tallybook demo` serves it apart";
            return Err(DemoRefusal::Conflict(why.to_owned()));
        }
        now.kept = Kept {
            round: now.kept.round + 1,
            stage: Stage::Loading,
            since_ms: Some(store.clock().now_unix_ns() / 1_000_000),
            ..Kept::default()
        };
        // First on the disk: after a crash it is known that there is something to remove.
        let written = self.file.write(&now.kept).await;
        written.map_err(DemoRefusal::Failed)?;
        let (stop, round) = (Shutdown::new(), now.kept.round);
        let filling = Filling::new(Arc::clone(&self.intake), round, self.token(round));
        let filling = Arc::new(filling);
        let task = Arc::clone(&filling).run(stop.clone(), self.shutdown.clone());
        now.loading = Some(Loading {
            filling,
            stop,
            task: tokio::spawn(task),
        });
        Ok(())
    }

    async fn begin_removing(&self, by: String) -> Result<(), DemoRefusal> {
        let mut now = self.current().await.map_err(DemoRefusal::Failed)?;
        match now.kept.stage {
            Stage::None => return Err(DemoRefusal::NotThere),
            Stage::Removing => return Ok(()),
            Stage::Loading | Stage::Loaded => {}
        }
        if let Some(loading) = &now.loading {
            loading.stop.trigger();
            let ended = self.end_loading(&mut now).await;
            ended.map_err(DemoRefusal::Failed)?;
        }
        self.erase(&mut now, by).await
    }

    /// Begins the erasure, and keeps that it has begun.
    async fn erase(&self, now: &mut Now, by: String) -> Result<(), DemoRefusal> {
        let asked = Asked {
            person: NAME.to_owned(),
            token: Some(self.token(now.kept.round)),
            ..Asked::default()
        };
        (now.kept.stage, now.kept.erasure) = match self.desk.begin(&asked, by).await {
            Ok(id) => (Stage::Removing, Some(id)),
            // Loading ended before anything was there.
            Err(EraseError::Nobody(_)) => (Stage::None, None),
            Err(error) => return Err(DemoRefusal::Erase(error)),
        };
        now.kept.failure = None;
        let written = self.file.write(&now.kept).await;
        written.map_err(DemoRefusal::Failed)
    }

    async fn stand(&self) -> DemoStanding {
        match self.current().await {
            Ok(now) => DemoStanding {
                state: now.kept.stage.name(),
                items: match &now.loading {
                    Some(loading) => loading.filling.items(),
                    None => now.kept.items,
                },
                since_ms: now.kept.since_ms,
                erasure: now.kept.erasure.clone(),
                failure: now.kept.failure.clone(),
            },
            Err(why) => DemoStanding {
                state: Stage::Loaded.name(),
                items: 0,
                since_ms: None,
                erasure: None,
                failure: Some(why),
            },
        }
    }
}

/// Whether nothing was ever acknowledged. A server that has just started knows it when its journal is
/// replayed, and that is waited for unless parts tell already.
async fn is_empty(store: &Store) -> bool {
    if store.stats().parts > 0 {
        return false;
    }
    drop(store.snapshot().await);
    let stats = store.stats();
    stats.parts == 0 && stats.buffer_rows == 0
}

impl api::DemoData for DemoData {
    fn standing(&self) -> Doing<'_, DemoStanding> {
        Box::pin(self.stand())
    }

    fn load(&self) -> Doing<'_, Result<(), DemoRefusal>> {
        Box::pin(self.begin_loading())
    }

    fn remove(&self, by: String) -> Doing<'_, Result<(), DemoRefusal>> {
        Box::pin(self.begin_removing(by))
    }
}
