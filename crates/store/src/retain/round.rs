//! A run of retention, round by round.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, PoisonError};

use ring::hmac;

use super::due::{Class, Done, Plan, TreatedPart, treat};
use super::rules::Retention;
use super::sessions::Judging;
use super::state::{Intent, RetentionState};
use super::{Holding, Look, RetentionKey};
use crate::error::StoreError;
use crate::part::{Looked, Part};
use crate::rewriting::{Replacements, Switch, on_cpu};
use crate::schema::Table;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::treatment::Treating;

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
        let alone = Arc::clone(&self.erasing.one).try_lock_owned();
        let busy = |_| StoreError::Busy("an erasure or a run of retention is under way".into());
        let _alone = alone.map_err(busy)?;
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

    /// What retention has done so far.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn retention_state(&self) -> Result<RetentionState, StoreError> {
        RetentionState::load(&self.objects).await
    }

    /// What would go now. Reads what may be due and writes nothing.
    ///
    /// # Errors
    /// Parts cannot be read.
    pub async fn retention_plan(
        &self,
        retention: &Retention,
        held: &Arc<dyn Holding>,
        key: &RetentionKey,
    ) -> Result<Plan, StoreError> {
        let (snapshot, mut plan) = (self.snapshot().await, Plan::default());
        let judging = Judging {
            retention: Arc::new(retention.clone()),
            held: Arc::clone(held),
            today: self.today(),
        };
        for part in &snapshot.manifest.parts {
            if !self.is_to_be_looked_at(part, &judging) {
                continue;
            }
            let Some(treated) = self
                .treat_part(&snapshot, part, &judging, key, &HashSet::new())
                .await?
            else {
                plan.total.unread += 1;
                continue;
            };
            plan.total.add(&treated.done);
            let day = plan.days.entry(part.day).or_default();
            for (class, due) in &treated.done.classes {
                let of_day = day.entry(*class).or_default();
                of_day.items += due.items;
                of_day.bytes += due.bytes;
            }
        }
        plan.days.retain(|_, classes| !classes.is_empty());
        Ok(plan)
    }

    /// Whether something of a part may be due that nobody has looked for.
    fn is_to_be_looked_at(&self, part: &Part, judging: &Judging) -> bool {
        if !judging.retention.may_be_due(part.day, judging.today) {
            return false;
        }
        let rules = judging.retention.fingerprint();
        let written = part.looked.filter(|looked| looked.rules == rules);
        if written.is_some_and(|looked| judging.today < looked.until) {
            return false;
        }
        let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let look = looked
            .get(&part.path)
            .filter(|look| look.rules == rules && look.holds == judging.held.revision());
        look.is_none_or(|look| judging.today >= look.until)
    }

    fn note_look(&self, path: &str, look: Look) {
        let mut looks = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looks.insert(path.to_owned(), look);
    }

    /// Parts that are gone need not be remembered.
    fn forget_looks(&self) {
        let manifest = Arc::clone(&self.state().manifest);
        let named: HashSet<&str> = manifest
            .parts
            .iter()
            .map(|part| part.path.as_str())
            .collect();
        let mut looks = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|path, _| named.contains(path.as_str()));
    }

    async fn treat_part(
        &self,
        snapshot: &Snapshot,
        part: &Part,
        judging: &Judging,
        key: &RetentionKey,
        going_on: &HashSet<u64>,
    ) -> Result<Option<TreatedPart>, StoreError> {
        let Some(file) = self.part_file(snapshot, part).await? else {
            return Ok(None);
        };
        let treating = Treating {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key.key),
            going_on: going_on.clone(),
            split: Arc::clone(&snapshot.split),
            named: key.named.clone(),
        };
        let (table, day, judging) = (part.table, part.day, judging.clone());
        let treated = on_cpu(move || treat(table, file, &judging.of(day), &treating)).await?;
        let mut treated = treated;
        if treated.is_changed {
            let after = treated.new.as_ref().map_or(0, |new| new.file.len() as u64);
            treated.done.parts = 1;
            treated.done.share(part.bytes as i64 - after as i64);
        }
        Ok(Some(treated))
    }

    /// Ends the round that a crash has left.
    async fn end_round(&self, state: &mut RetentionState) -> Result<(), StoreError> {
        let Some(intent) = Intent::load(&self.objects).await? else {
            return Ok(());
        };
        let manifest = Arc::clone(&self.state().manifest);
        let named: HashSet<&str> = manifest
            .parts
            .iter()
            .map(|part| part.path.as_str())
            .collect();
        let is_switched = intent.old.iter().all(|path| !named.contains(path.as_str()));
        if is_switched {
            return self.conclude(intent, state).await;
        }
        if !self.is_newest(manifest.number).await? {
            // One that failed halfway may count after the next start, and names the new parts.
            let nothing = Replacements::new();
            self.replace_parts(&Switch::nothing(&nothing)).await?;
        }
        for path in intent
            .new
            .iter()
            .filter(|path| !named.contains(path.as_str()))
        {
            self.delete_part_at(path).await?;
        }
        Intent::forget(&self.objects).await
    }

    /// The new parts count: the old ones go, and what was done is written down.
    async fn conclude(&self, intent: Intent, state: &mut RetentionState) -> Result<(), StoreError> {
        let gone: HashSet<&str> = intent.old.iter().map(String::as_str).collect();
        self.delete_parts(&gone).await?;
        self.forget_the_past().await?;
        if state.rounds < intent.round {
            state.rounds = intent.round;
            state.total.add(&intent.done.gone());
            state.last.add(&intent.done);
            state.save(&self.objects).await?;
            self.meters.retained(&intent.done);
        }
        Intent::forget(&self.objects).await
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
            // Nobody can tell whose it is.
            if is_old && !held.is_any() {
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

impl Done {
    /// One line for people.
    pub fn describe(&self) -> String {
        let items = |class| self.items(class);
        format!(
            "{} items without content, {} reduced to their figures, {} gone, {} held",
            items(Class::Content),
            items(Class::Events),
            items(Class::Aggregates),
            self.held
        )
    }
}
