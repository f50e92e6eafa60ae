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
            organizations,
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
mod tests {
    //! A key does what it was given, as long as its maker can, and not beyond its end.
    use super::*;
    use crate::roles::{Permission, Role};

    fn wanted(permissions: &[Permission]) -> WantedKey {
        WantedKey {
            label: "nightly".into(),
            permissions: permissions.iter().copied().collect(),
            organizations: None,
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
        let may = |register: &Register, now_ms| {
            register.key_of(&made.text, now_ms).map(|(_, (may, _))| may)
        };
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
    fn a_key_sees_no_more_than_its_maker() {
        let of = |names: &[&str]| Organizations::of(names).unwrap();
        let mut register = Register::default();
        register.add("boss", &[Role::Admin], None, 1).unwrap();
        register.add("ann", &[Role::Analyst], None, 1).unwrap();
        register.set_organizations("ann", of(&["a", "b"])).unwrap();
        let with = |organizations| WantedKey {
            organizations,
            ..wanted(&[Permission::Names])
        };
        for beyond in [Organizations::all(), of(&["b", "c"])] {
            let refused = register.make_key(Some("ann"), with(Some(beyond)), 1);
            assert!(refused.unwrap_err().to_string().contains("sees a, b"));
        }
        let usual = register.make_key(Some("ann"), with(None), 1).unwrap();
        let some = register.make_key(Some("ann"), with(Some(of(&["b"]))), 1);
        let some = some.unwrap();
        let of_command = register.make_key(None, with(Some(of(&["c"]))), 1).unwrap();
        let sees = |register: &Register, key: &NewKey| {
            let (_, (_, organizations)) = register.key_of(&key.text, 2).unwrap();
            organizations
        };
        assert_eq!(sees(&register, &usual), of(&["a", "b"]));
        assert_eq!(sees(&register, &some), of(&["b"]));
        assert_eq!(sees(&register, &of_command), of(&["c"]));
        // What its maker sees no longer it sees no longer, and what they come to see it does not.
        register.set_organizations("ann", of(&["a", "d"])).unwrap();
        assert_eq!(sees(&register, &usual), of(&["a"]));
        assert!(
            sees(&register, &some)
                .names()
                .is_some_and(|none| none.is_empty())
        );
        let kept = serde_json::to_string(&register).unwrap();
        let kept: Register = serde_json::from_str(&kept).unwrap();
        assert_eq!(sees(&kept, &usual), of(&["a"]));
        assert!(!sees(&kept, &some).is_all());
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
