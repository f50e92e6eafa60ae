//! Signing in and out, and the first admin.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use access::audit::{Act, Action};
use access::{Organizations, Password, Permissions, Principal, Role, SignInError, SignedIn, Who};
use axum::Json;
use axum::extract::{Extension, FromRequestParts, State};
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cookie::{self, Way};
use super::{Asker, Peer, RequestId, caller};
use crate::Api;
use crate::fault::{ErrorBody, Fault};
use crate::input::Body;

/// Who asks, and what they may.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// `open`: anybody on this machine may do everything, until somebody is set up. `closed`: whoever
    /// asks must be somebody.
    access: &'static str,
    /// Whether whoever asks is somebody.
    signed_in: bool,
    /// Their name; null for a key and for anybody.
    name: Option<String>,
    /// Their roles.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// What they may: `aggregates`, `names`, `content`, `manage`, `audit`.
    #[schema(value_type = Vec<String>)]
    permissions: Permissions,
    /// Whether people sign in by password.
    passwords: bool,
    /// The provider that people sign in by; null if there is none.
    provider: Option<String>,
    /// Whether whoever asks signed in by it, and has no password here.
    by_provider: bool,
    /// Of which organisations they see and manage what is there; null: of all.
    #[schema(value_type = Option<Vec<String>>)]
    organizations: Organizations,
}

impl Me {
    fn of(api: &Api, principal: Option<&Principal>) -> Me {
        let who = principal.map(|principal| &principal.who);
        let (name, roles) = match who {
            Some(Who::Person { name, roles, .. }) => (Some(name.clone()), roles.clone()),
            _ => (None, Vec::new()),
        };
        Me {
            access: if who == Some(&Who::Anybody) {
                "open"
            } else {
                "closed"
            },
            signed_in: principal.is_some(),
            name,
            roles,
            permissions: principal
                .map(|principal| principal.permissions)
                .unwrap_or_default(),
            passwords: api.access.gate.takes_passwords(),
            provider: api.provider.as_ref().map(|provider| provider.name.clone()),
            by_provider: principal.is_some_and(|principal| is_by_provider(api, principal)),
            organizations: principal
                .map(|principal| principal.organizations.clone())
                .unwrap_or_default(),
        }
    }
}

/// Whether somebody is known by who they are to a provider.
fn is_by_provider(api: &Api, principal: &Principal) -> bool {
    let Who::Person { name, .. } = &principal.who else {
        return false;
    };
    let register = api.access.gate.register();
    register.is_ok_and(|all| {
        all.named(name)
            .is_some_and(|person| person.identity.is_some())
    })
}

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    name: String,
    password: String,
}

/// The secret of the setup link, and who is to be the first admin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstAdmin {
    /// What follows `#` in the setup link.
    token: String,
    name: String,
    /// 12 characters at least.
    password: String,
}

/// Another password for oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtherPassword {
    /// The password until now.
    old: String,
    /// 12 characters at least.
    new: String,
}

/// Where a request that signs in comes from.
pub(crate) struct From {
    address: IpAddr,
    agent: String,
    way: Way,
    request_id: String,
    /// The session that the browser has had until now.
    before: Option<String>,
}

