//! Keys: one's own, and everybody's for who manages access.

use std::sync::Arc;

use access::audit::Action;
use access::{ApiKey, Gate, Organizations, Permission, Permissions, Register, WantedKey, Who};
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
    /// Of which organisations it sees what is there at most; null: of all that its maker does.
    #[schema(value_type = Option<Vec<String>>)]
    organizations: Organizations,
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
    /// Of which organisations; without it those that whoever makes it has now.
    organizations: Option<Vec<String>>,
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
    let keys = register.keys().iter();
    let keys = keys.filter(|key| has_key(&asker, &api.access.gate, &register, key));
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
    let organizations = wanted.organizations.map(Organizations::of).transpose()?;
    let of = organizations.as_ref().unwrap_or(asker.organizations());
    let mut what = format!("make {:?} with {}", wanted.label, permissions.join(", "));
    if !of.is_all() {
        what += &format!(" of {of}");
    }
    api.on_record(&asker, Action::Keys, what).await?;
    let wanted = WantedKey {
        label: wanted.label,
        permissions: wanted.permissions.into_iter().collect(),
        organizations,
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
    api.on_record(&asker, Action::Keys, format!("revoke {id}"))
        .await?;
    blocking(&api, move |gate| {
        gate.revoke_key(&id, |register, key| has_key(&asker, gate, register, key))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether somebody's keys and sessions are for whoever asks: their own, and for who manages access those
/// of whom they manage. `person` is an id.
pub(super) fn has(asker: &Asker, gate: &Gate, register: &Register, person: &str) -> bool {
    let principal = &asker.principal;
    let is_own = matches!(&principal.who, Who::Person { id, .. } if id == person);
    let manager = gate.managed_by(asker.organizations());
    let is_managed = || {
        let mut people = register.people().iter();
        let person = people.find(|known| known.id == person);
        person.is_some_and(|person| manager.manages(person))
    };
    is_own || (principal.may(Permission::Manage) && is_managed())
}

fn has_key(asker: &Asker, gate: &Gate, register: &Register, key: &ApiKey) -> bool {
    let manager = gate.managed_by(asker.organizations());
    let is_managed = || manager.manages_key(register, key);
    let maker = key.maker.as_deref();
    maker.is_some_and(|maker| has(asker, gate, register, maker))
        || (asker.principal.may(Permission::Manage) && is_managed())
}

fn shown(api: &Api, register: &Register, key: &ApiKey) -> Key {
    Key {
        id: key.id.clone(),
        label: key.label.clone(),
        maker: register.maker_of(key).map(|person| person.name.clone()),
        permissions: key.permissions,
        organizations: key.organizations.clone(),
        created_ms: key.created_ms,
        expires_ms: key.expires_ms,
        used_ms: api.access.gate.key_used_ms(&key.id),
    }
}
