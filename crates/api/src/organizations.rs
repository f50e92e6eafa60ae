//! Which organisations somebody can choose from.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use query::reports;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::fault::{ErrorBody, Fault};
use crate::sight::Seen;

/// Organisations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationList {
    /// By name, 1,000 at most.
    organizations: Vec<String>,
}

/// The organisations that whoever asks can ask about: those that they are bound to; else all of whom
/// something is stored.
#[utoipa::path(get, path = "/api/v1/organizations", tag = "reports", responses(
    (status = 200, body = OrganizationList),
    (status = 504, description = "It took too long", body = ErrorBody)))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    asker: Asker,
    seen: Seen,
) -> Result<Json<OrganizationList>, Fault> {
    let organizations: BTreeSet<String> = match asker.organizations().names() {
        Some(own) => own.clone(),
        None => reports::organizations(&seen.question(&api)).await?,
    };
    Ok(Json(OrganizationList {
        organizations: organizations.into_iter().collect(),
    }))
}
