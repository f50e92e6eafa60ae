//! The command line of `tallybook demo-data`.

use clap::{Args, ValueEnum};

use super::KeyArgs;

#[derive(Debug, Args)]
pub(crate) struct DemoDataArgs {
    /// What to do
    #[arg(value_enum)]
    pub(crate) act: DemoAct,
    /// The running server's address
    #[arg(long, value_name = "URL", env = "TALLYBOOK_URL", default_value = super::UI_URL)]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoAct {
    /// Fill a server that has no data yet with a small simulated organisation
    Load,
    /// Remove every trace of it, and nothing else
    Remove,
    /// Say how it stands
    Status,
}
