//! The log on standard error: lines for people, or one JSON object a line for machines.
//!
//! Invariant: a line tells of the server, never of what is in it. Nothing that a client sent (bodies,
//! attributes, values of headers, paths) and nothing that a person asked (SQL) is logged at any level
//! that can be set; and no control character reaches the terminal or the collector, so that no value
//! can pose as a line. Level `trace` cannot be set: libraries write headers there.
//!
//! | file | what is in it |
//! |---|---|
//! | `json.rs` | one object a line |
//! | `plain.rs` | text without control characters |

mod json;
mod plain;

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::failure::Failure;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// How much is logged when nothing else is said.
pub(crate) const DEFAULT_LEVEL: &str = "info";

/// What can be set, from least to most.
const LEVELS: [&str; 5] = ["off", "error", "warn", "info", "debug"];

/// Begins to log, on standard error. A second call in one process keeps the first.
pub(crate) fn start(format: LogFormat, level: &str) -> Result<(), Failure> {
    let filter = filter(level).map_err(Failure::usage)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // It fails only when there is a log already.
    let _ = match format {
        LogFormat::Text => subscriber
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .fmt_fields(plain::fields())
            .finish()
            .try_init(),
        LogFormat::Json => subscriber.event_format(json::Lines).finish().try_init(),
    };
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// What a level in the configuration means: a level for everything, or `crate=level`, or several of
/// these with commas between them; the most precise counts.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub(crate) fn filter(level: &str) -> Result<EnvFilter, String> {
    let directives: Vec<&str> = level.split(',').map(str::trim).collect();
    for directive in &directives {
        let named = directive.rsplit('=').next().unwrap_or_default();
        if named.eq_ignore_ascii_case("trace") {
            return Err(format!(
                "log.level: `{directive}`: trace is not offered, for libraries log what clients send \
                 there; the most is debug"
            ));
        }
        let is_known = LEVELS.iter().any(|known| named.eq_ignore_ascii_case(known));
        if !is_known || directive.matches('=').count() > 1 {
            return Err(format!(
                "log.level: `{directive}` is no level: use one of {}, or crate=level, with commas between several",
                LEVELS.join(", ")
            ));
        }
    }
    let filter = EnvFilter::builder()
        .parse(directives.join(","))
        .map_err(|error| format!("log.level: {level:?}: {error}"))?;
    // Whatever its syntax allows that was not seen above.
    match filter.max_level_hint() {
        Some(hint) if hint <= LevelFilter::DEBUG => Ok(filter),
        _ => Err(format!("log.level: {level:?}: the most is debug")),
    }
}

/// A panic as a line like any other. A message that was put together may hold what a client sent, so
/// only one that is a literal in the code is logged; the place is enough to find the rest.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let literal = panic.payload().downcast_ref::<&'static str>();
    let location = panic.location().map(ToString::to_string);
    tracing::error!(
        thread = std::thread::current().name(),
        location,
        reason = literal.copied(),
        "a thread panicked"
    );
}

#[cfg(test)]
mod tests;
