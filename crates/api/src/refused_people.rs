//! Who was erased and is refused at the door: list, and take their items again.

use std::sync::Arc;

use access::audit::Action;
use access::barred::{Barred, BarredError, BarredPerson};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::fault::{ErrorBody, Fault};
use crate::input::Id;

/// Somebody whose items are not taken. The list names nobody.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusedPerson {
    /// The id of the erasure with which it began, as its certificate has it.
    id: String,
    /// Since when, milliseconds since the Unix epoch.
    since_ms: u64,
    /// Who asked for it.
    by: String,
    /// Only items that belong to this organisation; null: whose ever they are.
    organization: Option<String>,
    /// By how many ids, sessions and installations they are known.
    ids: usize,
}

/// Who is refused.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusedPeople {
    /// The latest last.
    people: Vec<RefusedPerson>,
}

impl From<&BarredPerson> for RefusedPerson {
    fn from(person: &BarredPerson) -> RefusedPerson {
        RefusedPerson {
            id: person.id.clone(),
            since_ms: person.since_ms,
            by: person.by.clone(),
            organization: person.organization.clone(),
            ids: person.ids(),
        }
    }
}

impl From<BarredError> for Fault {
    fn from(error: BarredError) -> Fault {
        let status = match error {
            BarredError::Unknown(_) => StatusCode::NOT_FOUND,
            BarredError::Full => StatusCode::CONFLICT,
            BarredError::Document(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Fault::new(status, error.to_string(), None)
    }
}

/// People who were erased and whose items are refused at the door.
#[utoipa::path(get, path = "/api/v1/refused-people", tag = "privacy",
    responses((status = 200, body = RefusedPeople)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Result<Json<RefusedPeople>, Fault> {
    let barred = book(&api)?;
    let listed = tokio::task::spawn_blocking(move || barred.list()).await;
    let listed = listed.map_err(Fault::internal)?;
    let listed = listed.map_err(BarredError::from)?;
    let people = listed.iter().map(RefusedPerson::from).collect();
    Ok(Json(RefusedPeople { people }))
}

/// Takes somebody's items again.
#[utoipa::path(delete, path = "/api/v1/refused-people/{id}", tag = "privacy",
    params(("id" = String, Path, description = "The erasure's id")), responses(
    (status = 200, body = RefusedPerson),
    (status = 404, description = "There is nobody of this id", body = ErrorBody)))]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Id(id): Id,
) -> Result<Json<RefusedPerson>, Fault> {
    let barred = book(&api)?;
    api.on_record(
        &asker,
        Action::Erase,
        format!("take items again of who was refused with the erasure {id}"),
    )
    .await?;
    let removed = tokio::task::spawn_blocking(move || barred.remove(&id)).await;
    let removed = removed.map_err(Fault::internal)??;
    Ok(Json(RefusedPerson::from(&removed)))
}

fn book(api: &Api) -> Result<Arc<Barred>, Fault> {
    api.refused_people.clone().ok_or_else(|| {
        let hint = Some("use tallybook erase refused");
        Fault::new(
            StatusCode::NOT_IMPLEMENTED,
            "nobody is refused by this server",
            hint,
        )
    })
}
