//! Login sessions: one's own, and everybody's for who manages access.

use std::sync::Arc;

use access::Who;
use access::audit::Action;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Asker;
use super::keys::own_only;
use super::people::blocking;
use crate::Api;
use crate::fault::{ErrorBody, Fault};
use crate::input::Id;

/// Login sessions, the one used last first.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginSessions {
    sessions: Vec<LoginSession>,
}

/// A login session.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginSession {
    /// By which it can be ended; it opens nothing.
    id: String,
    /// Whose it is.
    name: String,
    /// From where they signed in.
    address: String,
    /// What their browser calls itself.
    agent: String,
    /// When they signed in, milliseconds since the Unix epoch.
    created_ms: u64,
    /// The last request, milliseconds since the Unix epoch.
    used_ms: u64,
    /// Whether it is the one that asks.
    own: bool,
}

/// One's own login sessions; everybody's, for who manages access.
#[utoipa::path(get, path = "/api/v1/access/sessions", tag = "access", responses((status = 200, body = LoginSessions)))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<Json<LoginSessions>, Fault> {
    let of = own_only(&asker);
    let all = api.access.gate.list_sessions()?.into_iter();
    let all = all.filter(|(session, _)| of.as_ref().is_none_or(|of| session.person == *of));
    let sessions = all.map(|(session, name)| LoginSession {
        own: matches!(&asker.principal.who, Who::Person { session: own, .. } if *own == session.id()),
        id: session.id(),
        name,
        address: session.address.to_string(),
        agent: session.agent,
        created_ms: session.created_ms,
        used_ms: session.used_ms,
    });
    Ok(Json(LoginSessions {
        sessions: sessions.collect(),
    }))
}

/// Ends a login session.
#[utoipa::path(delete, path = "/api/v1/access/sessions/{id}", tag = "access",
    params(("id" = String, Path, description = "The session's id in the list")), responses(
    (status = 204), (status = 404, body = ErrorBody)))]
pub(crate) async fn end(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Id(id): Id,
) -> Result<StatusCode, Fault> {
    let of = own_only(&asker);
    api.on_record(&asker, Action::Session, format!("end {id}"))
        .await?;
    blocking(&api, move |gate| gate.end_session(&id, of.as_deref())).await?;
    Ok(StatusCode::NO_CONTENT)
}
