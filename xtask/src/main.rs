//! Developer tasks, run as `cargo xtask <command>`.
//!
//! Invariant: a step that did not run is never reported as passed. What is left out is said in the
//! output and in the summary, and with `CI=true` a missing tool is a failure.
//!
//! | file | what is in it |
//! |---|---|
//! | `check.rs` | the steps of `cargo xtask check` in order, its options, its summary |
//! | `steps.rs` | what each step runs |
//! | `advisories.rs` | cargo-deny, and the advisory database that not every machine can reach |
//! | `prometheus.rs` | the meters and the alerts, read by Prometheus' own tool |
//! | `beside.rs` | emitter and server beside Prometheus and an SDK of another language |
//! | `snapshot.rs` | a folder's content before and after a rebuild |
//! | `install.rs` | the tools a fresh machine lacks: cargo-deny, Node, Chromium, jq, Prometheus, an SDK for Python |
//! | `isolation.rs` | random questions over what must not get out |
//! | `fuzz.rs`, `fuzz/` | libFuzzer over the targets of `fuzz/` |
//! | `workspace.rs` | root and target folder, running commands |
//! | `tidy.rs`, `tidy/` | rules on the text of the repository, one pure function each |

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer tool speaks to a terminal"
)]

mod advisories;
mod beside;
mod check;
mod fuzz;
mod install;
mod isolation;
mod prometheus;
mod snapshot;
mod steps;
mod tidy;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

/// Developer tools that are packages of their own and drive the real binary: command and binary.
/// Arguments go to the tool, `--help` too.
const TOOLS: [(&str, &str); 5] = [
    ("bench", "bench"),
    ("conformance", "conformance"),
    ("faults", "faults"),
    ("simulate-faults", "simulation"),
    ("planted-bugs", "planted-bugs"),
];

const USAGE: &str = "\
Developer tasks of Tallybook.

Usage: cargo xtask <COMMAND> [OPTIONS]

Commands:
  check     Run every check: fmt, tidy, clippy, deny, test, faults, fuzz, web, browser, docs, prometheus, sdk
              --only STEP[,STEP]   run only these
              --skip STEP[,STEP]   leave these out (refused when CI=true)
  tidy      Crate edges, lengths, names, words, code map, README: seconds, no build
  web       Rebuild web/dist (needs Node)
  openapi   Rewrite docs/openapi.json from the binary
  bench     Run the benchmark (--quick: a short run; --strain: overload, and kill to first answer; --help)
  conformance  Ask the server, or any OTLP receiver (--url), what OTLP asks; --help shows the rest
  faults    Harm the running server in every way of docs/reliability.md (--help: its options)
  simulate-faults  Live many seeds on a simulated disk, or one told in full (--seed N)
  planted-bugs     Break a copy of the source in each of 30 ways; the simulation must notice
  truth     Live thirty days of an organisation whose truth is known, and print truth against answers
  isolation  Ask random questions over what must not get out (--queries N, 100000; --seed N)
  fuzz      Fuzz what strangers' bytes reach; `fuzz --help` tells its options
  help      Show this text

Exit codes: 0 passed, 1 failed, 2 wrong usage.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => return usage_error("a command is needed"),
    };
    if let Some((_, binary)) = TOOLS.iter().find(|(name, _)| *name == command) {
        return in_workspace(|workspace| steps::tool(workspace, binary, rest));
    }
    if command == "fuzz" {
        return fuzz(rest);
    }
    if matches!(command, "help" | "--help" | "-h")
        || rest
            .iter()
            .any(|argument| argument == "--help" || argument == "-h")
    {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match command {
        "check" => match check::Selection::parse(rest, workspace::in_ci()) {
            Ok(selection) => in_workspace(|workspace| check::run(workspace, &selection)),
            Err(message) => usage_error(&message),
        },
        "isolation" => match isolation::Options::parse(rest) {
            Ok(options) => in_workspace(|workspace| isolation::run(workspace, &options)),
            Err(message) => usage_error(&message),
        },
        "tidy" | "web" | "openapi" | "truth" if !rest.is_empty() => usage_error(&format!(
            "`{command}` takes no argument, got `{}`",
            rest.join(" ")
        )),
        "tidy" => in_workspace(tidy::run),
        "web" => in_workspace(steps::web_build),
        "openapi" => in_workspace(steps::openapi_write),
        "truth" => in_workspace(steps::truth),
        unknown => usage_error(&format!("no command `{unknown}`")),
    }
}

fn fuzz(words: &[String]) -> ExitCode {
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{}", fuzz::USAGE);
        return ExitCode::SUCCESS;
    }
    match fuzz::Options::parse(words) {
        Ok(options) => in_workspace(|workspace| fuzz::run(workspace, &options)),
        Err(message) => {
            eprint!("xtask: {message}\n\n{}", fuzz::USAGE);
            ExitCode::from(2)
        }
    }
}

fn in_workspace(task: impl FnOnce(&Workspace) -> Result<(), String>) -> ExitCode {
    match Workspace::find().and_then(|workspace| task(&workspace)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage_error(message: &str) -> ExitCode {
    eprint!("xtask: {message}\n\n{USAGE}");
    ExitCode::from(2)
}
