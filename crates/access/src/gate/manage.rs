//! Changes of who there is, for the API and the command line. All of these block on the disk.
//!
//! Invariant: who manages some organisations changes nobody who sees more than these, makes nobody who
//! would, and learns of nobody else. It is decided while nobody else can change them.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use base::private;

use super::Gate;
use crate::failure::AccessError;
use crate::hashed::new_secret;
use crate::keys::{ApiKey, NewKey, WantedKey};
use crate::organizations::Organizations;
use crate::people::password::Password;
use crate::people::{Person, Register, nobody};
use crate::roles::Role;

/// What may be changed about somebody.
#[derive(Clone, Debug)]
pub enum Change {
    /// Their roles.
    Roles(Vec<Role>),
    /// Of which organisations they see and manage what is there.
    Organizations(Organizations),
    /// Whether they are kept out.
    Disabled(bool),
}

/// Somebody who manages the people and keys of some organisations, or of all.
#[derive(Clone)]
pub struct Manager<'a> {
    gate: &'a Gate,
    of: Organizations,
}

/// The link by which the first admin gets in.
#[derive(Debug)]
pub struct SetupLink {
    /// The address to open.
    pub url: String,
    /// The file that holds it, too.
    pub file: PathBuf,
}

impl Gate {
    /// Makes a new setup link under the address of the UI; older ones are worthless from now on.
    ///
    /// # Errors
    /// It cannot be kept.
    pub fn begin_setup(&self, ui: &str) -> Result<SetupLink, AccessError> {
        let secret = new_secret()?;
        let now_ms = self.now().wall_ms;
        self.alter(|register| {
            register.begin_setup(&secret, now_ms);
            Ok(())
        })?;
        let link = SetupLink {
            url: format!("{}/setup#{secret}", ui.trim_end_matches('/')),
            file: self.setup_file(),
        };
        let mut file = private::file(&link.file)?;
        writeln!(file, "{}", link.url)?;
        Ok(link)
    }

    /// Makes the one with the secret an admin; the link is worthless from then on.
    pub(super) fn finish_setup(
        &self,
        secret: &str,
        name: &str,
        password: &Password,
    ) -> Result<Person, AccessError> {
        let hash = hashed(password, name)?;
        let now_ms = self.now().wall_ms;
        let person = self.alter(|register| {
            if !register.is_setup(secret, now_ms) {
                let hint = "make a new one: tallybook user setup";
                return Err(AccessError::wrong(
                    "the setup link is used or too old",
                    hint,
                ));
            }
            register.setup = None;
            register.add(name, &[Role::Admin], Some(hash), now_ms)
        })?;
        match fs::remove_file(self.setup_file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("the file of the used setup link stays: {error}");
            }
            _ => {}
        }
        Ok(person)
    }

    /// Who manages what belongs to these organisations.
    #[must_use]
    pub fn managed_by(&self, of: &Organizations) -> Manager<'_> {
        Manager {
            gate: self,
            of: of.clone(),
        }
    }

    fn everything(&self) -> Manager<'_> {
        self.managed_by(&Organizations::all())
    }

    /// Adds somebody who sees all organisations. Hashing the password takes tens of milliseconds of CPU.
    ///
    /// # Errors
    /// Name, roles or password are refused, or it cannot be kept.
    pub fn add(
        &self,
        name: &str,
        roles: &[Role],
        password: &Password,
    ) -> Result<Person, AccessError> {
        let all = Organizations::all();
        self.everything().add(name, roles, all, password)
    }

    /// Changes somebody.
    ///
    /// # Errors
    /// There is no such person, nobody could manage any more, or it cannot be kept.
    pub fn change(&self, name: &str, change: Change) -> Result<(), AccessError> {
        self.everything().change(name, change)
    }

    /// Gives somebody another password, which ends their sessions.
    ///
    /// # Errors
    /// There is no such person, the password is refused, or it cannot be kept.
    pub fn set_password(&self, name: &str, password: &Password) -> Result<(), AccessError> {
        self.everything().set_password(name, password)
    }

    /// Removes somebody with their keys and sessions.
    ///
    /// # Errors
    /// There is no such person, nobody could manage any more, or it cannot be kept.
    pub fn remove(&self, name: &str) -> Result<(), AccessError> {
        self.everything().remove(name)
    }

    /// Makes a key for somebody, or for the command line.
    ///
    /// # Errors
    /// It would do more than its maker may, or cannot be kept.
    pub fn make_key(&self, maker: Option<&str>, wanted: WantedKey) -> Result<NewKey, AccessError> {
        let now_ms = self.now().wall_ms;
        self.alter(|register| register.make_key(maker, wanted, now_ms))
    }

    /// Makes a key worthless; `may` says whether it may be.
    ///
    /// # Errors
    /// There is no such key, or it cannot be kept.
    pub fn revoke_key(
        &self,
        id: &str,
        may: impl FnOnce(&Register, &ApiKey) -> bool,
    ) -> Result<ApiKey, AccessError> {
        self.alter(|register| {
            let missing = || AccessError::Missing(format!("there is no key {id:?}"));
            let key = register.keys.iter().find(|key| key.id == id);
            let key = key.ok_or_else(missing)?;
            match may(register, key) {
                true => register.revoke(id),
                false => Err(missing()),
            }
        })
    }

    fn alter<R>(
        &self,
        alter: impl FnOnce(&mut Register) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        self.register.change(alter)
    }

    fn setup_file(&self) -> PathBuf {
        self.folder.join("setup-link")
    }
}

