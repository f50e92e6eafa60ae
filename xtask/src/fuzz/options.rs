//! The command line of `cargo xtask fuzz`.

use std::path::PathBuf;

/// How long each target runs, in seconds, where nothing else is said.
const SECONDS: u32 = 60;
const SHORT_SECONDS: u32 = 10;

pub(crate) const USAGE: &str = "\
Fuzzes what strangers' bytes reach: cargo xtask fuzz [OPTIONS]

  --target T[,T]   only these targets; the folders of fuzz/corpus are their names
  --seconds S      how long each target runs (60)
  --short          10 seconds each, from the committed inputs alone: what CI runs
  --write          write the figures to docs/fuzzing.md
  --input FILE     run this input through the target and show what breaks
  --seed-corpus    rewrite fuzz/corpus from the recorded requests
  --absorb         add to fuzz/corpus what earlier runs found here
";

/// What is to be done, and over which targets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// None means all.
    pub(super) targets: Vec<String>,
    pub(super) task: Task,
    pub(super) write: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    Run { seconds: u32, is_short: bool },
    Input(PathBuf),
    SeedCorpus,
    Absorb,
}

impl Options {
    /// What the check runs.
    pub(crate) fn short() -> Self {
        let (seconds, is_short) = (SHORT_SECONDS, true);
        Self {
            targets: Vec::new(),
            task: Task::Run { seconds, is_short },
            write: false,
        }
    }

    /// Reads the words; the error says what is wrong with them.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut targets = Vec::new();
        let (mut seconds, mut is_short, mut write) = (None, false, false);
        let mut other = None;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--target" => targets.extend(value()?.split(',').map(str::to_owned)),
                "--seconds" => {
                    let text = value()?;
                    let number = text.parse().ok().filter(|seconds| *seconds > 0);
                    seconds = Some(number.ok_or(format!("{text} is not a number of seconds"))?);
                }
                "--short" => is_short = true,
                "--write" => write = true,
                "--input" => other = Some(Task::Input(PathBuf::from(value()?))),
                "--seed-corpus" => other = Some(Task::SeedCorpus),
                "--absorb" => other = Some(Task::Absorb),
                _ => return Err(format!("`fuzz` has no option `{word}`")),
            }
        }
        let usual = if is_short { SHORT_SECONDS } else { SECONDS };
        if matches!(other, Some(Task::Input(_))) && targets.len() != 1 {
            return Err("--input needs the one --target that it is for".to_owned());
        }
        let task = other.unwrap_or(Task::Run {
            seconds: seconds.unwrap_or(usual),
            is_short,
        });
        Ok(Self {
            targets,
            task,
            write,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn the_words_are_understood_or_refused() {
        let options = parse("--short --target sql,cost").expect("understood");
        assert_eq!(options.targets, ["sql", "cost"]);
        let (seconds, is_short) = (SHORT_SECONDS, true);
        assert_eq!(options.task, Task::Run { seconds, is_short });
        let (seconds, is_short) = (5, false);
        let options = parse("--seconds 5 --write").expect("understood");
        assert!(options.write);
        assert_eq!(options.task, Task::Run { seconds, is_short });
        for line in [
            "--fast",
            "--seconds",
            "--seconds 0",
            "--input x",
            "--target",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
