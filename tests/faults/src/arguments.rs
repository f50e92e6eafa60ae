//! The command line.

use crate::rows::{ROWS, Row};
use crate::scene::Form;

pub(crate) const USAGE: &str = "\
Harms the running server in every way of docs/reliability.md: cargo xtask faults [OPTIONS]

  --short           every row in a reduced number: under 8 minutes (the default)
  --long            at least 1,000 random kills, every ordinal, 240 power cuts: hours
  --only ROW[,ROW]  only these rows
  --cycles N        so many cycles of each row
  --seed N          decides what is sent and when harm is done
  --write           write the table to docs/reliability.md
  --list            what the rows are

It ends with 1 when a row fails, keeps that row's folder, and says how to run it again.
";

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) form: Form,
    pub(crate) rows: Vec<&'static Row>,
    pub(crate) cycles: Option<u64>,
    pub(crate) seed: u64,
    pub(crate) write: bool,
    pub(crate) list: bool,
}

impl Arguments {
    /// The arguments of a command line; fails with what is wrong about it.
    pub(crate) fn parse(words: &[String]) -> Result<Arguments, String> {
        let mut arguments = Arguments {
            form: Form::Short,
            rows: ROWS.iter().collect(),
            cycles: None,
            seed: 1,
            write: false,
            list: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--short" => arguments.form = Form::Short,
                "--long" => arguments.form = Form::Long,
                "--only" => arguments.rows = rows(value()?)?,
                "--cycles" => arguments.cycles = Some(number(value()?)?.max(1)),
                "--seed" => arguments.seed = number(value()?)?,
                "--write" => arguments.write = true,
                "--list" => arguments.list = true,
                _ => return Err(format!("{word} is not known")),
            }
        }
        Ok(arguments)
    }
}

fn rows(names: &str) -> Result<Vec<&'static Row>, String> {
    let known = || {
        ROWS.iter()
            .map(|row| row.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let find = |name: &str| {
        let found = ROWS.iter().find(|row| row.name == name.trim());
        found.ok_or_else(|| format!("no row `{name}`; the rows are {}", known()))
    };
    names.split(',').map(find).collect()
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn what_is_asked_for_is_run_and_unknown_words_are_refused() {
        let arguments = parse("--long --only terminate,kill-random --seed 9").expect("understood");
        let names: Vec<_> = arguments.rows.iter().map(|row| row.name).collect();
        assert_eq!(names, ["terminate", "kill-random"]);
        assert_eq!((arguments.form, arguments.seed), (Form::Long, 9));
        assert_eq!(parse("").expect("understood").rows.len(), ROWS.len());
        for line in ["--only", "--only nothing", "--seed x", "--cycles", "--fast"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
