//! What each command does. Each runs on a runtime of its own making, and none knows another.

mod demo;
mod query;
mod replay;
mod send;
mod serve;

use std::io::{IsTerminal, Write};

use clap::CommandFactory;

use crate::cli::{Cli, Command, ConfigCommand};
use crate::failure::Failure;
use crate::settings::Settings;

/// Runs a parsed command line.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Query(args) => query::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Send(args) => send::run(args),
        Command::Config(ConfigCommand::Check { config }) => {
            let settings = Settings::read(config.as_deref())?;
            settings.check()?;
            let text = toml::to_string_pretty(&settings).map_err(Failure::failed)?;
            say(&format!("# The configuration is right. In force:\n{text}"))
        }
        Command::Openapi => say(&api::openapi_json()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tallybook", &mut script);
            write_out(&script)
        }
    }
}

/// Writes a text to standard output, with a line end.
fn say(text: &str) -> Result<(), Failure> {
    let mut line = text.trim_end().as_bytes().to_vec();
    line.push(b'\n');
    write_out(&line)
}

/// Writes bytes to standard output. A reader that has gone (`| head`) is no failure.
fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        _ => Ok(()),
    }
}

/// The runtime of commands and of the server's connections.
fn io_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)
}

/// Logs to standard error; `RUST_LOG` decides how much.
fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second call in one process keeps the first.
    let _ = subscriber.try_init();
}
