//! The audit trail, for auditors.

use std::sync::Arc;

use access::audit::{Reader, Record, TrailError};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::fault::Fault;
use crate::input::Params;

const PAGE_ROWS: usize = 100;
const PAGE_ROWS_MAX: usize = 1_000;

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Those before this number.
    before: Option<u64>,
    /// How many at most, 1 to 1,000; 100 without it.
    limit: Option<usize>,
    /// Those of one name, account or key.
    actor: Option<String>,
    /// Those of one action.
    action: Option<String>,
}

/// Records, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    records: Vec<AuditRecord>,
    /// The `before` of the next page; null on the last.
    next_before: Option<u64>,
}

/// One act on record.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditRecord {
    /// From 1, without gaps.
    sequence: u64,
    /// When, by the server's clock, milliseconds since the Unix epoch.
    time_ms: u64,
    /// `person`, `key`, `command`, `stranger`, `anybody` or `trail`.
    actor_kind: String,
    /// The name of a person or account, or the id of a key.
    actor: String,
    /// From where.
    address: Option<String>,
    /// What was done.
    action: String,
    /// To what.
    object: String,
    /// `allowed` or `refused`.
    outcome: String,
    /// The answer's header `x-request-id`.
    request_id: Option<String>,
    /// How many refusals before it are not on record, because there were too many at once.
    omitted: u64,
}

impl From<Record> for AuditRecord {
    fn from(record: Record) -> AuditRecord {
        AuditRecord {
            sequence: record.sequence,
            time_ms: record.time_ms,
            actor_kind: record.actor_kind,
            actor: record.actor,
            address: record.address.map(|address| address.to_string()),
            action: record.action,
            object: record.object,
            outcome: record.outcome,
            request_id: record.request_id,
            omitted: record.omitted,
        }
    }
}

/// What was done, the newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "access", params(AuditParams),
    responses((status = 200, body = AuditPage)))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Params(params): Params<AuditParams>,
) -> Result<Json<AuditPage>, Fault> {
    let limit = params.limit.unwrap_or(PAGE_ROWS);
    if !(1..=PAGE_ROWS_MAX).contains(&limit) {
        let message = format!("limit is {limit}");
        return Err(Fault::new(
            StatusCode::BAD_REQUEST,
            message,
            Some("write 1 to 1000"),
        ));
    }
    let place = api.access.place.clone();
    let read = tokio::task::spawn_blocking(move || {
        let Some(reader) = Reader::open(&place)? else {
            return Ok(Vec::new());
        };
        let is = |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|one| one == own);
        reader.latest(params.before, limit, |record| {
            is(&params.actor, &record.actor) && is(&params.action, &record.action)
        })
    });
    let read: Result<Vec<Record>, TrailError> = read.await.map_err(Fault::internal)?;
    let records: Vec<AuditRecord> = read
        .map_err(Fault::internal)?
        .into_iter()
        .map(AuditRecord::from)
        .collect();
    let full = records.len() == limit;
    let next_before = records.last().filter(|_| full).map(|last| last.sequence);
    Ok(Json(AuditPage {
        records,
        next_before,
    }))
}
