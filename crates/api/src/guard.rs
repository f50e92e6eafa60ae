//! What every request must pass, and what every answer carries.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Api;
use crate::access::{Recognised, RequestId};
use crate::fault::Fault;
use crate::host;

/// An answer may take so much longer than a query, so that the query's own limit speaks first.
const BESIDE_A_QUERY: Duration = Duration::from_secs(5);

/// What the request is called in the audit trail.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Files of the data directory that are damaged or missing.
const DAMAGED: HeaderName = HeaderName::from_static("x-tallybook-damaged");
/// More are told of by `/api/v1/status`.
const DAMAGED_TOLD_MAX: usize = 20;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Lets a request pass that may, and ends it in time.
pub(crate) async fn guard(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    // Without random bytes a request has no name; nothing rests on it.
    let id = ::access::new_id().unwrap_or_default();
    request.extensions_mut().insert(RequestId(id.clone()));
    let path = request.uri().path();
    let is_api = is_api(path);
    let is_probe = matches!(path, "/healthz" | "/readyz");
    let is_of_state = is_api || is_probe || path == "/metrics" || path.starts_with("/sign-in/");
    let refused = match is_probe {
        true => Ok(()),
        false => check_host(&request, &api.config.allowed_hosts)
            .and_then(|()| check_site(&request))
            .and_then(|()| check_origin(&request)),
    };
    let limit = api.engine.timeout() + BESIDE_A_QUERY;
    let mut response = match refused {
        Err(fault) => fault.into_response(),
        // A live stream has been answered once it begins.
        Ok(()) => match tokio::time::timeout(limit, next.run(request)).await {
            Ok(response) => response,
            Err(_) => timed_out().into_response(),
        },
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    // A stranger learns nothing of the data directory.
    if is_api && response.extensions().get::<Recognised>().is_some() {
        tell_of_damage(&api, response.headers_mut());
    }
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    put_headers(response.headers_mut(), is_of_state || is_error);
    response
}

/// Whether a path belongs to the API, known or not.
pub(crate) fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

fn check_host(request: &Request, allowed: &[String]) -> Result<(), Fault> {
    let header = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = header
        .or_else(|| authority(request.uri()))
        .unwrap_or_default();
    if host::is_ours(host, allowed) {
        return Ok(());
    }
    let message = format!("this server is not called {host:?}");
    let hint = "open it by its address or as localhost, or list the name in allowed_hosts of the configuration";
    Err(Fault::new(
        StatusCode::MISDIRECTED_REQUEST,
        message,
        Some(hint),
    ))
}

fn authority(uri: &Uri) -> Option<&str> {
    uri.authority().map(|authority| authority.as_str())
}

/// Browsers say which site a request comes from; another one has no business with the API.
fn check_site(request: &Request) -> Result<(), Fault> {
    let site = request
        .headers()
        .get("sec-fetch-site")
        .map_or(&b"none"[..], HeaderValue::as_bytes);
    if !is_api(request.uri().path()) || matches!(site, b"same-origin" | b"none") {
        return Ok(());
    }
    Err(Fault::new(
        StatusCode::FORBIDDEN,
        "another site may not use the API",
        None,
    ))
}

/// Browsers name the origin of what may change something; older ones say nothing else. That the body is
/// JSON, which a form cannot send, is seen to where it is read.
fn check_origin(request: &Request) -> Result<(), Fault> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return Ok(());
    };
    let named = origin.to_str().unwrap_or_default();
    let named = named.split_once("://").map(|(_, authority)| authority);
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.or_else(|| authority(request.uri()));
    if named.is_some() && named == host {
        return Ok(());
    }
    let message = "another origin may not use the API";
    Err(Fault::new(StatusCode::FORBIDDEN, message, None))
}

fn timed_out() -> Fault {
    let hint = Some("the server is busy: retry in a moment, or narrow the time range");
    Fault::new(
        StatusCode::GATEWAY_TIMEOUT,
        "the answer took too long",
        hint,
    )
}

/// Every answer of the API to somebody says which files are damaged: what they held is missing from it, if it was
/// wanted.
fn tell_of_damage(api: &Api, headers: &mut HeaderMap) {
    let damaged = api.engine.store().damaged();
    let mut told: Vec<String> = damaged
        .iter()
        .take(DAMAGED_TOLD_MAX)
        .map(|file| file.path.clone())
        .collect();
    if damaged.len() > told.len() {
        told.push(format!("and {} more", damaged.len() - told.len()));
    }
    if let Ok(value) = HeaderValue::from_str(&told.join(", "))
        && !told.is_empty()
    {
        headers.insert(DAMAGED, value);
    }
}

fn put_headers(headers: &mut HeaderMap, is_never_stored: bool) {
    let always: [(HeaderName, &'static str); 3] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_never_stored {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
