//! Exporters, protocols, endpoints, headers and intervals of one signal.

use std::time::Duration;

use contract::{Signal, Temporality};
use url::Url;

use super::egress::Egress;
use super::reading::Reading;
use super::{baggage, tls};
use crate::tls::Tls;

/// How one signal leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalExport {
    /// Where to; several at once are possible, none means that the signal is off.
    pub exporters: Vec<Exporter>,
    /// The receiver, where one of the exporters is OTLP.
    pub endpoint: Option<Endpoint>,
    /// How often.
    pub interval: Duration,
}

impl SignalExport {
    pub(super) fn every(interval: Duration) -> SignalExport {
        SignalExport {
            exporters: Vec::new(),
            endpoint: None,
            interval,
        }
    }
}

/// Where a signal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    /// A receiver of OTLP.
    Otlp,
    /// Standard output, one line of OTLP/JSON an export.
    Console,
    /// A listener from which Prometheus fetches; of metrics only.
    Prometheus,
}

/// A receiver of OTLP.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// How requests are written and travel.
    pub protocol: Protocol,
    /// Where to: over HTTP the whole URL, over gRPC scheme, host and port.
    pub url: Url,
    /// Headers of every request, names in small letters.
    pub headers: Vec<(String, String)>,
    /// How bodies are compressed.
    pub compression: Compression,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// What an `https` address needs (`Tls::load`): without it no receiver there is trusted.
    pub tls: Option<Tls>,
}

impl Endpoint {
    /// Where to, for messages: a query may hold a secret and is left out.
    pub(crate) fn address(&self) -> &str {
        &self.url[..url::Position::AfterPath]
    }

    /// Why nothing may be sent there, if the policy does not allow it.
    pub(crate) fn blocked_by(&self, egress: &Egress) -> Option<String> {
        (!egress.allows(&self.url)).then(|| {
            let host = self.url.host_str().unwrap_or_default();
            format!(
                "the egress policy allows {egress} and not {host}: add it to coworkEgressAllowedHosts or \
                 TALLYBOOK_EGRESS, or send to a host that is allowed"
            )
        })
    }
}

/// How requests are written and travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP/HTTP with JSON.
    HttpJson,
    /// OTLP/HTTP with protobuf.
    HttpProtobuf,
    /// OTLP/gRPC.
    Grpc,
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
}

/// How an export that failed is tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// How often it is tried, the first time included.
    pub attempts_max: u32,
    /// How long to wait before the second attempt; each later wait is half as long again.
    pub first_wait: Duration,
    /// No wait of its own making is longer than this; each is 20 % shorter or longer by chance.
    pub wait_max: Duration,
    /// A receiver's word on when to come back is heeded up to this.
    pub retry_after_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry {
            attempts_max: 6,
            first_wait: Duration::from_secs(1),
            wait_max: Duration::from_secs(5),
            retry_after_max: Duration::from_secs(30),
        }
    }
}

/// The names of one signal in variables.
pub(super) struct Names {
    pub(super) signal: Signal,
    /// `LOGS`
    word: &'static str,
    exporters: &'static str,
    pub(super) interval: &'static str,
}

pub(super) const LOGS: Names = Names {
    signal: Signal::Logs,
    word: "LOGS",
    exporters: "OTEL_LOGS_EXPORTER",
    interval: "OTEL_LOGS_EXPORT_INTERVAL",
};

pub(super) const METRICS: Names = Names {
    signal: Signal::Metrics,
    word: "METRICS",
    exporters: "OTEL_METRICS_EXPORTER",
    interval: "OTEL_METRIC_EXPORT_INTERVAL",
};

pub(super) const TRACES: Names = Names {
    signal: Signal::Traces,
    word: "TRACES",
    exporters: "OTEL_TRACES_EXPORTER",
    interval: "OTEL_TRACES_EXPORT_INTERVAL",
};

pub(super) fn read(reading: &mut Reading, names: &Names, standard: SignalExport) -> SignalExport {
    let mut exporters = exporters(reading, names);
    let interval = reading.millis(names.interval).unwrap_or(standard.interval);
    let mut endpoint = None;
    if exporters.contains(&Exporter::Otlp) {
        endpoint = read_endpoint(reading, names);
        if endpoint.is_none() {
            exporters.retain(|exporter| *exporter != Exporter::Otlp);
        }
    }
    SignalExport {
        exporters,
        endpoint,
        interval,
    }
}

fn exporters(reading: &mut Reading, names: &Names) -> Vec<Exporter> {
    let mut exporters = Vec::new();
    let list = reading.text(names.exporters).unwrap_or_default();
    for word in list.split(',').map(str::trim) {
        let exporter = match word {
            "otlp" => Exporter::Otlp,
            "console" => Exporter::Console,
            "none" | "" => continue,
            "prometheus" if names.signal == Signal::Metrics => Exporter::Prometheus,
            other => {
                let message = format!(
                    "`{other}` is no exporter of {}: write otlp, console or none",
                    names.signal.name()
                );
                reading.error(names.exporters, message);
                continue;
            }
        };
        if !exporters.contains(&exporter) {
            exporters.push(exporter);
        }
    }
    exporters
}

fn read_endpoint(reading: &mut Reading, names: &Names) -> Option<Endpoint> {
    let protocol = protocol(reading, names)?;
    let (url, is_own) = url(reading, names, protocol)?;
    finish(reading, names, protocol, url, is_own)
}

