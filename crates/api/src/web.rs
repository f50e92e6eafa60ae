//! The embedded UI: the files of `web/dist`, in the binary.
//!
//! A page's address is the UI's own affair, so every path that is no file is answered with the
//! UI's start; under `/assets/`, where names change with content, it is an honest 404.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;

use crate::Api;
use crate::access::refuse_stranger;
use crate::fault::Fault;
use crate::guard::is_api;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Files;

const START: &str = "index.html";

/// What is at a path that no route has.
pub(crate) async fn fallback(
    State(api): State<Arc<Api>>,
    request: Request,
) -> axum::response::Response {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let path = uri.path();
    if is_api(path) {
        if let Some(refused) = refuse_stranger(&api, &request) {
            return refused;
        }
        let hint = Some("the paths are listed in /api/openapi.json");
        return Fault::new(StatusCode::NOT_FOUND, format!("there is no {path}"), hint)
            .into_response();
    }
    if *method != Method::GET && *method != Method::HEAD {
        return wrong_method(method.clone(), uri.clone()).await;
    }
    let name = path.trim_start_matches('/');
    if name.starts_with("assets/") {
        return file(name, headers).unwrap_or_else(|| missing(path).into_response());
    }
    let found = file(name, headers).or_else(|| file(START, headers));
    found.unwrap_or_else(|| missing(path).into_response())
}

/// A path that exists, asked with another method.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> axum::response::Response {
    let message = format!("{} cannot be asked with {method}", uri.path());
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, message, None).into_response()
}

fn missing(path: &str) -> Fault {
    Fault::new(
        StatusCode::NOT_FOUND,
        format!("there is no file {path}"),
        Some("reload the page"),
    )
}

fn file(name: &str, headers: &HeaderMap) -> Option<axum::response::Response> {
    let plain = Files::get(name)?;
    let tag = format!("\"{}\"", hex(&plain.metadata.sha256_hash()[..16]));
    let policy = match name.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let response = Response::builder()
        .header(header::ETAG, &tag)
        .header(header::CACHE_CONTROL, policy)
        .header(header::VARY, "accept-encoding");
    let response = match is_known(headers, &tag) {
        true => response
            .status(StatusCode::NOT_MODIFIED)
            .body(Body::empty()),
        false => {
            let packed = takes_gzip(headers)
                .then(|| Files::get(&format!("{name}.gz")))
                .flatten();
            let response = response.header(header::CONTENT_TYPE, media_type(name));
            match packed {
                Some(packed) => response
                    .header(header::CONTENT_ENCODING, "gzip")
                    .body(body(packed)),
                None => response.body(body(plain)),
            }
        }
    };
    response.ok()
}

fn body(file: EmbeddedFile) -> Body {
    match file.data {
        Cow::Borrowed(data) => Body::from(Bytes::from_static(data)),
        Cow::Owned(data) => Body::from(data),
    }
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    known
        .split(',')
        .any(|one| one.trim().trim_start_matches("W/") == tag)
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accepted.split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        name.trim() == "gzip" && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn media_type(name: &str) -> HeaderValue {
    HeaderValue::from_static(
        match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "ico" => "image/x-icon",
            "json" | "map" => "application/json",
            "woff2" => "font/woff2",
            "txt" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        },
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_when_it_is_accepted() {
        for (accepted, expect) in [
            ("gzip, deflate, br", true),
            ("br;q=1, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("", false),
            ("xgzip", false),
        ] {
            let headers = HeaderMap::from_iter([(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static(accepted),
            )]);
            assert_eq!(takes_gzip(&headers), expect, "{accepted}");
        }
    }
}
