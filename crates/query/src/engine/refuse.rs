//! Who is erased and refused: nothing more is taken of them, from before the erasure begins.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use store::{Order, StoreError};

use super::Engine;
use super::erase::EraseError;

/// So often it is looked for further ids of who is refused; two are usual.
const REFUSING_ROUNDS_MAX: usize = 16;

/// Refuses at the door what comes of somebody.
pub trait Refuser: Send + Sync {
    /// From when this returns nothing is acknowledged that is known by one of `ids`, over restarts too; and
    /// whatever was let in before is acknowledged or refused. What is said again for an order adds ids.
    fn refuse<'a>(
        &'a self,
        order: &'a Order,
        ids: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<(), String>>;
}

impl Engine {
    /// Whose an item is that names no organisation.
    pub fn usual_organization(&self) -> &str {
        &self.config.organization
    }

    /// Who is erased and to be refused is refused by this from now on.
    pub fn set_refuser(&self, refuser: Arc<dyn Refuser>) {
        // Set once, when everything is put together.
        let _ = self.refuser.set(refuser);
    }

    /// Refuses what comes of somebody, by all that they are known by. What came until they were refused may
    /// have told of further ids: so it is looked again until there are no new ones. From then on nothing can
    /// tell of any, for that would have to name one that is refused.
    pub(super) async fn refuse_from_now_on(&self, order: &Order) -> Result<(), EraseError> {
        let Some(refuser) = self.refuser.get() else {
            return Err(EraseError::Odd("nothing can be refused here".to_owned()));
        };
        let mut refused = BTreeSet::new();
        for _ in 0..REFUSING_ROUNDS_MAX {
            let (whom, choice) = self
                .choice(order.whom.clone(), self.snapshot().await?)
                .await?;
            let known = self.store.known_by(&whom, &choice).await?;
            if known.is_subset(&refused) {
                return Ok(());
            }
            let refusing = refuser.refuse(order, &known).await;
            refusing.map_err(StoreError::Internal)?;
            refused.extend(known);
        }
        let reason = "new ids of theirs come faster than they can be refused: erase again";
        Err(StoreError::Busy(reason.into()).into())
    }
}
