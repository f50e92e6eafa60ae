//! Who there is: people with their roles and passwords, and the keys they made.
//!
//! Invariant: once there is somebody, somebody can manage: the last admin is neither removed, disabled
//! nor made something less, nor bound to some organisations. Whatever ends a person's rights (another password, disabling, removal)
//! counts their generation up, which ends all their login sessions.
//!
//! | file | what is in it |
//! |---|---|
//! | `people/identity.rs` | who somebody is to a provider by which they sign in |
//! | `people/password.rs` | hashes of passwords, and which are taken |
//! | `people/setup.rs` | the link by which the first admin gets in |
//! | `people/throttle.rs` | who tries too often has to wait |

mod identity;
pub(crate) mod password;
mod setup;
pub(crate) mod throttle;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use identity::{Identity, VOUCHED_DAYS};
pub use setup::{SETUP_HOURS, Setup};

use crate::failure::AccessError;
use crate::hashed::new_id;
use crate::keys::ApiKey;
use crate::organizations::Organizations;
use crate::roles::{Permissions, Role};

/// More would not fit the pages that list them.
const PEOPLE_MAX: usize = 10_000;
const NAME_CHARS_MAX: usize = 128;

/// Everybody, as the document keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) setup: Option<Setup>,
    pub(crate) people: Vec<Person>,
    pub(crate) keys: Vec<ApiKey>,
}

/// Somebody who may sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Never used again, not even for somebody of the same name.
    pub id: String,
    /// By which they sign in.
    pub name: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Of which organisations; a file of before there was such a thing says nothing, which means all.
    #[serde(default, skip_serializing_if = "Organizations::is_all")]
    pub organizations: Organizations,
    /// The hash of their password, in PHC form.
    pub(crate) password: Option<String>,
    /// Who they are to the provider by which they sign in; `None`: they sign in by password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Whether that provider no longer vouches for them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// When that provider vouched for them last, to a day, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vouched_ms: Option<u64>,
    /// Whether an admin keeps them out.
    pub disabled: bool,
    /// Counted up by whatever ends their sessions.
    pub(crate) generation: u64,
    /// Since when, milliseconds since the Unix epoch.
    pub created_ms: u64,
}

impl Default for Register {
    fn default() -> Register {
        Register {
            version: 1,
            setup: None,
            people: Vec::new(),
            keys: Vec::new(),
        }
    }
}

impl Person {
    /// What their roles give.
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        Role::together(&self.roles)
    }

    /// Whether they can manage everything that is there.
    fn manages(&self) -> bool {
        !self.is_out() && self.roles.contains(&Role::Admin) && self.organizations.is_all()
    }
}

impl Register {
    /// Everybody.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// All keys, those of nobody any more as well.
    #[must_use]
    pub fn keys(&self) -> &[ApiKey] {
        &self.keys
    }

