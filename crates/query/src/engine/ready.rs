//! What questions read of parts is made before anybody asks: whose items are, which are copies, what they
//! come to by hour, and which calls of tools they are of. After a start, and whenever there are other parts.

use std::sync::Arc;
use std::time::Duration;

use super::{AbortOnDrop, Engine};
use crate::by_hour::{self, Hours};
use crate::digests::Kind;
use crate::error::QueryError;
use crate::sight::{Lens, Sight};

/// How often it is looked whether there are other parts. Where much comes in, those of several flushes are
/// read at once; who asks in between reads them.
const LOOK_EVERY: Duration = Duration::from_secs(30);

impl Engine {
    /// Keeps ready what questions of those who may see everybody's items need of the parts. It never ends.
    pub async fn keep_ready(self: Arc<Engine>) {
        let mut done = None;
        loop {
            // It waits for the end of a replay of the journal.
            let version = Some(self.store.snapshot().await.parts_version());
            // An erasure may have emptied what was made of the same parts.
            if version != done || !self.calls.is_there() {
                if let Err(error) = self.make_ready().await {
                    tracing::warn!("the sums of parts are made when they are asked for: {error}");
                }
                done = version;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Bytes of what is made of parts in memory: sums of cost and tokens, sums of who was active, and calls.
    pub async fn sums_in_memory(&self) -> [usize; 3] {
        let [usage, active] = self.digests.bytes().await;
        [usage, active, self.calls.bytes()]
    }

    /// Makes it of the parts that there are now. It takes the turn of one question, and as long as it takes.
    ///
    /// # Errors
    /// A part cannot be read.
    pub async fn make_ready(&self) -> Result<(), QueryError> {
        let Some(runtime) = &self.runtime else {
            return Err(QueryError::internal("shutting down"));
        };
        let (state, snapshot) = (self.state_now()?, self.store.snapshot().await);
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(QueryError::internal)?;
        let (digests, calls) = (Arc::clone(&self.digests), Arc::clone(&self.calls));
        let (people, copies) = self.known();
        let lens = Lens::of(Sight::everything(), &self.config);
        let making = async move {
            let _turn = turn;
            let known = (&*people, &*copies, &*digests);
            for kind in Kind::ALL {
                let hours = Hours {
                    kind,
                    whole: (0, 0),
                };
                let ready = by_hour::ready(known, (&snapshot, &state), hours, &lens).await;
                ready.map_err(|error| QueryError::running(&error))?;
            }
            let made = calls.make(&copies, (&snapshot, &state)).await;
            made.map_err(|error| QueryError::running(&error))
        };
        AbortOnDrop(runtime.spawn(making)).join().await
    }
}
