//! Metrics for Prometheus to fetch: a listener that shows all sums since the start.
//!
//! Invariant: sums here are cumulative and of their own, whatever the other exporters say; nothing that
//! asks can hold up the thread: connections, their number and their time are bounded.
//!
//! Names are those of the OpenTelemetry JavaScript exporter that the clients bundle: dots become
//! underscores, counters end in `_total`, the resource is in `target_info`. No recording shows them.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contract::{Attribute, PointValue, Temporality, Value};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::shared::{Shared, lock};

const CONNECTIONS_MAX: usize = 16;
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(60);
/// After an error of the listener itself, such as too many open files.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);
const PATH: &str = "/metrics";

/// Answers until it is dropped. A connection that is open then is answered and closed by its own limit.
pub(crate) async fn serve(shared: &Arc<Shared>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_WAIT).await;
            continue;
        };
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            answer(shared, stream).await;
            drop(place);
        });
    }
}

async fn answer(shared: Arc<Shared>, stream: TcpStream) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(&shared, request.method(), request.uri().path());
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A peer that breaks off or idles is of no interest.
    let _ = timeout(CONNECTION_TIME_MAX, connection).await;
}

fn respond(shared: &Shared, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let (status, text) = match (path, method) {
        (PATH, &Method::GET | &Method::HEAD) => (StatusCode::OK, exposition(shared)),
        (PATH, _) => (StatusCode::METHOD_NOT_ALLOWED, "GET /metrics\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "GET /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let text = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// All sums in Prometheus' text format.
fn exposition(shared: &Shared) -> String {
    let mut out = String::from("# HELP target_info Target metadata\n# TYPE target_info gauge\n");
    let resource = &shared.origins.metrics.resource;
    sample(&mut out, "target_info", resource, 1.0);
    let mut meter = lock(&shared.scraped);
    for (metric, points) in meter.collect(shared.now_ms(), Temporality::Cumulative) {
        let mut name = sanitized(&metric.name);
        name.push_str("_total");
        let help = metric
            .description
            .replace('\\', "\\\\")
            .replace('\n', "\\n");
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} counter\n");
        for point in points {
            if let PointValue::Double(value) = point.value {
                sample(&mut out, &name, &point.attributes, value);
            }
        }
    }
    out
}

fn sample(out: &mut String, name: &str, labels: &[Attribute<'_>], value: f64) {
    out.push_str(name);
    let mut separator = '{';
    for (key, value) in labels {
        let text = match value {
            Value::Str(text) => text
                .replace('\\', "\\\\")
                .replace('\n', "\\n")
                .replace('"', "\\\""),
            Value::Bool(flag) => flag.to_string(),
            // Heads hold nothing else.
            _ => continue,
        };
        let _ = write!(out, "{separator}{}=\"{text}\"", sanitized(key));
        separator = ',';
    }
    out.push_str(if separator == ',' { "} " } else { " " });
    let _ = writeln!(out, "{value}");
}

/// A name as Prometheus allows it.
fn sanitized(name: &str) -> String {
    let replaced = name.chars().map(|letter| match letter {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '_',
    });
    let mut name: String = replaced.collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}
