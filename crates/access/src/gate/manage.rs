//! Changes of who there is, for the API and the command line. All of these block on the disk.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use base::private;

use super::Gate;
use crate::failure::AccessError;
use crate::hashed::new_secret;
use crate::keys::{ApiKey, NewKey, WantedKey};
use crate::people::password::Password;
use crate::people::{Person, Register};
use crate::roles::Role;

/// What may be changed about somebody.
#[derive(Clone, Debug)]
pub enum Change {
    /// Their roles.
    Roles(Vec<Role>),
    /// Whether they are kept out.
    Disabled(bool),
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

    /// Adds somebody. Hashing the password takes tens of milliseconds of CPU.
    ///
    /// # Errors
    /// Name, roles or password are refused, or it cannot be kept.
    pub fn add(
        &self,
        name: &str,
        roles: &[Role],
        password: &Password,
    ) -> Result<Person, AccessError> {
        let hash = hashed(password, name)?;
        let now_ms = self.now().wall_ms;
        self.alter(|register| register.add(name, roles, Some(hash), now_ms))
    }

    /// Changes somebody.
    ///
    /// # Errors
    /// There is no such person, nobody could manage any more, or it cannot be kept.
    pub fn change(&self, name: &str, change: Change) -> Result<(), AccessError> {
        self.alter(|register| match change {
            Change::Roles(roles) => register.set_roles(name, &roles),
            Change::Disabled(disabled) => register.set_disabled(name, disabled),
        })
    }

    /// Gives somebody another password, which ends their sessions.
    ///
    /// # Errors
    /// There is no such person, the password is refused, or it cannot be kept.
    pub fn set_password(&self, name: &str, password: &Password) -> Result<(), AccessError> {
        let hash = hashed(password, name)?;
        self.alter(|register| register.set_password(name, hash))
    }

    /// Removes somebody with their keys and sessions.
    ///
    /// # Errors
    /// There is no such person, nobody could manage any more, or it cannot be kept.
    pub fn remove(&self, name: &str) -> Result<(), AccessError> {
        self.alter(|register| register.remove(name))
    }

    /// Makes a key for somebody, or for the command line.
    ///
    /// # Errors
    /// It would do more than its maker may, or cannot be kept.
    pub fn make_key(&self, maker: Option<&str>, wanted: WantedKey) -> Result<NewKey, AccessError> {
        let now_ms = self.now().wall_ms;
        self.alter(|register| register.make_key(maker, wanted, now_ms))
    }

    /// Makes a key worthless; `of` says by id whose it must be.
    ///
    /// # Errors
    /// There is no such key, or it cannot be kept.
    pub fn revoke_key(&self, id: &str, of: Option<&str>) -> Result<ApiKey, AccessError> {
        self.alter(|register| {
            let key = register.revoke(id)?;
            match of.is_none_or(|person| key.maker.as_deref() == Some(person)) {
                true => Ok(key),
                false => Err(AccessError::Missing(format!("there is no key {id:?}"))),
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

fn hashed(password: &Password, name: &str) -> Result<String, AccessError> {
    let checked = password.check(name);
    checked.map_err(|broken| AccessError::wrong(broken, "choose a longer one, like four words"))?;
    Ok(password.hash()?)
}
