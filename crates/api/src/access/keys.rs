//! Keys: one's own, and everybody's for who manages access.

use std::sync::Arc;

use access::audit::Action;
use access::{ApiKey, Permission, Permissions, Register, WantedKey, Who};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Asker;
use super::people::{blocking, own_name};
use crate::Api;
use crate::fault::{ErrorBody, Fault};
use crate::input::{Body, Id};

const DAY_MS: u64 = 24 * 3_600_000;
/// Keys that are asked for without an end last so long.
const USUAL_DAYS: u64 = 90;
const DAYS_MAX: u64 = 3_660;

/// Keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct Keys {
    keys: Vec<Key>,
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Key {
    /// The part of its text that is no secret.
    id: String,
    /// What it is for.
    label: String,
    /// Who made it; null: the command line.
    maker: Option<String>,
    /// What it may do at most; no more than its maker may.
    #[schema(value_type = Vec<String>)]
    permissions: Permissions,
    /// Milliseconds since the Unix epoch.
    created_ms: u64,
    /// Milliseconds since the Unix epoch; null: it does not expire.
    expires_ms: Option<u64>,
    /// The last request with it since the server started or before, milliseconds since the Unix epoch.
    used_ms: Option<u64>,
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyWanted {
    /// What it is for.
    label: String,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
    /// After how many days it expires; 90 without it.
    days: Option<u64>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyMade {
    key: Key,
    /// Its text, shown this once.
    text: String,
}

/// One's own keys; everybody's, for who manages access.
#[utoipa::path(get, path = "/api/v1/access/keys", tag = "access", responses((status = 200, body = Keys)))]
pub(crate) async fn list(State(api): State<Arc<Api>>, asker: Asker) -> Result<Json<Keys>, Fault> {
    let register = api.access.gate.register()?;
    let own = own_only(&asker);
    let keys = register.keys().iter();
    let keys = keys.filter(|key| {
        own.as_ref()
            .is_none_or(|own| key.maker.as_ref() == Some(own))
    });
    let keys = keys.map(|key| shown(&api, &register, key)).collect();
    Ok(Json(Keys { keys }))
}

/// Makes a key that may do no more than whoever makes it.
#[utoipa::path(post, path = "/api/v1/access/keys", tag = "access", request_body = KeyWanted, responses(
    (status = 201, body = KeyMade), (status = 400, description = "It would do too much, or last too long", body = ErrorBody)))]
pub(crate) async fn make(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Body(wanted): Body<KeyWanted>,
) -> Result<(StatusCode, Json<KeyMade>), Fault> {
    let name = own_name(&asker)?;
    let days = wanted.days.unwrap_or(USUAL_DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        let message = format!("days is {days}");
        return Err(Fault::new(
            StatusCode::BAD_REQUEST,
            message,
            Some("write 1 to 3660"),
        ));
    }
    let permissions: Vec<&str> = wanted.permissions.iter().map(|one| one.name()).collect();
    let what = format!("make {:?} with {}", wanted.label, permissions.join(", "));
    api.on_record(&asker, Action::Keys, what).await?;
    let wanted = WantedKey {
        label: wanted.label,
        permissions: wanted.permissions.into_iter().collect(),
        expires_ms: Some(api.now_ms() as u64 + days * DAY_MS),
    };
    let made = blocking(&api, move |gate| gate.make_key(Some(&name), wanted)).await?;
    let register = api.access.gate.register()?;
    let key = shown(&api, &register, &made.key);
    let text = made.text;
    Ok((StatusCode::CREATED, Json(KeyMade { key, text })))
}

/// Makes a key worthless.
#[utoipa::path(delete, path = "/api/v1/access/keys/{id}", tag = "access",
    params(("id" = String, Path, description = "The key's id")), responses(
    (status = 204), (status = 404, body = ErrorBody)))]
pub(crate) async fn revoke(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Id(id): Id,
) -> Result<StatusCode, Fault> {
    own_name(&asker)?;
    let own = own_only(&asker);
    api.on_record(&asker, Action::Keys, format!("revoke {id}"))
        .await?;
    blocking(&api, move |gate| gate.revoke_key(&id, own.as_deref())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The id of whom lists are for; `None`: for everybody, because they manage access.
pub(super) fn own_only(asker: &Asker) -> Option<String> {
    let principal = &asker.principal;
    match &principal.who {
        _ if principal.may(Permission::Manage) => None,
        Who::Person { id, .. } => Some(id.clone()),
        // A key has made nothing.
        Who::Key { .. } | Who::Anybody => Some(String::new()),
    }
}

fn shown(api: &Api, register: &Register, key: &ApiKey) -> Key {
    Key {
        id: key.id.clone(),
        label: key.label.clone(),
        maker: register.maker_of(key).map(|person| person.name.clone()),
        permissions: key.permissions,
        created_ms: key.created_ms,
        expires_ms: key.expires_ms,
        used_ms: api.access.gate.key_used_ms(&key.id),
    }
}
