//! The table at the end, and its place in docs/reliability.md.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use testkit::Problem;

use crate::arguments::Arguments;
use crate::runner::{Outcome, Verdict};
use crate::scene::Form;

const BEGIN: &str = "<!-- the table of `cargo xtask faults --write` begins -->";
const END: &str = "<!-- the table ends -->";

/// All outcomes as Markdown.
pub(crate) fn markdown(outcomes: &[Outcome]) -> String {
    let mut out = String::from(
        "| row | cycles | issued | acknowledged | stored | lost | duplicated | un-startable | \
         worst time to first durable acknowledgement | took | verdict |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for outcome in outcomes {
        let tally = &outcome.tally;
        let mut verdict = match &outcome.verdict {
            Verdict::Passed => "PASS".to_owned(),
            Verdict::Failed(_) => "**FAIL**".to_owned(),
            Verdict::NotRun { reason, .. } => format!("**NOT RUN**: {reason}"),
        };
        for note in &tally.notes {
            let _ = write!(verdict, "; {note}");
        }
        // Writing to a text does not fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {verdict} |",
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
        );
    }
    out
}

fn time_of(time: Duration) -> String {
    match time.as_secs() {
        0 if time.is_zero() => "–".to_owned(),
        0..10 => format!("{:.2} s", time.as_secs_f64()),
        10..120 => format!("{} s", time.as_secs()),
        seconds => format!("{} min", seconds / 60),
    }
}

/// Puts the table where the project keeps it.
pub(crate) fn write(arguments: &Arguments, table: &str) -> Result<(), Problem> {
    let page = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reliability.md"
    ));
    let text = std::fs::read_to_string(page)?;
    let about = about(arguments)?;
    Ok(std::fs::write(
        page,
        replaced(&text, &format!("{about}\n\n{table}"))?,
    )?)
}

fn about(arguments: &Arguments) -> Result<String, Problem> {
    let form = match arguments.form {
        Form::Short => "short",
        Form::Long => "long",
    };
    let date = crate::machine::run("date", &["-u", "+%Y-%m-%d"])?;
    let kernel = crate::machine::run("uname", &["-sr"])?;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    Ok(format!(
        "The {form} form, {}, {cores} cores, {}, seed {}.",
        date.trim(),
        kernel.trim(),
        arguments.seed
    ))
}

fn replaced(text: &str, table: &str) -> Result<String, Problem> {
    let places = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        places.ok_or_else(|| Problem::new("docs/reliability.md has no place for the table"))?;
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_replaces_the_one_before_and_nothing_else() {
        let text = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let new = replaced(&text, "new\n").expect("a place");
        assert_eq!(new, format!("above\n{BEGIN}\nnew\n{END}\nbelow\n"));
        assert_eq!(replaced(&new, "new\n").expect("a place"), new);
        assert!(replaced("nothing", "new").is_err());
    }
}
