//! Names and their changes.
//!
//! Invariant: a change reaches a set of names as a whole; a rename is never half done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::state::NodeId;

/// Which contents a path leads to.
pub(super) type Names = BTreeMap<PathBuf, NodeId>;

/// One change of names; it becomes durable as a whole or not at all.
#[derive(Debug)]
pub(super) struct NameChange {
    pub(super) removed: Option<PathBuf>,
    pub(super) added: Option<(PathBuf, NodeId)>,
}

impl NameChange {
    pub(super) fn touches(&self, dir: &Path) -> bool {
        let added = self.added.as_ref().map(|(path, _)| path);
        [self.removed.as_ref(), added]
            .into_iter()
            .flatten()
            .any(|path| path.parent() == Some(dir))
    }

    pub(super) fn apply_to(&self, names: &mut Names) {
        if let Some(path) = &self.removed {
            names.remove(path);
        }
        if let Some((path, node)) = &self.added {
            names.insert(path.clone(), *node);
        }
    }
}
