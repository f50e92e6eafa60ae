//! `tallybook erase`.

use std::path::PathBuf;

use clap::Args;

use super::{PlainFormat, SourceArgs};

#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    /// Whom: a name, an e-mail address, an account or an installation, as the view people shows them
    pub(crate) person: String,
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
