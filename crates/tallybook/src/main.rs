//! Tallybook: the composition root and the command line.
//!
//! Invariant: this crate only assembles. What anything means is in the crates below; here is which
//! of them a command needs, with which settings, and what a failure looks like on a terminal: one
//! line that names what went wrong and how to mend it, exit code 1, or 2 for wrong usage.
//!
//! | file | what is in it |
//! |---|---|
//! | `admission.rs` | who is let in by a server |
//! | `cli.rs` | the command line |
//! | `settings.rs` | the configuration file and the flags over it |
//! | `encryption.rs` | the root key under which the data directory is encrypted |
//! | `failure.rs` | failures and exit codes |
//! | `intake.rs` | from an export request to an acknowledgement |
//! | `redaction.rs` | what is taken out of requests before they are kept, and how often |
//! | `notices.rs` | what happens to tokens and by them, in the log and in counters |
//! | `opening.rs` | opening a data directory, and saying how far its replay is |
//! | `people.rs` | the files that say who people are, read again when they change |
//! | `provider.rs` | the provider by which people sign in, put together |
//! | `server.rs` | the running server: a list of named builds |
//! | `simulation.rs`, `simulation/` | a simulated organisation at work: for `simulate` and `demo` |
//! | `ways_in.rs` | how people sign in, for commands beside a server |
//! | `vitals.rs` | what the operating system says of this process |
//! | `refusals.rs` | refused requests in the log, a few lines whatever their number |
//! | `logging.rs`, `logging/` | the log: for people or machines, without secrets and content |
//! | `client.rs` | asking a running server |
//! | `plain.rs` | text of telemetry, units and tables for terminals |
//! | `command/` | what each command does |

mod admission;
mod barring;
mod cli;
mod client;
mod command;
mod demo_data;
mod encryption;
mod failure;
mod intake;
mod logging;
mod notices;
mod opening;
mod people;
mod plain;
mod provider;
mod redaction;
mod refusals;
mod server;
mod settings;
mod simulation;
mod ui_port;
mod vitals;
mod ways_in;

use std::process::ExitCode;

// Many small allocations of short life on many threads: measured in docs/adr/0005-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::parse().and_then(command::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
