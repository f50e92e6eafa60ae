//! Loading: many entries, durable by the flush that follows them instead of by the journal.
//!
//! Whoever can send everything again after a crash needs no journal for it: a bulk load writes each
//! byte once. Decoding, deduplication and the buffer are those of [`Store::append`].

use tokio::time::Instant;

use crate::batch::Prepared;
use crate::error::AppendError;
use crate::state::Applied;
use crate::store::Store;

impl Store {
    /// Puts a prepared entry into the buffer; where there is no room it waits for it until `deadline`.
    ///
    /// What is loaded is queryable and **not acknowledged**: it is durable when a [`Store::flush`]
    /// that was called after this returned has returned `Ok`. After a crash before that it is gone,
    /// and the caller must be able to load it again; what a flush had stored is then known.
    ///
    /// # Errors
    /// [`AppendError::Behind`] at the deadline; while the journal is being replayed, at once.
    pub async fn load_by(
        &self,
        prepared: Prepared,
        deadline: Instant,
    ) -> Result<Applied, AppendError> {
        let receipt =
            self.fates
                .receipt(prepared.signal, prepared.provenance.clone(), prepared.items);
        self.enter(prepared.bytes, deadline).await?;
        let _applied_before_any_flush = self.gate.read().await;
        let applied = {
            let mut state = self.state();
            if state.replayed.is_some() {
                let reason = "the journal is being replayed: load when that is done";
                return Err(AppendError::Behind(reason.to_owned()));
            }
            state
                .apply(prepared, self.age_ns())
                .map_err(|error| AppendError::Internal(error.to_string()))?
        };
        self.settle(receipt, &applied);
        Ok(applied)
    }

    /// Whether the buffer is large enough for a flush.
    pub fn wants_flush(&self) -> bool {
        self.is_full(&self.state())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;
    use crate::life::Life;

    async fn load(life: &Life, numbers: impl IntoIterator<Item = i64>) -> Result<u64, AppendError> {
        let entry = life.entry_of(numbers);
        let prepared = life.store().prepare(&entry).expect("prepares");
        let applied = life.store().load_by(prepared, Instant::now()).await?;
        Ok(applied.accepted)
    }

    #[tokio::test]
    async fn what_is_loaded_is_there_at_once_and_stays_from_the_flush_on() {
        let mut life = Life::begin().await;
        assert_eq!(load(&life, 0..10).await.expect("loads"), 10);
        assert_eq!(life.rows(Table::Events).await, 10);
        life.restart().await;
        assert_eq!(life.rows(Table::Events).await, 0, "it was not acknowledged");
        assert_eq!(load(&life, 0..10).await.expect("loads"), 10);
        life.store().flush().await.expect("flushes");
        // Some of it comes again with the rest, beside what the journal has.
        assert_eq!(life.events(20..25).await, 5);
        assert_eq!(load(&life, 5..15).await.expect("loads"), 5);
        life.restart().await;
        assert_eq!(life.rows(Table::Events).await, 15);
        assert_eq!(load(&life, 0..30).await.expect("loads"), 15);
        life.store().flush().await.expect("flushes");
        life.restart().await;
        assert_eq!(life.rows(Table::Events).await, 30);
        let fate = life.store().fates().of(contract::Signal::Logs);
        assert!(fate.is_settled());
    }

    #[tokio::test]
    async fn a_full_buffer_and_a_replay_are_waited_for_and_said() {
        let mut life = Life::begin().await;
        life.events(0..10).await;
        let few = |config: &mut crate::Config| {
            (config.flush_rows, config.buffer_rows_max) = (2, 3);
        };
        let mut replay = life.restart_for_intake(few).await;
        let early = load(&life, 20..21)
            .await
            .expect_err("the journal is not replayed");
        assert!(early.to_string().contains("replayed"), "{early}");
        replay.run().await.expect("replays");
        life.store().flush().await.expect("flushes");
        assert!(!life.store().wants_flush());
        assert_eq!(load(&life, 20..23).await.expect("loads"), 3);
        assert!(life.store().wants_flush());
        let full = load(&life, 23..24).await.expect_err("nobody flushes");
        assert!(matches!(full, AppendError::Behind(_)), "{full}");
        life.store().flush().await.expect("flushes");
        assert_eq!(load(&life, 23..24).await.expect("loads"), 1);
    }
}
