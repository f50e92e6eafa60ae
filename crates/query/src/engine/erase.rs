//! Somebody is erased: who is meant, what would go, and the way there.
//!
//! The store erases rows and knows no people; here it is said whose a row is. After a restart an erasure
//! that has not ended is ended first.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::{
    Certificate, Choice, Counts, ErasureProgress, Holding, Order, Snapshot, StoreError, Whom,
};

use super::{AbortOnDrop, Engine};
use crate::error::QueryError;
use crate::people::{Resolver, Theirs, WithToken};
use crate::sight::{Lens, Owners, Sight};

/// Outcomes of so many erasures are remembered.
const OUTCOMES_MAX: usize = 64;

/// Why somebody was not erased.
#[derive(Debug)]
pub enum EraseError {
    /// Nobody is known by that name, or nothing is there of them.
    Nobody(String),
    /// What was asked for cannot be.
    Odd(String),
    /// Items of theirs are held.
    Held(String),
    /// Who is meant cannot be found out.
    Query(QueryError),
    /// The store.
    Store(StoreError),
}

impl fmt::Display for EraseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EraseError::Nobody(asked_for) => write!(
                formatter,
                "nothing is there of {asked_for:?}: give a name, an e-mail address, an account or an \
                 installation as in SELECT person, user_emails FROM people"
            ),
            EraseError::Held(which) | EraseError::Odd(which) => formatter.write_str(which),
            EraseError::Query(error) => error.fmt(formatter),
            EraseError::Store(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for EraseError {}

impl From<StoreError> for EraseError {
    fn from(error: StoreError) -> EraseError {
        EraseError::Store(error)
    }
}

impl From<QueryError> for EraseError {
    fn from(error: QueryError) -> EraseError {
        EraseError::Query(error)
    }
}

/// Whom somebody wants erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// A name, an e-mail address, an account or an installation.
    pub person: String,
    /// Only what belongs to this organisation.
    pub organization: Option<String>,
    /// Also items of others that mention one of their ids.
    pub with_mentions: bool,
    /// All that came with this token, whoever it is of; `person` then says what that is.
    pub token: Option<String>,
    /// Figures stay, as nobody's.
    pub keep_aggregates: bool,
    /// The account by which they sign in has gone, too; the audit trail may name it.
    pub and_account: bool,
    /// Nothing more is taken of them from now on.
    pub and_refuse: bool,
}

impl Engine {
    /// Who is meant, and what an erasure would remove now.
    ///
    /// # Errors
    /// There is nobody, or parts cannot be read.
    pub async fn plan_erasure(&self, asked: &Asked) -> Result<(Whom, Counts), EraseError> {
        if asked.keep_aggregates && asked.with_mentions {
            return Err(EraseError::Odd(
                "items of others that mention somebody cannot become figures of nobody: erase once with \
                 with_mentions, or with keep_aggregates"
                    .to_owned(),
            ));
        }
        let snapshot = self.snapshot().await?;
        let whom = Whom {
            asked_for: asked.person.trim().to_owned(),
            organization: asked.organization.clone(),
            with_mentions: asked.with_mentions,
            token: asked.token.clone(),
            keep_aggregates: asked.keep_aggregates,
            and_account: asked.and_account,
            and_refuse: asked.and_refuse,
            ids: asked.token.iter().cloned().collect(),
        };
        let (whom, choice) = self.choice(whom, snapshot).await?;
        let counts = self.store.plan_erasure(&whom, &choice).await?;
        match counts.total() {
            0 => Err(EraseError::Nobody(asked.person.clone())),
            _ => Ok((whom, counts)),
        }
    }

