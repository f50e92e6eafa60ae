//! Signing in by a provider: out to it, and back.
//!
//! Invariant: whoever comes back is let in only by the cookie of the browser that went out, and what that
//! changes is on record before. The way back is a navigation that another site began, so these two are no
//! routes of the API: they take nothing but what the provider sent, and answer by sending the browser on.
//! What went wrong is told to the sign-in page behind `#`, as a name that stays the same; the rest is in
//! the audit trail, under the request's id.

use std::sync::Arc;

use access::audit::{Act, Action};
use access::federation::{self, Rules, Unwelcome, Visitor};
use access::{Arrival, SignedIn, Who};
use axum::extract::State;
use axum::http::header::{HOST, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use oidc::{Claims, Failure, Provider, Returned};

use super::cookie;
use super::session::From;
use crate::Api;
use crate::fault::Fault;

/// Where a sign-in by a provider begins.
pub(crate) const BEGIN: &str = "/sign-in/oidc";
/// Where the provider sends people back to.
pub const CALLBACK: &str = "/sign-in/oidc/callback";

/// A provider that people sign in by.
#[derive(Debug)]
pub struct SignInProvider {
    /// What people call it.
    pub name: String,
    /// Who speaks with it.
    pub provider: Provider,
    /// Whom it may let in, and as what.
    pub rules: Rules,
}

/// Why somebody is not signed in, as the sign-in page is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Expired,
    Denied,
    Unreachable,
    Failed,
    Blocked,
    Unavailable,
    Unwelcome(Unwelcome),
}

impl Told {
    fn name(self) -> &'static str {
        match self {
            Told::Expired => "expired",
            Told::Denied => "denied",
            Told::Unreachable => "unreachable",
            Told::Failed => "failed",
            Told::Blocked => "blocked",
            Told::Unavailable => "unavailable",
            Told::Unwelcome(why) => why.name(),
        }
    }
}

/// Somebody whom nobody has recognised yet.
struct Comer<'a> {
    api: &'a Api,
    sign_in: &'a SignInProvider,
    from: From,
}

/// Nobody is signed in: what the page is told, and where that is.
struct Refusal {
    told: Told,
    to: String,
}

/// Sends a browser to the provider; `to` is the path to come back to.
pub(crate) async fn begin(State(api): State<Arc<Api>>, parts: Parts) -> Result<Response, Fault> {
    let sign_in = provider(&api)?;
    let own = sign_in.provider.own_address();
    if !is_at(own, &parts.headers) {
        // The cookie must be of the address to which the provider sends people back.
        let to = parts
            .uri
            .path_and_query()
            .map_or(BEGIN, |path| path.as_str());
        return Ok(sent(&format!("{own}{to}"), []));
    }
    let comer = Comer::of(&api, sign_in, &parts)?;
    let query = parts.uri.query().unwrap_or_default();
    let to = parameter(query, "to").unwrap_or_else(|| "/".to_owned());
    if comer.is_blocked() {
        return Ok(comer.turned_away(Told::Blocked, "/"));
    }
    match sign_in.provider.begin(&to).await {
        Ok(out) => {
            let cookie = cookie::pending(comer.from.way(), Some(&out.sealed));
            Ok(sent(out.to.as_str(), [cookie]))
        }
        Err(failure) => Ok(comer.failed(&failure, "/")),
    }
}

/// Takes somebody back from the provider.
pub(crate) async fn callback(State(api): State<Arc<Api>>, parts: Parts) -> Result<Response, Fault> {
    let sign_in = provider(&api)?;
    let comer = Comer::of(&api, sign_in, &parts)?;
    let sealed = cookie::read_pending(&parts.headers)
        .unwrap_or_default()
        .to_owned();
    if comer.is_blocked() {
        return Ok(comer.turned_away(Told::Blocked, "/"));
    }
    let query = parts.uri.query().unwrap_or_default();
    let Returned {
        claims,
        to,
        id_token,
    } = match sign_in.provider.finish(&sealed, query).await {
        Ok(returned) => returned,
        Err(failure) => return Ok(comer.failed(&failure, "/")),
    };
    match comer.let_in(&claims, to).await {
        Ok((signed_in, to)) => Ok(comer.welcomed(signed_in, &to, id_token).await),
        Err(Refusal { told, to }) => Ok(comer.turned_away(told, &to)),
    }
}

