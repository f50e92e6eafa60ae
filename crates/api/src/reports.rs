//! The named answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use query::reports::{self, Filter, Overview, PromptPage, Replay, SessionDetail, SessionPage};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Api;
use crate::access::Asker;
use crate::catalogue::age_of;
use crate::fault::{ErrorBody, Fault};
use crate::input::{Id, Params};
use crate::sight::{OfOrganizations, Seen};

/// The range that is meant when none is given.
const USUAL_RANGE_MS: i64 = 7 * 24 * 3_600_000;
const PAGE_ROWS: usize = 100;

macro_rules! params {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $field:ident: $kind:ty,)* }) => {
        $(#[doc = $about])+
        #[derive(Debug, Default, Deserialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(crate) struct $name {
            /// From this time on, milliseconds since the Unix epoch; without it seven days before `to_ms`.
            from_ms: Option<i64>,
            /// Until before this time, milliseconds since the Unix epoch; without it now.
            to_ms: Option<i64>,
            /// One product; empty for events without one.
            product: Option<String>,
            /// One person; empty for events without one.
            person: Option<String>,
            /// One model; empty for requests that name none.
            model: Option<String>,
            /// One tool; empty for calls that name none.
            tool: Option<String>,
            $($(#[doc = $doc])+ $field: Option<$kind>,)*
        }

        impl $name {
            fn filter(&self, api: &Api) -> Filter {
                let to_ms = self.to_ms.unwrap_or_else(|| api.now_ms());
                Filter {
                    from_ms: self.from_ms.unwrap_or_else(|| to_ms.saturating_sub(USUAL_RANGE_MS)),
                    to_ms,
                    product: self.product.clone(),
                    person: self.person.clone(),
                    model: self.model.clone(),
                    tool: self.tool.clone(),
                    ..Filter::default()
                }
            }
        }
    };
}

params! {
    /// Range and filters.
    OverviewParams {
        /// From when on is compared, milliseconds since the Unix epoch; with `previous_to_ms`. Without both the
        /// equally long period just before.
        previous_from_ms: i64,
        /// Until before when is compared, milliseconds since the Unix epoch.
        previous_to_ms: i64,
        /// An answer to the same question that is at most so many seconds old will do when a new one would take
        /// longer than a moment (`query.older_after_ms`): 1 to 3,600. Its range may be as far off.
        max_age_s: u64,
    }
}

params! {
    /// Range, filters and page of sessions.
    SessionParams {
        /// How many at most, 1 to 1,000; 100 without it. A page may be longer by what began at the same time.
        limit: usize,
        /// Those that began before this time, milliseconds since the Unix epoch.
        before_ms: i64,
    }
}

params! {
    /// Range, filters and page of prompts.
    PromptParams {
        /// How many at most, 1 to 1,000; 100 without it. A page may be longer by what began at the same time.
        limit: usize,
        /// Those that began before this time, milliseconds since the Unix epoch.
        before_ms: i64,
        /// Only those with a request that failed for good.
        errors: bool,
    }
}

/// Totals, their previous period, the course over time, and rankings.
#[utoipa::path(get, path = "/api/v1/overview", tag = "reports", params(OfOrganizations, OverviewParams),
    responses((status = 200, body = Overview), (status = 400, body = ErrorBody)))]
pub(crate) async fn overview(
    State(api): State<Arc<Api>>,
    seen: Seen,
    Params(params): Params<OverviewParams>,
) -> Result<Json<Overview>, Fault> {
    let mut filter = params.filter(&api);
    filter.previous = match (params.previous_from_ms, params.previous_to_ms) {
        (None, None) => None,
        (Some(from_ms), Some(to_ms)) => Some((from_ms, to_ms)),
        _ => {
            let what = "of the period before one end is missing";
            let hint = Some("give previous_from_ms and previous_to_ms, or neither");
            return Err(Fault::new(StatusCode::BAD_REQUEST, what, hint));
        }
    };
    let mut question = seen.question(&api);
    if let Some(seconds) = params.max_age_s {
        question = question.no_older_than(age_of(Some(seconds), &seconds.to_string())?);
    }
    Ok(Json(reports::overview(&question, &filter).await?))
}

/// Sessions, the one that started last first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "reports", params(OfOrganizations, SessionParams),
    responses((status = 200, body = SessionPage), (status = 400, body = ErrorBody)))]
pub(crate) async fn sessions(
    State(api): State<Arc<Api>>,
    seen: Seen,
    Params(params): Params<SessionParams>,
) -> Result<Json<SessionPage>, Fault> {
    let limit = params.limit.unwrap_or(PAGE_ROWS);
    Ok(Json(
        reports::sessions(
            &seen.question(&api),
            &params.filter(&api),
            limit,
            params.before_ms,
        )
        .await?,
    ))
}

/// One session with its prompts.
#[utoipa::path(get, path = "/api/v1/sessions/{id}", tag = "reports", params(("id" = String, Path, description = "Its session.id"), OfOrganizations),
    responses((status = 200, body = SessionDetail), (status = 404, body = ErrorBody)))]
pub(crate) async fn session(
    State(api): State<Arc<Api>>,
    asker: Asker,
    seen: Seen,
    Id(id): Id,
) -> Result<Json<SessionDetail>, Fault> {
    let found = reports::session(&seen.question(&api), &id).await?;
    if found.is_some() {
        api.on_reveal(&asker, format!("prompts of session {id}"))
            .await?;
    }
    found.map(Json).ok_or_else(|| absent("session", &id))
}

/// Prompts, the one that was asked last first.
#[utoipa::path(get, path = "/api/v1/prompts", tag = "reports", params(OfOrganizations, PromptParams),
    responses((status = 200, body = PromptPage), (status = 400, body = ErrorBody)))]
pub(crate) async fn prompts(
    State(api): State<Arc<Api>>,
    asker: Asker,
    seen: Seen,
    Params(params): Params<PromptParams>,
) -> Result<Json<PromptPage>, Fault> {
    let (limit, errors) = (
        params.limit.unwrap_or(PAGE_ROWS),
        params.errors.unwrap_or(false),
    );
    let (question, filter) = (seen.question(&api), params.filter(&api));
    let page = reports::prompts(&question, &filter, limit, params.before_ms, errors).await?;
    api.on_reveal(&asker, format!("{} prompts in a list", page.prompts.len()))
        .await?;
    Ok(Json(page))
}

/// Everything that one prompt caused, in order.
#[utoipa::path(get, path = "/api/v1/prompts/{id}", tag = "reports", params(("id" = String, Path, description = "Its prompt.id"), OfOrganizations),
    responses((status = 200, body = Replay), (status = 404, body = ErrorBody)))]
pub(crate) async fn replay(
    State(api): State<Arc<Api>>,
    asker: Asker,
    seen: Seen,
    Id(id): Id,
) -> Result<Json<Replay>, Fault> {
    let found = reports::replay(&seen.question(&api), &id).await?;
    if found.is_some() {
        api.on_reveal(&asker, format!("prompt {id}")).await?;
    }
    found.map(Json).ok_or_else(|| absent("prompt", &id))
}

fn absent(what: &str, id: &str) -> Fault {
    let hint = "the id may be incomplete, or what it names has not arrived here";
    Fault::new(
        StatusCode::NOT_FOUND,
        format!("there is no {what} {id:?}"),
        Some(hint),
    )
}
