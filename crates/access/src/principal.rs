//! Who asks, and what they may.

use std::fmt;

use crate::roles::{Permission, Permissions, Role};

/// Who asks, and what they may.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who it is.
    pub who: Who,
    /// What they may.
    pub permissions: Permissions,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody on this machine: nobody has been set up yet.
    Anybody,
    /// Somebody who has signed in.
    Person {
        /// The person's id.
        id: String,
        /// The person's name.
        name: String,
        /// Their roles.
        roles: Vec<Role>,
        /// The session's id in lists.
        session: String,
    },
    /// A program with a key.
    Key {
        /// The key's id.
        id: String,
        /// What it is for.
        label: String,
    },
}

impl Principal {
    /// Anybody on this machine, as long as nobody has been set up: may everything.
    #[must_use]
    pub fn anybody() -> Principal {
        Principal {
            who: Who::Anybody,
            permissions: Permissions::all(),
        }
    }

    /// Whether they may.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.has(permission)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Anybody => f.write_str("anybody"),
            Who::Person { name, .. } => f.write_str(name),
            Who::Key { id, .. } => write!(f, "key {id}"),
        }
    }
}
