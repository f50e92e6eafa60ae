//! The command line. Scripts depend on its names: they are only ever added to.

mod access;
mod connect;
mod demo_data;
mod encryption;
mod erase;
mod privacy;
mod redact;
mod serve;
mod simulate;
mod token;
mod why;

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::client::Target;
use crate::failure::Failure;
use crate::logging::LogFormat;

pub(crate) use access::{AuditCommand, DirArgs, KeyArgs, KeyCommand, NameArgs, UserCommand};
pub(crate) use connect::ConnectArgs;
pub(crate) use demo_data::{DemoAct, DemoDataArgs};
pub(crate) use encryption::{EncryptionCommand, KeysArgs, OfflineArgs, RootArgs};
pub(crate) use erase::{EraseArgs, EraseCommand, RefusedCommand};
pub(crate) use privacy::{HoldCommand, RetentionArgs, RetentionCommand};
pub(crate) use redact::RedactArgs;
pub(crate) use serve::{DemoArgs, ListenArgs, ServeArgs};
pub(crate) use simulate::{Protocol, SimulateArgs};
pub(crate) use token::{MakeArgs, NameArgs as TokenNameArgs, Place, RotateArgs, TokenCommand};
pub(crate) use why::WhyArgs;

/// Where the server listens when nothing else is said.
pub(crate) const UI_URL: &str = "http://127.0.0.1:4319";

/// Keeps the tally of what an organisation's AI coworkers do: receives the OpenTelemetry stream of
/// Claude Code and Claude Cowork, keeps it durably, and answers who spent what, what was asked and
/// done, what was allowed, refused or failed.
#[derive(Debug, Parser)]
#[command(
    name = "tallybook",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(flatten)]
    pub(crate) root: RootArgs,
}

/// The log on standard error.
#[derive(Debug, Default, Args)]
pub(crate) struct LogArgs {
    /// How the log on standard error is written [default: text]
    #[arg(
        long,
        value_enum,
        global = true,
        env = "TALLYBOOK_LOG_FORMAT",
        value_name = "FORMAT"
    )]
    pub(crate) log_format: Option<LogFormat>,
    /// How much is logged: off, error, warn, info, debug, or crate=level; several with commas
    /// [default: info]
    #[arg(long, global = true, env = "TALLYBOOK_LOG_LEVEL", value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Receive telemetry, and serve answers and the web UI
    Serve(ServeArgs),
    /// Serve a temporary data directory filled with a simulated organisation
    Demo(DemoArgs),
    /// Ask a question in SQL, of the running server or of a data directory
    Query(QueryArgs),
    /// Answer a named report: cost, and what else `tallybook report` lists
    Report(ReportArgs),
    /// Show how one figure of a report is computed: SQL, signals, rows, exclusions
    Explain(ExplainArgs),
    /// Show what makes the difference between a range and the one before: which model, tool, version
    Why(WhyArgs),
    /// Show everything one prompt caused, as a timeline
    Replay(ReplayArgs),
    /// Send recorded requests as the client that made them would
    Send(SendArgs),
    /// Let a simulated organisation work: into a data directory, or against a running server
    Simulate(SimulateArgs),
    /// Send one event, by the OTEL_* environment
    #[command(after_long_help = crate::command::emit_help())]
    Emit(EmitArgs),
    /// Erase a person: everything that is stored of them, and prove it
    Erase(EraseArgs),
    /// Load example data into an empty running server, say how it stands, or remove every trace of it
    DemoData(DemoDataArgs),
    /// What is old, and goes by [retention] of the configuration
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// What is neither aged out nor erased, whoever asks
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Look for what is wrong with this installation, and say how to mend it; changes nothing
    Doctor(DoctorArgs),
    /// Who may sign in: the first admin, people, their roles and passwords
    #[command(subcommand)]
    User(UserCommand),
    /// Keys by which programs ask
    #[command(subcommand)]
    Key(KeyCommand),
    /// What was done: verify, export, show the audit trail
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Say what a redaction policy would change in what is stored
    Redact(RedactArgs),
    /// Connect a client: what to paste where, a token for it, and a wait for its first event that names
    /// what is wrong
    Connect(ConnectArgs),
    /// Make, list, rotate and revoke ingest tokens: who may send telemetry, and for whom
    #[command(subcommand)]
    Token(TokenCommand),
    /// Encryption of what is kept: make a root key, say what is encrypted, renew keys
    #[command(subcommand)]
    Encryption(EncryptionCommand),
    /// Work with the configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the OpenAPI document of the JSON API
    Openapi,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say everything that is wrong with a configuration file, or print the settings that it makes
    Check {
        /// The configuration file (TOML)
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Whom to ask.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// The running server's address; whom to trust for https is in the file TALLYBOOK_CA names (PEM)
    /// [default: http://127.0.0.1:4319]
    #[arg(
        long,
        value_name = "URL",
        env = "TALLYBOOK_URL",
        conflicts_with = "data_dir"
    )]
    pub(crate) url: Option<String>,
    /// A data directory that no server is using
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration file by which a data directory is asked: limits, prices, currency
    #[arg(long, value_name = "FILE", requires = "data_dir")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

