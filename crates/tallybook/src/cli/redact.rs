//! The options of `tallybook redact`.

use std::path::PathBuf;

use clap::Args;

use super::{KeyArgs, PlainFormat};

#[derive(Debug, Args)]
pub(crate) struct RedactArgs {
    /// Say what the policy would change in what is stored, and change nothing. What is stored already
    /// can only be looked at: redaction comes before anything is kept
    #[arg(long, required = true)]
    pub(crate) dry_run: bool,
    /// The configuration file with the policy in [redaction] [default: the default policy]
    #[arg(long, value_name = "FILE", env = "TALLYBOOK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// From this time on: 2026-11-01, 2026-11-01T09:30:00Z, today, yesterday, or 7d for seven days
    /// ago [default: 30d]
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until before this time [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// The running server's address [default: http://127.0.0.1:4319]
    #[arg(
        long,
        value_name = "URL",
        env = "TALLYBOOK_URL",
        conflicts_with = "data_dir"
    )]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// A data directory that no server is using
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// How to print what is found
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
}