impl<'a> Comer<'a> {
    fn of(api: &'a Api, sign_in: &'a SignInProvider, parts: &Parts) -> Result<Comer<'a>, Fault> {
        // Else any page could make its readers' browsers fail here, and their addresses wait.
        if !is_navigation(&parts.headers) {
            let hint = "open it in a window of its own";
            let message = "signing in is no part of another page";
            return Err(Fault::new(StatusCode::FORBIDDEN, message, Some(hint)));
        }
        let from = From::of(parts)?;
        Ok(Comer { api, sign_in, from })
    }

    /// Lets somebody in, or says why not; either is on record.
    async fn let_in(&self, claims: &Claims, to: String) -> Result<(SignedIn, String), Refusal> {
        let judged = self.judged(claims).await;
        let told = |told| Refusal {
            told,
            to: to.clone(),
        };
        let visitor = judged.map_err(told)?;
        let entered = self.entered(visitor).await;
        entered
            .map(|signed_in| (signed_in, to.clone()))
            .map_err(told)
    }

    async fn judged(&self, claims: &Claims) -> Result<Visitor, Told> {
        let identity = federation::identity(claims);
        let gate = &self.api.access.gate;
        let known = gate.identified(&identity).map_err(unavailable)?;
        if known.as_ref().is_some_and(|person| person.disabled) {
            return Err(self.unwelcome(Unwelcome::Disabled, &identity.subject));
        }
        let why = match self.sign_in.rules.judge(claims) {
            Ok(visitor) => return Ok(visitor),
            Err(why) => why,
        };
        if let Some(person) = known.filter(|person| !person.withdrawn) {
            let what = format!("withdraw {}: {why}", person.name);
            self.record(Action::People, what).await?;
            let gate = Arc::clone(gate);
            let withdrawn = tokio::task::spawn_blocking(move || gate.withdraw(&identity).map(drop));
            withdrawn.await.map_err(unavailable)?.map_err(unavailable)?;
        }
        let subject = federation::identity(claims).subject;
        Err(self.unwelcome(why, &subject))
    }

    async fn entered(&self, visitor: Visitor) -> Result<SignedIn, Told> {
        let gate = &self.api.access.gate;
        let arrival = gate.expect(&visitor).map_err(unavailable)?;
        if arrival != Arrival::Known {
            let subject = &visitor.identity.subject;
            let what = format!("{arrival} ({subject})");
            self.record(Action::People, what).await?;
        }
        let (address, agent) = self.from.place();
        let entered = gate.enter(visitor, address, agent).await;
        entered.map_err(unavailable)
    }

    /// On record first; then the browser gets the session, and goes where it wanted to.
    async fn welcomed(&self, signed_in: SignedIn, to: &str, id_token: String) -> Response {
        let session = match &signed_in.principal.who {
            Who::Person { session, .. } => session.clone(),
            Who::Anybody | Who::Key { .. } => String::new(),
        };
        let object = format!("by {}", self.sign_in.name);
        let admitted = self
            .from
            .admitted(self.api, signed_in, Action::SignIn, &object);
        match admitted.await {
            Ok(cookie) => {
                self.sign_in.provider.signed_in(&session, id_token);
                sent(to, [cookie, cookie::pending(self.from.way(), None)])
            }
            // Why is in the log.
            Err(_) => self.turned_away(Told::Unavailable, to),
        }
    }

    fn unwelcome(&self, why: Unwelcome, subject: &str) -> Told {
        self.note(format!("{why} (subject {subject})"));
        Told::Unwelcome(why)
    }

    /// What went wrong between the provider and us, on record; what somebody may have tried counts.
    fn failed(&self, failure: &Failure, to: &str) -> Response {
        let told = match failure {
            Failure::Expired(_) => Told::Expired,
            Failure::Denied(_) => Told::Denied,
            Failure::Unreachable(_) => Told::Unreachable,
            Failure::Untrusted(_) => Told::Failed,
        };
        if matches!(told, Told::Unreachable | Told::Failed) {
            tracing::warn!(
                "nobody can be signed in by {}: {failure}",
                self.sign_in.name
            );
        }
        self.note(failure.to_string());
        if matches!(told, Told::Expired | Told::Failed)
            && let Some(wait) = self.api.access.gate.failed_from(self.from.place().0)
        {
            let act = self.act(Action::LockOut, format!("for {} s", wait.as_secs()));
            self.api.access.trail.note(act.refused());
        }
        self.turned_away(told, to)
    }

    fn is_blocked(&self) -> bool {
        let is = self.api.access.gate.wait_of(self.from.place().0).is_some();
        if is {
            self.note("while locked out".to_owned());
        }
        is
    }

    /// Back to the sign-in page, which says why. The sign-in that was under way is over.
    fn turned_away(&self, told: Told, to: &str) -> Response {
        let page = format!(
            "{to}#sign-in={}&request={}",
            told.name(),
            self.from.request_id()
        );
        sent(&page, [cookie::pending(self.from.way(), None)])
    }

    async fn record(&self, action: Action, what: String) -> Result<(), Told> {
        let put = self.api.put(self.act(action, what)).await;
        put.map_err(|_| Told::Unavailable)
    }

    fn note(&self, what: String) {
        let act = self.act(Action::SignIn, what).refused();
        self.api.access.trail.note(act);
    }

    fn act(&self, action: Action, what: String) -> Act {
        let issuer = self.sign_in.provider.issuer();
        self.from.asked(Act::of_provider(issuer, action, what))
    }
}

fn unavailable(error: impl std::fmt::Display) -> Told {
    tracing::error!("nobody is let in: {error}");
    Told::Unavailable
}

fn provider(api: &Api) -> Result<&SignInProvider, Fault> {
    api.provider.as_deref().ok_or_else(|| {
        let hint = "set it up: [access.oidc] in the configuration, docs/sign-in.md";
        let message = "nobody signs in by a provider here";
        Fault::new(StatusCode::NOT_FOUND, message, Some(hint))
    })
}

/// Whether a request was made to this address.
fn is_at(own: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = own.split_once("://").map(|(_, authority)| authority);
    // HTTP/2 has no such header; the guard has looked at the authority.
    host.is_none()
        || authority.is_some_and(|own| host.is_some_and(|host| own.eq_ignore_ascii_case(host)))
}

/// Whether a browser goes there, as far as it says, and does not fetch it for a page.
fn is_navigation(headers: &HeaderMap) -> bool {
    let is = |name, expect: &str| headers.get(name).is_none_or(|said| said == expect);
    is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

/// Sends a browser on with GET.
fn sent<const N: usize>(to: &str, cookies: [HeaderValue; N]) -> Response {
    let Ok(to) = HeaderValue::from_str(to) else {
        return Fault::internal("an address cannot be written in a header").into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, to);
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_of_the_address_that_is_come_back_to() {
        let at = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            is_at("https://tally.example.org", &headers)
        };
        assert!(at("tally.example.org") && at("Tally.Example.Org"));
        assert!(!at("127.0.0.1:4319") && !at("tally.example.org:8443"));
    }
}
