//! What makes the difference between a range and its baseline.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use query::catalogue::{self, Difference, DifferenceWanted};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Api;
use crate::fault::{ErrorBody, Fault};
use crate::input::Params;
use crate::sight::Seen;

/// What is asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhyParams {
    /// The figure of the range that is asked about: REPORT.MEASURE@FROM..TO,dimension=value, like
    /// cost.cost_usd@2026-11-24..2026-11-25,team=platform. Its measure must be a sum, or count distinct ones.
    id: String,
    /// `before`, the period before, of the same weekdays where the range is of a day or more; or `rest`, what the range
    /// `within` has beside the selection. Without it `before`.
    against: Option<String>,
    /// With `rest`: the wider range, FROM..TO.
    within: Option<String>,
    /// Dimensions of the report, with commas between them. Without it all that say who, with what and where.
    by: Option<String>,
    /// Whether people are told apart, too, where `by` does not say. Without it they are not.
    people: Option<bool>,
}

/// Which person, model, tool, version or other value makes the difference between a range and its baseline.
///
/// Both figures are those of the report. Of a sum, the differences of the values of each dimension, the others
/// included, add up to the difference.
#[utoipa::path(get, path = "/api/v1/why", tag = "reports", params(WhyParams), responses(
    (status = 200, body = Difference),
    (status = 400, description = "A parameter is not understood, or the figure is no sum", body = ErrorBody),
    (status = 504, description = "It took too long", body = ErrorBody)))]
pub(crate) async fn why(
    State(api): State<Arc<Api>>,
    seen: Seen,
    Params(params): Params<WhyParams>,
) -> Result<Json<Difference>, Fault> {
    let wanted = DifferenceWanted {
        id: params.id,
        against: params.against,
        within: params.within,
        by: params.by,
        people: params.people.unwrap_or(false),
    };
    Ok(Json(
        catalogue::why(&seen.question(&api), &wanted, api.now_ms()).await?,
    ))
}
