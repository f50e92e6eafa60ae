//! Room for what comes: in the buffer, in what may arrive during a replay, on the disk.
//!
//! Invariant: nothing enters without room, and who waits for it is woken when there may be some. Nobody
//! is kept: a wait ends with its deadline, and the reason is what is still lacking then. How many may
//! wait is bounded by the memory that the receiving side lets requests take.

use std::sync::Arc;
use std::time::Duration;

use base::Shutdown;
use tokio::time::{Instant, timeout_at};

use crate::error::AppendError;
use crate::store::Store;

/// How often the disk is looked at; sooner when much has been written.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Store {
    /// Returns when a request may be let in; it may be taken by others meanwhile. Who asks before the
    /// work of decoding does no work for what is then refused.
    ///
    /// # Errors
    /// [`AppendError::Behind`] at the deadline.
    pub async fn room_by(&self, deadline: Instant) -> Result<(), AppendError> {
        self.wait_for(deadline, || self.ready()).await
    }

    /// Lets a request of so many bytes in, when there is room for it.
    pub(crate) async fn enter(&self, bytes: usize, deadline: Instant) -> Result<(), AppendError> {
        let enter = || self.has_room().and_then(|()| self.replaying.admit(bytes));
        self.wait_for(deadline, enter).await
    }

    /// Whether an append may succeed now, and why not.
    pub fn ready(&self) -> Result<(), String> {
        self.has_room()?;
        self.replaying.admit(0)
    }

    /// There may be room now.
    pub(crate) fn freed(&self) {
        self.freed.send_replace(());
    }

    /// Looks at the disk every second until `shutdown`, and lets in again who waited for it.
    pub async fn run_reserve(self: Arc<Self>, shutdown: Shutdown) {
        while !shutdown.is_triggered() {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.reserve.look_wanted() => {}
                () = shutdown.wait() => return,
            }
            let store = Arc::clone(&self);
            // A disk that hangs must not hold up the connections. A panic there is said by Tokio.
            let _ = tokio::task::spawn_blocking(move || store.look_at_disk()).await;
        }
    }

    /// Looks at the disk now. Blocks on it.
    pub(crate) fn look_at_disk(&self) {
        if self.reserve.look() {
            self.freed();
        }
    }

    fn has_room(&self) -> Result<(), String> {
        self.reserve.check()?;
        let (rows, bytes) = {
            let state = self.state();
            // A replay makes its own room, and what arrives meanwhile takes none.
            if state.replayed.is_some() {
                return Ok(());
            }
            (state.rows(), state.bytes())
        };
        if rows >= self.config.buffer_rows_max || bytes >= self.config.buffer_bytes_max {
            return Err(format!(
                "{rows} rows ({} MiB) wait to be flushed",
                bytes >> 20
            ));
        }
        Ok(())
    }

    /// Tries `enter` until it succeeds, again whenever there may be room.
    async fn wait_for(
        &self,
        deadline: Instant,
        enter: impl Fn() -> Result<(), String>,
    ) -> Result<(), AppendError> {
        // From before the first try, so that what is freed right after it is noticed.
        let mut freed = self.freed.subscribe();
        loop {
            let Err(reason) = enter() else {
                return Ok(());
            };
            self.flush_wanted.notify_one();
            let is_late = deadline <= Instant::now();
            if is_late || !matches!(timeout_at(deadline, freed.changed()).await, Ok(Ok(()))) {
                return Err(AppendError::Behind(reason));
            }
        }
    }
}

#[cfg(test)]
mod tests;
