//! `tallybook encryption`, and the root key of all commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KeyArgs, PlainFormat};

/// The root key.
#[derive(Debug, Default, Args)]
pub(crate) struct RootArgs {
    /// A file that holds the root key under which the data directory is encrypted; without it
    /// TALLYBOOK_ENCRYPTION_KEY, or [encryption] key_file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "TALLYBOOK_ENCRYPTION_KEY_FILE"
    )]
    pub(crate) encryption_key_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EncryptionCommand {
    /// Make a root key: into a file, or on standard output
    NewKey {
        /// The file, which must not exist; keep a copy elsewhere: without it nothing can be read
        file: Option<PathBuf>,
    },
    /// Say what is encrypted under which key, and what is still plain
    Status {
        /// How to print it
        #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
        format: PlainFormat,
        #[command(flatten)]
        place: KeysArgs,
    },
    /// Write anew what is plain or under an old key; of a server in the background, and the command waits
    Rewrite(KeysArgs),
    /// Let a server take over the root key that is in its key file now
    Reload {
        /// The server's address
        #[arg(long, value_name = "URL", default_value = super::UI_URL)]
        url: String,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Give every organisation a new key for what is written from now on; with --new-key-file wrap
    /// all keys by another root key
    Rotate {
        /// A file that holds the root key from now on; of a server, see reload
        #[arg(long, value_name = "FILE", conflicts_with = "url")]
        new_key_file: Option<PathBuf>,
        #[command(flatten)]
        place: KeysArgs,
    },
    /// Destroy the keys of an organisation: what is kept of it can never be read again
    Destroy {
        /// The organisation, as its tokens name it; empty for items without one
        #[arg(long, value_name = "NAME")]
        organization: String,
        /// Destroy without being asked again
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        offline: OfflineArgs,
    },
}

/// A server's data directory, or one that no server is using.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// Ask the server at this address, which goes on serving
    #[arg(long, value_name = "URL", conflicts_with_all = ["data_dir", "config"])]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) offline: OfflineArgs,
}

/// A data directory that no server is using.
#[derive(Debug, Args)]
pub(crate) struct OfflineArgs {
    /// The data directory; its server must be stopped [default: ./tallybook-data]
    #[arg(long, value_name = "DIR", env = "TALLYBOOK_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// A configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "TALLYBOOK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}
