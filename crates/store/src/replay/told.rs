//! How far the replay is, for those who wait for it.

use std::time::Duration;

use super::Work;
use crate::progress::{ReplayProgress, ReplayStage};

impl Work {
    /// Lets those who wait know how far it is.
    pub(super) fn publish(&self) {
        let store = &self.store;
        let now = store.clock.monotonic();
        let bytes_total = self.found_bytes + store.replaying.arrived_bytes();
        let bytes_done = self.bytes_done.min(bytes_total);
        let spent = now.saturating_sub(self.replaying_since).as_secs_f64();
        let left = (bytes_total - bytes_done) as f64 / (bytes_done as f64).max(1.0);
        let can_tell = self.stage != ReplayStage::Remembering && bytes_done > 0;
        store.replaying.publish(ReplayProgress {
            stage: self.stage,
            frames_done: self.through - self.start_after,
            frames_total: store.journal.last_synced().get() - self.start_after,
            bytes_done,
            bytes_total,
            elapsed: now.saturating_sub(self.began),
            remaining: can_tell
                .then(|| Duration::try_from_secs_f64(spent * left).ok())
                .flatten(),
            failure: self.failure.clone(),
            through: self.through,
        });
    }
}
