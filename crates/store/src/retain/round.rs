//! A run of retention, round by round.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::due::Done;
use super::rules::Retention;
use super::sessions::Judging;
use super::state::{Intent, RetentionState};
use super::{Holding, Look, RetentionKey};
use crate::error::StoreError;
use crate::part::{Looked, Part};
use crate::rewriting::{Replacements, Switch};
use crate::schema::Table;
use crate::snapshot::Snapshot;
use crate::store::Store;

/// A round writes no more parts anew, nor parts of more bytes.
const ROUND_PARTS: usize = 32;
const ROUND_BYTES: u64 = 128 << 20;

/// A run of retention. No erasure and no other run goes on meanwhile.
pub struct Retaining {
    store: Arc<Store>,
    retention: Arc<Retention>,
    key: RetentionKey,
    state: RetentionState,
    today: u32,
    /// The sessions that go on, of one day.
    going_on: Option<(u32, HashSet<u64>)>,
    /// Parts that could not be read in this run.
    unread: HashSet<String>,
    _alone: tokio::sync::OwnedMutexGuard<()>,
}

/// What a round has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// What went.
    pub done: Done,
    /// Parts that are still to be looked at.
    pub parts_left: u64,
}

/// Parts of one day that are to be looked at.
struct Candidates {
    day: u32,
    parts: Vec<Part>,
    /// With those of other days.
    all: u64,
}

impl Store {
    /// Begins a run; ends first what a crash has left of another.
    ///
    /// # Errors
    /// An erasure or another run is under way, the journal is being replayed, or the disk fails.
    pub async fn begin_retention(
        self: &Arc<Self>,
        retention: &Retention,
        key: RetentionKey,
    ) -> Result<Retaining, StoreError> {
        let _alone = self
            .alone("an erasure or a run of retention is under way")
            .await?;
        if !self.replay_progress().is_done() {
            let reason = "the journal is being replayed: retention begins when that is done";
            return Err(StoreError::Busy(reason.into()));
        }
        let mut state = RetentionState::load(&self.objects).await?;
        self.end_round(&mut state).await?;
        state.last_began_ms = Some(self.clock.now_unix_ns() / 1_000_000);
        state.last_ended_ms = None;
        state.last = Done::default();
        state.save(&self.objects).await?;
        Ok(Retaining {
            store: Arc::clone(self),
            retention: Arc::new(retention.clone()),
            key,
            state,
            today: self.today(),
            going_on: None,
            unread: HashSet::new(),
            _alone,
        })
    }
}

impl Retaining {
    /// Treats some of what is due; nothing when there is none left.
    ///
    /// # Errors
    /// The disk fails, or holds have changed meanwhile: then nothing of this round is done.
    pub async fn round(&mut self, held: &Arc<dyn Holding>) -> Result<Option<Round>, StoreError> {
        let store = Arc::clone(&self.store);
        let judging = Judging {
            retention: Arc::clone(&self.retention),
            held: Arc::clone(held),
            today: self.today,
        };
        let snapshot = store.snapshot().await;
        let Some(due) = self.candidates(&snapshot, &judging) else {
            return Ok(None);
        };
        if self
            .going_on
            .as_ref()
            .is_none_or(|(day, _)| *day != due.day)
        {
            let going_on = store
                .going_on(&snapshot, due.day, &due.parts, &judging)
                .await?;
            self.going_on = Some((due.day, going_on));
        }
        let (mut replacements, mut done) = (Replacements::new(), Done::default());
        let (mut renamed, mut bytes) = (Vec::new(), 0);
        let mut looked = 0;
        let outcome = async {
            for part in &due.parts {
                if replacements.len() >= ROUND_PARTS || bytes >= ROUND_BYTES {
                    break;
                }
                must_be_current(held.as_ref())?;
                looked += 1;
                bytes += part.bytes;
                let new = self
                    .treat(&snapshot, part, &judging, &mut done, &mut renamed)
                    .await?;
                if let Some(new) = new {
                    replacements.insert(part.path.clone(), new);
                }
            }
            Ok(())
        };
        let outcome = outcome.await;
        drop(snapshot);
        let outcome = match outcome {
            Ok(()) => {
                self.switch(&replacements, &renamed, &done, held.as_ref())
                    .await
            }
            failed => failed,
        };
        if outcome.is_err() {
            self.take_back(&replacements).await?;
        }
        outcome?;
        Ok(Some(Round {
            done,
            parts_left: due.all - looked,
        }))
    }

    /// The parts of the latest day that are to be looked at.
    fn candidates(&self, snapshot: &Snapshot, judging: &Judging) -> Option<Candidates> {
        let mut days: BTreeMap<u32, Vec<Part>> = BTreeMap::new();
        for part in &snapshot.manifest.parts {
            let is_one = self.store.is_to_be_looked_at(part, judging);
            if is_one && !self.unread.contains(&part.path) {
                days.entry(part.day).or_default().push(part.clone());
            }
        }
        let all = days.values().map(|parts| parts.len() as u64).sum();
        // From the latest day back: whether a session goes on is told by later days.
        days.pop_last()
            .map(|(day, parts)| Candidates { day, parts, all })
    }