impl From {
    pub(super) fn of(parts: &Parts) -> Result<From, Fault> {
        let headers = &parts.headers;
        let way = Way::of(headers);
        if way == Way::Open {
            let hint = "reach this server over TLS, or on this machine as localhost";
            let message = "a password or a login session would travel in the clear";
            return Err(Fault::new(StatusCode::FORBIDDEN, message, Some(hint)));
        }
        let peer = parts.extensions.get::<Peer>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(peer)| *peer);
        let id = parts.extensions.get::<RequestId>().cloned();
        let agent = headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        Ok(From {
            address: caller::address(peer, headers),
            agent: agent.unwrap_or_default().to_owned(),
            way,
            request_id: id.map(|RequestId(id)| id).unwrap_or_default(),
            before: cookie::read(headers).map(str::to_owned),
        })
    }

    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// The address, and what the browser calls itself.
    pub(super) fn place(&self) -> (IpAddr, &str) {
        (self.address, &self.agent)
    }

    pub(super) fn request_id(&self) -> &str {
        &self.request_id
    }

    pub(super) fn asked(&self, act: Act) -> Act {
        act.asked(Some(self.address), &self.request_id)
    }

    /// On record first; then the browser gets the session, and its old one ends.
    async fn let_in(
        self,
        api: &Api,
        signed_in: SignedIn,
        action: Action,
    ) -> Result<Response, Fault> {
        let me = Me::of(api, Some(&signed_in.principal));
        let cookie = self.admitted(api, signed_in, action, "").await?;
        Ok(([(SET_COOKIE, cookie)], Json(me)).into_response())
    }

    /// The same, of which only the cookie is wanted.
    pub(super) async fn admitted(
        &self,
        api: &Api,
        signed_in: SignedIn,
        action: Action,
        object: &str,
    ) -> Result<HeaderValue, Fault> {
        let SignedIn { secret, principal } = signed_in;
        let act = self.asked(Act::of(&principal, action, object));
        if let Err(fault) = api.put(act).await {
            sign_out(api, secret).await?;
            return Err(fault);
        }
        if let Some(before) = &self.before {
            sign_out(api, before.clone()).await?;
        }
        Ok(cookie::written(self.way, Some(&secret)))
    }

    /// What went wrong, on record; a name only if somebody has it, because people type passwords there.
    fn refused(&self, api: &Api, name: &str, error: SignInError) -> Fault {
        let known = api.access.gate.register();
        let known = known
            .ok()
            .and_then(|all| all.named(name).map(|person| person.name.clone()));
        let name = known.unwrap_or_default();
        let note = |action, object: String| {
            let act = Act::of_stranger(&name, action, object).refused();
            api.access.trail.note(self.asked(act));
        };
        match &error {
            SignInError::Wrong(wait) => {
                note(Action::SignIn, String::new());
                if let Some(wait) = wait {
                    note(Action::LockOut, format!("for {} s", wait.as_secs()));
                }
            }
            SignInError::Blocked(_) => note(Action::SignIn, "while locked out".to_owned()),
            SignInError::Off => note(
                Action::SignIn,
                "by password, which is turned off".to_owned(),
            ),
            SignInError::Busy | SignInError::Failed(_) => {}
        }
        error.into()
    }
}

impl FromRequestParts<Arc<Api>> for From {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<From, Fault> {
        From::of(parts)
    }
}

/// Signs in; what is wrong is on record.
async fn sign_in(api: &Api, from: From, name: &str, password: Password) -> Result<Response, Fault> {
    let gate = &api.access.gate;
    let signed_in = gate.sign_in(name, password, from.address, &from.agent);
    match signed_in.await {
        Ok(signed_in) => from.let_in(api, signed_in, Action::SignIn).await,
        Err(error) => Err(from.refused(api, name, error)),
    }
}

async fn sign_out(api: &Api, secret: String) -> Result<(), Fault> {
    let gate = Arc::clone(&api.access.gate);
    let ended = tokio::task::spawn_blocking(move || gate.sign_out(&secret));
    Ok(ended.await.map_err(Fault::internal)??)
}

/// Who asks. Answers everybody, so that the UI knows whether to ask for a name.
#[utoipa::path(get, path = "/api/v1/session", tag = "access", responses((status = 200, body = Me)))]
pub(crate) async fn me(State(api): State<Arc<Api>>, asker: Option<Extension<Asker>>) -> Json<Me> {
    let principal = asker.as_ref().map(|Extension(asker)| &asker.principal);
    Json(Me::of(&api, principal))
}

/// Signs in, and sets the session's cookie.
#[utoipa::path(post, path = "/api/v1/session", tag = "access", request_body = Login, responses(
    (status = 200, body = Me), (status = 401, description = "Name or password is wrong", body = ErrorBody),
    (status = 429, description = "Too many failures", body = ErrorBody)))]
