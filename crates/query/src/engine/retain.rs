//! Retention at work: what would go, what goes, and what is held.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::Shutdown;
use serde::Serialize;
use store::{
    Done, Holding, Named, Plan, Retention, RetentionKey, RetentionState, Round, StoreError, Whom,
};

use super::Engine;
use super::erase::EraseError;
use crate::error::QueryError;
use crate::holds::{Held, Hold, OneHold, revision_of};
use crate::people::Theirs;

/// How often it is looked whether something is old.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The longest pause between two rounds.
const PAUSE_MAX: Duration = Duration::from_secs(10);

impl Engine {
    /// The holds that there are now, ready to be asked.
    ///
    /// # Errors
    /// They cannot be read, or people cannot be resolved.
    pub(crate) async fn held(&self) -> Result<Held, EraseError> {
        let book = self.config.holds.clone();
        let holds = book.as_ref().map_or(Ok(Vec::new()), |book| book.holds());
        let unreadable = |error| {
            StoreError::Busy(format!(
                "nothing is treated or erased while the holds cannot be read: {error}"
            ))
        };
        let holds = holds.map_err(unreadable)?;
        let mut held = Held {
            book,
            revision: revision_of(&holds),
            holds: Vec::with_capacity(holds.len()),
        };
        for hold in holds {
            let theirs = match &hold.person {
                Some(person) => Some(self.anybody(person).await?),
                None => None,
            };
            let usual = self.config.organization.trim().into();
            held.holds.push(OneHold {
                hold,
                theirs,
                usual,
            });
        }
        Ok(held)
    }

    /// The rows of somebody, also of one of whom nothing is known yet.
    async fn anybody(&self, person: &str) -> Result<Theirs, QueryError> {
        let resolver = self.resolver(self.snapshot().await?).await?;
        let asked_for = person.trim().to_owned();
        let known = resolver.ids_of(&asked_for);
        let ids = known.unwrap_or_else(|| BTreeSet::from([asked_for.to_lowercase()]));
        let whom = Whom {
            asked_for,
            ids,
            ..Whom::default()
        };
        Ok(Theirs {
            resolver,
            whom,
            owners: None,
        })
    }

    /// What the mapping of people goes by, which must stay.
    fn named(&self) -> Named {
        self.people
            .files()
            .mapping
            .as_ref()
            .map_or_else(Named::default, |mapping| mapping.named())
    }

    fn retention_key(&self, key: &[u8; 32]) -> RetentionKey {
        RetentionKey {
            key: *key,
            named: self.named(),
        }
    }

    /// What would go now.
    ///
    /// # Errors
    /// The holds or parts cannot be read.
    pub async fn retention_plan(
        &self,
        retention: &Retention,
        key: &[u8; 32],
    ) -> Result<Plan, EraseError> {
        let held: Arc<dyn Holding> = Arc::new(self.held().await?);
        let key = self.retention_key(key);
        Ok(self.store.retention_plan(retention, &held, &key).await?)
    }
}

/// How a run of retention stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RetentionRun {
    /// Whether one is under way.
    pub is_running: bool,
    /// Parts that are still to be looked at, as far as is known.
    pub parts_left: u64,
    /// What went in it.
    pub done: Done,
    /// Why the last one has not ended.
    pub failed: Option<String>,
}

/// Runs retention, one run after the other.
pub struct RetentionDesk {
    engine: Arc<Engine>,
    retention: Retention,
    key: [u8; 32],
    run: Mutex<RetentionRun>,
}

impl RetentionDesk {
    /// A desk; `key` makes the hashes that stand for ids.
    pub fn new(engine: Arc<Engine>, retention: Retention, key: [u8; 32]) -> RetentionDesk {
        RetentionDesk {
            engine,
            retention,
            key,
            run: Mutex::default(),
        }
    }

    /// The rules.
    pub fn retention(&self) -> &Retention {
        &self.retention
    }

