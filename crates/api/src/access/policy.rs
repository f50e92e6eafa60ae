//! What each route asks for, at the place where it is registered.
//!
//! A route can only be registered through [`Table`], which takes its policy: one without does not
//! compile. Should one get past it all the same, [`Policies::of`] knows nothing of it, and it is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Permission, Permissions, Role};
use axum::http::Method;
use axum::routing::MethodRouter;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::Api;

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Nothing: signing in, and probes.
    Anyone,
    /// To be somebody; what they see is their own.
    SignedIn,
    /// A permission; who is bound to some organisations gets what is theirs.
    Needs(Permission),
    /// A permission for all organisations: what cannot be told apart by them.
    NeedsAll(Permission),
    /// One of two permissions.
    Either(Permission, Permission),
    /// One of two permissions, for all organisations.
    EitherAll(Permission, Permission),
}

impl Policy {
    /// As the table in the documentation says it.
    pub(crate) fn name(self) -> String {
        match self {
            Policy::Anyone => "anyone".to_owned(),
            Policy::SignedIn => "signed in".to_owned(),
            _ => {
                let names: Vec<&str> = self.permissions().map(Permission::name).collect();
                names.join(" or ")
            }
        }
    }

    /// The permissions of which it asks for one, if it asks for any.
    pub(crate) fn permissions(self) -> impl Iterator<Item = Permission> {
        let asked = match self {
            Policy::Anyone | Policy::SignedIn => [None, None],
            Policy::Needs(one) | Policy::NeedsAll(one) => [Some(one), None],
            Policy::Either(one, other) | Policy::EitherAll(one, other) => [Some(one), Some(other)],
        };
        asked.into_iter().flatten()
    }

    /// What somebody lacks who may not ask.
    pub(crate) fn lacking(self, permissions: Permissions) -> Option<Permission> {
        match self.lets(permissions) {
            true => None,
            false => self.permissions().next(),
        }
    }

    pub(crate) fn lets(self, permissions: Permissions) -> bool {
        let mut asked = self.permissions().peekable();
        asked.peek().is_none() || asked.any(|permission| permissions.has(permission))
    }

    /// Whether it also lets those who are bound to some organisations.
    pub(crate) fn lets_bound(self) -> bool {
        !matches!(self, Policy::NeedsAll(_) | Policy::EitherAll(..))
    }
}

/// All routes with their policies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies(BTreeMap<String, Vec<(Method, Policy)>>);

impl Policies {
    /// What a route asks for; `None`: there is no such route, or nobody said.
    pub(crate) fn of(&self, method: &Method, path: &str) -> Option<Policy> {
        let methods = self.0.get(path)?;
        let asked = match *method {
            Method::HEAD => &Method::GET,
            _ => method,
        };
        let found = methods.iter().find(|(own, _)| own == asked);
        // The answer to another method says that the path is there: not to everybody.
        Some(found.map_or(Policy::SignedIn, |(_, policy)| *policy))
    }

    fn add(&mut self, method: Method, path: &str, policy: Policy) {
        self.0
            .entry(path.to_owned())
            .or_default()
            .push((method, policy));
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = (&str, &Method, Policy)> {
        self.0.iter().flat_map(|(path, methods)| {
            methods
                .iter()
                .map(move |(method, policy)| (path.as_str(), method, *policy))
        })
    }

    /// The table of the documentation: each route, what it asks for, which roles have that, and whether
    /// they may be bound to some organisations.
    pub(crate) fn markdown(&self) -> String {
        let roles = Role::ALL.map(Role::name).join(" | ");
        let mut text = format!(
            "| route | asks for | {roles} | bound to organisations |\n|---|---|{}---|\n",
            "---|".repeat(Role::ALL.len())
        );
        for (path, method, policy) in self.each() {
            let marks = Role::ALL.map(|role| match policy.lets(role.permissions()) {
                true => "yes",
                false => "–",
            });
            text.push_str(&format!(
                "| `{method} {path}` | {} | {} | {} |\n",
                policy.name(),
                marks.join(" | "),
                if policy.lets_bound() { "yes" } else { "–" }
            ));
        }
        text
    }
}

/// Routes as they are registered.
pub(crate) struct Table {
    router: OpenApiRouter<Arc<Api>>,
    policies: Policies,
}

impl Table {
    pub(crate) fn new(router: OpenApiRouter<Arc<Api>>) -> Table {
        Table {
            router,
            policies: Policies::default(),
        }
    }

    /// Registers described routes, all with one policy.
    pub(crate) fn at(mut self, policy: Policy, routes: UtoipaMethodRouter<Arc<Api>>) -> Table {
        for (path, item) in &routes.1.paths {
            let methods = [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
                (Method::PATCH, &item.patch),
            ];
            for (method, _) in methods
                .into_iter()
                .filter(|(_, operation)| operation.is_some())
            {
                self.policies.add(method, path, policy);
            }
        }
        self.router = self.router.routes(routes);
        self
    }

    /// Registers a route with GET that the document does not describe.
    pub(crate) fn plain(
        mut self,
        policy: Policy,
        path: &str,
        route: MethodRouter<Arc<Api>>,
    ) -> Table {
        self.policies.add(Method::GET, path, policy);
        self.router = self.router.route(path, route);
        self
    }

    pub(crate) fn finish(self) -> (OpenApiRouter<Arc<Api>>, Policies) {
        (self.router, self.policies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_gave_a_policy_has_none() {
        let mut policies = Policies::default();
        policies.add(Method::GET, "/a", Policy::Anyone);
        assert_eq!(policies.of(&Method::GET, "/b"), None);
        assert_eq!(policies.of(&Method::GET, ""), None);
        assert_eq!(policies.of(&Method::HEAD, "/a"), Some(Policy::Anyone));
        assert_eq!(policies.of(&Method::POST, "/a"), Some(Policy::SignedIn));
    }

    #[test]
    fn a_policy_lets_those_who_have_its_permission() {
        let viewer = Role::Viewer.permissions();
        assert!(
            Policy::SignedIn.lets(viewer) && Policy::Needs(Permission::Aggregates).lets(viewer)
        );
        assert!(!Policy::Needs(Permission::Names).lets(viewer));
    }
}
