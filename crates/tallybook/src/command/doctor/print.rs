//! The findings for people and for machines.

use std::fmt::Write;
use std::io::IsTerminal;

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use super::finding::{Finding, Status};
use crate::cli::PlainFormat;
use crate::failure::Failure;

/// The widest line of a sentence.
const WIDTH: usize = 78;

/// Everything, as one document.
#[derive(Serialize)]
struct Document<'a> {
    /// The version of this program.
    version: &'static str,
    /// Whether nothing has failed.
    healthy: bool,
    findings: &'a [Finding],
}

pub(super) fn findings(findings: &[Finding], format: PlainFormat) -> Result<String, Failure> {
    match format {
        PlainFormat::Text => Ok(text(findings, std::io::stdout().is_terminal())),
        PlainFormat::Json => {
            let document = Document {
                version: env!("CARGO_PKG_VERSION"),
                healthy: count(findings, Status::Failed) == 0,
                findings,
            };
            serde_json::to_string_pretty(&document).map_err(Failure::failed)
        }
    }
}

fn count(findings: &[Finding], status: Status) -> usize {
    findings
        .iter()
        .filter(|finding| finding.status == status)
        .count()
}

/// A line a check, and the lines that say how to mend it below.
fn text(findings: &[Finding], is_coloured: bool) -> String {
    let name = |finding: &Finding| finding.check.replace('_', " ");
    let width = findings
        .iter()
        .map(|finding| name(finding).len())
        .max()
        .unwrap_or_default();
    let indent = " ".repeat(9 + 2 + width + 2);
    let mut out = String::new();
    for finding in findings {
        let (word, style) = match finding.status {
            Status::Ok => ("ok", AnsiColor::Green.on_default()),
            Status::Skipped => ("skipped", Style::new().dimmed()),
            Status::Warning => ("warning", AnsiColor::Yellow.on_default().bold()),
            Status::Failed => ("failed", AnsiColor::Red.on_default().bold()),
        };
        let style = if is_coloured { style } else { Style::new() };
        let mut seen = wrapped(&printable(&finding.seen)).into_iter();
        let first = seen.next().unwrap_or_default();
        let _ = writeln!(
            out,
            "  {style}{word:<7}{style:#}  {:<width$}  {first}",
            name(finding)
        );
        let mend = finding
            .mend
            .iter()
            .flat_map(|mend| wrapped(&format!("→ {}", printable(mend))));
        for line in seen.chain(mend) {
            let _ = writeln!(out, "{indent}{line}");
        }
    }
    let _ = write!(
        out,
        "\n{} ok, {} skipped, {} warnings, {} failed",
        count(findings, Status::Ok),
        count(findings, Status::Skipped),
        count(findings, Status::Warning),
        count(findings, Status::Failed)
    );
    out
}

/// Names of files and reasons in the quarantine may hold anything.
fn printable(text: &str) -> String {
    let plain = |symbol: char| {
        if query::render::moves(symbol) {
            ' '
        } else {
            symbol
        }
    };
    text.chars().map(plain).collect()
}

/// Lines of at most [`WIDTH`] characters, but for longer words.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_a_line_a_check_and_below_it_what_to_do() {
        let findings = [
            Finding::ok("clock", "right"),
            Finding::failed("disk_sync", "1 of\n2", "word ".repeat(20)),
        ];
        let expect = format!(
            "  ok       clock      right\n  failed   disk sync  1 of 2\n{0}→ {1}\n{0}{2}\n\n\
             1 ok, 0 skipped, 0 warnings, 1 failed",
            " ".repeat(22),
            ["word"; 15].join(" "),
            ["word"; 5].join(" "),
        );
        assert_eq!(text(&findings, false), expect);
        assert!(text(&findings, true).contains("\u{1b}[32mok"));
    }

    #[test]
    fn machines_get_one_document() {
        let found = [Finding::skipped("quarantine", "no server")];
        let text = findings(&found, PlainFormat::Json).expect("writes");
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let expect = serde_json::json!({"version": env!("CARGO_PKG_VERSION"), "healthy": true,
            "findings": [{"check": "quarantine", "status": "skipped", "seen": "no server"}]});
        assert_eq!(document, expect);
    }
}
