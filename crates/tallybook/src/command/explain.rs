//! `tallybook explain`: how one figure of a report is computed.

use std::fmt::Write;

use query::catalogue::{NumberId, TimeZone};
use query::{Engine, Sight};
use serde_json::Value;

use super::figure::{self, list, texts};
use super::now_ms;
use crate::cli::{ExplainArgs, LogArgs};
use crate::failure::Failure;
use crate::plain::{Align, Amount, Table, printable};

/// How wide the sample of rows may be, and a cell of it.
const SAMPLE_CHARS_MAX: usize = 110;
const CELL_CHARS_MAX: usize = 28;
/// Rows of the sample that are shown; JSON has them all.
const SAMPLE_ROWS_MAX: usize = 8;

pub(crate) fn run(args: ExplainArgs, log: &LogArgs) -> Result<(), Failure> {
    let asked = [("id", args.id.as_str())];
    let of_directory = async |engine: &Engine| {
        let id = NumberId::read(&args.id, now_ms(engine)).map_err(Failure::usage)?;
        // Who can read the files can read everything.
        let question = engine.question(Sight::everything());
        let explanation = query::catalogue::explain(&question, &id).await;
        explanation.map_err(Failure::failed)
    };
    figure::run(
        log,
        &args.source,
        args.format,
        ("explain", &asked),
        of_directory,
        written,
    )
}

/// The explanation for people.
fn written(explanation: &Value) -> String {
    let text = |key: &str| explanation[key].as_str().unwrap_or_default();
    let figure = &explanation["figure"];
    let (title, about) = (whole(&figure["title"]), whole(&figure["about"]));
    let unit = figure["unit"].as_str().unwrap_or("text");
    let value = &explanation["value"];
    let zone: TimeZone = text("time_zone").parse().unwrap_or_default();
    let amount = Amount::of(unit, text("currency"), [value].into_iter()).in_zone(zone);
    let wall = |key: &str| zone.wall(explanation[key].as_i64().unwrap_or_default());
    let mut out = format!(
        "{title}, report {}: {}\n{about}\n",
        text("report"),
        amount.write(value)
    );
    let _ = writeln!(out, "{} to {}, {zone}", wall("from_ms"), wall("to_ms"));
    for condition in texts(&explanation["where"]) {
        let _ = writeln!(out, "where {}", printable(condition, usize::MAX));
    }
    let _ = writeln!(out, "{}", printable(text("id"), usize::MAX));
    section(&mut out, "How it is computed", &[text("definition")]);
    section(&mut out, "Signals", &texts(&explanation["signals"]));
    section(
        &mut out,
        "SQL; tallybook query gives the same",
        &[text("sql")],
    );
    rows(&mut out, &explanation["rows"]);
    exclusions(&mut out, &explanation["exclusions"]);
    let settings = list(&explanation["settings"]).iter();
    let settings: Vec<String> = settings
        .map(|one| format!("{}: {}", whole(&one["name"]), whole(&one["value"])))
        .collect();
    section(&mut out, "Settings", &settings);
    section(&mut out, "Notes", &texts(&explanation["notes"]));
    let _ = writeln!(out, "\nMore: {}", text("documentation"));
    out
}

fn section(out: &mut String, title: &str, lines: &[impl AsRef<str>]) {
    if lines.is_empty() {
        return;
    }
    // Writing to a text cannot fail.
    let _ = writeln!(out, "\n{title}");
    for line in lines.iter().flat_map(|text| text.as_ref().lines()) {
        let _ = writeln!(out, "  {}", printable(line, usize::MAX));
    }
}

fn rows(out: &mut String, rows: &Value) {
    let sql = rows["sql"].as_str().unwrap_or_default();
    let count = Amount::of("count", "", std::iter::empty()).write(&rows["count"]);
    section(out, &format!("Rows behind it: {count}"), &[sql]);
    let sample = list(&rows["sample"]);
    let shown = &sample[..sample.len().min(SAMPLE_ROWS_MAX)];
    let columns = columns_that_fit(&texts(&rows["columns"]), shown);
    if shown.is_empty() || columns.is_empty() {
        return;
    }
    let heads = columns.iter().map(|name| ((*name).to_owned(), Align::Left));
    let mut table = Table::new(heads.collect());
    for row in shown {
        table.row(columns.iter().map(|name| cell(&row[*name])).collect());
    }
    section(
        out,
        "The newest of them, without content",
        &[table.written()],
    );
}

/// The columns that say something, as many as a terminal has room for.
fn columns_that_fit<'c>(columns: &[&'c str], rows: &[Value]) -> Vec<&'c str> {
    let mut room = SAMPLE_CHARS_MAX;
    let mut fitting = Vec::new();
    for name in columns {
        let cells = rows.iter().filter(|row| !row[*name].is_null());
        let Some(widest) = cells.map(|row| cell(&row[*name]).chars().count()).max() else {
            continue;
        };
        let width = widest.max(name.chars().count()) + 2;
        if width > room {
            break;
        }
        room -= width;
        fitting.push(*name);
    }
    fitting
}

fn exclusions(out: &mut String, exclusions: &Value) {
    let lines: Vec<String> = list(exclusions)
        .iter()
        .map(|one| {
            let scope = match one["narrowed"].as_bool() {
                Some(false) => " (in the range, whatever the conditions)",
                _ => "",
            };
            let (what, why) = (whole(&one["what"]), whole(&one["why"]));
            format!(
                "{} {what}{scope}: {why}\n  {}",
                one["count"],
                whole(&one["sql"])
            )
        })
        .collect();
    section(out, "What does not count, with its rows", &lines);
}

fn whole(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default(), usize::MAX)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text, CELL_CHARS_MAX),
        other => other.to_string(),
    }
}
