//! `cargo xtask conformance`: asks a receiver and prints what it saw.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer tool speaks to a terminal"
)]

mod arguments;

use std::process::ExitCode;

use arguments::{Arguments, Format};
use conformance::bad_input;
use conformance::receiver::{self, Receiver};
use conformance::suite::{self, Row, Selection};
use conformance::table;
use testkit::{Launch, Problem, Server};

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
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("conformance: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing failed.
fn run(arguments: &Arguments) -> Result<bool, Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if arguments.bad_input {
        return runtime.block_on(send_bad_input(arguments));
    }
    let selection = Selection::of(&arguments.only);
    if selection.asked().is_empty() {
        return Err(Problem::new("no check is of that point or has that name"));
    }
    if arguments.list {
        for (check, way) in selection.asked() {
            println!("{:>2}  {way:<13}  {}", check.point, check.name);
        }
        return Ok(true);
    }
    let rows = runtime.block_on(ask(arguments, &selection))?;
    match arguments.format {
        Format::Table => println!("{}", table::markdown(&rows)),
        Format::Json => print!("{}", table::json(&rows)),
    }
    if arguments.write {
        table::write_guide(&table::markdown(&rows))?;
    }
    let [passed, failed, not_applicable] = suite::tally(&rows);
    eprintln!("{passed} passed, {failed} failed, {not_applicable} not applicable");
    Ok(failed == 0)
}

async fn ask(arguments: &Arguments, selection: &Selection) -> Result<Vec<Row>, Problem> {
    if let Some(url) = &arguments.url {
        let receiver = Receiver::at(url, arguments.grpc.as_deref(), arguments.max_body_bytes)?;
        return Ok(suite::run(&receiver, selection, progress).await);
    }
    let server = start(&receiver::settings())?;
    let receiver = Receiver::of_server(&server);
    let rows = suite::run(&receiver, selection, progress).await;
    for signal in ["logs", "metrics", "traces"] {
        let fate = server.sql().fate(signal).await?;
        if !fate.is_settled() {
            return Err(Problem::new(format!(
                "the fates of {signal} do not add up: {fate:?}"
            )));
        }
    }
    Ok(rows)
}

fn start(settings: &str) -> Result<Server, Problem> {
    let binary = std::env::var_os("TALLYBOOK_BIN").ok_or_else(|| {
        Problem::new("TALLYBOOK_BIN names no server: run this as `cargo xtask conformance`")
    })?;
    Launch::new(binary).settings(settings).start()
}

/// Sends the corpus; prints what was not as it must be, and how much was sent.
async fn send_bad_input(arguments: &Arguments) -> Result<bool, Problem> {
    let server = start(bad_input::SETTINGS)?;
    let progress = |number: usize, name: &str| eprintln!("{number:>4} {name}");
    let report = bad_input::run(&server, &arguments.only, progress).await?;
    for failure in &report.failures {
        println!("{failure}");
    }
    let failed = report.failures.len();
    println!(
        "{} cases, sent {} times: {failed} not as they must be",
        report.cases, report.runs
    );
    Ok(failed == 0)
}

/// A line on standard error, so that standard output is the result alone.
fn progress(number: usize, of: usize, row: &Row) {
    let verdict = row.verdict.word();
    eprintln!(
        "{number:>3}/{of} {:>2} {:<13} {verdict:<14} {}",
        row.point, row.way, row.check
    );
}