pub(crate) async fn begin(
    State(api): State<Arc<Api>>,
    from: From,
    Body(login): Body<Login>,
) -> Result<Response, Fault> {
    sign_in(&api, from, &login.name, Password::new(login.password)).await
}

/// Where to go to sign out at the provider, too.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedOut {
    /// An address of the provider.
    to: String,
}

/// Signs out. Whoever signed in by a provider that has an end of sessions is told where that is.
#[utoipa::path(delete, path = "/api/v1/session", tag = "access", responses((status = 204),
    (status = 200, description = "There is a session at the provider, too", body = SignedOut)))]
pub(crate) async fn end(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    asker: Asker,
) -> Result<Response, Fault> {
    let is_by_provider = is_by_provider(&api, &asker.principal);
    if let Some(secret) = cookie::read(&headers) {
        sign_out(&api, secret.to_owned()).await?;
        api.on_record(&asker, Action::SignOut, "").await?;
    }
    let cookie = [(SET_COOKIE, cookie::written(Way::of(&headers), None))];
    let end = match (&api.provider, &asker.principal.who) {
        (Some(by), Who::Person { session, .. }) if is_by_provider => {
            by.provider.end_session(session).await
        }
        _ => None,
    };
    Ok(match end {
        Some(to) => (cookie, Json(SignedOut { to: to.into() })).into_response(),
        None => (StatusCode::NO_CONTENT, cookie).into_response(),
    })
}

/// Makes whoever has the setup link the first admin, and signs them in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "access", request_body = FirstAdmin, responses(
    (status = 200, body = Me), (status = 400, description = "Name or password is refused", body = ErrorBody),
    (status = 401, description = "The link is used, too old, or not the newest", body = ErrorBody)))]
pub(crate) async fn set_up(
    State(api): State<Arc<Api>>,
    from: From,
    Body(first): Body<FirstAdmin>,
) -> Result<Response, Fault> {
    let password = Password::new(first.password);
    let gate = &api.access.gate;
    let done = gate.set_up(
        &first.token,
        &first.name,
        password,
        from.address,
        &from.agent,
    );
    match done.await {
        Ok(signed_in) => from.let_in(&api, signed_in, Action::SetUp).await,
        Err(SignInError::Wrong(wait)) => {
            from.refused(&api, "", SignInError::Wrong(wait));
            let message = "the setup link is used, too old, or not the newest";
            let hint = "make a new one where the server runs: tallybook user setup";
            Err(Fault::new(StatusCode::UNAUTHORIZED, message, Some(hint)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Changes one's own password, which ends all one's sessions, and begins a new one.
#[utoipa::path(post, path = "/api/v1/password", tag = "access", request_body = OtherPassword, responses(
    (status = 200, body = Me), (status = 400, description = "The new password is refused", body = ErrorBody),
    (status = 401, description = "The old password is wrong", body = ErrorBody)))]
pub(crate) async fn password(
    State(api): State<Arc<Api>>,
    from: From,
    asker: Asker,
    Body(other): Body<OtherPassword>,
) -> Result<Response, Fault> {
    let name = super::people::own_name(&asker)?;
    if !api.access.gate.takes_passwords() {
        return Err(SignInError::Off.into());
    }
    let gate = Arc::clone(&api.access.gate);
    let person = gate.register()?.named(&name).cloned();
    let person = person.ok_or_else(|| Fault::new(StatusCode::NOT_FOUND, "you are gone", None))?;
    let verified = gate
        .verify(&person, Password::new(other.old), from.address)
        .await;
    if let Err(error) = verified {
        return Err(from.refused(&api, &name, error));
    }
    api.on_record(&asker, Action::People, format!("password of {name}"))
        .await?;
    let new = Password::new(other.new);
    let set = (new.clone(), name.clone(), Arc::clone(&gate));
    let changed = tokio::task::spawn_blocking(move || set.2.set_password(&set.1, &set.0));
    changed.await.map_err(Fault::internal)??;
    sign_in(&api, from, &name, new).await
}
