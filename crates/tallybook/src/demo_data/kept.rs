//! How example data stands, in a file. The token of its rows is not in it.

use std::path::Path;

use access::{Document, DocumentError};
use serde::{Deserialize, Serialize};

/// Where example data stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// There is none.
    #[default]
    None,
    /// It is on its way in.
    Loading,
    /// It is there, or some of it.
    Loaded,
    /// It is on its way out.
    Removing,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Stage::None => "none",
            Stage::Loading => "loading",
            Stage::Loaded => "loaded",
            Stage::Removing => "removing",
        }
    }
}

/// What is remembered of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// How often it was loaded: each time has a token of its own.
    pub(super) round: u64,
    pub(super) stage: Stage,
    pub(super) since_ms: Option<u64>,
    pub(super) items: u64,
    pub(super) erasure: Option<String>,
    pub(super) failure: Option<String>,
}

/// `access/demo-data.json` of a data directory.
pub(super) struct File(Document);

impl File {
    pub(super) fn of(data_dir: &Path) -> File {
        File(Document::at(data_dir.join("access").join("demo-data.json")))
    }

    pub(super) fn read(&self) -> Result<Kept, DocumentError> {
        Ok(self.0.read()?.unwrap_or_default())
    }

    /// Returns when it is on the disk.
    pub(super) async fn write(&self, kept: &Kept) -> Result<(), String> {
        let (document, kept) = (self.0.clone(), kept.clone());
        let writing = tokio::task::spawn_blocking(move || document.replace(&kept));
        let written = writing.await.map_err(|error| error.to_string())?;
        written.map_err(|error| error.to_string())
    }
}
