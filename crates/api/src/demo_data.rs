//! Example data for an empty server: loaded by one click, removed by another.
//!
//! What is loaded and how it is told from real items is the binary's; here is who may ask for it, and
//! that it is on record.

use std::pin::Pin;
use std::sync::Arc;

use access::audit::Action;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use query::EraseError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::fault::{ErrorBody, Fault};

/// What is done in a while.
type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Loads and removes example data.
pub trait DemoData: Send + Sync {
    /// How it stands.
    fn standing(&self) -> Doing<'_, DemoStanding>;

    /// Begins to load it; it goes on however long somebody waits.
    fn load(&self) -> Doing<'_, Result<(), DemoRefusal>>;

    /// Begins to remove every trace of it, for `by`; it goes on over a restart too.
    fn remove(&self, by: String) -> Doing<'_, Result<(), DemoRefusal>>;
}

/// How example data stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DemoStanding {
    /// `none`, `loading`, `loaded` or `removing`.
    pub state: &'static str,
    /// Items that were loaded; 0 when that is not known any more, after a restart in the middle.
    pub items: u64,
    /// When loading began, milliseconds since the Unix epoch; null when there is none.
    pub since_ms: Option<u64>,
    /// The erasure by which it is being removed, or was removed last; null before.
    pub erasure: Option<String>,
    /// What went wrong last; null when nothing did.
    pub failure: Option<String>,
}

/// Why example data was neither loaded nor removed.
#[derive(Debug)]
pub enum DemoRefusal {
    /// It does not fit what there is: a sentence.
    Conflict(String),
    /// There is none.
    NotThere,
    /// The rows could not be removed.
    Erase(EraseError),
    /// How it stands cannot be written or read.
    Failed(String),
}

impl From<DemoRefusal> for Fault {
    fn from(refusal: DemoRefusal) -> Fault {
        match refusal {
            DemoRefusal::Conflict(why) => Fault::new(StatusCode::CONFLICT, why, None),
            DemoRefusal::NotThere => {
                let message = "there is no example data";
                Fault::new(StatusCode::NOT_FOUND, message, None)
            }
            DemoRefusal::Erase(error) => error.into(),
            DemoRefusal::Failed(why) => Fault::new(StatusCode::INTERNAL_SERVER_ERROR, why, None),
        }
    }
}

/// Fills an empty server with a small simulated organisation.
///
/// It is loaded in the background; `demo_data` of `GET /api/v1/status` says how it stands.
#[utoipa::path(post, path = "/api/v1/demo-data", tag = "status", responses(
    (status = 202, description = "It has begun", body = DemoStanding),
    (status = 409, description = "The server holds items already", body = ErrorBody)))]
pub(crate) async fn load(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<(StatusCode, Json<DemoStanding>), Fault> {
    let demo = of(&api)?;
    api.on_record(&asker, Action::DemoData, "loading").await?;
    demo.load().await?;
    Ok((StatusCode::ACCEPTED, Json(demo.standing().await)))
}

/// Removes every trace of the example data, and nothing else.
///
/// It is removed in the background, over a restart too. `demo_data` of `GET /api/v1/status` says how it
/// stands, `GET /api/v1/erasures/{id}` gives the certificate.
#[utoipa::path(delete, path = "/api/v1/demo-data", tag = "status", responses(
    (status = 202, description = "It has begun", body = DemoStanding),
    (status = 404, description = "There is none", body = ErrorBody),
    (status = 409, description = "An erasure is under way", body = ErrorBody)))]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<(StatusCode, Json<DemoStanding>), Fault> {
    let demo = of(&api)?;
    api.on_record(&asker, Action::DemoData, "removing").await?;
    let by = format!("{}, by the API", asker.principal.who);
    demo.remove(by).await?;
    Ok((StatusCode::ACCEPTED, Json(demo.standing().await)))
}

/// How it stands; nothing where this server has none to give.
pub(crate) async fn standing(api: &Api) -> Option<DemoStanding> {
    match &api.demo_data {
        Some(demo) => Some(demo.standing().await),
        None => None,
    }
}

fn of(api: &Api) -> Result<&Arc<dyn DemoData>, Fault> {
    api.demo_data.as_ref().ok_or_else(|| {
        let message = "this server has no example data to give";
        Fault::new(StatusCode::NOT_IMPLEMENTED, message, None)
    })
}
