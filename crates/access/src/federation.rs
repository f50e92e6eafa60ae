//! What somebody may whom a provider vouches for: from claims to roles.
//!
//! Invariant: it is decided anew at each sign-in, by what the provider says then. Who is in no group that
//! gives a role, and for whom there is no default, is refused; an e-mail counts only when the provider
//! says that it verified it.

use std::fmt;

use oidc::{Claims, texts};
use serde_json::Value;

use crate::organizations::Organizations;
use crate::people::Identity;
use crate::roles::Role;

/// By which rules a provider's people are let in.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The claim that holds groups: a name, or the way to it: `/realm_access/roles`.
    pub groups_claim: String,
    /// What each group gives; several add up.
    pub groups: Vec<Group>,
    /// The roles of who is in none of these groups; none: they are refused.
    pub default_roles: Vec<Role>,
    /// Of which organisations they are.
    pub default_organizations: Organizations,
    /// Domains of e-mails, in lower case; none: all.
    pub domains: Vec<String>,
}

/// What one group of the provider gives.
#[derive(Clone, Debug)]
pub struct Group {
    /// As the provider writes it.
    pub name: String,
    /// The roles of its members.
    pub roles: Vec<Role>,
    /// Of which organisations they have these roles.
    pub organizations: Organizations,
}

/// Somebody whom a provider vouches for, and who may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Who they are.
    pub identity: Identity,
    /// What to call them, if nobody is called so.
    pub name: String,
    /// What they are here, in the order of [`Role::ALL`].
    pub roles: Vec<Role>,
    /// Of which organisations.
    pub organizations: Organizations,
}

/// Why somebody whom a provider vouches for may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwelcome {
    /// No group of theirs gives a role, and there is no default.
    NoRole,
    /// Their groups are of several organisations, and give no role that holds for all of them.
    Scattered,
    /// Their e-mail is of another domain, or they have none.
    Domain,
    /// The provider does not say that it verified their e-mail.
    Unverified,
    /// They are in so many groups that the provider does not list them.
    TooManyGroups,
    /// An admin keeps them out.
    Disabled,
}

impl Unwelcome {
    /// A name that stays the same.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unwelcome::NoRole => "no_role",
            Unwelcome::Scattered => "scattered",
            Unwelcome::Domain => "domain",
            Unwelcome::Unverified => "unverified",
            Unwelcome::TooManyGroups => "too_many_groups",
            Unwelcome::Disabled => "disabled",
        }
    }
}

impl fmt::Display for Unwelcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unwelcome::NoRole => "no group gives a role",
            Unwelcome::Scattered => {
                "the groups are of several organisations, and no role holds for all of them"
            }
            Unwelcome::Domain => "the e-mail is of no allowed domain",
            Unwelcome::Unverified => "the provider has not verified the e-mail",
            Unwelcome::TooManyGroups => "the provider does not list the groups: they are too many",
            Unwelcome::Disabled => "disabled by an admin",
        })
    }
}

impl Rules {
    /// The claims without which nothing can be decided.
    #[must_use]
    pub fn wanted(&self) -> Vec<String> {
        let mut wanted = vec!["email".to_owned()];
        if !self.groups.is_empty() {
            let first = self.groups_claim.trim_start_matches('/').split('/').next();
            // A name may hold slashes: an address, for example.
            let claim = match self.groups_claim.starts_with('/') {
                true => first.unwrap_or_default(),
                false => &self.groups_claim,
            };
            wanted.push(claim.to_owned());
        }
        wanted
    }

