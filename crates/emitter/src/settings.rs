//! Settings: which telemetry leaves, how, to where, and what it may show.
//!
//! Invariant: telemetry is off until something turns it on. Every variable that is read is in the guide;
//! one that makes no difference the way others are set is said, never ignored in silence.
//!
//! | file | what is in it |
//! |---|---|
//! | `layers.rs` | Cowork's and managed settings over user settings over the environment |
//! | `cowork.rs` | the fields of Cowork's admin form, as variables |
//! | `egress.rs` | which hosts may be reached |
//! | `reading.rs` | single values: switches, numbers, lists |
//! | `export.rs` | exporters, protocols, endpoints, headers, intervals |
//! | `tls.rs` | certificates and keys |
//! | `baggage.rs` | `OTEL_RESOURCE_ATTRIBUTES` and headers: keys and values in one line |
//! | `trace.rs` | spans: switches, and the trace around the program |

mod baggage;
mod cowork;
mod egress;
mod export;
mod layers;
mod reading;
mod tls;
mod trace;

use std::path::PathBuf;
use std::time::Duration;

use contract::Temporality;

pub(crate) use baggage::check_header;
pub use egress::{CONNECTOR, Egress, Hosts, Rule};
pub use export::{Compression, Endpoint, Exporter, Protocol, Retry, SignalExport};
pub use layers::Layers;
pub use trace::Tracing;

pub use crate::tls::{ClientCertificate, Tls, TlsFault, TlsFiles, TlsPart};

use crate::content::Content;
use crate::finding::Finding;
use reading::Reading;

/// Everything that decides what is sent.
///
/// The default is off; `Settings::from_env` reads what the clients read.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Whether anything is recorded at all (`CLAUDE_CODE_ENABLE_TELEMETRY`).
    pub is_enabled: bool,
    /// Events.
    pub logs: SignalExport,
    /// Metrics.
    pub metrics: SignalExport,
    /// Spans.
    pub traces: SignalExport,
    /// How spans are made.
    pub tracing: Tracing,
    /// Whether sums are what was added since the last export, or all since the start.
    pub temporality: Temporality,
    /// What content may leave.
    pub content: Content,
    /// Which attributes are on every record and data point.
    pub include: Include,
    /// `OTEL_RESOURCE_ATTRIBUTES`: on the resource, and on every record and data point.
    pub resource_attributes: Vec<(String, String)>,
    /// `OTEL_SERVICE_NAME`.
    pub service_name: Option<String>,
    /// Who uses the agent, and where.
    pub identity: Identity,
    /// A command that prints headers as JSON.
    pub headers_helper: Option<HeadersHelper>,
    /// How an export that failed is tried again.
    pub retry: Retry,
    /// Host and port on which Prometheus is answered, where that is one of the exporters.
    pub scrape: (String, u16),
    /// Which hosts may be sent to.
    pub egress: Egress,
    /// Where what cannot be delivered waits; without it it is lost.
    pub spool: Option<SpoolSettings>,
    /// How long `flush` waits.
    pub flush_timeout: Duration,
    /// How long the end of the process may be held up.
    pub shutdown_timeout: Duration,
    /// Whether findings are written to standard error.
    pub is_diagnosed_on_stderr: bool,
}

/// Which attributes are on every record and data point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// `session.id`; events lose it too.
    pub session_id: bool,
    /// `user.account_uuid` and `user.account_id`.
    pub account_uuid: bool,
    /// The keys of `OTEL_RESOURCE_ATTRIBUTES`; the resource keeps them.
    pub resource_attributes: bool,
    /// `app.version`.
    pub version: bool,
    /// `app.entrypoint`.
    pub entrypoint: bool,
    /// `vcs.*`, of the repository around the process's working directory.
    pub repository: bool,
}

impl Default for Include {
    fn default() -> Self {
        Include {
            session_id: true,
            account_uuid: true,
            resource_attributes: true,
            version: false,
            entrypoint: false,
            repository: false,
        }
    }
}

/// Who uses the agent, and where. What is `None` is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `organization.id`.
    pub organization_id: Option<String>,
    /// `user.email`.
    pub user_email: Option<String>,
    /// `user.account_uuid`.
    pub account_uuid: Option<String>,
    /// `user.account_id`.
    pub account_id: Option<String>,
    /// `app.entrypoint`: cli, sdk-ts, local-agent, …
    pub entrypoint: Option<String>,
    /// `terminal.type`.
    pub terminal: Option<String>,
    /// `workspace.host_paths`, of events only.
    pub workspace_host_paths: Vec<String>,
}

/// A command whose output is headers: a JSON object of strings. Its output is never logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadersHelper {
    /// Run by the shell.
    pub command: String,
    /// After how long it is run again.
    pub refresh: Duration,
}

