//! The configuration file and the flags over it.
//!
//! Invariant: unknown keys are refused with their place, and everything that is wrong is reported
//! together. Flags win over the environment, that over the file, that over the defaults.

mod access;
mod cost;
mod encryption;
mod listen;
mod oidc;
mod people;
mod retention;
mod tls;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::access::GateConfig;
use base::ByteSize;
use contract::PriceSetting;
use serde::{Deserialize, Serialize};

use crate::cli::{ListenArgs, LogArgs, ServeArgs};
use crate::failure::Failure;
use crate::logging::{self, LogFormat};
use crate::people::Sources;
use crate::provider::Wanted;
use crate::ui_port::UiPort;
pub(crate) use listen::Listen;
pub(crate) use tokens::Foreign;

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where the data is kept.
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: Listen,
    pub(crate) intake: Intake,
    pub(crate) store: Store,
    pub(crate) query: Query,
    pub(crate) log: Log,
    pub(crate) cost: cost::Cost,
    pub(crate) people: people::People,
    pub(crate) access: access::Access,
    /// Under which key the data is encrypted.
    pub(crate) encryption: encryption::Encryption,
    /// What is kept of what is sent.
    pub(crate) redaction: redact::Settings,
    pub(crate) retention: retention::Retention,
    /// Prices beside the vendor's list, or in its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) price: Vec<PriceSetting>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Intake {
    /// The largest request body, before and after inflation.
    pub(crate) max_body: String,
    /// What all request bodies may take together.
    pub(crate) memory_budget: String,
    /// Connections served at once.
    pub(crate) max_connections: usize,
    /// Log records, data points or spans in one request.
    pub(crate) max_items: usize,
    /// Whether a token is asked for even while there is none.
    pub(crate) require_token: bool,
    /// Whether loopback stays open once there are tokens.
    pub(crate) open_loopback: bool,
    /// Headers that may hold a token, beside Authorization.
    pub(crate) token_headers: Vec<String>,
    /// What becomes of items that name what their token may not write for.
    pub(crate) foreign_organization: Foreign,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Store {
    pub(crate) flush_rows: usize,
    /// Bytes of buffered requests at which a flush starts.
    pub(crate) flush_size: String,
    pub(crate) flush_age_seconds: u64,
    pub(crate) buffer_rows_max: usize,
    /// Bytes of buffered requests at which requests wait for a flush.
    pub(crate) buffer_size_max: String,
    /// What is kept free of the disk, or `auto`.
    pub(crate) disk_reserve: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Query {
    pub(crate) timeout_seconds: u64,
    /// What all running queries may take together.
    pub(crate) memory: String,
    /// Space on the disk for what does not fit into that; 0: none.
    pub(crate) scratch: String,
    pub(crate) max_rows: usize,
    /// What takes longer is answered by an older answer where one will do.
    pub(crate) older_after_ms: u64,
    pub(crate) concurrent: usize,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    /// A level for everything, or `crate=level`, or several with commas.
    pub(crate) level: String,
}

/// In place of a size: what suits the disk.
const AUTO: &str = "auto";

impl Default for Settings {
    fn default() -> Self {
        Settings {
            data_dir: PathBuf::from("./tallybook-data"),
            listen: Listen::default(),
            intake: Intake::default(),
            store: Store::default(),
            query: Query::default(),
            log: Log::default(),
            cost: cost::Cost::default(),
            people: people::People::default(),
            access: access::Access::default(),
            encryption: encryption::Encryption::default(),
            redaction: redact::Settings::default(),
            retention: retention::Retention::default(),
            price: Vec::new(),
        }
    }
}

impl Default for Intake {
    fn default() -> Self {
        let config = receive::Config::default();
        Intake {
            max_body: ByteSize::bytes(config.max_body_bytes as u64).to_string(),
            memory_budget: ByteSize::bytes(config.memory_budget_bytes as u64).to_string(),
            max_connections: config.max_connections,
            max_items: otlp::Limits::default().items,
            require_token: false,
            open_loopback: false,
            token_headers: tokens::headers(),
            foreign_organization: Foreign::default(),
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        let config = store::Config::new("");
        Store {
            flush_rows: config.flush_rows,
            flush_size: ByteSize::bytes(config.flush_bytes as u64).to_string(),
            flush_age_seconds: config.flush_age.as_secs(),
            buffer_rows_max: config.buffer_rows_max,
            buffer_size_max: ByteSize::bytes(config.buffer_bytes_max as u64).to_string(),
            disk_reserve: AUTO.to_owned(),
        }
    }
}

impl Default for Query {
    fn default() -> Self {
        let config = query::Config::default();
        Query {
            timeout_seconds: config.timeout.as_secs(),
            memory: ByteSize::bytes(config.memory_bytes as u64).to_string(),
            scratch: ByteSize::bytes(config.scratch_bytes).to_string(),
            max_rows: config.rows_max,
            older_after_ms: config.older_after.as_millis() as u64,
            concurrent: config.concurrent,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Log {
            format: LogFormat::default(),
            level: logging::DEFAULT_LEVEL.to_owned(),
        }
    }
}

/// The settings as each crate takes them, checked.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) receive: receive::Config,
    pub(crate) store: store::Config,
    pub(crate) query: query::Config,
    pub(crate) people: Sources,
    pub(crate) access: GateConfig,
    pub(crate) provider: Option<Wanted>,
    pub(crate) redaction: redact::Settings,
    pub(crate) retention: store::Retention,
    pub(crate) tokens: ::access::tokens::Intake,
    pub(crate) foreign: Foreign,
    pub(crate) ui: UiPort,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) tls: Option<::tls::Files>,
}

impl Settings {
    /// The settings of a file, or the defaults without one.
    pub(crate) fn read(file: Option<&Path>) -> Result<Settings, Failure> {
        let Some(path) = file else {
            return Ok(Settings::default());
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!(
                "cannot read configuration {}: {error}",
                path.display()
            ))
        })?;
        let settings: Result<Settings, _> = toml::from_str(&text);
        let mut settings = settings.map_err(|error| {
            Failure::usage(format!(
                "configuration {}: {}",
                path.display(),
                error.to_string().trim_end()
            ))
        })?;
        settings.people.beside(path);
        settings.listen.tls.beside(path);
        settings.encryption.beside(path);
        settings.access.beside(path);
        Ok(settings)
    }

    /// The settings of `serve`.
    pub(crate) fn of_serve(args: &ServeArgs, log: &LogArgs) -> Result<Settings, Failure> {
        let mut settings = Settings::read(args.config.as_deref())?;
        if let Some(dir) = &args.data_dir {
            settings.data_dir.clone_from(dir);
        }
        settings.apply(&args.listen);
        settings.log.format = log.log_format.unwrap_or(settings.log.format);
        if let Some(level) = &log.log_level {
            settings.log.level.clone_from(level);
        }
        Ok(settings)
    }

    /// Lets flags win.
    pub(crate) fn apply(&mut self, flags: &ListenArgs) {
        self.listen.apply(flags);
    }

    /// Checks everything; the failure names all that is wrong.
    pub(crate) fn check(&self) -> Result<Checked, Failure> {
        let mut problems = Vec::new();
        // The store's key is the process's.
        self.encryption.take(&self.data_dir, &mut problems);
        let receive = self.receive_config(&mut problems);
        if let Err(errors) = receive.validate() {
            problems.extend(errors.iter().map(|error| format!("intake.{error}")));
        }
        let mut store = self.store_config(&mut problems);
        // JSON that is longer as protobuf is refused as it is written, not when all of it is.
        store.limits.written_bytes = receive.max_body_bytes.min(store::ENTRY_BYTES_MAX);
        problems.extend(store.validate());
        let query = self.query_config(&mut problems);
        problems.extend(query.validate());
        problems.extend(logging::filter(&self.log.level).err());
        let access = self.access.checked(&mut problems);
        let provider = self.access.provider(&self.listen, &mut problems);
        // The key is the data directory's; what is wrong with a policy does not depend on it.
        problems.extend(self.redaction.policy(&[0; 32]).err().unwrap_or_default());
        let retention = self
            .retention
            .checked(&self.people.organization, &mut problems);
        let tokens = self.intake.rules(&mut problems);
        let ui = self.listen.checked(&mut problems);
        let tls = self.listen.tls.files(&mut problems);
        if !problems.is_empty() {
            return Err(Failure::usage(format!(
                "the configuration is wrong:\n  {}",
                problems.join("\n  ")
            )));
        }
        let mut allowed_hosts = self.listen.allowed_hosts.clone();
        allowed_hosts.extend(self.access.public_host());
        Ok(Checked {
            receive,
            store,
            query,
            people: self.people.sources(&self.data_dir),
            access,
            provider,
            redaction: self.redaction.clone(),
            retention,
            tokens,
            foreign: self.intake.foreign_organization,
            ui,
            allowed_hosts,
            tls,
        })
    }

    fn receive_config(&self, problems: &mut Vec<String>) -> receive::Config {
        let default = receive::Config::default();
        receive::Config {
            http: self.listen.http,
            grpc: self.listen.grpc,
            max_body_bytes: bytes(
                "intake.max_body",
                &self.intake.max_body,
                default.max_body_bytes,
                problems,
            ),
            memory_budget_bytes: bytes(
                "intake.memory_budget",
                &self.intake.memory_budget,
                default.memory_budget_bytes,
                problems,
            ),
            max_connections: self.intake.max_connections,
            ..default
        }
    }

    fn store_config(&self, problems: &mut Vec<String>) -> store::Config {
        let mut config = store::Config::new(&self.data_dir);
        let mut size =
            |name: &str, text: &str, default: usize| bytes(name, text, default, problems);
        let (flush, buffer) = (&self.store.flush_size, &self.store.buffer_size_max);
        config.flush_bytes = size("store.flush_size", flush, config.flush_bytes);
        config.buffer_bytes_max = size("store.buffer_size_max", buffer, config.buffer_bytes_max);
        config.flush_rows = self.store.flush_rows;
        config.flush_age = Duration::from_secs(self.store.flush_age_seconds);
        config.buffer_rows_max = self.store.buffer_rows_max;
        config.disk_reserve_bytes = match self.store.disk_reserve.as_str() {
            AUTO => None,
            size => Some(bytes("store.disk_reserve", size, 1 << 30, problems) as u64),
        };
        config.limits.items = self.intake.max_items;
        config
    }

    fn query_config(&self, problems: &mut Vec<String>) -> query::Config {
        let default = query::Config::default();
        query::Config {
            memory_bytes: bytes(
                "query.memory",
                &self.query.memory,
                default.memory_bytes,
                problems,
            ),
            scratch_bytes: bytes(
                "query.scratch",
                &self.query.scratch,
                default.scratch_bytes as usize,
                problems,
            ) as u64,
            timeout: Duration::from_secs(self.query.timeout_seconds),
            rows_max: self.query.max_rows,
            older_after: Duration::from_millis(self.query.older_after_ms),
            concurrent: self.query.concurrent,
            cost: self.cost.checked(&self.price, problems),
            organization: self.people.organization.clone(),
            holds: Some(Arc::new(api::HoldRegister::of(&self.data_dir))),
            ..default
        }
    }
}

/// The folder of a configuration file, by which its paths go.
fn folder_of(configuration: &Path) -> PathBuf {
    configuration
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

fn bytes(name: &str, text: &str, default: usize, problems: &mut Vec<String>) -> usize {
    match text.parse::<ByteSize>() {
        Ok(size) => size.as_usize(),
        Err(error) => {
            problems.push(format!("{name}: {error}"));
            default
        }
    }
}

#[cfg(test)]
#[path = "settings/tests.rs"]
mod tests;
