//! `cargo xtask isolation`: many random questions over rows of others, names and content that must not
//! get out (`crates/query/tests/answers/isolation`). The check runs some hundred of them.

use std::process::Command;

use crate::workspace::{self, Workspace};

/// How many questions, which ones, and asked by how many processes side by side: with a seed each, which
/// are in a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    queries: u64,
    seed: u64,
    beside: u64,
}

impl Options {
    /// Reads `--queries N`, `--seed N` and `--beside N`.
    pub(crate) fn parse(words: &[String]) -> Result<Options, String> {
        let mut options = Options {
            queries: 100_000,
            seed: 20_261_128,
            beside: 1,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let into = match word.as_str() {
                "--queries" => &mut options.queries,
                "--seed" => &mut options.seed,
                "--beside" => &mut options.beside,
                other => return Err(format!("isolation has no option `{other}`")),
            };
            let number = words.next().and_then(|number| number.parse().ok());
            *into = number.ok_or_else(|| format!("`{word}` takes a number"))?;
        }
        match options.beside {
            1..=64 => Ok(options),
            _ => Err("`--beside` takes 1 to 64".to_owned()),
        }
    }
}

/// Asks them; of the first process that fails it is told which it was.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<(), String> {
    // Once, before all ask for it.
    build(workspace)?;
    let share = options.queries.div_ceil(options.beside);
    let seeds = (0..options.beside).map(|at| options.seed + at);
    let commands = seeds.map(|seed| (seed, asking(workspace, share, seed)));
    let commands: Vec<_> = commands.collect();
    std::thread::scope(|scope| {
        let running = commands
            .into_iter()
            .map(|(seed, command)| (seed, scope.spawn(move || workspace::run(command))));
        let running: Vec<_> = running.collect();
        running.into_iter().try_for_each(|(seed, asked)| {
            let asked = asked.join().unwrap_or_else(|_| Err("it panicked".into()));
            asked.map_err(|error| format!("seed {seed}: {error}"))
        })
    })
}

const TEST: [&str; 6] = [
    "test",
    "--release",
    "--package",
    "query",
    "--test",
    "answers",
];

fn build(workspace: &Workspace) -> Result<(), String> {
    let arguments = [&TEST[..], &["--no-run"]].concat();
    workspace::run(workspace.command("cargo", &arguments, "."))
}

fn asking(workspace: &Workspace, queries: u64, seed: u64) -> Command {
    let arguments = [&TEST[..], &["--", "--nocapture", "isolation::random"]].concat();
    let mut command = workspace.command("cargo", &arguments, ".");
    command.env("TALLYBOOK_ISOLATION_QUERIES", queries.to_string());
    command.env("TALLYBOOK_ISOLATION_SEED", seed.to_string());
    command
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn numbers_or_a_reason() {
        let parse = |text: &str| {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            Options::parse(&words)
        };
        let read = parse("--queries 5 --seed 7").expect("reads");
        assert_eq!(
            read,
            Options {
                queries: 5,
                seed: 7,
                beside: 1
            }
        );
        assert!(parse("--queries").is_err());
        assert!(parse("--queries many").is_err());
        assert!(parse("--people 3").is_err() && parse("--beside 0").is_err());
    }
}
