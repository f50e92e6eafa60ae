//! What reports lose when old items are reduced to their figures (`[retention]` `events_days`).
//!
//! Everything else of the catalogue gives the same figures before and after: a test asks every report by
//! every dimension.

use chrono::{DateTime, SecondsFormat};

use super::ask::Ask;

/// Dimensions and figures, by report; `*` is every one.
const LOST: &[(&str, &str)] = &[
    ("*", "folders"),
    ("workspaces", "*"),
    ("coverage", "content"),
];

/// Whether a dimension or figure of a report says nothing of reduced items.
pub fn lost(report: &str, column: &str) -> bool {
    let is = |known: &str, asked: &str| known == "*" || known == asked;
    LOST.iter()
        .any(|(of, name)| is(of, report) && is(name, column))
}

/// What an answer says of that.
pub(super) fn note(ask: &Ask, reduced_before_ms: Option<i64>) -> Option<String> {
    let before_ms = reduced_before_ms.filter(|before_ms| ask.range.from_ms < *before_ms)?;
    let report = ask.report;
    let grouped = ask.group_by.iter().map(|dimension| dimension.name);
    let filtered = ask.conditions.iter().map(|condition| condition.dimension);
    let figures = ask.measures().map(|measure| measure.name);
    let mut names: Vec<&str> = Vec::new();
    for name in grouped.chain(filtered).chain(figures) {
        if lost(report.name, name) && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return None;
    }
    let before = DateTime::from_timestamp_millis(before_ms)?;
    Some(format!(
        "Items before {} may be reduced to their figures (retention): of these there is no {}.",
        before.to_rfc3339_opts(SecondsFormat::Secs, true),
        names.join(", ")
    ))
}
