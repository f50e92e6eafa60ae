//! Keys by which programs ask: `tbk_ID_SECRET`.
//!
//! Invariant: a key can do no more than its maker can at this moment, and nothing once the maker is
//! disabled or gone. A key that was made on the command line has no maker: who can write the data
//! directory can do everything anyway.

use serde::{Deserialize, Serialize};

use crate::credential::{Credential, Kind, SecretHash};
use crate::failure::AccessError;
use crate::people::{Person, Register};
use crate::roles::{Permissions, listed};

const KEYS_MAX: usize = 10_000;
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
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_ms: Option<u64>,
}

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
        if let Some(name) = maker {
            self.check_within(name, wanted.permissions)?;
        }
        if self.keys.len() >= KEYS_MAX {
            let hint = "revoke those that nobody uses";
            return Err(AccessError::wrong(
                format!("there are {KEYS_MAX} keys"),
                hint,
            ));
        }
        let credential = Credential::new()?;
        let key = ApiKey {
            hash: credential.hash(),
            label: wanted.label,
            maker: maker
                .and_then(|name| self.named(name))
                .map(|person| person.id.clone()),
            permissions: wanted.permissions,
            created_ms: now_ms,
            expires_ms: wanted.expires_ms,
            id: credential.id.clone(),
        };
        let text = credential.text(Kind::Api);
        self.keys.push(key.clone());
        Ok(NewKey { key, text })
    }

    /// Makes a key worthless for ever.
    pub(crate) fn revoke(&mut self, id: &str) -> Result<ApiKey, AccessError> {
        let found = self.keys.iter().position(|key| key.id == id);
        let at = found.ok_or_else(|| AccessError::Missing(format!("there is no key {id:?}")))?;
        Ok(self.keys.remove(at))
    }

    /// The key that a text is of, and what it may do now; `None` if it opens nothing.
    pub(crate) fn key_of(&self, text: &str, now_ms: u64) -> Option<(&ApiKey, Permissions)> {
        let shown = Credential::parse(Kind::Api, text)?;
        let key = self.keys.iter().find(|key| key.id == shown.id)?;
        let is_over = key.expires_ms.is_some_and(|end| end <= now_ms);
        if is_over || !shown.is_of(&key.hash) {
            return None;
        }
        match &key.maker {
            None => Some((key, key.permissions)),
            Some(maker) => {
                let maker = self.with_id(maker).filter(|maker| !maker.disabled)?;
                Some((key, key.permissions.and(maker.permissions())))
            }
        }
    }

    /// Who made a key, if they are still there.
    #[must_use]
    pub fn maker_of(&self, key: &ApiKey) -> Option<&Person> {
        key.maker.as_deref().and_then(|id| self.with_id(id))
    }

    fn check_within(&self, name: &str, wanted: Permissions) -> Result<(), AccessError> {
        let maker = self
            .named(name)
            .ok_or_else(|| crate::people::nobody(name))?;
        let own = maker.permissions();
        if wanted.are_within(own) {
            return Ok(());
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
mod tests {
    //! A key does what it was given, as long as its maker can, and not beyond its end.
    use super::*;
    use crate::roles::{Permission, Role};

    fn wanted(permissions: &[Permission]) -> WantedKey {
        WantedKey {
            label: "nightly".into(),
            permissions: permissions.iter().copied().collect(),
            expires_ms: Some(1_000),
        }
    }

    #[test]
    fn a_key_does_no_more_than_its_maker() {
        use Permission::{Aggregates, Content, Names};
        let mut register = Register::default();
        register.add("boss", &[Role::Admin], None, 1).unwrap();
        register.add("ann", &[Role::Analyst], None, 1).unwrap();
        let refused = register
            .make_key(Some("ann"), wanted(&[Names, Content]), 1)
            .unwrap_err();
        assert!(
            refused.to_string().contains("aggregates, names"),
            "{refused}"
        );
        let made = register
            .make_key(Some("ann"), wanted(&[Aggregates, Names]), 1)
            .unwrap();
        let may =
            |register: &Register, now_ms| register.key_of(&made.text, now_ms).map(|(_, may)| may);
        assert_eq!(may(&register, 2), Some(Role::Analyst.permissions()));
        assert_eq!(may(&register, 1_000), None, "expired");
        register.set_roles("ann", &[Role::Viewer]).unwrap();
        assert_eq!(may(&register, 2), Some(Role::Viewer.permissions()));
        register.set_disabled("ann", true).unwrap();
        assert_eq!(may(&register, 2), None);
        register.set_disabled("ann", false).unwrap();
        assert!(may(&register, 2).is_some());
        register.remove("ann").unwrap();
        assert!(register.keys.is_empty());
    }

    #[test]
    fn only_its_own_text_opens() {
        let mut register = Register::default();
        let one = register
            .make_key(None, wanted(&[Permission::Audit]), 1)
            .unwrap();
        let two = register
            .make_key(None, wanted(&[Permission::Names]), 1)
            .unwrap();
        let mixed = one.text.replace(&one.key.id, &two.key.id);
        for text in [
            "",
            "tbk_",
            &mixed,
            &one.text[..one.text.len() - 1],
            &one.text.replace("tbk", "tbi"),
        ] {
            assert!(register.key_of(text, 2).is_none(), "{text}");
        }
        assert!(register.key_of(&one.text, 2).is_some());
        let kept = serde_json::to_string(&register).unwrap();
        assert!(!kept.contains(&one.text[17..]));
        register.revoke(&one.key.id).unwrap();
        assert!(register.key_of(&one.text, 2).is_none() && register.revoke(&one.key.id).is_err());
        assert!(register.make_key(None, wanted(&[]), 1).is_err());
        assert!(
            register
                .make_key(None, wanted(&[Permission::Names]), 1_000)
                .is_err()
        );
    }
}
