//! Asking a running server over its JSON API.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::Url;

use crate::cli::KeyArgs;
use crate::failure::Failure;

/// Answers are bounded by the server's own limit of rows; this bounds what a stranger may send.
const ANSWER_BYTES_MAX: usize = 1 << 30;
/// The header by which the server names damaged files.
const DAMAGED: &str = "x-tallybook-damaged";
/// The environment's name of the file of authorities that may vouch for a server.
const AUTHORITIES: &str = "TALLYBOOK_CA";
/// The environment variable that holds a key.
const KEY: &str = "TALLYBOOK_API_KEY";
const TIMEOUT: Duration = Duration::from_secs(60);

/// Which server is asked, and by which key it lets in.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    url: String,
    key: Option<String>,
}

impl Target {
    /// The server at `url`, with the key in the file, or in `TALLYBOOK_API_KEY`.
    pub(crate) fn new(url: &str, key: &KeyArgs) -> Result<Target, Failure> {
        let key = match &key.api_key_file {
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!(
                    "cannot read the key in {}: {error}",
                    path.display()
                ))
            })?),
            None => std::env::var(KEY).ok(),
        };
        let key = key.map(|key| key.trim().to_owned());
        Ok(Target {
            url: url.to_owned(),
            key: key.filter(|key| !key.is_empty()),
        })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The server at `url` without a key.
    pub(crate) fn open(url: &str) -> Target {
        Target {
            url: url.to_owned(),
            key: None,
        }
    }
}

pub(crate) async fn get(target: &Target, path: &[&str]) -> Result<Bytes, Failure> {
    let mut url = parse(&target.url)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    request(target, Method::GET, url, None).await
}

/// Asks what the caller has written; when it is not understood, the usage was wrong.
pub(crate) async fn ask(
    target: &Target,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Bytes, Failure> {
    let mut url = parse(&target.url)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url.query_pairs_mut().extend_pairs(query);
    let (status, body) = exchange(target, Method::GET, url, None).await?;
    match status.as_u16() {
        200..=299 => Ok(body),
        400 | 404 => Err(Failure::usage(said(&body, status))),
        _ => Err(Failure::failed(said(&body, status))),
    }
}

pub(crate) async fn post_json(
    target: &Target,
    path: &str,
    body: &serde_json::Value,
) -> Result<Bytes, Failure> {
    let url = parse(&target.url)?.join(path).map_err(Failure::usage)?;
    request(target, Method::POST, url, Some(body.to_string())).await
}

pub(crate) async fn delete(target: &Target, path: &str) -> Result<Bytes, Failure> {
    let url = parse(&target.url)?.join(path).map_err(Failure::usage)?;
    request(target, Method::DELETE, url, None).await
}

fn parse(base: &str) -> Result<Url, Failure> {
    let url = Url::parse(base)
        .map_err(|error| Failure::usage(format!("{base} is not a URL: {error}")))?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(Failure::usage(format!(
            "{base}: only http:// and https:// addresses can be asked"
        )))
    }
}

async fn request(
    target: &Target,
    method: Method,
    url: Url,
    body: Option<String>,
) -> Result<Bytes, Failure> {
    let (status, body) = exchange(target, method, url, body).await?;
    match status.is_success() {
        true => Ok(body),
        false => Err(Failure::failed(said(&body, status))),
    }
}

async fn exchange(
    target: &Target,
    method: Method,
    url: Url,
    body: Option<String>,
) -> Result<(http::StatusCode, Bytes), Failure> {
    let failed = |reason: &dyn std::fmt::Display| {
        Failure::failed(format!(
            "no answer from {}: {reason}; is the server running? (tallybook serve, or name it with --url)",
            url.origin().ascii_serialization()
        ))
    };
    let mut request = Request::builder()
        .method(method)
        .uri(url.as_str())
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = &target.key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    let request = request
        .body(Full::new(Bytes::from(body.unwrap_or_default())))
        .map_err(Failure::failed)?;
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build(connector(url.scheme() == "https")?);
    let work = async {
        let response = client
            .request(request)
            .await
            .map_err(|error| failed(&plain(&error)))?;
        let status = response.status();
        if let Some(damaged) = response.headers().get(DAMAGED) {
            let damaged = String::from_utf8_lossy(damaged.as_bytes()).into_owned();
            tracing::warn!(
                "what these damaged files held may be missing from the answer: {damaged}"
            );
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await;
        let body = body.map_err(|error| failed(&error))?.to_bytes();
        Ok((status, body))
    };
    tokio::time::timeout(TIMEOUT, work)
        .await
        .map_err(|_| failed(&"it took too long"))?
}

/// Speaks TLS where the address says so; without TLS it is not asked whom to trust.
fn connector(is_tls: bool) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let config = match is_tls {
        true => {
            let authorities = std::env::var_os(AUTHORITIES).map(PathBuf::from);
            tls::client(authorities.as_deref())
        }
        false => tls::trusting_nobody(),
    };
    let config = config.map_err(|fault| Failure::usage(format!("{AUTHORITIES}: {fault}")))?;
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .build())
}

/// The innermost reason says it: connection refused, and the like.
fn plain(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// What somebody says who does not answer as our API does, if it is a line of plain text.
fn short_text(body: &[u8]) -> Option<&str> {
    const LONGEST: usize = 200;
    let text = std::str::from_utf8(body).ok()?.trim();
    let is_line = (1..=LONGEST).contains(&text.len()) && !text.contains(['<', '{']);
    (is_line && !text.contains(char::is_control)).then_some(text)
}

/// The message of an error answer.
fn said(body: &[u8], status: http::StatusCode) -> String {
    if status == http::StatusCode::UNAUTHORIZED {
        return format!(
            "the server lets nobody in without a valid key: make one where it runs \
             (tallybook key create), and set {KEY} or name its file with --api-key-file"
        );
    }
    let parsed: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &parsed["error"];
    let Some(message) = error["message"].as_str() else {
        return match short_text(body) {
            Some(text) => format!("the server answered {status}: {text}"),
            None => format!("the server answered {status}"),
        };
    };
    let place = match (error["line"].as_u64(), error["column"].as_u64()) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        _ => String::new(),
    };
    let hint = error["hint"]
        .as_str()
        .map(|hint| format!(" ({hint})"))
        .unwrap_or_default();
    format!("{place}{message}{hint}")
}
