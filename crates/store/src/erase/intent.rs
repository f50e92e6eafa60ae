//! What an erasure has set out to do, on the disk until it is done, so that a crash does not end it half
//! way.
//!
//! ```text
//! <data dir>/erasure/intent.json        there while an erasure is under way; names the person in clear
//!            erasure/stretches.bin      hashes of what was removed, for the search
//!            erasure/<id>.json          certificates: what was erased, with identifiers as keyed hashes
//! ```

use serde::{Deserialize, Serialize};

use super::order::Order;
use super::tally::Counts;
use crate::document;
use crate::error::StoreError;
use crate::objects::Objects;

pub(super) const DIR: &str = "erasure";
pub(super) const PATH: &str = "erasure/intent.json";
pub(super) const STRETCHES_PATH: &str = "erasure/stretches.bin";
const VERSION: u32 = 1;

/// An erasure that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    version: u32,
    pub(super) order: Order,
    /// What it has found; there before the manifest without the rows is.
    pub(super) found: Option<Found>,
}

/// What was found to be removed, and what replaces it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) counts: Counts,
    /// By what the person is known and nobody else, as it is written.
    pub(super) identifiers: Vec<String>,
    pub(super) parts: Vec<ErasedPart>,
    /// Parts that could not be read, and so not searched for rows.
    pub(super) unread: Vec<String>,
    /// Frames of the journal up to this one have been looked at.
    pub(super) through: u64,
    /// Parts that there were, or are in their place. Later ones hold what came since.
    pub(super) known: Vec<String>,
    pub(super) bytes_before: u64,
    /// Items of which the figures stay, as nobody's.
    #[serde(default)]
    pub(super) figures_kept: u64,
}

/// A part that held rows of the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedPart {
    /// The part that is gone.
    pub path: String,
    /// How many of its rows were removed.
    pub rows_removed: u64,
    /// Its size in bytes.
    pub bytes_before: u64,
    /// The size of what replaces it; 0 when nothing was left.
    pub bytes_after: u64,
}

impl Intent {
    pub(super) fn new(order: Order) -> Intent {
        Intent {
            version: VERSION,
            order,
            found: None,
        }
    }

    /// The erasure that is under way, if one is.
    pub(super) async fn load(objects: &Objects) -> Result<Option<Intent>, StoreError> {
        match objects.get(PATH).await {
            Ok(file) => document::unseal(&file, VERSION)
                .map(Some)
                .map_err(|unreadable| unreadable.of(PATH)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn save(&self, objects: &Objects) -> Result<(), StoreError> {
        objects.replace(PATH, document::seal(self)?).await
    }

    /// Forgets it, durably.
    pub(super) async fn forget(objects: &Objects) -> Result<(), StoreError> {
        for path in [STRETCHES_PATH, PATH] {
            objects.delete(path).await?;
        }
        objects.sync_names(DIR).await
    }
}
