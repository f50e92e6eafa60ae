//! The benchmark: the real server under a simulated organisation, measured and checked.
//!
//! Invariant: an answer is checked against what the generator says is true before its time counts;
//! a wrong number ends the benchmark with exit code 1. Floors that are not met are printed as such.
//!
//! | file | what is in it |
//! |---|---|
//! | `arguments.rs` | the command line |
//! | `binary.rs` | which server is measured |
//! | `corpus.rs` | request bodies, generated as they are sent |
//! | `endless.rs` | request bodies without end, for loads that outrun the generator |
//! | `load.rs` | connections that send one request after the other, and what they saw |
//! | `gauge.rs` | what the system says of a process and of a directory |
//! | `intake.rs` | acknowledged events per server core, by transport, encoding and batch size |
//! | `archive.rs` | millions of events on disk, and questions to them |
//! | `question.rs` | the questions, and how their answers are checked |
//! | `demo.rs` | how long the demonstration takes until it is filled |
//! | `panels.rs`, `panels/` | the panels of the web UI over a simulated organisation |
//! | `strain.rs`, `strain/` | latency, ten times the load, kill and replay |
//! | `encryption.rs` | what encryption costs, in one run with and without |
//! | `report.rs` | the table, and the floors |

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer tool speaks to a terminal"
)]

mod archive;
mod arguments;
mod corpus;
mod demo;
mod encryption;
mod endless;
mod gauge;
mod intake;
mod load;
mod panels;
mod question;
mod report;
mod strain;

use std::process::ExitCode;

use arguments::Arguments;
use report::Report;
use testkit::Problem;

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
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Problem> {
    let binary = testkit::find_binary()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if arguments.strain {
        return runtime.block_on(strain::measure(arguments, &binary));
    }
    if arguments.encryption {
        return runtime.block_on(encryption::measure(arguments, &binary));
    }
    if arguments.panels {
        return runtime.block_on(panels::measure(arguments, &binary));
    }
    let mut report = Report::default();
    runtime.block_on(async {
        intake::measure(arguments, &binary, &mut report).await?;
        for shape in &arguments.shapes {
            archive::measure(arguments, &binary, *shape, &mut report).await?;
        }
        demo::measure(&binary, &mut report).await
    })?;
    let text = report.markdown(arguments);
    println!("{text}");
    if arguments.write {
        report::write("benchmarks.md", &text)?;
    }
    match report.unanswered() {
        0 => Ok(()),
        count => Err(Problem::new(format!("{count} questions were not answered"))),
    }
}
