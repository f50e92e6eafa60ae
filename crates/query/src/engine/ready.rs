//! What questions read of parts is made before anybody asks: whose items are, which are copies, and what
//! they come to by hour. After a start, and whenever there are other parts.

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
            if version != done {
                if let Err(error) = self.make_ready().await {
                    tracing::warn!("the sums of parts are made when they are asked for: {error}");
                }
                done = version;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Bytes of the sums of parts in memory: of cost and tokens, and of who was active.
    pub async fn sums_in_memory(&self) -> [usize; 2] {
        self.digests.bytes().await
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
        let digests = Arc::clone(&self.digests);
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
            Ok(())
        };
        AbortOnDrop(runtime.spawn(making)).join().await
    }
}
