//! `tallybook retention` and `tallybook hold`.

use clap::{Args, Subcommand};

use super::access::DirArgs;
use super::{PlainFormat, SourceArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Say what would go now, by day and class; changes nothing
    Plan(RetentionArgs),
    /// Let go what is old now, and wait for it
    Run(RetentionArgs),
    /// Say which rules there are, and what went so far
    Status(RetentionArgs),
}

/// Whose retention: a server's, or that of a data directory with its configuration.
#[derive(Debug, Args)]
pub(crate) struct RetentionArgs {
    /// How to print it
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Hold what all of these fit: it is neither aged out nor erased until the hold is released
    Add {
        /// Why
        #[arg(long)]
        reason: String,
        /// Of whom: a name, an e-mail address, an account or an installation
        #[arg(long)]
        person: Option<String>,
        /// Of which organisation
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
        /// From this time on: 2026-11-01, 2026-11-01T09:30:00Z, today, yesterday, 7d
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Until before this time
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// Hold everything; for when none of the four is given
        #[arg(long, conflicts_with_all = ["person", "organization", "from", "to"])]
        everything: bool,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// List what is held
    List {
        /// How to print it
        #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
        format: PlainFormat,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// Release a hold
    Release {
        /// Its id, as list says it
        id: String,
        #[command(flatten)]
        dir: DirArgs,
    },
}
