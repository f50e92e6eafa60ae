//! The fault harness: drives the real binary, harms it, starts it again, and asks one oracle.
//!
//! Invariant: a row passes only when the oracle has agreed after every cycle.
//!
//! | file | what is in it |
//! |---|---|
//! | `arguments.rs` | the command line |
//! | `rows.rs`, `rows/` | the faults, a function each |
//! | `runner.rs` | runs rows within their time, and cleans up behind them |
//! | `scene.rs` | what a row works with; a data directory over its life |
//! | `oracle.rs` | issued, acknowledged, stored: the one judgement |
//! | `ledger.rs` | what was issued and acknowledged |
//! | `batch.rs` | what is sent: items whose number decides their content |
//! | `load.rs` | concurrent senders that outlive the server |
//! | `mount.rs` | file systems that may be harmed |
//! | `strace.rs` | strace as the injector of faults |
//! | `machine.rs` | what this machine can do, and tools it lacks |
//! | `dice.rs` | seeded randomness |
//! | `table.rs` | the table at the end |

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer tool speaks to a terminal"
)]

mod arguments;
mod batch;
mod dice;
mod ledger;
mod load;
mod machine;
mod mount;
mod oracle;
mod rows;
mod runner;
mod scene;
mod strace;
mod table;

use std::process::ExitCode;

use arguments::Arguments;
use testkit::Problem;

/// Rows wait for the server on the thread that runs them; senders go on meanwhile.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{}", arguments::USAGE);
        return ExitCode::SUCCESS;
    }
    let arguments = match Arguments::parse(&words) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    if arguments.list {
        for row in &arguments.rows {
            println!("{:<16} {}", row.name, row.about);
        }
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("faults: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether every row passed.
fn run(arguments: &Arguments) -> Result<bool, Problem> {
    let binary = testkit::find_binary()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()?;
    let outcomes = runtime.block_on(runner::run(arguments, &binary))?;
    let lines = table::lines(arguments, &outcomes)?;
    println!("\n{}", table::markdown(&lines));
    if arguments.write {
        table::write(&lines)?;
    }
    let mut is_passed = outcomes.len() == arguments.rows.len();
    for outcome in outcomes
        .iter()
        .filter(|outcome| outcome.verdict.is_failure())
    {
        is_passed = false;
        // Once more, and last: a log that is cut is cut at its beginning.
        println!(
            "faults: {} FAILED: {}",
            outcome.row,
            outcome.verdict.reason()
        );
    }
    Ok(is_passed)
}
