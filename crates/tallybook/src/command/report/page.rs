//! A report as a page for people.

use std::fmt::Write;

use query::catalogue::{TimeZone, row_term};
use serde_json::Value;

use crate::plain::{Align, Amount, Table, printable, quoted};

/// Longest line of conditions.
const CONDITIONS_CHARS_MAX: usize = 200;

/// The page of a report's document.
pub(crate) fn written(document: &Value) -> String {
    let mut out = head(document);
    let rows = list(&document["rows"]);
    let columns = list(&document["columns"]);
    if rows.is_empty() {
        out.push_str("Nothing in this range.\n");
        return out + &notes(document);
    }
    out.push_str(&table(document, columns, rows));
    let noun = if rows.len() == 1 { "row" } else { "rows" };
    let cut_off = match document["truncated"].as_bool() {
        Some(true) => {
            ", and more that were cut off; the totals are of all: raise --limit, or narrow with --where"
        }
        _ => "",
    };
    let _ = writeln!(
        out,
        "\n{} {noun} in {} ms{cut_off}",
        rows.len(),
        document["elapsed_ms"]
    );
    out.push_str(&notes(document));
    if let Some(id) = first_id(document, columns, &rows[0]) {
        let _ = writeln!(
            out,
            "How the first figure is computed: tallybook explain {}",
            quoted(&id)
        );
    }
    out
}

/// What, of when, by what, under which conditions.
fn head(document: &Value) -> String {
    let text = |key: &str| document[key].as_str().unwrap_or_default();
    let zone = zone(document);
    let wall = |key: &str| zone.wall(document[key].as_i64().unwrap_or_default());
    let mut out = format!("{}: {}\n", text("title"), text("about"));
    let _ = write!(out, "{} to {}, {zone}", wall("from_ms"), wall("to_ms"));
    let joined = |key: &str| {
        let words = list(&document[key]).iter().filter_map(Value::as_str);
        words.collect::<Vec<_>>().join(", ")
    };
    for (word, values) in [("by", joined("group_by")), ("where", joined("where"))] {
        if !values.is_empty() {
            let _ = write!(out, "; {word} {}", printable(&values, CONDITIONS_CHARS_MAX));
        }
    }
    out + "\n\n"
}

fn zone(document: &Value) -> TimeZone {
    let name = document["time_zone"].as_str().unwrap_or_default();
    name.parse().unwrap_or_default()
}

fn table(document: &Value, columns: &[Value], rows: &[Value]) -> String {
    let currency = document["currency"].as_str().unwrap_or("USD");
    let totals = &document["totals"];
    let name = |column: &Value| column["name"].as_str().unwrap_or_default().to_owned();
    let amounts: Vec<(String, Amount)> = columns
        .iter()
        .map(|column| {
            let name = name(column);
            let figures = rows.iter().chain([totals]).map(|row| &row[&name]);
            let amount = Amount::of(column["unit"].as_str().unwrap_or("text"), currency, figures);
            (name, amount.in_zone(zone(document)))
        })
        .collect();
    let heads = columns.iter().zip(&amounts).map(|(column, (_, amount))| {
        let align = if amount.is_number() {
            Align::Right
        } else {
            Align::Left
        };
        (
            column["title"].as_str().unwrap_or_default().to_owned(),
            align,
        )
    });
    let mut table = Table::new(heads.collect());
    for row in rows {
        table.row(
            amounts
                .iter()
                .map(|(name, amount)| amount.write(&row[name]))
                .collect(),
        );
    }
    let grouped = columns
        .iter()
        .filter(|column| column["kind"] == "dimension")
        .count();
    if grouped > 0 {
        let cells = amounts
            .iter()
            .enumerate()
            .map(|(place, (name, amount))| match place {
                0 => "Total".to_owned(),
                place if place < grouped => String::new(),
                _ => amount.write(&totals[name]),
            });
        table.totals(cells.collect());
    }
    table.written()
}

fn notes(document: &Value) -> String {
    let notes = list(&document["notes"]).iter().filter_map(Value::as_str);
    notes.map(|note| format!("Note: {note}\n")).collect()
}

/// The id of the first figure of the first row.
fn first_id(document: &Value, columns: &[Value], row: &Value) -> Option<String> {
    let kind = |wanted: &'static str| {
        columns
            .iter()
            .filter(move |column| column["kind"] == wanted)
    };
    let measure = kind("measure").next()?["name"].as_str()?;
    let mut id = format!(
        "{}.{measure}@{}",
        document["report"].as_str()?,
        document["asked_of_rows"].as_str()?
    );
    for dimension in kind("dimension") {
        let name = dimension["name"].as_str()?;
        let value = match &row[name] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        id.push_str(&row_term(name, value.as_deref()));
    }
    Some(id)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
