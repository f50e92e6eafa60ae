//! All paths, and the document that describes them.

use std::sync::Arc;

use access::Permission::{Aggregates, Audit, Manage, Names};
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{
    Policies, Policy, Table, audit, authorise, federated, keys, people, session, sessions,
};
use crate::{
    Api, catalogue, connect, demo_data, door, encryption, erase, fates, guard, holds, live,
    organizations, redaction, refused_people, reports, retention, sql, status, tokens, web, why,
};

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
        (name = "intake", description = "Who may send, and what came to the door"),
        (name = "status", description = "The server itself"),
        (name = "privacy", description = "What is kept, held and erased"),
        (name = "access", description = "Who may come in, and what was done"),
    )
)]
struct Document;

/// All routes, each with what it asks of whoever calls it.
fn table() -> Table {
    let (needs, needs_all) = (Policy::Needs, Policy::NeedsAll);
    Table::new(OpenApiRouter::with_openapi(Document::openapi()))
        .at(needs(Aggregates), routes!(reports::overview))
        .at(needs(Names), routes!(reports::sessions))
        .at(needs(Names), routes!(reports::session))
        .at(needs(Names), routes!(reports::prompts))
        .at(needs(Names), routes!(reports::replay))
        .at(needs(Aggregates), routes!(catalogue::list))
        .at(needs(Aggregates), routes!(catalogue::report))
        .at(needs(Aggregates), routes!(catalogue::explain))
        .at(needs(Aggregates), routes!(why::why))
        .at(needs(Names), routes!(live::live))
        .at(needs(Names), routes!(sql::query))
        .at(needs(Aggregates), routes!(sql::views))
        .at(Policy::SignedIn, routes!(status::status))
        .at(needs(Aggregates), routes!(fates::fates))
        .at(
            Policy::Either(Aggregates, Audit),
            routes!(redaction::redaction),
        )
        .at(needs(Manage), routes!(tokens::list, tokens::create))
        .at(needs(Manage), routes!(tokens::rotate))
        .at(needs(Manage), routes!(tokens::revoke))
        .at(needs(Manage), routes!(connect::connect))
        .at(needs(Manage), routes!(door::door))
        .at(needs_all(Manage), routes!(erase::erase))
        .at(Policy::EitherAll(Manage, Audit), routes!(erase::standing))
        .at(Policy::EitherAll(Manage, Audit), routes!(erase::list))
        .at(
            Policy::EitherAll(Manage, Audit),
            routes!(refused_people::list),
        )
        .at(needs_all(Manage), routes!(refused_people::remove))
        .at(
            Policy::EitherAll(Manage, Audit),
            routes!(encryption::standing),
        )
        .at(needs_all(Manage), routes!(encryption::rotate))
        .at(needs_all(Manage), routes!(encryption::reload))
        .at(needs_all(Manage), routes!(encryption::rewrite))
        .at(
            Policy::EitherAll(Manage, Audit),
            routes!(retention::standing),
        )
        .at(Policy::EitherAll(Manage, Audit), routes!(retention::plan))
        .at(needs_all(Manage), routes!(retention::run))
        .at(Policy::EitherAll(Manage, Audit), routes!(holds::list))
        .at(needs_all(Manage), routes!(holds::add))
        .at(needs_all(Manage), routes!(holds::release))
        .at(
            needs_all(Manage),
            routes!(demo_data::load, demo_data::remove),
        )
        .at(Policy::Anyone, routes!(session::me, session::begin))
        .at(Policy::SignedIn, routes!(session::end))
        .at(Policy::Anyone, routes!(session::set_up))
        .at(Policy::SignedIn, routes!(session::password))
        .at(needs(Manage), routes!(people::list, people::add))
        .at(needs(Manage), routes!(people::change, people::remove))
        .at(Policy::SignedIn, routes!(keys::list, keys::make))
        .at(Policy::SignedIn, routes!(keys::revoke))
        .at(Policy::SignedIn, routes!(sessions::list))
        .at(Policy::SignedIn, routes!(sessions::end))
        .at(needs(Audit), routes!(audit::list))
        .plain(Policy::Anyone, federated::BEGIN, get(federated::begin))
        .plain(
            Policy::Anyone,
            federated::CALLBACK,
            get(federated::callback),
        )
        .at(needs(Aggregates), routes!(organizations::list))
        .plain(Policy::SignedIn, "/api/openapi.json", get(openapi))
        .plain(Policy::Anyone, "/healthz", get(status::healthz))
        .plain(Policy::Anyone, "/readyz", get(status::readyz))
        .plain(needs_all(Aggregates), "/metrics", get(status::metrics))
}

/// Everything that is served to people: the API, the UI, and the state for probes and Prometheus.
pub fn router(api: Api) -> Router {
    let api = Arc::new(api);
    let (described, policies) = table().finish();
    let (router, _) = described.split_for_parts();
    guarded(router, policies, api)
}

/// No route of `router` is reached past its policy.
fn guarded(router: Router<Arc<Api>>, policies: Policies, api: Arc<Api>) -> Router {
    let access = (Arc::clone(&api), Arc::new(policies));
    router
        .route_layer(middleware::from_fn_with_state(access, authorise))
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
    let document = table().finish().0.into_openapi();
    // The document is plain data with text keys; writing it cannot fail.
    document.to_pretty_json().unwrap_or_default()
}

/// The table of docs/security.md: which route asks for what, and which roles have that.
pub fn policies_markdown() -> String {
    table().finish().1.markdown()
}