    /// Somebody by name; capitals do not matter.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Person> {
        let name = name.to_lowercase();
        let mut all = self.people.iter();
        all.find(|person| person.name.to_lowercase() == name)
    }

    /// The account that goes with somebody who is erased: the one that is called as they were asked for.
    /// `ids`, in small letters, is what telemetry says of them, which clients can claim: so an account that
    /// is only called as one of these does not go by it.
    ///
    /// # Errors
    /// There is an account that is called as one of `ids`, so that somebody has to say whose it is.
    pub fn account_to_erase(
        &self,
        asked_for: &str,
        ids: &BTreeSet<String>,
    ) -> Result<Option<String>, AccessError> {
        let own = self.named(asked_for).map(|person| &person.name);
        let is_claimed = |name: &&String| own != Some(*name) && ids.contains(&name.to_lowercase());
        let mut names = self.people.iter().map(|person| &person.name);
        match names.find(is_claimed) {
            Some(claimed) => Err(AccessError::wrong(
                format!(
                    "the account {claimed:?} is called as an id that telemetry claims for them"
                ),
                "if it is theirs, ask for the person by that name or remove the account first; \
                 if it is not, erase without the account",
            )),
            None => Ok(own.cloned()),
        }
    }

    pub(crate) fn with_id(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// Adds somebody whose password has this hash.
    pub(crate) fn add(
        &mut self,
        name: &str,
        roles: &[Role],
        password: Option<String>,
        now_ms: u64,
    ) -> Result<Person, AccessError> {
        check_name(name)?;
        if self.named(name).is_some() {
            let hint = "choose another name, or change who is there";
            return Err(AccessError::wrong(
                format!("there is a person {name:?} already"),
                hint,
            ));
        }
        if self.people.len() >= PEOPLE_MAX {
            let hint = "remove those who have left";
            return Err(AccessError::wrong(
                format!("there are {PEOPLE_MAX} people"),
                hint,
            ));
        }
        let person = Person {
            id: new_id()?,
            name: name.to_owned(),
            roles: distinct(roles)?,
            organizations: Organizations::all(),
            password,
            identity: None,
            withdrawn: false,
            vouched_ms: None,
            disabled: false,
            generation: 0,
            created_ms: now_ms,
        };
        self.people.push(person.clone());
        Ok(person)
    }

    pub(crate) fn set_roles(&mut self, name: &str, roles: &[Role]) -> Result<(), AccessError> {
        let roles = distinct(roles)?;
        self.check_is_ours(name, "roles come from groups there")?;
        self.alter(name, |person| person.roles = roles)
    }

    pub(crate) fn set_organizations(
        &mut self,
        name: &str,
        organizations: Organizations,
    ) -> Result<(), AccessError> {
        self.check_is_ours(name, "organisations come from groups there")?;
        self.alter(name, |person| person.organizations = organizations)
    }

    pub(crate) fn set_disabled(&mut self, name: &str, disabled: bool) -> Result<(), AccessError> {
        self.alter(name, |person| {
            person.disabled = disabled;
            person.generation += 1;
        })
    }

    pub(crate) fn set_password(&mut self, name: &str, hash: String) -> Result<(), AccessError> {
        self.check_is_ours(name, "a password would open past it")?;
        self.alter(name, |person| {
            person.password = Some(hash);
            person.generation += 1;
        })
    }

    /// Removes somebody, and their keys.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), AccessError> {
        let found = self.named(name).ok_or_else(|| nobody(name))?;
        let id = found.id.clone();
        let managed = self.is_managed();
        let people = self.people.iter().filter(|person| person.id != id);
        if managed && !people.clone().any(Person::manages) {
            return Err(last_admin());
        }
        self.people.retain(|person| person.id != id);
        self.keys.retain(|key| key.maker.as_deref() != Some(&id));
        Ok(())
    }

    /// Whether somebody can manage access, of all organisations.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.people.iter().any(Person::manages)
    }

    /// What a provider decides is not decided here.
    fn check_is_ours(&self, name: &str, hint: &'static str) -> Result<(), AccessError> {
        match self
            .named(name)
            .is_some_and(|person| person.identity.is_some())
        {
            true => Err(AccessError::wrong(
                format!("{name:?} signs in by a provider"),
                hint,
            )),
            false => Ok(()),
        }
    }

    fn alter(&mut self, name: &str, alter: impl FnOnce(&mut Person)) -> Result<(), AccessError> {
        let id = self.named(name).ok_or_else(|| nobody(name))?.id.clone();
        let managed = self.is_managed();
        let mut people = self.people.clone();
        if let Some(person) = people.iter_mut().find(|person| person.id == id) {
            alter(person);
        }
        if managed && !people.iter().any(Person::manages) {
            return Err(last_admin());
        }
        self.people = people;
        Ok(())
    }
}

fn distinct(roles: &[Role]) -> Result<Vec<Role>, AccessError> {
    let all: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|role| roles.contains(role))
        .collect();
    match all.is_empty() {
        true => Err(AccessError::wrong(
            "no role is given",
            "name at least one; without any role, disable the person",
        )),
        false => Ok(all),
    }
}

fn check_name(name: &str) -> Result<(), AccessError> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '/';
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains(odd) {
        let hint = "use 1 to 128 characters without spaces and slashes, like ann@example.com";
        return Err(AccessError::wrong(
            format!("{name:?} cannot be a name"),
            hint,
        ));
    }
    Ok(())
}

pub(crate) fn nobody(name: &str) -> AccessError {
    AccessError::Missing(format!("there is no person {name:?}"))
}

fn last_admin() -> AccessError {
    AccessError::wrong(
        "nobody could manage access of all organisations any more",
        "give somebody else the role admin for all organisations first",
    )
}

#[cfg(test)]
#[path = "people/tests.rs"]
mod tests;