impl Manager<'_> {
    /// Whether they manage somebody.
    #[must_use]
    pub fn manages(&self, person: &Person) -> bool {
        person.organizations.are_within(&self.of)
    }

    /// Whether they manage a key: that of somebody whom they manage, or one of the command line that is
    /// for no more than what they manage.
    #[must_use]
    pub fn manages_key(&self, register: &Register, key: &ApiKey) -> bool {
        match (&key.maker, register.maker_of(key)) {
            (Some(_), Some(maker)) => self.manages(maker),
            (Some(_), None) => self.of.is_all(),
            (None, _) => key.organizations.are_within(&self.of),
        }
    }

    /// Adds somebody. Hashing the password takes tens of milliseconds of CPU.
    ///
    /// # Errors
    /// Name, roles or password are refused, they would see more than is managed, or it cannot be kept.
    pub fn add(
        &self,
        name: &str,
        roles: &[Role],
        organizations: Organizations,
        password: &Password,
    ) -> Result<Person, AccessError> {
        self.check(&organizations)?;
        let hash = hashed(password, name)?;
        let now_ms = self.gate.now().wall_ms;
        self.gate.alter(|register| {
            register.add(name, roles, Some(hash), now_ms)?;
            register.set_organizations(name, organizations)?;
            register.named(name).cloned().ok_or_else(|| nobody(name))
        })
    }

    /// Changes somebody.
    ///
    /// # Errors
    /// There is no such person to manage, nobody could manage any more, they would see more than is
    /// managed, or it cannot be kept.
    pub fn change(&self, name: &str, change: Change) -> Result<(), AccessError> {
        if let Change::Organizations(organizations) = &change {
            self.check(organizations)?;
        }
        self.alter(name, |register| match change {
            Change::Roles(roles) => register.set_roles(name, &roles),
            Change::Organizations(of) => register.set_organizations(name, of),
            Change::Disabled(disabled) => register.set_disabled(name, disabled),
        })
    }

    /// Gives somebody another password, which ends their sessions.
    ///
    /// # Errors
    /// There is no such person to manage, the password is refused, or it cannot be kept.
    pub fn set_password(&self, name: &str, password: &Password) -> Result<(), AccessError> {
        let hash = hashed(password, name)?;
        self.alter(name, |register| register.set_password(name, hash))
    }

    /// Removes somebody with their keys and sessions.
    ///
    /// # Errors
    /// There is no such person to manage, nobody could manage any more, or it cannot be kept.
    pub fn remove(&self, name: &str) -> Result<(), AccessError> {
        self.alter(name, |register| register.remove(name))
    }

    fn alter(
        &self,
        name: &str,
        alter: impl FnOnce(&mut Register) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        self.gate.alter(|register| {
            let person = register.named(name);
            person
                .filter(|person| self.manages(person))
                .ok_or_else(|| nobody(name))?;
            alter(register)
        })
    }

    fn check(&self, organizations: &Organizations) -> Result<(), AccessError> {
        match organizations.are_within(&self.of) {
            true => Ok(()),
            false => Err(AccessError::wrong(
                format!(
                    "nobody may be given more organisations than you have: {}",
                    self.of
                ),
                "leave the others out",
            )),
        }
    }
}

fn hashed(password: &Password, name: &str) -> Result<String, AccessError> {
    let checked = password.check(name);
    checked.map_err(|broken| AccessError::wrong(broken, "choose a longer one, like four words"))?;
    Ok(password.hash()?)
}