    /// Erases to the end; goes on with an erasure of the same order that has not ended.
    ///
    /// # Errors
    /// Another one is under way, or the disk fails: see [`store::Erasure::run`].
    pub async fn erase(&self, order: Order, key: &[u8; 32]) -> Result<Certificate, EraseError> {
        if order.whom.and_refuse {
            self.refuse_from_now_on(&order).await?;
        }
        let erasure = self.store.begin_erasure(order).await?;
        let (whom, snapshot) = (erasure.order().whom.clone(), erasure.snapshot().clone());
        let (_, choice) = self.choice(whom.clone(), snapshot).await?;
        let may: store::May = match erasure.is_switched() {
            true => Arc::new(|| Ok(())),
            false => match self.must_not_be_held(&whom, &choice).await {
                Ok(held) => Arc::new(move || match held.is_current() {
                    true => Ok(()),
                    false => Err(StoreError::Busy(
                        "the holds have changed meanwhile: erase again".into(),
                    )),
                }),
                Err(error) => {
                    erasure.forget().await;
                    return Err(error);
                }
            },
        };
        let certificate = erasure.run(choice, key, may).await?;
        self.forget_derived().await;
        // What was learnt of the person goes when others are learnt anew.
        self.resolver(self.snapshot().await?).await?;
        Ok(certificate)
    }

    /// Forgets what was made of parts that are gone: their footers and sums tell of what was in them.
    pub(super) async fn forget_derived(&self) {
        self.copies.forget().await;
        self.digests.forget().await;
        self.calls.forget().await;
        self.kept.forget();
        let runtime = self.state.runtime_env();
        runtime.cache_manager.get_file_metadata_cache().clear();
    }

    /// Ends the erasure that a crash or an error has left, if there is one.
    ///
    /// # Errors
    /// As [`Engine::erase`].
    pub async fn end_unfinished_erasure(
        &self,
        key: &[u8; 32],
    ) -> Result<Option<Certificate>, EraseError> {
        match self.store.unfinished_erasure().await? {
            Some(order) => self.erase(order, key).await.map(Some),
            None => Ok(None),
        }
    }

    /// Names people by what a snapshot holds. Reads what is new however long it takes.
    pub(super) async fn resolver(&self, snapshot: Snapshot) -> Result<Resolver, QueryError> {
        let (people, state) = (Arc::clone(&self.people), self.state.clone());
        // Who is erased is looked for among everybody.
        let lens = Lens::of(Sight::everything(), &self.config);
        let Some(runtime) = &self.runtime else {
            return Err(QueryError::internal("shutting down"));
        };
        let resolving = runtime.spawn(async move {
            let resolver = people
                .resolver(people.files(), &snapshot, &state, &lens)
                .await;
            resolver.map_err(|error| QueryError::running(&error))
        });
        AbortOnDrop(resolving).join().await
    }

    /// Which rows are meant, and by which ids.
    pub(super) async fn choice(
        &self,
        whom: Whom,
        snapshot: Snapshot,
    ) -> Result<(Whom, Arc<dyn Choice>), EraseError> {
        if let Some(token) = whom.token.clone() {
            return Ok((whom, Arc::new(WithToken { token })));
        }
        let theirs = self.theirs(whom, snapshot).await?;
        Ok((theirs.whom.clone(), Arc::new(theirs)))
    }

    async fn theirs(&self, mut whom: Whom, snapshot: Snapshot) -> Result<Theirs, EraseError> {
        let resolver = self.resolver(snapshot).await?;
        match resolver.ids_of(&whom.asked_for) {
            Some(ids) => whom.ids.extend(ids),
            None => return Err(EraseError::Nobody(whom.asked_for)),
        }
        let owners = whom.organization.clone().map(|only| {
            let only = BTreeSet::from([only]);
            Owners::new(&self.config.organization, Arc::new(only))
        });
        Ok(Theirs {
            resolver,
            whom,
            owners,
        })
    }
}

/// Runs erasures one after the other, whoever waits for them, and remembers how they ended.
pub struct ErasureDesk {
    engine: Arc<Engine>,
    key: [u8; 32],
    outcomes: Mutex<Vec<(String, Outcome)>>,
}

/// How an erasure went that was begun here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    UnderWay,
    Failed(String),
    Ended,
}

/// How an erasure stands.
#[derive(Debug)]
pub enum ErasureState {
    /// It is under way.
    Running(Option<ErasureProgress>),
    /// It has failed, for this reason.
    Failed(String),
    /// It has ended.
    Ended(Box<Certificate>),
}

