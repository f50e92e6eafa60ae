//! Under which key the data directory is encrypted: `[encryption]`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::encryption;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Encryption {
    /// The file that holds the root key. It must lie outside the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_file: Option<PathBuf>,
    /// The folder of the configuration file, by which this path goes.
    #[serde(skip)]
    base: PathBuf,
}

impl Encryption {
    /// Makes paths go by the folder of the configuration file.
    pub(super) fn beside(&mut self, configuration: &Path) {
        self.base = super::folder_of(configuration);
    }

    /// Takes the key, unless a flag or the environment has given one.
    pub(super) fn take(&self, data_dir: &Path, problems: &mut Vec<String>) {
        let file = self.key_file.as_ref().map(|file| self.base.join(file));
        if let Err(problem) = encryption::settle(file.as_deref(), data_dir) {
            problems.push(problem);
        }
    }
}