/// Where what cannot be delivered waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSettings {
    /// A directory of its own; several processes may share it.
    pub dir: PathBuf,
    /// How much it may hold. Older requests make room for new ones.
    pub bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            is_enabled: false,
            logs: SignalExport::every(Duration::from_secs(5)),
            metrics: SignalExport::every(Duration::from_secs(60)),
            traces: SignalExport::every(Duration::from_secs(5)),
            tracing: Tracing::default(),
            temporality: Temporality::Delta,
            content: Content::default(),
            include: Include::default(),
            resource_attributes: Vec::new(),
            service_name: None,
            identity: Identity::default(),
            headers_helper: None,
            retry: Retry::default(),
            scrape: ("localhost".to_owned(), 9464),
            egress: Egress::All,
            spool: None,
            flush_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(2),
            is_diagnosed_on_stderr: false,
        }
    }
}

impl Settings {
    /// What the clients read: Cowork's settings and the administrator's over the user's over the
    /// environment.
    /// What is wrong is found and left out; an exporter that cannot work is off.
    pub fn from_env() -> (Settings, Vec<Finding>) {
        Settings::read(Layers::standard())
    }

    /// The same from given layers.
    pub fn read(layers: Layers) -> (Settings, Vec<Finding>) {
        let mut reading = Reading::new(layers);
        let mut settings = Settings {
            is_diagnosed_on_stderr: reading.switch("CLAUDE_CODE_OTEL_DIAG_STDERR", false),
            ..Settings::default()
        };
        settings.is_enabled = reading.switch("CLAUDE_CODE_ENABLE_TELEMETRY", false)
            && reading.has_trustworthy_files();
        if !settings.is_enabled {
            return (settings, reading.into_findings());
        }
        let (logs, metrics) = (export::LOGS, export::METRICS);
        settings.logs = export::read(&mut reading, &logs, settings.logs);
        settings.metrics = export::read(&mut reading, &metrics, settings.metrics);
        trace::read(&mut reading, &mut settings);
        settings.temporality = export::temporality(&mut reading);
        settings.content = content(&mut reading, settings.tracing.is_detailed);
        settings.include = include(&mut reading);
        settings.resource_attributes = resource_attributes(&mut reading);
        settings.service_name = reading.text("OTEL_SERVICE_NAME");
        settings.identity = identity(&reading);
        settings.headers_helper = headers_helper(&mut reading, &settings);
        settings.scrape = scrape(&mut reading, settings.scrape);
        settings.egress = egress(&mut reading);
        settings.spool = spool(&mut reading);
        let flush = reading.millis("CLAUDE_CODE_OTEL_FLUSH_TIMEOUT_MS");
        settings.flush_timeout = flush.unwrap_or(settings.flush_timeout);
        let shutdown = reading.millis("CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS");
        settings.shutdown_timeout = shutdown.unwrap_or(settings.shutdown_timeout);
        (settings, reading.into_findings())
    }

    /// What the egress policy keeps from being sent.
    pub(crate) fn blocked_endpoints(&self) -> Vec<Finding> {
        let signals = [
            ("logs", &self.logs),
            ("metrics", &self.metrics),
            ("traces", &self.traces),
        ];
        let blocked = |(signal, export): (&str, &SignalExport)| {
            let endpoint = export.endpoint.as_ref()?;
            let is_used = self.is_enabled && export.exporters.contains(&Exporter::Otlp);
            let reason = endpoint.blocked_by(&self.egress).filter(|_| is_used)?;
            Some(Finding::error(signal, format!("nothing is sent: {reason}")))
        };
        signals.into_iter().filter_map(blocked).collect()
    }
}

fn content(reading: &mut Reading, is_detailed: bool) -> Content {
    let standard = Content::default();
    let (raw_bodies, body_dir) = raw_bodies(reading);
    let prompts = reading.switch("OTEL_LOG_USER_PROMPTS", false) || raw_bodies;
    let length = reading.whole("CLAUDE_CODE_OTEL_CONTENT_MAX_LENGTH");
    let limits = [
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ];
    let value_length = limits.into_iter().find_map(|name| reading.whole(name));
    let tool_details = reading.switch("OTEL_LOG_TOOL_DETAILS", false) || raw_bodies;
    Content {
        prompts,
        responses: reading.switch("OTEL_LOG_ASSISTANT_RESPONSES", prompts),
        tool_details,
        hook_definitions: tool_details && is_detailed,
        tool_content: reading.switch("OTEL_LOG_TOOL_CONTENT", false) || raw_bodies,
        raw_bodies,
        body_dir,
        managed_settings: reading.switch("OTEL_LOG_MANAGED_SETTINGS", false),
        length_max: length.map_or(standard.length_max, |length| length as usize),
        value_length_max: value_length.map(|length| length as usize),
    }
}

/// Whether bodies may leave, and into which directory.
fn raw_bodies(reading: &mut Reading) -> (bool, Option<PathBuf>) {
    const NAME: &str = "OTEL_LOG_RAW_API_BODIES";
    let text = reading.text(NAME).unwrap_or_default();
    let Some(dir) = text.strip_prefix("file:") else {
        return (reading.switch(NAME, false), None);
    };
    // A path that is not absolute is one below the working directory of now.
    match std::path::absolute(dir) {
        Ok(dir) => (true, Some(dir)),
        Err(error) => {
            let message = format!(
                "names no directory ({error}), and no body is sent: write file:/a/directory, or 1 to send bodies in events"
            );
            reading.error(NAME, message);
            (false, None)
        }
    }
}

