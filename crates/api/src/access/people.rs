//! People: for who manages access.

use std::sync::Arc;

use access::audit::Action;
use access::{AccessError, Change, Gate, Password, Person, Role, Who};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Asker;
use crate::Api;
use crate::fault::{ErrorBody, Fault};
use crate::input::{Body, Id};

/// Everybody who may sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Everybody {
    people: Vec<Somebody>,
}

/// Somebody who may sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Somebody {
    /// By which they sign in.
    name: String,
    /// `viewer`, `analyst`, `content-reader`, `admin`, `auditor`.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// Whether they are kept out.
    disabled: bool,
    /// Since when, milliseconds since the Unix epoch.
    created_ms: u64,
}

impl From<&Person> for Somebody {
    fn from(person: &Person) -> Somebody {
        Somebody {
            name: person.name.clone(),
            roles: person.roles.clone(),
            disabled: person.disabled,
            created_ms: person.created_ms,
        }
    }
}

/// Somebody to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Newcomer {
    name: String,
    /// One at least.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// 12 characters at least; they can change it.
    password: String,
}

/// What is to be otherwise; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonChange {
    #[schema(value_type = Option<Vec<String>>)]
    roles: Option<Vec<Role>>,
    /// Ends their sessions, and makes their keys worthless as long as it lasts.
    disabled: Option<bool>,
    /// Another password, which ends their sessions.
    password: Option<String>,
}

/// Everybody who may sign in.
#[utoipa::path(get, path = "/api/v1/access/people", tag = "access", responses((status = 200, body = Everybody)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Result<Json<Everybody>, Fault> {
    let register = api.access.gate.register()?;
    let people = register.people().iter().map(Somebody::from).collect();
    Ok(Json(Everybody { people }))
}

/// Adds somebody.
#[utoipa::path(post, path = "/api/v1/access/people", tag = "access", request_body = Newcomer, responses(
    (status = 201, body = Somebody), (status = 400, description = "Name, roles or password are refused", body = ErrorBody)))]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Body(new): Body<Newcomer>,
) -> Result<(StatusCode, Json<Somebody>), Fault> {
    own_name(&asker)?;
    let what = format!("add {} as {}", new.name, names(&new.roles));
    api.on_record(&asker, Action::People, what).await?;
    let added = blocking(&api, move |gate| {
        gate.add(&new.name, &new.roles, &Password::new(new.password))
    });
    Ok((StatusCode::CREATED, Json(Somebody::from(&added.await?))))
}

/// Changes somebody's roles, keeps them out, or gives them another password.
#[utoipa::path(patch, path = "/api/v1/access/people/{name}", tag = "access", request_body = PersonChange,
    params(("name" = String, Path, description = "By which they sign in")), responses(
    (status = 204), (status = 400, description = "Nobody could manage any more, or it is refused", body = ErrorBody),
    (status = 404, body = ErrorBody)))]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Id(name): Id,
    Body(wanted): Body<PersonChange>,
) -> Result<StatusCode, Fault> {
    own_name(&asker)?;
    if let Some(roles) = wanted.roles {
        let what = format!("make {name} {}", names(&roles));
        api.on_record(&asker, Action::People, what).await?;
        let name = name.clone();
        blocking(&api, move |gate| gate.change(&name, Change::Roles(roles))).await?;
    }
    if let Some(disabled) = wanted.disabled {
        let what = if disabled { "disable" } else { "enable" };
        api.on_record(&asker, Action::People, format!("{what} {name}"))
            .await?;
        let name = name.clone();
        blocking(&api, move |gate| {
            gate.change(&name, Change::Disabled(disabled))
        })
        .await?;
    }
    if let Some(password) = wanted.password {
        api.on_record(&asker, Action::People, format!("password of {name}"))
            .await?;
        blocking(&api, move |gate| {
            gate.set_password(&name, &Password::new(password))
        })
        .await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Removes somebody with their keys and sessions.
#[utoipa::path(delete, path = "/api/v1/access/people/{name}", tag = "access",
    params(("name" = String, Path, description = "By which they sign in")), responses(
    (status = 204), (status = 400, description = "Nobody could manage any more", body = ErrorBody),
    (status = 404, body = ErrorBody)))]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Id(name): Id,
) -> Result<StatusCode, Fault> {
    own_name(&asker)?;
    api.on_record(&asker, Action::People, format!("remove {name}"))
        .await?;
    blocking(&api, move |gate| gate.remove(&name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The name of somebody who has signed in. Neither a key nor anybody changes who there is.
pub(super) fn own_name(asker: &Asker) -> Result<String, Fault> {
    match &asker.principal.who {
        Who::Person { name, .. } => Ok(name.clone()),
        Who::Key { .. } => {
            let hint = "sign in, or use tallybook user and tallybook key where the server runs";
            Err(Fault::new(
                StatusCode::FORBIDDEN,
                "a key cannot change who may come in",
                Some(hint),
            ))
        }
        Who::Anybody => {
            let hint = "open the setup link that the server printed, or: tallybook user setup";
            Err(Fault::new(
                StatusCode::FORBIDDEN,
                "access has not been set up yet",
                Some(hint),
            ))
        }
    }
}

/// Changes block on the disk, and passwords on the processor.
pub(super) async fn blocking<T: Send + 'static>(
    api: &Api,
    change: impl FnOnce(&Gate) -> Result<T, AccessError> + Send + 'static,
) -> Result<T, Fault> {
    let gate = Arc::clone(&api.access.gate);
    let done = tokio::task::spawn_blocking(move || change(&gate));
    Ok(done.await.map_err(Fault::internal)??)
}

fn names(roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    names.join(", ")
}
