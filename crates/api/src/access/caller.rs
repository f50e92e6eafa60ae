//! From a request's credentials to a principal.

use std::net::IpAddr;
use std::sync::Arc;

use access::audit::{Act, Action};
use access::{Gate, Organizations, Permission, Principal, Refused, Shown};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Peer, Policies, Policy, RequestId, cookie};
use crate::Api;
use crate::fault::Fault;

/// Who asks, and in which request.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) principal: Principal,
    pub(crate) address: Option<IpAddr>,
    pub(crate) request_id: String,
}

impl Asker {
    /// Of which organisations they see and manage what is there.
    pub(crate) fn organizations(&self) -> &Organizations {
        &self.principal.organizations
    }

    /// Puts on record that they asked for what they may not have.
    pub(crate) fn note_denied(&self, api: &Api, what: String) {
        let act = Act::of(&self.principal, Action::Denied, what);
        let act = act.asked(self.address, &self.request_id);
        api.access.trail.note(act.refused());
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asker, Fault> {
        // Absent only where a policy lets everybody in.
        parts
            .extensions
            .get::<Asker>()
            .cloned()
            .ok_or_else(|| signed_out("nobody is signed in"))
    }
}

/// That an answer is for somebody, and not for whoever asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recognised;

/// Lets a request reach its handler that fulfils the policy of its route.
pub(crate) async fn authorise(
    State((api, policies)): State<(Arc<Api>, Arc<Policies>)>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = matched.as_ref().map_or("", MatchedPath::as_str);
    let policy = policies.of(request.method(), path);
    match admit(&api, policy, &request) {
        Ok(Some(asker)) => {
            request.extensions_mut().insert(asker);
            let mut response = next.run(request).await;
            response.extensions_mut().insert(Recognised);
            response
        }
        Ok(None) => next.run(request).await,
        Err(fault) => refusal(fault),
    }
}

/// What no route has is told of to those alone who are somebody; the others are refused.
pub(crate) fn refuse_stranger(api: &Api, request: &Request) -> Option<Response> {
    let admitted = admit(api, Some(Policy::SignedIn), request);
    admitted.err().map(refusal)
}

/// Somebody who watches for long, and whose rights may end meanwhile.
pub(crate) struct Watcher {
    access: super::Access,
    headers: HeaderMap,
}

impl Watcher {
    pub(crate) fn of(api: &Api, headers: &HeaderMap) -> Watcher {
        Watcher {
            access: api.access.clone(),
            headers: headers.clone(),
        }
    }

