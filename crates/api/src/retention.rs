//! Retention: its rules, what would go, and how it stands.

use std::sync::Arc;

use access::audit::Action;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use query::{EraseError, RetentionRun};
use serde::Serialize;
use store::{Class, Days, Done, RetentionState};
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::fault::{ErrorBody, Fault};

const DAY_MS: i64 = 86_400_000;

/// For how many days each class is kept; null: for ever.
#[derive(Serialize, ToSchema)]
pub(crate) struct DaysRow {
    content_days: Option<u32>,
    events_days: Option<u32>,
    aggregates_days: Option<u32>,
}

impl From<Days> for DaysRow {
    fn from(days: Days) -> DaysRow {
        DaysRow {
            content_days: days.content,
            events_days: days.events,
            aggregates_days: days.aggregates,
        }
    }
}

/// Other days for some items.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleRow {
    organization: Option<String>,
    product: Option<String>,
    #[serde(flatten)]
    days: DaysRow,
}

/// The rules of retention, and how it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Standing {
    /// In one line, for people.
    summary: String,
    days: DaysRow,
    rules: Vec<RuleRow>,
    /// Before which moment items are reduced to their figures, milliseconds since the Unix epoch.
    reduced_before_ms: Option<i64>,
    /// The run that is under way, or how the last one since the start ended.
    #[schema(value_type = Object)]
    run: RetentionRun,
    /// What was done so far.
    #[schema(value_type = Object)]
    state: RetentionState,
}

/// What would go now, of one class.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanRow {
    /// The day under which items are filed, milliseconds since the Unix epoch.
    day_ms: i64,
    /// `content`, `events` or `aggregates`.
    #[schema(value_type = String)]
    class: Class,
    items: u64,
    /// Bytes of parts that are freed.
    bytes: i64,
}

/// What would go now.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanAnswer {
    rows: Vec<PlanRow>,
    #[schema(value_type = Object)]
    total: Done,
}

/// The rules of retention, and how it stands.
#[utoipa::path(get, path = "/api/v1/retention", tag = "privacy", responses((status = 200, body = Standing)))]
pub(crate) async fn standing(State(api): State<Arc<Api>>) -> Result<Json<Standing>, Fault> {
    let desk = &api.privacy()?.retention;
    let retention = desk.retention();
    let rules = retention.rules.iter().map(|rule| RuleRow {
        organization: rule.organization.clone(),
        product: rule.product.clone(),
        days: rule.days.into(),
    });
    Ok(Json(Standing {
        summary: retention.describe(),
        days: retention.days.into(),
        rules: rules.collect(),
        reduced_before_ms: api.engine.store().reduced_before_ms(),
        run: desk.standing(),
        state: desk.state().await.map_err(EraseError::Store)?,
    }))
}

/// What would go now. Reads all that may be old enough.
#[utoipa::path(get, path = "/api/v1/retention/plan", tag = "privacy", responses((status = 200, body = PlanAnswer)))]
pub(crate) async fn plan(State(api): State<Arc<Api>>) -> Result<Json<PlanAnswer>, Fault> {
    let plan = api.privacy()?.retention.plan().await?;
    let rows = plan.days.iter().flat_map(|(day, classes)| {
        classes.iter().map(|(class, due)| PlanRow {
            day_ms: i64::from(*day) * DAY_MS,
            class: *class,
            items: due.items,
            bytes: due.bytes,
        })
    });
    Ok(Json(PlanAnswer {
        rows: rows.collect(),
        total: plan.total,
    }))
}

/// Begins a run; it goes on in the background.
#[utoipa::path(post, path = "/api/v1/retention/run", tag = "privacy", responses(
    (status = 202, description = "It has begun", body = Standing),
    (status = 409, description = "One is under way", body = ErrorBody)))]
pub(crate) async fn run(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<(StatusCode, Json<Standing>), Fault> {
    let privacy = api.privacy()?.clone();
    api.on_record(&asker, Action::Retention, "run retention")
        .await?;
    privacy
        .retention
        .begin(privacy.shutdown)
        .map_err(EraseError::Store)?;
    Ok((StatusCode::ACCEPTED, standing(State(api)).await?))
}
