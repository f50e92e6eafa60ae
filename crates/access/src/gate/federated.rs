//! Signing in by a provider: who it vouches for becomes a session.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Gate, SignedIn};
use crate::failure::AccessError;
use crate::federation::Visitor;
use crate::organizations::Organizations;
use crate::people::{Identity, Person};
use crate::roles::{Role, listed};

/// What letting a visitor in changes about who there is; to be put on record before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing.
    Known,
    /// They come for the first time.
    New {
        /// What they will be called.
        name: String,
        /// What they will be.
        roles: Vec<Role>,
        /// Of which organisations.
        organizations: Organizations,
    },
    /// They were something else, or kept out, until now.
    Changed {
        /// What they are called.
        name: String,
        /// What they were, and of which organisations.
        from: (Vec<Role>, Organizations),
        /// What they will be.
        to: (Vec<Role>, Organizations),
    },
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arrival::Known => Ok(()),
            Arrival::New {
                name,
                roles,
                organizations,
            } => write!(f, "add {name} as {}", described(roles, organizations)),
            Arrival::Changed { name, from, to } => {
                let (from, to) = (described(&from.0, &from.1), described(&to.0, &to.1));
                write!(f, "make {name} {to}, before {from}")
            }
        }
    }
}

/// Roles, and of which organisations where these are not all.
fn described(roles: &[Role], organizations: &Organizations) -> String {
    match organizations.is_all() {
        true => listed(roles),
        false => format!("{} of {organizations}", listed(roles)),
    }
}

impl Gate {
    /// Whether people may sign in by password.
    #[must_use]
    pub fn takes_passwords(&self) -> bool {
        !self.passwords_off
    }

    /// Somebody by who they are to their provider.
    ///
    /// # Errors
    /// Who there is cannot be read.
    pub fn identified(&self, identity: &Identity) -> Result<Option<Person>, AccessError> {
        Ok(self.register()?.identified(identity).cloned())
    }

    /// What letting somebody in would change.
    ///
    /// # Errors
    /// Who there is cannot be read.
    pub fn expect(&self, visitor: &Visitor) -> Result<Arrival, AccessError> {
        let register = self.register()?;
        Ok(match register.identified(&visitor.identity) {
            Some(person) if person.is_as(visitor) => Arrival::Known,
            Some(person) => Arrival::Changed {
                name: person.name.clone(),
                from: (person.roles.clone(), person.organizations.clone()),
                to: (visitor.roles.clone(), visitor.organizations.clone()),
            },
            None => Arrival::New {
                name: register.free_name(visitor),
                roles: visitor.roles.clone(),
                organizations: visitor.organizations.clone(),
            },
        })
    }

    /// Lets somebody in whom a provider vouches for: makes or changes their account, and begins a session.
    ///
    /// # Errors
    /// It cannot be kept, or an admin keeps them out.
    pub async fn enter(
        self: &Arc<Self>,
        visitor: Visitor,
        address: IpAddr,
        agent: &str,
    ) -> Result<SignedIn, AccessError> {
        let gate = Arc::clone(self);
        let entered = tokio::task::spawn_blocking(move || gate.entered(&visitor)).await;
        let person = entered.map_err(std::io::Error::other)??;
        self.begin(&person, address, agent).await
    }

    fn entered(&self, visitor: &Visitor) -> Result<Person, AccessError> {
        let register = self.register()?;
        let now_ms = self.now().wall_ms;
        let known = register.identified(&visitor.identity);
        let is_same =
            |person: &&Person| person.is_as(visitor) && person.is_freshly_vouched_for(now_ms);
        if let Some(person) = known.filter(is_same) {
            return Ok(person.clone());
        }
        self.register
            .change(|register| register.enter(visitor, now_ms))
    }

    /// Keeps somebody out for whom a provider no longer vouches. Blocks on the disk.
    ///
    /// # Errors
    /// It cannot be kept.
    pub fn withdraw(&self, identity: &Identity) -> Result<Option<Person>, AccessError> {
        self.register
            .change(|register| Ok(register.withdraw(identity)))
    }

    /// How much longer an address has to wait after too many failures.
    #[must_use]
    pub fn wait_of(&self, address: IpAddr) -> Option<Duration> {
        let attempt = self.throttle.attempt_of(address);
        self.throttle.wait(&attempt, self.now().monotonic)
    }

    /// Notes a failure of an address; how long it has to wait from now on, if at all.
    pub fn failed_from(&self, address: IpAddr) -> Option<Duration> {
        let attempt = self.throttle.attempt_of(address);
        self.throttle.failed(&attempt, self.now().monotonic)
    }
}

#[cfg(test)]
#[path = "federated/tests.rs"]
mod tests;
