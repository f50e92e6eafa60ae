//! What each command does. Each runs on a runtime of its own making, and none knows another.

mod access;
mod audit;
mod connect;
mod demo;
mod demo_data;
mod doctor;
mod emit;
mod encryption;
mod erase;
mod explain;
mod figure;
mod hold;
mod key;
mod query;
mod redact;
mod replay;
mod report;
mod retention;
mod send;
mod serve;
mod simulate;
mod token;
mod user;
mod why;

use std::io::Write;

use clap::CommandFactory;

use crate::cli::{Cli, Command, ConfigCommand, LogArgs};
use crate::failure::Failure;
use crate::logging;
use crate::people;
use crate::settings::Settings;

pub(crate) use emit::help as emit_help;

/// Runs a parsed command line.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    crate::encryption::begin(&cli.root)?;
    match cli.command {
        Command::Serve(args) => serve::run(&args, &cli.log),
        Command::Demo(args) => demo::run(&args, &cli.log),
        Command::Query(args) => query::run(args, &cli.log),
        Command::Report(args) => report::run(args, &cli.log),
        Command::Explain(args) => explain::run(args, &cli.log),
        Command::Why(args) => why::run(args, &cli.log),
        Command::Replay(args) => replay::run(args, &cli.log),
        Command::Send(args) => send::run(args),
        Command::Simulate(args) => simulate::run(args, &cli.log),
        Command::Emit(args) => emit::run(args),
        Command::Erase(args) => erase::run(args, &cli.log),
        Command::DemoData(args) => demo_data::run(&args, &cli.log),
        Command::Retention(command) => retention::run(&command, &cli.log),
        Command::Hold(command) => hold::run(command),
        Command::Doctor(args) => doctor::run(&args, &cli.log),
        Command::User(command) => user::run(command),
        Command::Key(command) => key::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Redact(args) => redact::run(&args, &cli.log),
        Command::Connect(args) => connect::run(&args, &cli.log),
        Command::Token(command) => token::run(command, &cli.log),
        Command::Encryption(command) => encryption::run(command, &cli.log),
        Command::Config(ConfigCommand::Check { config }) => {
            let settings = Settings::read(config.as_deref())?;
            let checked = settings.check()?;
            let provider = crate::provider::explained(checked.provider.as_ref());
            let people = checked.people.read();
            let people = people.map_err(|problems| Failure::usage(problems.join("\n")))?;
            let text = toml::to_string_pretty(&settings).map_err(Failure::failed)?;
            let people = people::summary(&people);
            let kept = crate::redaction::explained(&settings.redaction)?;
            say(&format!(
                "# The configuration is right: {people}.\n{provider}{kept}# It says:\n{text}"
            ))
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

/// This moment, milliseconds since the Unix epoch.
fn now_ms(engine: &::query::Engine) -> i64 {
    (engine.store().clock().now_unix_ns() / 1_000_000) as i64
}

/// The runtime of commands and of the server's connections.
fn io_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)
}

/// Logs as the flags say, for commands without a configuration.
fn start_logging(log: &LogArgs) -> Result<(), Failure> {
    let level = log.log_level.as_deref().unwrap_or(logging::DEFAULT_LEVEL);
    logging::start(log.log_format.unwrap_or_default(), level)
}
