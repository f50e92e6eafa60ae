//! Keys by which programs ask: `tbk_ID_SECRET`.
//!
//! Invariant: a key can do and see no more than its maker can at this moment, and nothing once the maker is
//! disabled or gone, or their provider has not vouched for them for too long. A key that was made on the command line has no maker: who can write the data
//! directory can do everything anyway.

use serde::{Deserialize, Serialize};

use crate::credential::{Credential, Kind, SecretHash};
use crate::failure::AccessError;
use crate::organizations::Organizations;
use crate::people::{Person, Register};
use crate::roles::{Permissions, listed};

const KEYS_MAX: usize = 10_000;
/// Of one person: nobody leaves none for the others.
const KEYS_OF_PERSON_MAX: usize = 100;
const LABEL_CHARS_MAX: usize = 128;

/// What is kept of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The part of its text that is no secret.
    pub id: String,
    pub(crate) hash: SecretHash,
    /// What it is for.
    pub label: String,
    /// The id of who made it; without one, the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maker: Option<String>,
    /// What it may do at most.
    pub permissions: Permissions,
    /// Of which organisations at most; a file of before there was such a thing says nothing: all.
    #[serde(default, skip_serializing_if = "Organizations::is_all")]
    pub organizations: Organizations,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Until before this moment; without one, until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
}

/// What is wanted of a new key.
#[derive(Clone, Debug)]
pub struct WantedKey {
    /// What it is for.
    pub label: String,
    /// What it may do.
    pub permissions: Permissions,
    /// Of which organisations; without it those of its maker at this moment.
    pub organizations: Option<Organizations>,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_ms: Option<u64>,
}

/// What may be done, and of which organisations.
pub type Reach = (Permissions, Organizations);

/// A key that was just made.
#[derive(Debug)]
pub struct NewKey {
    /// What is kept of it.
    pub key: ApiKey,
    /// Its text, which is kept nowhere.
    pub text: String,
}

impl Register {
    /// Makes a key for somebody, or for the command line.
    pub(crate) fn make_key(
        &mut self,
        maker: Option<&str>,
        wanted: WantedKey,
        now_ms: u64,
    ) -> Result<NewKey, AccessError> {
        check(&wanted, now_ms)?;
        let organizations = match maker {
            Some(name) => self.check_within(name, &wanted)?,
            None => wanted.organizations.unwrap_or_default(),
        };
        let maker = maker.and_then(|name| self.named(name));
        let maker = maker.map(|person| (person.id.clone(), person.name.clone()));
        self.make_room(maker.as_ref(), now_ms)?;
        let credential = Credential::new()?;
        let key = ApiKey {
            hash: credential.hash(),
            label: wanted.label,
            maker: maker.map(|(id, _)| id),
            permissions: wanted.permissions,
            organizations,
            created_ms: now_ms,
            expires_ms: wanted.expires_ms,
            id: credential.id.clone(),
        };
        let text = credential.text(Kind::Api);
        self.keys.push(key.clone());
        Ok(NewKey { key, text })
    }

    /// Sees to it that there is room for one key more, of somebody (id and name) or of the command line.
    /// Keys that have ended are forgotten for it, those first that ended first.
    fn make_room(
        &mut self,
        maker: Option<&(String, String)>,
        now_ms: u64,
    ) -> Result<(), AccessError> {
        if let Some((id, name)) = maker {
            let is_theirs = |key: &ApiKey| key.maker.as_ref() == Some(id);
            if !self.keep_fewer_than(KEYS_OF_PERSON_MAX, is_theirs, now_ms) {
                let message = format!(
                    "{name} has {KEYS_OF_PERSON_MAX} keys, and one person may have no more"
                );
                let hint = "revoke those that are not used any more, on the page Access or by tallybook key revoke";
                return Err(AccessError::wrong(message, hint));
            }
        }
        match self.keep_fewer_than(KEYS_MAX, |_| true, now_ms) {
            true => Ok(()),
            false => Err(AccessError::wrong(
                format!("there are {KEYS_MAX} keys, and no more are kept"),
                "revoke those that nobody uses",
            )),
        }
    }