    /// What replaces a part; nothing when it stays as it is.
    async fn treat(
        &mut self,
        snapshot: &Snapshot,
        part: &Part,
        judging: &Judging,
        done: &mut Done,
        renamed: &mut Vec<(Table, String)>,
    ) -> Result<Option<Option<Part>>, StoreError> {
        let empty = HashSet::new();
        let going_on = self
            .going_on
            .as_ref()
            .map_or(&empty, |(_, sessions)| sessions);
        let store = Arc::clone(&self.store);
        let treated = store
            .treat_part(snapshot, part, judging, &self.key, going_on)
            .await?;
        let Some(treated) = treated else {
            done.unread += 1;
            self.unread.insert(part.path.clone());
            return Ok(None);
        };
        done.add(&treated.done);
        let rules = judging.retention.fingerprint();
        let look = Look {
            rules,
            holds: judging.held.revision(),
            until: treated.until,
        };
        if !treated.is_changed {
            store.note_look(&part.path, look);
            return Ok(None);
        }
        renamed.extend(treated.renamed);
        let Some(new) = treated.new else {
            return Ok(Some(None));
        };
        let new = store.put_rewritten(part, new).await?;
        store.note_look(&new.path, look);
        // What is held is looked at as soon as the holds are others.
        let until = if treated.done.held > 0 {
            judging.today
        } else {
            treated.until
        };
        let looked = Looked {
            rules,
            until,
            is_reduced: treated.is_reduced,
        };
        Ok(Some(Some(Part {
            looked: Some(looked),
            ..new
        })))
    }

    async fn switch(
        &mut self,
        replacements: &Replacements,
        renamed: &[(Table, String)],
        done: &Done,
        held: &dyn Holding,
    ) -> Result<(), StoreError> {
        if replacements.is_empty() {
            self.state.last.add(done);
            return Ok(());
        }
        let old = replacements.keys().cloned().collect();
        let new = replacements
            .values()
            .flatten()
            .map(|part| part.path.clone());
        let intent = Intent::new(self.state.rounds + 1, old, new.collect(), done.clone());
        intent.save(&self.store.objects).await?;
        let switch = Switch {
            replacements,
            erasure: None,
            forgotten: &BTreeSet::new(),
            renamed,
            may: &|| must_be_current(held),
        };
        self.store.replace_parts(&switch).await?;
        self.store.conclude(intent, &mut self.state).await
    }

    /// Takes back what a round has written that has failed before it counted.
    async fn take_back(&mut self, replacements: &Replacements) -> Result<(), StoreError> {
        if Intent::load(&self.store.objects).await?.is_none() {
            let manifest = Arc::clone(&self.store.state().manifest);
            for part in replacements.values().flatten() {
                // It may count: then only the last step has failed.
                if manifest.parts.iter().all(|named| named.path != part.path) {
                    self.store.delete_part_at(&part.path).await?;
                }
            }
            return Ok(());
        }
        let mut state = RetentionState::load(&self.store.objects).await?;
        self.store.end_round(&mut state).await?;
        self.state = state;
        Ok(())
    }

    /// Ends the run: looks at what was set aside, and writes down that it has ended.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn end(mut self, held: &dyn Holding) -> Result<RetentionState, StoreError> {
        let (store, today) = (Arc::clone(&self.store), self.today);
        let mut there = store.objects.list("damaged").await?;
        let segments = store.objects.list("journal").await?.into_iter();
        there.extend(segments.filter(|path| path.ends_with(".damaged")));
        let set_aside = &mut self.state.set_aside;
        set_aside.retain(|path, _| there.contains(path));
        for path in there {
            let seen = *set_aside.entry(path.clone()).or_insert(today);
            let is_old = self.retention.days.due(seen, today) > crate::Treatment::Stays;
            // Who sets a hold waits for this (`Store::settled`): what is deleted went before it held.
            let _no_hold_between = store.flushing.lock().await;
            // Nobody can tell whose it is.
            if is_old && !held.is_any() && held.is_current() {
                store.objects.delete(&path).await?;
                set_aside.remove(&path);
                self.state.last.set_aside += 1;
                self.state.total.set_aside += 1;
            }
        }
        for dir in ["damaged", "journal"] {
            store.objects.sync_names(dir).await?;
        }
        store.forget_looks();
        self.state.last_ended_ms = Some(store.clock.now_unix_ns() / 1_000_000);
        self.state.save(&store.objects).await?;
        Ok(self.state)
    }
}

fn must_be_current(held: &dyn Holding) -> Result<(), StoreError> {
    match held.is_current() {
        true => Ok(()),
        false => Err(StoreError::Busy(
            "the holds have changed: this round is begun again".into(),
        )),
    }
}
