//! `cargo xtask isolation`: many random questions over rows of others, names and content that must not
//! get out (`crates/query/tests/answers/isolation`). The check runs some hundred of them.

use crate::workspace::{self, Workspace};

/// How many questions, and which ones.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    queries: u64,
    seed: u64,
}

impl Options {
    /// Reads `--queries N` and `--seed N`.
    pub(crate) fn parse(words: &[String]) -> Result<Options, String> {
        let mut options = Options {
            queries: 100_000,
            seed: 20_261_128,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let into = match word.as_str() {
                "--queries" => &mut options.queries,
                "--seed" => &mut options.seed,
                other => return Err(format!("isolation has no option `{other}`")),
            };
            let number = words.next().and_then(|number| number.parse().ok());
            *into = number.ok_or_else(|| format!("`{word}` takes a number"))?;
        }
        Ok(options)
    }
}

/// Asks them.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<(), String> {
    let arguments = [
        "test",
        "--release",
        "--package",
        "query",
        "--test",
        "answers",
        "--",
        "--nocapture",
        "isolation::random",
    ];
    let mut command = workspace.command("cargo", &arguments, ".");
    command.env("TALLYBOOK_ISOLATION_QUERIES", options.queries.to_string());
    command.env("TALLYBOOK_ISOLATION_SEED", options.seed.to_string());
    workspace::run(command)
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
                seed: 7
            }
        );
        assert!(parse("--queries").is_err());
        assert!(parse("--queries many").is_err());
        assert!(parse("--people 3").is_err());
    }
}