    /// Whether these claims let somebody in, and as what.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, claims: &Claims) -> Result<Visitor, Unwelcome> {
        let email = text(claims, "email").filter(|email| !email.is_empty());
        let verified = is_true(claims.get("email_verified"));
        if !self.domains.is_empty() {
            let email = email.ok_or(Unwelcome::Domain)?;
            let domain = email
                .rsplit_once('@')
                .map(|(_, domain)| domain.to_lowercase());
            if domain.is_none_or(|domain| !self.domains.contains(&domain)) {
                return Err(Unwelcome::Domain);
            }
            if !verified {
                return Err(Unwelcome::Unverified);
            }
        }
        let (roles, organizations) = self.given(claims)?;
        Ok(Visitor {
            identity: identity(claims),
            name: name(claims, email.filter(|_| verified)),
            roles,
            organizations,
        })
    }

    fn given(&self, claims: &Claims) -> Result<(Vec<Role>, Organizations), Unwelcome> {
        let own = texts(claims, &self.groups_claim);
        if own.is_none() && !self.groups.is_empty() && is_elsewhere(claims, &self.groups_claim) {
            return Err(Unwelcome::TooManyGroups);
        }
        let own = own.unwrap_or_default();
        let groups = self.groups.iter();
        let theirs: Vec<Grant<'_>> = groups
            .filter(|group| own.contains(&group.name.as_str()))
            .map(|group| (group.roles.as_slice(), &group.organizations))
            .collect();
        match (theirs.is_empty(), self.default_roles.is_empty()) {
            (true, true) => Err(Unwelcome::NoRole),
            (true, false) => together(&[(&self.default_roles, &self.default_organizations)]),
            (false, _) => together(&theirs),
        }
    }
}

/// Roles, and of which organisations one has them.
type Grant<'a> = (&'a [Role], &'a Organizations);

/// What several groups give together: all their organisations, and the roles that hold for each of these.
/// So an admin of one organisation who is a viewer of another never becomes admin of both.
fn together(grants: &[Grant<'_>]) -> Result<(Vec<Role>, Organizations), Unwelcome> {
    let organizations = grants
        .iter()
        .map(|(_, of)| (*of).clone())
        .reduce(|all, of| all.or(&of))
        .ok_or(Unwelcome::NoRole)?;
    let holds = |role: Role, is_there: &dyn Fn(&Organizations) -> bool| {
        let mut grants = grants.iter();
        grants.any(|(roles, of)| is_there(of) && roles.contains(&role))
    };
    let everywhere = |role: &Role| match organizations.names() {
        // Whatever holds for an organisation that no group names holds for every one.
        None => holds(*role, &Organizations::is_all),
        Some(names) => names.iter().all(|name| holds(*role, &|of| of.has(name))),
    };
    let roles: Vec<Role> = Role::ALL.into_iter().filter(everywhere).collect();
    match roles.is_empty() {
        true => Err(Unwelcome::Scattered),
        false => Ok((roles, organizations)),
    }
}

/// Who somebody is, by claims that have been verified.
#[must_use]
pub fn identity(claims: &Claims) -> Identity {
    let text = |name| text(claims, name).unwrap_or_default().to_owned();
    Identity {
        issuer: text("iss"),
        subject: text("sub"),
    }
}

/// What somebody is called: their e-mail if it is verified, else what the provider calls them.
fn name(claims: &Claims, email: Option<&str>) -> String {
    let other = text(claims, "preferred_username").or_else(|| text(claims, "sub"));
    let name = email.or(other).unwrap_or_default();
    let is_odd = |symbol: char| symbol.is_control() || symbol.is_whitespace() || symbol == '/';
    let plain = name
        .chars()
        .map(|symbol| if is_odd(symbol) { '_' } else { symbol });
    plain.take(100).collect()
}

fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// Some providers write it as a text.
fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(is)) => *is,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// Whether the provider says that a claim must be fetched elsewhere (OpenID Connect Core 1.0, 5.6.2).
fn is_elsewhere(claims: &Claims, claim: &str) -> bool {
    let names = claims.get("_claim_names");
    names.is_some_and(|names| names.get(claim).is_some())
}

#[cfg(test)]
#[path = "federation/tests.rs"]
mod tests;
