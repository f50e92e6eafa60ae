//! `cargo xtask simulate-faults`: many seeds, or one of them told in full.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer tool speaks to a terminal"
)]

use std::process::ExitCode;
use std::time::Instant;

use simulation::{live, run_seeds};

const USAGE: &str = "\
Lives of a data directory on a simulated disk; docs/simulation.md says what they prove.

Usage: cargo xtask simulate-faults [OPTIONS]

  --seeds N   how many seeds (10000)
  --from S    the first of them (0)
  --seed S    one seed, with all that happens and every operation on the disk
";

/// More failures say nothing new.
const FAILURES_MAX: usize = 5;

struct Options {
    seeds: u64,
    from: u64,
    seed: Option<u64>,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)) {
        Err(problem) => {
            eprint!("{problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Ok(None) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(options)) => match options.seed {
            Some(seed) => tell(seed),
            None => run(&options),
        },
    }
}

/// Nothing when only help is wanted.
fn options(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options {
        seeds: 10_000,
        from: 0,
        seed: None,
    };
    while let Some(name) = arguments.next() {
        if name == "--help" || name == "-h" {
            return Ok(None);
        }
        let value = arguments.next().and_then(|value| value.parse().ok());
        let value = value.ok_or_else(|| format!("{name} needs a number"))?;
        match name.as_str() {
            "--seeds" => options.seeds = value,
            "--from" => options.from = value,
            "--seed" => options.seed = Some(value),
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(Some(options))
}

fn run(options: &Options) -> ExitCode {
    let seeds: Vec<u64> = (options.from..options.from.saturating_add(options.seeds)).collect();
    let began = Instant::now();
    let failed = run_seeds(&seeds, FAILURES_MAX);
    for failed in &failed {
        println!("seed {}: {}", failed.seed, failed.failure);
        println!("  cargo xtask simulate-faults --seed {}", failed.seed);
    }
    println!(
        "{} seeds from {} on, {} failures, {:.1} s",
        seeds.len(),
        options.from,
        failed.len(),
        began.elapsed().as_secs_f64()
    );
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn tell(seed: u64) -> ExitCode {
    let verdict = live(seed);
    for line in &verdict.trace {
        println!("disk: {line}");
    }
    for line in &verdict.diary {
        println!("{line}");
    }
    println!("seed {seed}: trace {:016x}", verdict.trace_hash);
    match verdict.failure {
        Some(failure) => {
            println!("FAILED: {failure}");
            ExitCode::FAILURE
        }
        None => {
            println!("all promises are kept");
            ExitCode::SUCCESS
        }
    }
}
