//! The steps of a round, and what a crash has left of one.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use ring::hmac;

use super::due::{Class, Done, Plan, TreatedPart, treat};
use super::rules::Retention;
use super::sessions::Judging;
use super::state::{Intent, RetentionState};
use super::{Holding, Look, RetentionKey};
use crate::error::StoreError;
use crate::part::Part;
use crate::rewriting::{Replacements, Switch, on_cpu};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::treatment::Treating;

impl Store {
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
    pub(super) fn is_to_be_looked_at(&self, part: &Part, judging: &Judging) -> bool {
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

    pub(super) fn note_look(&self, path: &str, look: Look) {
        let mut looks = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looks.insert(path.to_owned(), look);
    }

    /// Parts that are gone need not be remembered.
    pub(super) fn forget_looks(&self) {
        let manifest = Arc::clone(&self.state().manifest);
        let named: HashSet<&str> = manifest
            .parts
            .iter()
            .map(|part| part.path.as_str())
            .collect();
        let mut looks = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|path, _| named.contains(path.as_str()));
    }

    pub(super) async fn treat_part(
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
    pub(super) async fn end_round(&self, state: &mut RetentionState) -> Result<(), StoreError> {
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
    pub(super) async fn conclude(
        &self,
        intent: Intent,
        state: &mut RetentionState,
    ) -> Result<(), StoreError> {
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