impl SourceArgs {
    /// The server to ask.
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        Target::new(self.url.as_deref().unwrap_or(UI_URL), &self.key)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people; long cells are cut
    Table,
    /// One array of row objects
    Json,
    /// Comma-separated values with a header
    Csv,
    /// A Parquet file, on standard output
    Parquet,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Parquet => "parquet",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Rows at most
    #[arg(long, value_name = "N")]
    pub(crate) max_rows: Option<usize>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// One SELECT over the views events, prompts, api_requests, ledger, usage, reconciliation,
    /// api_errors, tool_calls, sessions, users, people, roster, metrics, spans, quarantine, copies, coverage;
    /// "-" reads it from standard input
    pub(crate) sql: String,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Which report; without it they are listed
    #[arg(value_parser = reports())]
    pub(crate) name: Option<String>,
    /// From this time on: 2026-11-01, 2026-11-01T09:30:00Z, today, yesterday, or 7d for seven days
    /// ago [default: 30d]
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until before this time [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// In which days, weeks and hours are, like Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    /// By what it is broken down, with commas between; "none" for one row [default: as the report says]
    #[arg(long, value_name = "NAMES")]
    pub(crate) group_by: Option<String>,
    /// What rows must fulfil to count: team=platform, model!=claude-haiku-4-5; an empty value means
    /// none. Several of one name are alternatives
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) conditions: Vec<String>,
    /// By which column rows are sorted; -name for the greatest first
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub(crate) order_by: Option<String>,
    /// Rows at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=query::catalogue::LIMIT_MAX as i64))]
    pub(crate) limit: Option<u16>,
    /// The totals alone, as with --group-by none
    #[arg(long, conflicts_with = "group_by")]
    pub(crate) totals: bool,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// The reports by name, for help, completion and refusals.
fn reports() -> impl TypedValueParser<Value = String> {
    let known = query::catalogue::REPORTS.iter();
    PossibleValuesParser::new(
        known.map(|report| PossibleValue::new(report.name).help(report.about)),
    )
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The figure: REPORT.MEASURE@FROM..TO,dimension=value, as `tallybook report` prints it
    pub(crate) id: String,
    /// How to print the explanation
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The prompt's id, as in prompt.id
    pub(crate) prompt_id: String,
    /// Print the replay as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// A folder of one recorded run, or of several such folders
    pub(crate) capture_dir: PathBuf,
    /// The OTLP/HTTP address to send to
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
    pub(crate) to: String,
    /// The OTLP/gRPC address for runs recorded over gRPC [default: the host of --to, port 4317]
    #[arg(long, value_name = "URL")]
    pub(crate) grpc_to: Option<String>,
    /// The ingest token to send with
    #[arg(
        long,
        value_name = "TOKEN",
        env = "TALLYBOOK_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// Shift all times so that the last request is sent now
    #[arg(long)]
    pub(crate) restamp: bool,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EmitArgs {
    /// The event: user_prompt, api_request, tool_result, … (all with --help)
    pub(crate) event: String,
    /// What it says: key=value, or key=@- to read the value from standard input
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) pairs: Vec<String>,
    /// The session that the event belongs to [default: a new one, which is counted]
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// The prompt that the event belongs to [default: a new one for user_prompt, else none]
    #[arg(long, value_name = "ID")]
    pub(crate) prompt: Option<String>,
    /// Print session and prompt as a line of JSON, for the events that follow
    #[arg(long)]
    pub(crate) print_ids: bool,
    /// Print the requests that would be sent, one line of OTLP/JSON each, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Describe the event's keys, and send nothing
    #[arg(long)]
    pub(crate) keys: bool,
    /// How long sending may take, retries included
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The data directory [default: ./tallybook-data, or what the configuration says]
    #[arg(long, value_name = "DIR", env = "TALLYBOOK_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The server's configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "TALLYBOOK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The running server's address [default: listen.ui of the configuration]
    #[arg(long, value_name = "URL", env = "TALLYBOOK_URL")]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// How to print what is found
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

/// The parsed command line; help and version end the process with 0, wrong usage with 2.
pub(crate) fn parse() -> Result<Cli, Failure> {
    Cli::try_parse().map_err(|error| {
        let code = u8::try_from(error.exit_code()).unwrap_or(2);
        match error.print() {
            // A reader of the help that has gone (`| head`) is no failure.
            Err(io) if io.kind() != std::io::ErrorKind::BrokenPipe => Failure::failed(io),
            _ => Failure::Said(code),
        }
    })
}
