//! Who may come in, and what was done: `user`, `key`, `audit`.

use std::path::PathBuf;

use access::audit::Checkpoint;
use access::{Permission, Role};
use clap::{Args, Subcommand};

use super::{PlainFormat, UI_URL};

/// Which data directory; a server may be using it.
#[derive(Debug, Args)]
pub(crate) struct DirArgs {
    /// The data directory; a running server takes changes over at once [default: ./tallybook-data]
    #[arg(long, value_name = "DIR", env = "TALLYBOOK_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// With which key a server is asked.
#[derive(Debug, Default, Args)]
pub(crate) struct KeyArgs {
    /// A file that holds the key by which the server lets in; without it TALLYBOOK_API_KEY
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Print a new link by which the first admin gets in; older links are worthless from then on
    Setup {
        #[command(flatten)]
        dir: DirArgs,
        /// The address of the UI
        #[arg(long, value_name = "URL", env = "TALLYBOOK_URL", default_value = UI_URL)]
        url: String,
    },
    /// Add somebody; the password is asked for, or read from standard input
    Add {
        /// By which they sign in
        name: String,
        /// viewer, analyst, content-reader, admin or auditor; several with commas
        #[arg(long, value_delimiter = ',', required = true)]
        role: Vec<Role>,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// List everybody who may sign in
    List {
        /// How to print them
        #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
        format: PlainFormat,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// Give somebody other roles
    Role {
        /// By which they sign in
        name: String,
        /// viewer, analyst, content-reader, admin or auditor; several with commas
        #[arg(value_delimiter = ',', required = true)]
        role: Vec<Role>,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// Keep somebody out; ends their sessions, and stops their keys
    Disable(NameArgs),
    /// Let somebody in again
    Enable(NameArgs),
    /// Give somebody another password, which is asked for or read from standard input
    Password(NameArgs),
    /// Remove somebody with their keys and sessions
    Remove(NameArgs),
}

/// Somebody.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// By which they sign in
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) dir: DirArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, this once
    Create {
        /// What it is for
        label: String,
        /// aggregates, names, content, manage or audit; several with commas
        #[arg(long, value_delimiter = ',', required = true)]
        permission: Vec<Permission>,
        /// After how many days it expires
        #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3660))]
        days: u64,
        /// On whose behalf: the key then does no more than they may, and ends with them
        #[arg(long = "for", value_name = "NAME")]
        maker: Option<String>,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// List all keys, without their secrets
    List {
        /// How to print them
        #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
        format: PlainFormat,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// Make a key worthless
    Revoke {
        /// The key's id: what stands between tbk_ and the next _
        id: String,
        #[command(flatten)]
        dir: DirArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Look whether the audit trail is as it was written; print its end, to be kept elsewhere
    Verify {
        /// An end that was kept elsewhere: NUMBER:HASH; repeatable
        #[arg(long, value_name = "NUMBER:HASH")]
        checkpoint: Vec<Checkpoint>,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// Print all records as they are kept, a line of JSON each
    Export {
        /// From this record on
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        from: u64,
        #[command(flatten)]
        dir: DirArgs,
    },
    /// Show the latest records
    Show {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
        /// Those of one name, account or key
        #[arg(long)]
        actor: Option<String>,
        /// Those of one action: sign_in, reveal, query, export, people, keys, denied, …
        #[arg(long)]
        action: Option<String>,
        /// How to print them
        #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
        format: PlainFormat,
        #[command(flatten)]
        dir: DirArgs,
    },
}
