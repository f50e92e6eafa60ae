//! `tallybook why`: what makes the difference between a range and its baseline.

use std::fmt::Write;

use query::catalogue::{DifferenceWanted, TimeZone};
use query::{Engine, Sight};
use serde_json::Value;

use super::figure::{self, list, texts};
use super::now_ms;
use crate::cli::{LogArgs, WhyArgs};
use crate::failure::Failure;
use crate::plain::{Align, Amount, Table, printable};

/// How long a value may be.
const VALUE_CHARS_MAX: usize = 48;

pub(crate) fn run(args: WhyArgs, log: &LogArgs) -> Result<(), Failure> {
    let asked = ("why", parameters(&args));
    let of_directory = async |engine: &Engine| {
        let wanted = DifferenceWanted {
            id: args.id.clone(),
            against: args.within.is_some().then(|| "rest".to_owned()),
            within: args.within.clone(),
            by: args.by.clone(),
            people: args.people,
        };
        // Who can read the files can read everything.
        let question = engine.question(Sight::everything());
        let difference = query::catalogue::why(&question, &wanted, now_ms(engine)).await;
        difference.map_err(Failure::failed)
    };
    figure::run(
        log,
        &args.source,
        args.format,
        (asked.0, &asked.1),
        of_directory,
        written,
    )
}

fn parameters(args: &WhyArgs) -> Vec<(&str, &str)> {
    let mut parameters = vec![("id", args.id.as_str())];
    if let Some(within) = &args.within {
        parameters.extend([("against", "rest"), ("within", within)]);
    }
    parameters.extend(args.by.as_deref().map(|by| ("by", by)));
    parameters.extend(args.people.then_some(("people", "true")));
    parameters
}

/// The difference for people.
fn written(told: &Value) -> String {
    let text = |key: &str| told[key].as_str().unwrap_or_default();
    let figure = &told["figure"];
    let zone: TimeZone = text("time_zone").parse().unwrap_or_default();
    let sides = [&told["selection"]["value"], &told["baseline"]["value"]];
    let unit = figure["unit"].as_str().unwrap_or("text");
    let amount = Amount::of(unit, text("currency"), sides.into_iter());
    let wall = |side: &str, end: &str| zone.wall(told[side][end].as_i64().unwrap_or_default());
    let title = printable(figure["title"].as_str().unwrap_or_default(), usize::MAX);
    let mut out = format!("{title}, report {}\n", text("report"));
    let other = match text("against") {
        "rest" => "The rest of",
        _ => "Before",
    };
    for (side, name) in [("selection", "Selected"), ("baseline", other)] {
        // Writing to a text cannot fail.
        let _ = writeln!(
            out,
            "{name}: {}, {} to {}, {zone}",
            amount.write(&told[side]["value"]),
            wall(side, "from_ms"),
            wall(side, "to_ms"),
        );
    }
    let _ = writeln!(out, "Difference: {}", amount.write(&told["difference"]));
    for condition in texts(&told["where"]) {
        let _ = writeln!(out, "where {}", printable(condition, usize::MAX));
    }
    for dimension in list(&told["dimensions"]) {
        let _ = writeln!(out, "\n{}", table(dimension, &amount));
    }
    if told["people_left_out"].as_bool().unwrap_or(false) {
        let _ = writeln!(out, "People are not told apart: --people does.");
    }
    for note in texts(&told["notes"]) {
        let _ = writeln!(out, "{note}");
    }
    out
}

fn table(dimension: &Value, amount: &Amount) -> String {
    let title = dimension["title"].as_str().unwrap_or_default();
    let heads = [title, "Selected", "Baseline", "Difference", "Share"];
    let heads = heads.iter().enumerate().map(|(at, head)| {
        let align = if at == 0 { Align::Left } else { Align::Right };
        ((*head).to_owned(), align)
    });
    let mut table = Table::new(heads.collect());
    let figures = |of: &Value| {
        let share = of["share"].as_f64();
        let share = share.map_or_else(
            || "–".to_owned(),
            |share| {
                // Adding nothing makes a zero of a minus zero.
                format!("{:.0} %", (share * 100.0).round() + 0.0)
            },
        );
        let figures = ["selection", "baseline", "difference"].map(|name| amount.write(&of[name]));
        [figures.to_vec(), vec![share]].concat()
    };
    for value in list(&dimension["values"]) {
        let name = value["value"].as_str().unwrap_or("none");
        table.row([vec![printable(name, VALUE_CHARS_MAX)], figures(value)].concat());
    }
    let others = &dimension["others"];
    if !others.is_null() {
        let name = format!("{} others", others["count"]);
        table.row([vec![name], figures(others)].concat());
    }
    table.written()
}