impl ErasureDesk {
    /// A desk; `key` makes the hashes of identifiers in certificates.
    pub fn new(engine: Arc<Engine>, key: [u8; 32]) -> ErasureDesk {
        ErasureDesk {
            engine,
            key,
            outcomes: Mutex::default(),
        }
    }

    /// Begins an erasure and returns its id; it goes on however long somebody waits.
    ///
    /// # Errors
    /// There is nobody, or another erasure is under way.
    pub async fn begin(self: &Arc<Self>, asked: &Asked, by: String) -> Result<String, EraseError> {
        let is_begun = |(_, outcome): &(String, Outcome)| *outcome == Outcome::UnderWay;
        let is_busy = self.outcomes().iter().any(is_begun);
        if is_busy || self.engine.store.erasure_progress().is_some() {
            let reason = "another erasure is under way: ask again when it has ended";
            return Err(StoreError::Busy(reason.into()).into());
        }
        // Not by the future of who asks, who may go away in the middle.
        let (engine, key) = (Arc::clone(&self.engine), self.key);
        let ending = tokio::spawn(async move { engine.end_unfinished_erasure(&key).await });
        ending.await.map_err(QueryError::internal)??;
        let (whom, _) = self.engine.plan_erasure(asked).await?;
        self.engine.may_be_erased(&whom).await?;
        let now_ms = self.engine.store.clock().now_unix_ns() / 1_000_000;
        let order = Order::new(whom, by, now_ms).map_err(StoreError::Io)?;
        let id = order.id.clone();
        self.note(&id, Outcome::UnderWay);
        let desk = Arc::clone(self);
        tokio::spawn(async move { desk.run(order).await });
        Ok(id)
    }

    /// Ends what a crash has left, once the journal is replayed.
    pub async fn resume(&self) {
        match self.engine.end_unfinished_erasure(&self.key).await {
            Ok(Some(certificate)) => {
                tracing::info!(
                    "the erasure {} has been ended after a restart",
                    certificate.id
                );
            }
            Ok(None) => {}
            Err(error) => tracing::error!(
                "an erasure is not ended, and goes on with the next start or the next erasure: {error}"
            ),
        }
    }

    /// How an erasure stands; nothing when there was none of this id.
    ///
    /// # Errors
    /// Its certificate cannot be read.
    pub async fn state(&self, id: &str) -> Result<Option<ErasureState>, StoreError> {
        let outcome = self
            .outcomes()
            .iter()
            .find(|(known, _)| known == id)
            .cloned();
        match outcome {
            Some((_, Outcome::Failed(reason))) => return Ok(Some(ErasureState::Failed(reason))),
            Some((_, Outcome::UnderWay)) => {
                let progress = self.engine.store.erasure_progress();
                return Ok(Some(ErasureState::Running(progress)));
            }
            Some((_, Outcome::Ended)) => {}
            None => {
                // Gone on with after a restart.
                let unfinished = self.engine.store.unfinished_erasure().await?;
                if unfinished.is_some_and(|order| order.id == id) {
                    let progress = self.engine.store.erasure_progress();
                    return Ok(Some(ErasureState::Running(progress)));
                }
            }
        }
        let certificate = self.engine.store.certificate(id).await?;
        Ok(certificate.map(|certificate| ErasureState::Ended(Box::new(certificate))))
    }

    async fn run(&self, order: Order) {
        let id = order.id.clone();
        let outcome = self.engine.erase(order, &self.key).await;
        if let Err(error) = &outcome {
            tracing::error!("the erasure {id} has failed: {error}");
        }
        self.note(
            &id,
            match outcome {
                Ok(_) => Outcome::Ended,
                Err(error) => Outcome::Failed(error.to_string()),
            },
        );
    }

    fn note(&self, id: &str, outcome: Outcome) {
        let mut outcomes = self.outcomes();
        outcomes.retain(|(known, _)| known != id);
        outcomes.push((id.to_owned(), outcome));
        if outcomes.len() > OUTCOMES_MAX {
            outcomes.remove(0);
        }
    }

    fn outcomes(&self) -> MutexGuard<'_, Vec<(String, Outcome)>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
