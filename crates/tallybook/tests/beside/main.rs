//! The emitter and the server beside other people's software: a Prometheus server and an OpenTelemetry
//! SDK of another language.
//!
//! Not part of `cargo test`: the software must be here. `cargo xtask check --only prometheus,sdk`
//! fetches it and runs these tests.
//!
//! | file | what is in it |
//! |---|---|
//! | `agents.rs` | several people's agents at work, and what they counted |
//! | `promql.rs` | a Prometheus server, and questions to it |
//! | `prometheus.rs` | what it scrapes from the emitter is what was counted, and what the server answers |
//! | `sdk.rs`, `sdk.py` | the Python SDK sends beside the emitter, and both are answered rightly |

mod agents;
mod prometheus;
mod promql;
mod sdk;

use testkit::{Launch, Problem};

/// The binary under test.
fn launch() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_tallybook"))
}

/// A program that the check fetches and names.
fn program(variable: &str, step: &str) -> Result<String, Problem> {
    std::env::var(variable).map_err(|_| {
        Problem::new(format!(
            "{variable} names no program: run `cargo xtask check --only {step}`"
        ))
    })
}