fn include(reading: &mut Reading) -> Include {
    let standard = Include::default();
    Include {
        session_id: reading.switch("OTEL_METRICS_INCLUDE_SESSION_ID", standard.session_id),
        account_uuid: reading.switch("OTEL_METRICS_INCLUDE_ACCOUNT_UUID", standard.account_uuid),
        resource_attributes: reading.switch(
            "OTEL_METRICS_INCLUDE_RESOURCE_ATTRIBUTES",
            standard.resource_attributes,
        ),
        version: reading.switch("OTEL_METRICS_INCLUDE_VERSION", standard.version),
        entrypoint: reading.switch("OTEL_METRICS_INCLUDE_ENTRYPOINT", standard.entrypoint),
        repository: reading.switch("OTEL_METRICS_INCLUDE_REPOSITORY", standard.repository),
    }
}

fn resource_attributes(reading: &mut Reading) -> Vec<(String, String)> {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let text = reading.text(NAME).unwrap_or_default();
    let (pairs, wrong) = baggage::resource_attributes(&text);
    let findings = wrong
        .into_iter()
        .map(|message| Finding::warning(NAME, message));
    reading.findings.extend(findings);
    pairs
}

fn identity(reading: &Reading) -> Identity {
    let paths = reading.text("CLAUDE_CODE_WORKSPACE_HOST_PATHS");
    let terminal = reading
        .text("TERM_PROGRAM")
        .or_else(|| reading.text("TERM"));
    Identity {
        organization_id: reading.text("CLAUDE_CODE_ORGANIZATION_UUID"),
        user_email: reading.text("CLAUDE_CODE_USER_EMAIL"),
        account_uuid: reading.text("CLAUDE_CODE_ACCOUNT_UUID"),
        account_id: reading.text("CLAUDE_CODE_ACCOUNT_TAGGED_ID"),
        entrypoint: reading.text("CLAUDE_CODE_ENTRYPOINT"),
        terminal: Some(terminal.unwrap_or_else(|| "non-interactive".to_owned())),
        workspace_host_paths: paths.map_or_else(Vec::new, |paths| {
            paths.split('|').map(str::to_owned).collect()
        }),
    }
}

fn scrape(reading: &mut Reading, (host, port): (String, u16)) -> (String, u16) {
    const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";
    let said = reading.whole(PORT).map(u16::try_from);
    let port = match said {
        None => port,
        Some(Ok(said)) => said,
        Some(Err(_)) => {
            reading.warning(PORT, format!("is no port; it stays {port}"));
            port
        }
    };
    let said = reading.text("OTEL_EXPORTER_PROMETHEUS_HOST");
    (said.unwrap_or(host), port)
}

fn egress(reading: &mut Reading) -> Egress {
    const NAME: &str = "TALLYBOOK_EGRESS";
    let text = reading.text(NAME).unwrap_or_else(|| "*".to_owned());
    let entries = text.split(',').filter(|entry| entry.trim() != "none");
    let (egress, wrong) = Egress::parse(entries);
    for message in wrong {
        reading.warning(NAME, message);
    }
    egress
}

const SPOOL_MIB: u32 = 64;

fn spool(reading: &mut Reading) -> Option<SpoolSettings> {
    let mib = reading.whole("TALLYBOOK_SPOOL_MIB").unwrap_or(SPOOL_MIB);
    let dir = reading.text("TALLYBOOK_SPOOL_DIR")?;
    Some(SpoolSettings {
        dir: PathBuf::from(dir),
        bytes_max: u64::from(mib) << 20,
    })
}

/// 29 minutes.
const HELPER_REFRESH: Duration = Duration::from_millis(1_740_000);

fn headers_helper(reading: &mut Reading, settings: &Settings) -> Option<HeadersHelper> {
    const NAME: &str = "otelHeadersHelper";
    let refresh = reading.millis("CLAUDE_CODE_OTEL_HEADERS_HELPER_DEBOUNCE_MS");
    let command = reading.headers_helper()?;
    let is_grpc = |export: &SignalExport| matches!(&export.endpoint, Some(endpoint) if endpoint.protocol == Protocol::Grpc);
    let signals = [&settings.logs, &settings.metrics, &settings.traces];
    if signals.into_iter().any(is_grpc) {
        reading.findings.push(Finding::warning(
            NAME,
            "its headers are not sent over grpc, as with the clients; use http/protobuf or http/json",
        ));
    }
    Some(HeadersHelper {
        command,
        refresh: refresh
            .unwrap_or(HELPER_REFRESH)
            .max(Duration::from_secs(1)),
    })
}

#[cfg(test)]
mod tests;
