//! Who somebody is to a provider by which they sign in.
//!
//! Invariant: it is issuer and subject, which the provider gives to nobody else; never an e-mail, which
//! it may. Whoever the provider no longer vouches for is kept out until it does: whatever it takes away
//! counts, also from the last admin. It is asked only when somebody signs in, and who has left does not:
//! so what works without signing in (keys) rests when that was too long ago.

use serde::{Deserialize, Serialize};

use super::{Person, Register, distinct};
use crate::failure::AccessError;
use crate::federation::Visitor;
use crate::hashed::Hashed;

/// For how long what a provider said at a sign-in counts without another, days.
pub const VOUCHED_DAYS: u64 = 30;
const DAY_MS: u64 = 86_400_000;

/// Who somebody is to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The provider, as it calls itself.
    pub issuer: String,
    /// What it calls the person.
    pub subject: String,
}

impl Identity {
    /// Tells two of one name apart.
    fn mark(&self) -> String {
        let mut mark = Hashed::of(&format!("{} {}", self.issuer, self.subject)).short();
        mark.truncate(6);
        mark
    }
}

impl Person {
    /// Whether they are kept out, by an admin or because their provider no longer vouches for them.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.disabled || self.withdrawn
    }

    /// Whether their provider, if they sign in by one, has vouched for them not too long ago. An account of
    /// before this was written down counts from when it was made.
    pub(crate) fn is_vouched_for(&self, now_ms: u64) -> bool {
        let since_ms = self.vouched_ms.unwrap_or(self.created_ms);
        self.identity.is_none() || now_ms.saturating_sub(since_ms) < VOUCHED_DAYS * DAY_MS
    }

    /// Whether it was written down within a day that their provider vouched for them.
    pub(crate) fn is_freshly_vouched_for(&self, now_ms: u64) -> bool {
        let is_fresh = |since_ms| now_ms.saturating_sub(since_ms) < DAY_MS;
        self.vouched_ms.is_some_and(is_fresh)
    }

    /// Whether letting `visitor` in changes nothing.
    pub(crate) fn is_as(&self, visitor: &Visitor) -> bool {
        !self.withdrawn
            && self.roles == visitor.roles
            && self.organizations == visitor.organizations
    }
}

impl Register {
    /// Somebody by who they are to their provider.
    #[must_use]
    pub fn identified(&self, identity: &Identity) -> Option<&Person> {
        let mut all = self.people.iter();
        all.find(|person| person.identity.as_ref() == Some(identity))
    }

    /// The name that a visitor would get: their own, or, if somebody has it, with a mark behind it. An
    /// account is never taken over for its name.
    pub(crate) fn free_name(&self, visitor: &Visitor) -> String {
        match self.named(&visitor.name) {
            None => visitor.name.clone(),
            Some(_) => format!("{}#{}", visitor.name, visitor.identity.mark()),
        }
    }

    /// Makes an account of who comes for the first time; who was here before gets the roles and
    /// organisations of now.
    pub(crate) fn enter(&mut self, visitor: &Visitor, now_ms: u64) -> Result<Person, AccessError> {
        let roles = distinct(&visitor.roles)?;
        let is_known = self.identified(&visitor.identity).is_some();
        if !is_known {
            let name = self.free_name(visitor);
            self.add(&name, &roles, None, now_ms)?;
            if let Some(added) = self.people.last_mut() {
                added.identity = Some(visitor.identity.clone());
            }
        }
        let identity = &visitor.identity;
        let mut all = self.people.iter_mut();
        let found = all.find(|person| person.identity.as_ref() == Some(identity));
        let person = found.ok_or_else(|| super::nobody(&visitor.name))?;
        person.roles = roles;
        person.organizations = visitor.organizations.clone();
        person.withdrawn = false;
        person.vouched_ms = Some(now_ms);
        Ok(person.clone())
    }

    /// Keeps somebody out for whom the provider no longer vouches; their sessions end.
    pub(crate) fn withdraw(&mut self, identity: &Identity) -> Option<Person> {
        let mut all = self.people.iter_mut();
        let person = all.find(|person| person.identity.as_ref() == Some(identity))?;
        if !person.withdrawn {
            person.withdrawn = true;
            person.generation += 1;
        }
        Some(person.clone())
    }
}
