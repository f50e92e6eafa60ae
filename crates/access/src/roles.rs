//! What a person may do, and the roles that say so.
//!
//! Invariant: a role gives what is listed here and nothing else. Content (prompts, responses, tool
//! inputs) is given by one role alone, which managing access does not include.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Figures, with pseudonyms in place of people.
    Aggregates,
    /// Who it was.
    Names,
    /// Prompts, responses, tool inputs.
    Content,
    /// People, keys and settings.
    Manage,
    /// The audit trail.
    Audit,
}

impl Permission {
    /// All there are.
    pub const ALL: [Permission; 5] = [
        Permission::Aggregates,
        Permission::Names,
        Permission::Content,
        Permission::Manage,
        Permission::Audit,
    ];

    /// As it is written in files, on the command line and in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Permission::Aggregates => "aggregates",
            Permission::Names => "names",
            Permission::Content => "content",
            Permission::Manage => "manage",
            Permission::Audit => "audit",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Permission>", into = "Vec<Permission>")]
pub struct Permissions(u8);

impl Permissions {
    /// Every permission there is.
    #[must_use]
    pub fn all() -> Permissions {
        Permission::ALL.into_iter().collect()
    }

    /// Whether it is among them.
    #[must_use]
    pub fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether `others` gives all of these.
    #[must_use]
    pub fn are_within(self, others: Permissions) -> bool {
        self.0 & !others.0 == 0
    }

    /// Those in both.
    #[must_use]
    pub fn and(self, others: Permissions) -> Permissions {
        Permissions(self.0 & others.0)
    }

    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |one| self.has(*one))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(all: I) -> Permissions {
        Permissions(all.into_iter().fold(0, |set, one| set | one.bit()))
    }
}

impl From<Vec<Permission>> for Permissions {
    fn from(all: Vec<Permission>) -> Permissions {
        all.into_iter().collect()
    }
}

impl From<Permissions> for Vec<Permission> {
    fn from(set: Permissions) -> Vec<Permission> {
        set.iter().collect()
    }
}

/// What a person is to Tallybook; somebody may have several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Figures, with pseudonyms in place of people.
    Viewer,
    /// Figures and who it was.
    Analyst,
    /// Also prompts, responses and tool inputs.
    ContentReader,
    /// Figures, who it was, and the management of people, keys and settings; no content.
    Admin,
    /// The audit trail and nothing else.
    Auditor,
}

impl Role {
    /// All there are.
    pub const ALL: [Role; 5] = [
        Role::Viewer,
        Role::Analyst,
        Role::ContentReader,
        Role::Admin,
        Role::Auditor,
    ];

    /// As it is written in files, on the command line and in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Analyst => "analyst",
            Role::ContentReader => "content-reader",
            Role::Admin => "admin",
            Role::Auditor => "auditor",
        }
    }

    /// What it gives.
    #[must_use]
    pub fn permissions(self) -> Permissions {
        use Permission::{Aggregates, Audit, Content, Manage, Names};
        let given: &[Permission] = match self {
            Role::Viewer => &[Aggregates],
            Role::Analyst => &[Aggregates, Names],
            Role::ContentReader => &[Aggregates, Names, Content],
            Role::Admin => &[Aggregates, Names, Manage],
            Role::Auditor => &[Audit],
        };
        given.iter().copied().collect()
    }

    /// What all these roles give together.
    #[must_use]
    pub fn together(roles: &[Role]) -> Permissions {
        let all = roles.iter().flat_map(|role| role.permissions().iter());
        all.collect()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        let found = Role::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| format!("{text:?} is no role; roles are {}", listed(&Role::ALL)))
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Permission, String> {
        let found = Permission::ALL.into_iter().find(|one| one.name() == text);
        let all = &Permission::ALL;
        found.ok_or_else(|| format!("{text:?} is no permission; permissions are {}", listed(all)))
    }
}

/// Names with commas between them.
pub(crate) fn listed<T: fmt::Display>(all: &[T]) -> String {
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    //! Content is given by one role alone; sets survive being written.
    use super::*;

    #[test]
    fn one_role_alone_gives_content() {
        let with = |permission| {
            let roles = Role::ALL.into_iter();
            let with: Vec<Role> = roles.filter(|r| r.permissions().has(permission)).collect();
            with
        };
        assert_eq!(with(Permission::Content), [Role::ContentReader]);
        assert_eq!(with(Permission::Manage), [Role::Admin]);
        assert_eq!(with(Permission::Audit), [Role::Auditor]);
        let both = Role::together(&[Role::Viewer, Role::Auditor]);
        assert!(both.has(Permission::Audit) && !both.has(Permission::Names));
    }

    #[test]
    fn names_are_read_back() {
        for role in Role::ALL {
            assert_eq!(role.name().parse::<Role>(), Ok(role));
            let text = serde_json::to_string(&role.permissions()).unwrap();
            let read: Permissions = serde_json::from_str(&text).unwrap();
            assert_eq!(read, role.permissions(), "{text}");
            assert!(read.are_within(Permissions::all()));
        }
        assert!("root".parse::<Role>().unwrap_err().contains("viewer"));
        assert!("Names".parse::<Permission>().is_err());
    }
}
