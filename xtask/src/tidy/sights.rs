//! Who asks without being kept from anything: the places are few, and each is known.

use super::Finding;

const EVERYTHING: &str = "Sight::everything()";
/// How often each file says it.
const PLACES: [(&str, usize); 8] = [
    // Of it is taken what somebody may not see.
    ("crates/api/src/sight.rs", 1),
    // Which columns the views have.
    ("crates/api/src/sql.rs", 1),
    // Commands over a data directory: who can read the files can read everything.
    ("crates/tallybook/src/command/explain.rs", 1),
    ("crates/tallybook/src/command/query.rs", 1),
    ("crates/tallybook/src/command/redact/stored.rs", 1),
    ("crates/tallybook/src/command/replay.rs", 1),
    ("crates/tallybook/src/command/report.rs", 1),
    ("crates/tallybook/src/command/why.rs", 1),
];

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    // The crate that defines it uses it in tests and documentation.
    let is_ours = path.starts_with("crates/") && path.contains("/src/") && path.ends_with(".rs");
    if !is_ours || path.starts_with("crates/query/") || path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let known = PLACES.iter().find(|(place, _)| *place == path);
    let known = known.map_or(0, |(_, times)| *times);
    let lines = text.lines().zip(1..);
    let found = lines.filter(|(line, _)| line.contains(EVERYTHING));
    let found: Vec<usize> = found.map(|(_, number)| number).collect();
    let message = match found.len() {
        times if times == known => return Vec::new(),
        times if times < known => "does not ask for everything as often as tidy/sights.rs says",
        _ => "asks for everything: take the sight of who asks, or say in tidy/sights.rs why",
    };
    vec![Finding::violation(
        path,
        found.last().copied().unwrap_or(0),
        message,
    )]
}
