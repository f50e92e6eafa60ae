//! The table at the end, and its place in docs/reliability.md.

use std::path::Path;
use std::time::Duration;

use testkit::Problem;

use crate::arguments::Arguments;
use crate::rows::ROWS;
use crate::runner::{Outcome, Verdict};
use crate::scene::Form;

const BEGIN: &str = "<!-- the table of `cargo xtask faults --write` begins -->";
/// Some rows have one to say in every cycle.
const NOTES_SHOWN: usize = 2;
const END: &str = "<!-- the table ends -->";

const HEAD: &str = "\
| row | cycles | issued | acknowledged | stored | lost | duplicated | un-startable | worst time to first \
durable acknowledgement | took | when | verdict |
|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// All outcomes as lines of a table, without its head.
pub(crate) fn lines(arguments: &Arguments, outcomes: &[Outcome]) -> Result<Vec<String>, Problem> {
    let form = match arguments.form {
        Form::Short => "short",
        Form::Long => "long",
    };
    let date = crate::machine::run("date", &["-u", "+%Y-%m-%d"])?;
    let when = format!("{form}, {}, seed {}", date.trim(), arguments.seed);
    Ok(outcomes
        .iter()
        .map(|outcome| line(outcome, &when))
        .collect())
}

fn line(outcome: &Outcome, when: &str) -> String {
    let tally = &outcome.tally;
    let mut verdict = match &outcome.verdict {
        Verdict::Passed => "PASS".to_owned(),
        Verdict::Failed(_) => "**FAIL**".to_owned(),
        Verdict::NotRun { reason, .. } => format!("**NOT RUN**: {reason}"),
    };
    for note in tally.notes.iter().take(NOTES_SHOWN) {
        verdict = format!("{verdict}; {note}");
    }
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {when} | {verdict} |",
        outcome.row,
        tally.cycles,
        tally.issued,
        tally.acknowledged,
        tally.stored,
        tally.lost,
        tally.duplicated,
        tally.unstartable,
        time_of(tally.slowest_start),
        time_of(outcome.took),
    )
}

/// Lines with the head above them.
pub(crate) fn markdown(lines: &[String]) -> String {
    format!("{HEAD}{}\n", lines.join("\n"))
}

fn time_of(time: Duration) -> String {
    match time.as_secs() {
        0 if time.is_zero() => "–".to_owned(),
        0..10 => format!("{:.2} s", time.as_secs_f64()),
        10..120 => format!("{} s", time.as_secs()),
        seconds => format!("{} min", seconds / 60),
    }
}

/// Puts the lines where the project keeps its table: they take the place of those of the same rows.
pub(crate) fn write(lines: &[String]) -> Result<(), Problem> {
    let page = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reliability.md"
    ));
    let text = std::fs::read_to_string(page)?;
    let kernel = crate::machine::run("uname", &["-sr"])?;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let machine = format!("Last written on {cores} cores, {}.", kernel.trim());
    Ok(std::fs::write(page, replaced(&text, &machine, lines)?)?)
}

fn replaced(text: &str, machine: &str, new: &[String]) -> Result<String, Problem> {
    let places = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (old, after) = rest.split_once(END)?;
        Some((before, old, after))
    });
    let (before, old, after) =
        places.ok_or_else(|| Problem::new("docs/reliability.md has no place for the table"))?;
    let of_row = |name: &str| {
        let begin = format!("| {name} |");
        let is_it = |line: &&str| line.starts_with(&begin);
        let new = new.iter().map(String::as_str).find(is_it);
        new.or_else(|| old.lines().find(is_it)).map(str::to_owned)
    };
    let lines: Vec<String> = ROWS.iter().filter_map(|row| of_row(row.name)).collect();
    let table = markdown(&lines);
    Ok(format!("{before}{BEGIN}\n{machine}\n\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_take_the_place_of_those_of_the_same_rows() {
        let old = [
            "| kill-random | 1 |",
            "| a row of old | 1 |",
            "| terminate | 1 |",
        ];
        let text = format!("above\n{BEGIN}\n{}\n{END}\nbelow\n", old.join("\n"));
        let new = [
            "| terminate | 2 |".to_owned(),
            "| clock-jumps | 2 |".to_owned(),
        ];
        let lines = [
            "| kill-random | 1 |".to_owned(),
            new[0].clone(),
            new[1].clone(),
        ];
        let expected = format!("above\n{BEGIN}\nhere\n\n{}{END}\nbelow\n", markdown(&lines));
        assert_eq!(replaced(&text, "here", &new).expect("a place"), expected);
        assert!(replaced("nothing", "here", &new).is_err());
    }
}
