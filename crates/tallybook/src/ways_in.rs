//! How people sign in, as the server that ran last was told.
//!
//! Commands that work on a data directory read no configuration, and must not make an account by which
//! nobody can sign in.

use std::path::Path;

use access::{Document, DocumentError};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// How people sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WaysIn {
    /// Whether nobody signs in by password.
    pub(crate) passwords_off: bool,
    /// What the provider is called by which people sign in.
    pub(crate) provider: Option<String>,
}

fn document(data_dir: &Path) -> Document {
    Document::at(data_dir.join("access").join("ways-in.json"))
}

impl WaysIn {
    /// Those of a data directory; by password where no server has said otherwise.
    pub(crate) fn of(data_dir: &Path) -> Result<WaysIn, DocumentError> {
        Ok(document(data_dir).read()?.unwrap_or_default())
    }

    /// Keeps them for commands; writes only what has changed.
    pub(crate) fn keep(&self, data_dir: &Path) -> Result<(), DocumentError> {
        match WaysIn::of(data_dir)? == *self {
            true => Ok(()),
            false => document(data_dir).replace(self),
        }
    }

    /// Refuses what needs passwords where there are none.
    pub(crate) fn must_take_passwords(&self, name: &str) -> Result<(), Failure> {
        if !self.passwords_off {
            return Ok(());
        }
        let provider = self.provider.as_deref().unwrap_or("the provider");
        Err(Failure::usage(format!(
            "nobody signs in by password here (access.oidc.password_sign_in = false): {name} signs in by {provider}, \
             which adds them, with the roles of their groups; when it is down, tallybook user setup prints a link \
             that lets an admin in once"
        )))
    }
}