    /// Whether fewer than `max` of some keys are left once those that have ended had to go.
    fn keep_fewer_than(
        &mut self,
        max: usize,
        is_meant: impl Fn(&ApiKey) -> bool,
        now_ms: u64,
    ) -> bool {
        let meant = self.keys.iter().filter(|key| is_meant(key));
        let too_many = (meant.clone().count() + 1).saturating_sub(max);
        let mut ended: Vec<(u64, String)> = meant
            .filter_map(|key| Some((key.expires_ms?, key.id.clone())))
            .filter(|(end, _)| *end <= now_ms)
            .collect();
        if ended.len() < too_many {
            return false;
        }
        ended.sort_unstable();
        for (_, id) in &ended[..too_many] {
            self.keys.retain(|key| key.id != *id);
        }
        true
    }

    /// Makes a key worthless for ever.
    pub(crate) fn revoke(&mut self, id: &str) -> Result<ApiKey, AccessError> {
        let found = self.keys.iter().position(|key| key.id == id);
        let at = found.ok_or_else(|| AccessError::Missing(format!("there is no key {id:?}")))?;
        Ok(self.keys.remove(at))
    }

    /// The key that a text is of, and what it may do now and of which organisations; `None` if it opens
    /// nothing.
    pub(crate) fn key_of(&self, text: &str, now_ms: u64) -> Option<(&ApiKey, Reach)> {
        let shown = Credential::parse(Kind::Api, text)?;
        let key = self.keys.iter().find(|key| key.id == shown.id)?;
        let is_over = key.expires_ms.is_some_and(|end| end <= now_ms);
        if is_over || !shown.is_of(&key.hash) {
            return None;
        }
        Some((key, self.reach_of(key, now_ms)?))
    }

    /// What a key may do now and of which organisations; `None` if its maker is disabled or gone, or has
    /// not signed in by their provider for [`crate::VOUCHED_DAYS`].
    fn reach_of(&self, key: &ApiKey, now_ms: u64) -> Option<Reach> {
        let (permissions, organizations) = (key.permissions, &key.organizations);
        let Some(maker) = &key.maker else {
            return Some((permissions, organizations.clone()));
        };
        let maker = self
            .with_id(maker)
            .filter(|maker| !maker.is_out() && maker.is_vouched_for(now_ms))?;
        Some((
            permissions.and(maker.permissions()),
            organizations.and(&maker.organizations),
        ))
    }

    /// Who made a key, if they are still there.
    #[must_use]
    pub fn maker_of(&self, key: &ApiKey) -> Option<&Person> {
        key.maker.as_deref().and_then(|id| self.with_id(id))
    }

    /// The organisations that a key of somebody is for.
    fn check_within(&self, name: &str, wanted: &WantedKey) -> Result<Organizations, AccessError> {
        let maker = self
            .named(name)
            .ok_or_else(|| crate::people::nobody(name))?;
        let own = maker.permissions();
        if wanted.permissions.are_within(own) {
            let of_maker = &maker.organizations;
            let organizations = wanted.organizations.as_ref().unwrap_or(of_maker);
            if organizations.are_within(of_maker) {
                return Ok(organizations.clone());
            }
            let message = format!("a key may see no more than its maker, who sees {of_maker}");
            return Err(AccessError::wrong(message, "leave the others out"));
        }
        let own: Vec<_> = own.iter().collect();
        let message = format!(
            "a key may do no more than its maker, who has {}",
            listed(&own)
        );
        Err(AccessError::wrong(message, "leave the others out"))
    }
}

fn check(wanted: &WantedKey, now_ms: u64) -> Result<(), AccessError> {
    let label = &wanted.label;
    if label.is_empty()
        || label.chars().count() > LABEL_CHARS_MAX
        || label.contains(char::is_control)
    {
        let hint = "say what the key is for, in 1 to 128 characters";
        return Err(AccessError::wrong(
            format!("{label:?} cannot be a label"),
            hint,
        ));
    }
    if wanted.permissions == Permissions::default() {
        let hint = "name at least one permission";
        return Err(AccessError::wrong("the key could do nothing", hint));
    }
    match wanted.expires_ms {
        Some(end) if end <= now_ms => Err(AccessError::wrong(
            "the key would have expired",
            "name a later time",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
