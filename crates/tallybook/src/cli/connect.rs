//! The options of `tallybook connect`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, builder::TypedValueParser as _};

use super::KeyArgs;
use super::token::Lasting;
use crate::client::Target;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// Which client
    #[arg(value_parser = PossibleValuesParser::new(api::Client::ALL.map(api::Client::name)).map(client))]
    pub(crate) client: api::Client,
    /// The address of OTLP/HTTP as the clients reach it [default: where the server listens]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The organisation for which the token writes
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) organization: String,
    /// What the token is called [default: the client]
    #[arg(long, value_name = "NAME")]
    pub(crate) slot: Option<String>,
    /// Make no token: paste one that there is, or send without where intake is open
    #[arg(long, conflicts_with = "slot")]
    pub(crate) no_token: bool,
    /// Only print what to paste
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How long to wait for the first event
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(crate) timeout: Lasting,
    /// The running server's address
    #[arg(long, value_name = "URL", env = "TALLYBOOK_URL", default_value = super::UI_URL)]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Make the token in this data directory instead of asking the server for it
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl ConnectArgs {
    /// The server to ask.
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        Target::new(&self.url, &self.key)
    }
}

/// The parser has let only known names through.
fn client(name: String) -> api::Client {
    api::Client::find(&name).unwrap_or(api::Client::ClaudeCode)
}