/// The receiver at this base address, over http/json.
pub(super) fn endpoint_at(reading: &mut Reading, names: &Names, base: Url) -> Option<Endpoint> {
    finish(reading, names, Protocol::HttpJson, base, false)
}

/// `is_own` says that the address is the signal's own, and whole.
fn finish(
    reading: &mut Reading,
    names: &Names,
    protocol: Protocol,
    mut url: Url,
    is_own: bool,
) -> Option<Endpoint> {
    if protocol != Protocol::Grpc && !is_own {
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/v1/{}", names.signal.name()));
    }
    let headers = headers(reading, names);
    let compression = match one(reading, names, "COMPRESSION") {
        None => Compression::None,
        Some((_, word)) if word == "none" => Compression::None,
        Some((_, word)) if word == "gzip" => Compression::Gzip,
        Some((name, word)) => {
            let message = format!(
                "`{word}` is no compression: write gzip or none; bodies are sent as they are"
            );
            reading.warning(&name, message);
            Compression::None
        }
    };
    let tls = if url.scheme() == "https" {
        Some(tls::read(reading, names)?)
    } else {
        tls::warn_unused(reading, names);
        None
    };
    let timeout_name = one(reading, names, "TIMEOUT").map(|(name, _)| name);
    let timeout = timeout_name.and_then(|name| reading.millis(&name));
    Some(Endpoint {
        protocol,
        url,
        headers,
        compression,
        timeout: timeout.unwrap_or(Duration::from_secs(10)),
        tls,
    })
}

/// The signal's own word, else the general one, and the variable's name. Where the administrator said
/// the general one, only the administrator may say a signal's own.
pub(super) fn one(reading: &mut Reading, names: &Names, what: &str) -> Option<(String, String)> {
    let general = format!("OTEL_EXPORTER_OTLP_{what}");
    let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", names.word);
    if let Some(value) = reading.text(&own) {
        if !reading.is_managed(&general) || reading.is_managed(&own) {
            return Some((own, value));
        }
        let message = format!("is left out: the administrator has set {general}");
        reading.warning(&own, message);
    }
    reading.text(&general).map(|value| (general, value))
}

fn protocol(reading: &mut Reading, names: &Names) -> Option<Protocol> {
    let Some((name, word)) = one(reading, names, "PROTOCOL") else {
        reading.error(
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            format!(
                "is not set, and {} asks for otlp: write http/json, http/protobuf or grpc",
                names.exporters
            ),
        );
        return None;
    };
    match word.as_str() {
        "http/json" => Some(Protocol::HttpJson),
        "http/protobuf" => Some(Protocol::HttpProtobuf),
        "grpc" => Some(Protocol::Grpc),
        other => {
            let message =
                format!("`{other}` is no protocol: write http/json, http/protobuf or grpc");
            reading.error(&name, message);
            None
        }
    }
}

/// The address, and whether it is the signal's own.
fn url(reading: &mut Reading, names: &Names, protocol: Protocol) -> Option<(Url, bool)> {
    let standard = match protocol {
        Protocol::Grpc => "http://localhost:4317",
        _ => "http://localhost:4318",
    };
    let said = one(reading, names, "ENDPOINT");
    let is_own = said
        .as_ref()
        .is_some_and(|(name, _)| name.contains(names.word));
    let (name, text) = said.unwrap_or_else(|| {
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
            standard.to_owned(),
        )
    });
    parse_url(reading, &name, &text).map(|url| (url, is_own))
}

pub(super) fn parse_url(reading: &mut Reading, name: &str, text: &str) -> Option<Url> {
    match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            reading.error(
                name,
                "holds a user or a password: put them into OTEL_EXPORTER_OTLP_HEADERS as authorization",
            );
            None
        }
        Ok(url) if ["http", "https"].contains(&url.scheme()) && url.has_host() => Some(url),
        Ok(_) => {
            reading.error(
                name,
                "is no address of a receiver: write http://HOST:PORT or https://HOST:PORT",
            );
            None
        }
        Err(error) => {
            let message = format!("is no URL ({error}): write http://HOST:PORT");
            reading.error(name, message);
            None
        }
    }
}

/// General headers first; a signal's own win.
fn headers(reading: &mut Reading, names: &Names) -> Vec<(String, String)> {
    let general = "OTEL_EXPORTER_OTLP_HEADERS";
    let own = format!("OTEL_EXPORTER_OTLP_{}_HEADERS", names.word);
    let mut all: Vec<(String, String)> = Vec::new();
    for name in [general, &own] {
        let Some(line) = reading.text(name) else {
            continue;
        };
        if name == own && reading.is_managed(general) && !reading.is_managed(&own) {
            let message = format!("is left out: the administrator has set {general}");
            reading.warning(name, message);
            continue;
        }
        let (pairs, wrong) = baggage::headers(&line);
        for message in wrong {
            reading.warning(name, message);
        }
        for (key, value) in pairs {
            all.retain(|(known, _)| *known != key);
            all.push((key, value));
        }
    }
    all
}

pub(super) fn temporality(reading: &mut Reading) -> Temporality {
    const NAME: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let word = reading.text(NAME).unwrap_or_default().to_ascii_lowercase();
    match word.as_str() {
        "" | "delta" | "lowmemory" => Temporality::Delta,
        "cumulative" => Temporality::Cumulative,
        other => {
            let message =
                format!("`{other}` is no temporality: write delta or cumulative; it stays delta");
            reading.warning(NAME, message);
            Temporality::Delta
        }
    }
}
