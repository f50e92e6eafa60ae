//! What happens to tokens and by them, in the log, in counters and in the audit trail.
//!
//! Invariant: what items name is not said, only that it was foreign, and of which token.

use std::sync::Arc;

use access::audit::{Act, Action, Trail};
use access::tokens::{Listener, Notice};
use base::meters::{Counters, Source, counters};

/// Writes notices to the log, and counts.
pub(crate) struct Notices {
    foreign: Counters,
    trail: Arc<Trail>,
}

impl Notices {
    /// On record is what is foreign; who makes and revokes tokens puts that on record first.
    pub(crate) fn new(trail: Arc<Trail>) -> Notices {
        Notices {
            trail,
            foreign: counters(
                "tallybook_foreign_items_total",
                "Items that named an organisation, a person or a product that their token may not write for, by what became of them.",
                &["outcome"],
            ),
        }
    }

    pub(crate) fn meters(&self) -> Vec<Source> {
        vec![Box::new(self.foreign.clone())]
    }
}

impl Listener for Notices {
    fn note(&self, notice: &Notice) {
        match notice {
            Notice::Created { token, replaces } => tracing::info!(
                token = token.id,
                slot = token.slot,
                replaces = replaces.as_deref(),
                "an ingest token was made"
            ),
            Notice::Revoked { token } => {
                tracing::info!(
                    token = token.id,
                    slot = token.slot,
                    "an ingest token was revoked"
                );
            }
            Notice::Foreign {
                token,
                items,
                refused,
                ..
            } => {
                let outcome = if *refused { "refused" } else { "quarantined" };
                self.foreign.with_label_values(&[outcome]).inc_by(*items);
                let object = format!("{items} items of others than its own, {outcome}");
                let act = Act::of_token(token, Action::Denied, object);
                self.trail.note(if *refused { act.refused() } else { act });
                // The counter tells how often; a client that is set up wrong would fill the log.
                tracing::debug!(token, items, outcome, "items are foreign to their token");
            }
        }
    }
}