    /// Who they are now; `None` when they may not watch any more.
    pub(crate) fn principal(&self) -> Option<Principal> {
        let principal = recognise(
            &self.access.gate,
            shown(&self.headers),
            &self.headers,
            false,
        );
        principal
            .ok()
            .filter(|principal| principal.may(Permission::Names))
    }
}

fn refusal(fault: Fault) -> Response {
    let is_unknown = fault.status() == StatusCode::UNAUTHORIZED;
    let mut response = fault.into_response();
    if is_unknown {
        let headers = response.headers_mut();
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn admit(api: &Api, policy: Option<Policy>, request: &Request) -> Result<Option<Asker>, Fault> {
    let policy = policy.ok_or_else(|| {
        Fault::new(
            StatusCode::FORBIDDEN,
            "nobody may ask this: it has no policy",
            None,
        )
    })?;
    let (headers, method) = (request.headers(), request.method());
    let extensions = request.extensions();
    let id = extensions.get::<RequestId>().cloned().unwrap_or_default();
    let peer = extensions.get::<Peer>().map(|Peer(address)| *address);
    let asker = |principal| Asker {
        principal,
        address: peer.map(|peer| address(peer, headers)),
        request_id: id.0.clone(),
    };
    let shown = shown(headers);
    if !matches!(shown, Shown::Key(_)) {
        check_origin(method, headers)?;
    }
    let principal = match recognise(&api.access.gate, shown, headers, is_use(request)) {
        Ok(principal) => principal,
        Err(_) if policy == Policy::Anyone => return Ok(None),
        Err(refused) => return Err(told(api, &refused, |act| act.asked(peer, &id.0), request)),
    };
    let asker = asker(principal);
    let refused = match policy.lacking(asker.principal.permissions) {
        Some(permission) => forbidden(permission),
        None if !policy.lets_bound() && !asker.organizations().is_all() => forbidden_to_bound(),
        None => return Ok(Some(asker)),
    };
    let what = format!("{method} {}", request.uri().path());
    asker.note_denied(api, what);
    Err(refused)
}

fn recognise(
    gate: &Gate,
    shown: Shown<'_>,
    headers: &HeaderMap,
    is_use: bool,
) -> Result<Principal, Refused> {
    let is_open = gate.is_open().map_err(Refused::Unreadable)?;
    match shown {
        Shown::Key(_) => gate.recognise(shown, is_use),
        // A proxy brings people from elsewhere to what is open to this machine.
        _ if is_open && !is_forwarded(headers) => Ok(Principal::anybody()),
        _ => gate.recognise(shown, is_use),
    }
}

/// Refusals of credentials that were shown go on record; that none was shown does not.
fn told(api: &Api, refused: &Refused, asked: impl Fn(Act) -> Act, request: &Request) -> Fault {
    let (what, message) = match refused {
        Refused::Nothing if is_forwarded(request.headers()) => {
            return signed_out("nobody is signed in, and a proxy stands before this server");
        }
        Refused::Nothing => return signed_out("nobody is signed in"),
        Refused::Session => ("session", "the login session has ended"),
        Refused::Key => ("key", "the key is unknown, expired or revoked"),
        Refused::Unreadable(error) => {
            tracing::error!("nobody is let in: {error}");
            let hint = Some("the server's log says why");
            return Fault::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "who may come in cannot be read",
                hint,
            );
        }
    };
    let object = format!(
        "{} {} with a {what}",
        request.method(),
        request.uri().path()
    );
    let act = Act::of_stranger("", Action::Denied, object).refused();
    api.access.trail.note(asked(act));
    signed_out(message)
}

fn signed_out(message: &str) -> Fault {
    let hint = "sign in, or send a key: Authorization: Bearer tbk_…";
    Fault::new(StatusCode::UNAUTHORIZED, message, Some(hint))
}

pub(super) fn forbidden(permission: Permission) -> Fault {
    let message = format!("this needs the permission {permission}");
    let hint = "an admin can give you a role that has it";
    Fault::new(StatusCode::FORBIDDEN, message, Some(hint))
}

fn forbidden_to_bound() -> Fault {
    let message = "this is of all organisations, and you are bound to some";
    let hint = "somebody who is bound to none can do it";
    Fault::new(StatusCode::FORBIDDEN, message, Some(hint))
}

fn shown(headers: &HeaderMap) -> Shown<'_> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let (scheme, key) = text.split_once(' ').unwrap_or(("", text));
        return Shown::Key(if scheme.eq_ignore_ascii_case("bearer") {
            key.trim()
        } else {
            ""
        });
    }
    cookie::read(headers).map_or(Shown::Nothing, Shown::Session)
}

/// A page that is open asks for the status by itself; that keeps no session alive.
fn is_use(request: &Request) -> bool {
    !matches!(request.uri().path(), "/api/v1/status" | "/api/v1/session")
}

/// Whatever changes something comes from our own page, as browsers say and no page can forge, and is
/// JSON, which a form cannot send.
fn check_origin(method: &Method, headers: &HeaderMap) -> Result<(), Fault> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_ours = match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = text(HOST.as_str());
            origin.split_once("://").map(|(_, origin)| origin) == host && host.is_some()
        }
        // No browser.
        (None, None) => true,
    };
    if !is_ours {
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "another site may not use the API",
            None,
        ));
    }
    let kind = text(CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must be JSON",
            Some("send content-type: application/json"),
        )),
    }
}

/// What proxies say of themselves or of whom they bring. Over TLS of our own one of these is ours
/// (`serve.rs`), and no proxy's.
const OF_PROXIES: [&str; 10] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-server",
    "x-forwarded-port",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

fn is_forwarded(headers: &HeaderMap) -> bool {
    OF_PROXIES.iter().any(|name| headers.contains_key(*name))
}

/// Who is at the other end; behind a proxy on this machine, whom the proxy names last.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.to_canonical();
    if !peer.is_loopback() {
        return peer;
    }
    let named = headers.get_all("x-forwarded-for").into_iter().next_back();
    let named =
        named.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    named.unwrap_or(peer)
}
