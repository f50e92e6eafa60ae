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
        let receipt = self.fates.receipt(prepared.signal, prepared.items);
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
