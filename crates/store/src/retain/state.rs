//! What retention has under way, and what it has done, on the disk.
//!
//! ```text
//! <data dir>/retention/intent.json        there while a round is under way
//!            retention/state.json         what was done so far
//! ```

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::due::Done;
use crate::document;
use crate::error::StoreError;
use crate::objects::Objects;

pub(super) const DIR: &str = "retention";
const INTENT_PATH: &str = "retention/intent.json";
const STATE_PATH: &str = "retention/state.json";
const VERSION: u32 = 1;

/// One round that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    version: u32,
    /// The number of the round.
    pub(super) round: u64,
    /// Parts that count before.
    pub(super) old: Vec<String>,
    /// Parts that count after.
    pub(super) new: Vec<String>,
    pub(super) done: Done,
}

/// What retention has done so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RetentionState {
    version: u32,
    /// Rounds that ended.
    pub rounds: u64,
    /// What went in all of them.
    pub total: Done,
    /// When the last run began, milliseconds since the Unix epoch.
    pub last_began_ms: Option<u64>,
    /// When it ended.
    pub last_ended_ms: Option<u64>,
    /// What went in it.
    pub last: Done,
    /// Files set aside because nobody could read them, and the day on which each was first seen.
    pub(super) set_aside: BTreeMap<String, u32>,
}

impl Intent {
    pub(super) fn new(round: u64, old: Vec<String>, new: Vec<String>, done: Done) -> Intent {
        Intent {
            version: VERSION,
            round,
            old,
            new,
            done,
        }
    }

    pub(super) async fn load(objects: &Objects) -> Result<Option<Intent>, StoreError> {
        load(objects, INTENT_PATH).await
    }

    pub(super) async fn save(&self, objects: &Objects) -> Result<(), StoreError> {
        objects.replace(INTENT_PATH, document::seal(self)?).await
    }

    /// Forgets it, durably.
    pub(super) async fn forget(objects: &Objects) -> Result<(), StoreError> {
        objects.delete(INTENT_PATH).await?;
        objects.sync_names(DIR).await
    }
}

impl RetentionState {
    pub(super) async fn load(objects: &Objects) -> Result<RetentionState, StoreError> {
        Ok(load(objects, STATE_PATH).await?.unwrap_or_default())
    }

    pub(super) async fn save(&mut self, objects: &Objects) -> Result<(), StoreError> {
        self.version = VERSION;
        objects.replace(STATE_PATH, document::seal(self)?).await
    }
}

async fn load<T: DeserializeOwned>(objects: &Objects, path: &str) -> Result<Option<T>, StoreError> {
    match objects.get(path).await {
        Ok(file) => document::unseal(&file, VERSION)
            .map(Some)
            .map_err(|unreadable| unreadable.of(path)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}