    /// What would go now.
    ///
    /// # Errors
    /// As [`Engine::retention_plan`].
    pub async fn plan(&self) -> Result<Plan, EraseError> {
        self.engine.retention_plan(&self.retention, &self.key).await
    }

    /// How the run stands that is under way, or how the last one ended.
    pub fn standing(&self) -> RetentionRun {
        self.noted().clone()
    }

    /// What was done so far.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn state(&self) -> Result<RetentionState, StoreError> {
        self.engine.store.retention_state().await
    }

    /// The holds that there are.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn holds(&self) -> Result<Vec<Hold>, EraseError> {
        let held = self.engine.held().await?.holds;
        Ok(held.into_iter().map(|one| one.hold).collect())
    }

    /// Begins a run that goes on however long somebody waits.
    ///
    /// # Errors
    /// One is under way.
    pub fn begin(self: &Arc<Self>, shutdown: Shutdown) -> Result<(), StoreError> {
        self.take_turn()?;
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = desk.rounds(false, &shutdown).await;
            desk.end(&outcome);
        });
        Ok(())
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// One is under way, or the disk fails.
    pub async fn run_once(&self) -> Result<RetentionState, EraseError> {
        self.take_turn()?;
        let outcome = self.rounds(false, &Shutdown::new()).await;
        self.end(&outcome);
        outcome
    }

    /// Looks from time to time whether something is old, until `shutdown`.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) {
        if !self.retention.is_any() {
            return;
        }
        while !shutdown.is_triggered() {
            if self.engine.store.replay_progress().is_done() && self.take_turn().is_ok() {
                let outcome = self.rounds(true, &shutdown).await;
                self.end(&outcome);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.wait() => return,
            }
        }
    }

    /// Round after round. In the background it rests as long as it works.
    async fn rounds(
        &self,
        is_resting: bool,
        shutdown: &Shutdown,
    ) -> Result<RetentionState, EraseError> {
        let engine = &self.engine;
        let key = engine.retention_key(&self.key);
        let mut run = engine.store.begin_retention(&self.retention, key).await?;
        let mut held: Arc<dyn Holding> = Arc::new(engine.held().await?);
        while !shutdown.is_triggered() {
            if !held.is_current() {
                held = Arc::new(engine.held().await?);
            }
            let began = Instant::now();
            let round = match run.round(&held).await {
                Err(StoreError::Busy(_)) if !held.is_current() => continue,
                round => round?,
            };
            let Some(round) = round else { break };
            self.note(&round);
            if is_resting && round.parts_left > 0 {
                tokio::select! {
                    () = tokio::time::sleep(began.elapsed().min(PAUSE_MAX)) => {}
                    () = shutdown.wait() => {}
                }
            }
        }
        let state = run.end(held.as_ref()).await?;
        if state.last.parts > 0 {
            engine.forget_derived().await;
        }
        Ok(state)
    }

    fn note(&self, round: &Round) {
        let mut noted = self.noted();
        noted.parts_left = round.parts_left;
        noted.done.add(&round.done);
    }

    fn take_turn(&self) -> Result<(), StoreError> {
        let mut noted = self.noted();
        if noted.is_running {
            return Err(StoreError::Busy("a run of retention is under way".into()));
        }
        *noted = RetentionRun {
            is_running: true,
            ..RetentionRun::default()
        };
        Ok(())
    }

    fn end(&self, outcome: &Result<RetentionState, EraseError>) {
        let mut noted = self.noted();
        noted.is_running = false;
        match outcome {
            Ok(state) => {
                noted.parts_left = 0;
                noted.done = state.last.clone();
                if state.last.parts > 0 {
                    tracing::info!("retention: {}", state.last.describe());
                }
            }
            Err(error) => {
                tracing::warn!("retention is looked after again later: {error}");
                noted.failed = Some(error.to_string());
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, RetentionRun> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
