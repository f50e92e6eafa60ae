//! All paths, and the document that describes them.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Api, catalogue, erase, fates, guard, live, reports, sql, status, web};

/// The longest body of a request.
const BODY_BYTES_MAX: usize = 1 << 20;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tallybook",
        description = "What an organisation's AI coworkers do: cost, prompts, tools, failures. Times are \
            milliseconds since the Unix epoch, money is US dollars. Errors are {\"error\": {\"message\", \"line\", \
            \"column\", \"hint\"}}."
    ),
    tags(
        (name = "reports", description = "Named answers"),
        (name = "sql", description = "Any question"),
        (name = "status", description = "The server itself"),
    )
)]
struct Document;

fn described() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(reports::overview))
        .routes(routes!(reports::sessions))
        .routes(routes!(reports::session))
        .routes(routes!(reports::prompts))
        .routes(routes!(reports::replay))
        .routes(routes!(catalogue::list))
        .routes(routes!(catalogue::report))
        .routes(routes!(catalogue::explain))
        .routes(routes!(live::live))
        .routes(routes!(sql::query))
        .routes(routes!(sql::views))
        .routes(routes!(status::status))
        .routes(routes!(fates::fates))
        .routes(routes!(erase::erase))
        .routes(routes!(erase::standing))
}

/// Everything that is served to people: the API, the UI, and the state for probes and Prometheus.
pub fn router(api: Api) -> Router {
    let api = Arc::new(api);
    let (described, _) = described().split_for_parts();
    described
        .route("/api/openapi.json", get(openapi))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(status::metrics))
        .fallback(web::fallback)
        .method_not_allowed_fallback(web::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&api),
            guard::guard,
        ))
        .with_state(api)
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi_json())
}

/// The OpenAPI document of the JSON API, as pretty JSON; the same bytes from the same source.
pub fn openapi_json() -> String {
    let document = described().into_openapi();
    // The document is plain data with text keys; writing it cannot fail.
    document.to_pretty_json().unwrap_or_default()
}
