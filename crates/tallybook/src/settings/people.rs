//! Which files say who people are: `[people]`.

use std::path::{Path, PathBuf};

use access::tokens::TokenBook;
use serde::{Deserialize, Serialize};

use crate::people::Sources;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct People {
    /// Ids and clients to people, teams and cost centres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mapping: Option<PathBuf>,
    /// Who is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) roster: Option<PathBuf>,
    /// The organisation of items that name none, and of rows of these files that name none.
    pub(crate) organization: String,
    /// The folder of the configuration file, by which these paths go.
    #[serde(skip)]
    base: PathBuf,
}

impl Default for People {
    fn default() -> People {
        People {
            mapping: None,
            roster: None,
            organization: query::Config::default().organization,
            base: PathBuf::new(),
        }
    }
}

impl People {
    /// Makes paths go by the folder of the configuration file.
    pub(super) fn beside(&mut self, configuration: &Path) {
        self.base = super::folder_of(configuration);
    }

    /// Where the files are, and the tokens of the data directory.
    pub(crate) fn sources(&self, data_dir: &Path) -> Sources {
        let at = |path: &Option<PathBuf>| path.as_ref().map(|path| self.base.join(path));
        Sources {
            mapping: at(&self.mapping),
            roster: at(&self.roster),
            tokens: Some(TokenBook::of(data_dir)),
        }
    }
}
