//! One question by somebody who may see so much.
//!
//! Invariant: there is no other way to ask an engine. Reports, pages, exports and SQL all take a
//! question, and a question has a sight.

use std::sync::Arc;
use std::time::{Duration, Instant};

use store::{Snapshot, Store};

use crate::by_hour::{ByHour, Hours};
use crate::cost::Cost;
use crate::engine::{Answer, Engine, Fold};
use crate::error::QueryError;
use crate::kept::{Kept, Key, Of, Words};
use crate::people::{PeopleFiles, Resolver};
use crate::sight::{Lens, Sight};

/// An engine, asked by somebody.
#[derive(Debug)]
pub struct Question<'a> {
    engine: &'a Engine,
    lens: Lens,
    /// How old an answer may be when a new one would take longer.
    age: Duration,
}

/// An answer, and of when it is.
#[derive(Clone, Debug)]
pub(crate) struct Told<T> {
    pub(crate) answer: T,
    /// Of which moment it is, milliseconds since the Unix epoch.
    pub(crate) as_of_ms: i64,
    /// Whether it was made before.
    pub(crate) is_kept: bool,
    /// Whether more may have come in since.
    pub(crate) is_older: bool,
}

impl<'a> Question<'a> {
    pub(crate) fn new(engine: &'a Engine, lens: Lens) -> Question<'a> {
        Question {
            engine,
            lens,
            age: Duration::ZERO,
        }
    }

    /// The same, and an answer that was made at most so long ago will do where a new one takes longer than
    /// `older_after`; an hour at most. What is answered says of when it is.
    #[must_use]
    pub fn no_older_than(self, age: Duration) -> Question<'a> {
        Question { age, ..self }
    }

    /// What it may see.
    pub fn sight(&self) -> &Sight {
        self.lens.sight()
    }

    /// The store that is queried.
    pub fn store(&self) -> &Arc<Store> {
        self.engine.store()
    }

    /// Answers one SQL text. Rows beyond `rows_max` (or the configured limit, if less) are cut off.
    ///
    /// # Errors
    /// The text is not one SELECT over the views, or the answer takes more time or memory than it may.
    pub async fn query(&self, sql: &str, rows_max: Option<usize>) -> Result<Answer, QueryError> {
        let rows_max = self.engine.rows_max(rows_max);
        let snapshot = self.snapshot().await?;
        self.query_snapshot(snapshot, sql.to_owned(), rows_max)
            .await
    }

    /// A view of everything acknowledged so far. While the journal is being replayed it is waited for,
    /// no longer than a query may take.
    ///
    /// # Errors
    /// The replay takes longer.
    pub async fn snapshot(&self) -> Result<Snapshot, QueryError> {
        self.engine.snapshot().await
    }

    /// What one SQL text would do, without doing it: the nodes of its logical plan, each described,
    /// those of subqueries too. Only for who may see everything: a plan tells of all that is stored.
    ///
    /// # Errors
    /// As of [`Question::query`].
    pub async fn plan(&self, sql: &str) -> Result<Vec<String>, QueryError> {
        if !self.sight().is_everything() {
            return Err(unexplained());
        }
        self.engine.plan(&self.lens, sql).await
    }

    /// Answers one SQL text over a snapshot taken earlier, so that several answers agree.
    pub(crate) async fn query_snapshot(
        &self,
        snapshot: Snapshot,
        sql: String,
        rows_max: usize,
    ) -> Result<Answer, QueryError> {
        let answer = self
            .engine
            .query_snapshot(&self.lens, snapshot, sql, rows_max);
        answer.await.map_err(|error| self.told(error))
    }

    /// The sums of the parts of a snapshot, by hours that are whole in a range; `None` when it is not known
    /// which rows count.
    pub(crate) async fn by_hour(
        &self,
        snapshot: &Snapshot,
        hours: Hours,
    ) -> Result<Option<ByHour>, QueryError> {
        let by_hour = self.engine.by_hour(&self.lens, snapshot, hours);
        by_hour.await.map_err(|error| self.told(error))
    }

    /// The same answer by the sums of parts where there are any.
    pub(crate) async fn query_by_hour(
        &self,
        snapshot: Snapshot,
        sql: String,
        rows_max: usize,
        by_hour: Option<ByHour>,
    ) -> Result<Answer, QueryError> {
        let answer = self
            .engine
            .query_by_hour(&self.lens, snapshot, sql, rows_max, by_hour);
        answer.await.map_err(|error| self.told(error))
    }

    /// Folds the rows of one SQL text, side by side: one result for each of its streams.
    pub(crate) async fn fold_snapshot<F: Fold>(
        &self,
        snapshot: Snapshot,
        sql: String,
        start: F,
    ) -> Result<Vec<F>, QueryError> {
        let folded = self.engine.fold_snapshot(&self.lens, snapshot, sql, start);
        folded.await.map_err(|error| self.told(error))
    }

    /// The answer that is kept to a question in words, or what is made now, which is then kept. What is made
    /// comes with about how much memory it takes, and whether it hangs on the stored rows alone.
    pub(crate) async fn kept_or_made<T: Clone + Send + Sync + 'static>(
        &self,
        words: Words,
        snapshot: &Snapshot,
        make: impl Future<Output = Result<(T, usize, bool), QueryError>>,
    ) -> Result<Told<T>, QueryError> {
        let (kept, now_ms) = (self.kept(), self.engine.now_ms());
        let key = Key::of(words, self.sight(), snapshot, self.people_files());
        let told = |(answer, of): (T, Of), is_older| Told {
            answer,
            as_of_ms: of.as_of_ms,
            is_kept: true,
            is_older,
        };
        if let Some(found) = kept.get(&key) {
            return Ok(told(found, false));
        }
        let slow = self.engine.older_after();
        if !self.age.is_zero()
            && let Some(found) = kept.older(&key, (now_ms, self.age), slow)
        {
            return Ok(told(found, true));
        }
        let began = Instant::now();
        let (answer, bytes, is_lasting) = make.await?;
        let of = Of {
            as_of_ms: now_ms,
            took: began.elapsed(),
            bytes,
            is_lasting,
        };
        kept.put(key, answer.clone(), of);
        Ok(Told {
            answer,
            as_of_ms: now_ms,
            is_kept: false,
            is_older: false,
        })
    }

    /// The answers that are kept.
    fn kept(&self) -> &Kept {
        self.engine.kept()
    }

    /// How costs are reckoned.
    pub(crate) fn cost(&self) -> &Cost {
        self.engine.cost()
    }

    /// The files that say who people are.
    pub(crate) fn people_files(&self) -> Arc<PeopleFiles> {
        self.engine.people_files()
    }

    /// Names people by what is known of them already.
    pub(crate) fn people_now(&self) -> Resolver {
        self.engine.people_now(&self.lens)
    }

    pub(crate) fn lens(&self) -> &Lens {
        &self.lens
    }

    /// A failure as the asker is told of it. A fault of ours may speak of anything that is stored.
    fn told(&self, error: QueryError) -> QueryError {
        if self.sight().is_everything() {
            return error;
        }
        error.without_particulars()
    }
}

/// Of somebody who asks for a plan and may not see everything.
pub(crate) fn unexplained() -> QueryError {
    QueryError::invalid(
        "EXPLAIN is for who may see everything",
        Some("a plan tells of all that is stored; ask the question itself"),
    )
}
