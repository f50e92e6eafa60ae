//! The results, for people (Markdown that is readable as it is) and for programs (JSON).

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::json;
use testkit::Problem;

use crate::checks::POINTS;
use crate::suite::{Row, Verdict, tally, title};

/// What is cut from the end of what was seen, in a table for people.
const SEEN_CHARS_MAX: usize = 90;

/// Between these lines of the guide stands the latest run.
const BEGIN: &str = "<!-- latest run: written by cargo xtask conformance --write -->";
const END: &str = "<!-- end of the latest run -->";

impl Verdict {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::NotApplicable => "not applicable",
        }
    }
}

/// One line for each row, then one for each point.
pub fn markdown(rows: &[Row]) -> String {
    let mut out = String::from("| point | check | way | verdict | seen |\n|---|---|---|---|---|\n");
    for row in rows {
        // Writing to memory does not fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            row.point,
            row.check,
            row.way,
            row.verdict.word(),
            short(&row.seen)
        );
    }
    out.push('\n');
    out.push_str(&by_point(rows));
    out
}

/// One line for each point that was asked, and the sum.
pub fn by_point(rows: &[Row]) -> String {
    let mut out = String::from(
        "| point | what is asked | passed | failed | not applicable |\n|---|---|---|---|---|\n",
    );
    for (point, title) in POINTS {
        let of_point: Vec<Row> = rows
            .iter()
            .filter(|row| row.point == point)
            .cloned()
            .collect();
        if of_point.is_empty() {
            continue;
        }
        let [passed, failed, not_applicable] = tally(&of_point);
        let _ = writeln!(
            out,
            "| {point} | {title} | {passed} | {failed} | {not_applicable} |"
        );
    }
    let [passed, failed, not_applicable] = tally(rows);
    let _ = writeln!(
        out,
        "| | **all** | **{passed}** | **{failed}** | **{not_applicable}** |"
    );
    out
}

/// The rows that failed, a line each.
pub fn failures(rows: &[Row]) -> String {
    let failed = rows.iter().filter(|row| row.verdict == Verdict::Failed);
    failed
        .map(|row| format!("{} {} ({}): {}\n", row.point, row.check, row.way, row.seen))
        .collect()
}

/// All rows as one array of objects.
pub fn json(rows: &[Row]) -> String {
    let rows = rows.iter().map(|row| {
        json!({
            "point": row.point,
            "title": title(row.point),
            "check": row.check,
            "way": row.way.to_string(),
            "verdict": row.verdict.word().to_lowercase(),
            "seen": row.seen,
        })
    });
    format!("{:#}\n", serde_json::Value::from(rows.collect::<Vec<_>>()))
}

/// Puts `text` between the marks of the guide.
///
/// # Errors
///
/// When the guide is not there or has no marks.
pub fn write_guide(text: &str) -> Result<(), Problem> {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/conformance.md"
    ));
    let guide = std::fs::read_to_string(&path)?;
    let parts = guide.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) =
        parts.ok_or_else(|| Problem::new("docs/conformance.md has no place for the latest run"))?;
    Ok(std::fs::write(
        path,
        format!("{before}{BEGIN}\n\n{text}\n{END}{after}"),
    )?)
}

fn short(seen: &str) -> String {
    let plain = seen.replace('|', "\\|").replace(['\n', '\r'], " ");
    match plain.char_indices().nth(SEEN_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &plain[..at]),
        None => plain,
    }
}
