//! Erasing what is held is refused.

use std::sync::Arc;

use store::{Choice, Holding, Table, Whom};

use super::Engine;
use super::erase::EraseError;
use crate::holds::{Held, TheirsHeld};

impl Engine {
    /// Fails when a hold is on items that an erasure would remove. Returns the holds that there are.
    ///
    /// # Errors
    /// It names the holds; or they, or parts, cannot be read.
    pub(super) async fn must_not_be_held(
        &self,
        whom: &Whom,
        theirs: &Arc<dyn Choice>,
    ) -> Result<Arc<Held>, EraseError> {
        let held = Arc::new(self.held().await?);
        let mut by = Vec::new();
        if held.is_any() {
            let counts = self.store.plan_erasure(whom, theirs).await?;
            let between = (counts.first_ms.unwrap_or(0), counts.last_ms.unwrap_or(0));
            let has_unread = counts.items.contains_key(Table::Quarantine.name());
            for (at, one) in held.holds.iter().enumerate() {
                let choice = TheirsHeld {
                    theirs: Arc::clone(theirs),
                    held: Arc::clone(&held),
                    at,
                };
                let choice: Arc<dyn Choice> = Arc::new(choice);
                let columns_only = Whom {
                    with_mentions: false,
                    ..whom.clone()
                };
                let mut both = self.store.plan_erasure(&columns_only, &choice).await?;
                both.items.remove(Table::Quarantine.name());
                if both.total() > 0 || has_unread && one.may_hold_unread(&whom.ids, between) {
                    by.push(format!("{} ({})", one.hold.id, one.hold.reason));
                }
            }
        }
        match by.is_empty() {
            true => Ok(held),
            false => Err(EraseError::Held(format!(
                "items of theirs are held, and nothing was erased: {}; erase when that is released (tallybook \
                 hold release ID), or limit the hold to a time or an organisation",
                by.join(", ")
            ))),
        }
    }

    /// Fails when a hold is on items that an erasure would remove.
    ///
    /// # Errors
    /// It names the holds.
    pub async fn may_be_erased(&self, whom: &Whom) -> Result<(), EraseError> {
        let (_, choice) = self.choice(whom.clone(), self.snapshot().await?).await?;
        self.must_not_be_held(whom, &choice).await.map(drop)
    }
}
