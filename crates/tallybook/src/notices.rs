//! What happens to tokens and by them, in the log and in counters.
//!
//! Invariant: what items name is not said, only that it was foreign, and of which token.

use access::tokens::{Listener, Notice};
use base::meters::{Counters, Source, counters};

/// Writes notices to the log, and counts.
pub(crate) struct Notices {
    foreign: Counters,
}

impl Notices {
    pub(crate) fn new() -> Notices {
        Notices {
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
                // The counter tells how often; a client that is set up wrong would fill the log.
                tracing::debug!(token, items, outcome, "items are foreign to their token");
            }
        }
    }
}
