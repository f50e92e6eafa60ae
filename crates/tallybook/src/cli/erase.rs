//! `tallybook erase`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DirArgs, PlainFormat, SourceArgs};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct EraseArgs {
    #[command(subcommand)]
    pub(crate) command: Option<EraseCommand>,
    /// Whom: a name, an e-mail address, an account or an installation, as the view people shows them
    #[arg(required = true)]
    pub(crate) person: Option<String>,
    /// Only what belongs to this organisation: by its token, else by the id that it claims
    #[arg(long, value_name = "ID")]
    pub(crate) organization: Option<String>,
    /// Also items of other people that mention one of their ids, in a prompt for example
    #[arg(long)]
    pub(crate) with_mentions: bool,
    /// Keep the figures as nobody's: totals stay the same, and lead to nobody
    #[arg(long, conflicts_with = "with_mentions")]
    pub(crate) keep_aggregates: bool,
    /// Remove the account, too, by which they sign in; the audit trail goes on naming it
    #[arg(long)]
    pub(crate) and_account: bool,
    /// Refuse from now on what comes of them, before it is kept: tallybook erase refused lists who is
    #[arg(long)]
    pub(crate) and_refuse: bool,
    /// Say what would go, and erase nothing
    #[arg(long, conflicts_with_all = ["yes", "certificate"])]
    pub(crate) dry_run: bool,
    /// Erase without being asked again
    #[arg(long)]
    pub(crate) yes: bool,
    /// Write the certificate into this file, too, as JSON; the file must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    /// How to print what would go, or the certificate
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EraseCommand {
    /// Who was erased and is refused at the door
    #[command(subcommand)]
    Refused(RefusedCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RefusedCommand {
    /// List who is refused: the list names nobody, and has the ids of erasures
    List {
        /// How to print it
        #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
        format: PlainFormat,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// Take somebody's items again
    Remove {
        /// The erasure's id, as list and the certificate say it
        id: String,
        #[command(flatten)]
        dir: DirArgs,
    },
}
