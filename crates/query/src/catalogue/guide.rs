//! The catalogue as a document: what `docs/reports.md` says of each report.

use std::fmt::Write;

use super::report::{Parts, Report, Unit};
use super::reports::REPORTS;

/// Every report as Markdown: question, definition, signals, breakdowns, figures, and what is left out.
pub fn documentation() -> String {
    let mut out = String::new();
    for report in REPORTS {
        // Writing to a text cannot fail.
        let _ = chapter(&mut out, report);
    }
    out
}

fn chapter(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "\n## {}\n\n**{}**\n", report.name, report.about)?;
    writeln!(out, "{}\n", flowing(report.definition))?;
    let signals: Vec<String> = report.signals.iter().map(|text| flowing(text)).collect();
    writeln!(out, "Made of: {}.\n", signals.join("; "))?;
    let usual: Vec<String> = report.usual_group_by.iter().map(|own| code(own)).collect();
    let dimensions: Vec<String> = report.dimensions.iter().map(|own| code(own.name)).collect();
    writeln!(
        out,
        "Broken down and filtered by {}; usually by {}.\n",
        dimensions.join(", "),
        usual.join(", ")
    )?;
    for own in report.dimensions.iter().filter(|own| !is_common(own.name)) {
        writeln!(out, "- {}: {}", code(own.name), flowing(own.about))?;
    }
    writeln!(
        out,
        "\n| figure | what it says | in | parts |\n|---|---|---|---|"
    )?;
    for own in report.measures {
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            code(own.name),
            flowing(own.about),
            unit(own.unit),
            parts(own.parts)
        )?;
    }
    writeln!(out, "\nNot counted:\n")?;
    for own in report.exclusions {
        writeln!(out, "- {}: {}", own.what, own.why)?;
    }
    Ok(())
}

/// Dimensions that the introduction explains once.
fn is_common(name: &str) -> bool {
    const COMMON: &[&str] = &[
        "person",
        "team",
        "department",
        "cost_center",
        "organization_id",
        "product",
        "app_version",
        "model",
        "day",
        "week",
        "month",
        "hour",
        "weekday",
        "session_id",
    ];
    COMMON.contains(&name)
}

fn code(name: &str) -> String {
    format!("`{name}`")
}

/// Text of several lines of source as one.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Usd => "USD",
        Unit::Currency => "the currency of the settings",
        Unit::Tokens => "tokens",
        Unit::Count => "",
        Unit::Ms => "ms",
        Unit::Seconds => "s",
        Unit::Bytes => "bytes",
        Unit::Share => "0 to 1",
        Unit::Time => "a moment",
        Unit::Text => "words",
    }
}

fn parts(parts: Parts) -> &'static str {
    match parts {
        Parts::Sum => "add up",
        Parts::Distinct => "distinct",
        Parts::Mean => "mean",
        Parts::Greatest => "greatest",
        Parts::Least => "least",
        Parts::Other => "",
    }
}
