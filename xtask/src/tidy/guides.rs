//! The two pages a newcomer reads first say what is there.

use super::Finding;

pub(super) const ARCHITECTURE: &str = "ARCHITECTURE.md";
pub(super) const README: &str = "README.md";

const MAP_HEADING: &str = "code map";
const INVARIANT: &str = "Architecture Invariant";
const INVARIANTS: usize = 10;
const COMMANDS: [&str; 2] = ["cargo run --release -- demo", "cargo xtask check"];

/// The code map names exactly `crates`, and all invariants are there.
pub(super) fn check_architecture(text: Option<&str>, crates: &[&str]) -> Vec<Finding> {
    let Some(text) = text else {
        return vec![Finding::violation(ARCHITECTURE, 0, "does not exist")];
    };
    let mut messages = Vec::new();
    match mapped_crates(text) {
        None => messages.push("has no heading with the words \"Code map\"".to_owned()),
        Some(mapped) => {
            for name in crates.iter().filter(|name| !mapped.contains(name)) {
                messages.push(format!(
                    "the code map lacks `{name}`: write a row \"| `{name}` | … |\""
                ));
            }
            for (index, name) in mapped.iter().enumerate() {
                if !crates.contains(name) {
                    messages.push(format!(
                        "the code map names `{name}`, which is not under crates/"
                    ));
                }
                if mapped[..index].contains(name) {
                    messages.push(format!("the code map names `{name}` twice"));
                }
            }
        }
    }
    for number in 1..=INVARIANTS {
        if !text.lines().any(|line| states_invariant(line, number)) {
            messages.push(format!("lacks a line \"**{INVARIANT} {number}:** …\""));
        }
    }
    messages
        .into_iter()
        .map(|message| Finding::violation(ARCHITECTURE, 0, message))
        .collect()
}

/// Both commands are told.
pub(super) fn check_readme(text: Option<&str>) -> Vec<Finding> {
    let Some(text) = text else {
        return vec![Finding::violation(README, 0, "does not exist")];
    };
    let missing = COMMANDS
        .into_iter()
        .filter(|command| !text.contains(command));
    missing
        .map(|command| Finding::violation(README, 0, format!("does not tell `{command}`")))
        .collect()
}

/// The first cell of each row of the code map that is a crate's name in backquotes: `web/` and the
/// like, with a slash, are folders.
fn mapped_crates(text: &str) -> Option<Vec<&str>> {
    let is_heading = |line: &&str| line.starts_with('#');
    let mut lines = text
        .lines()
        .skip_while(|line| !is_heading(line) || !line.to_lowercase().contains(MAP_HEADING));
    let heading = lines.next()?;
    let depth = |line: &str| line.chars().take_while(|letter| *letter == '#').count();
    let section = lines.take_while(|line| !is_heading(line) || depth(line) > depth(heading));
    let rows = section.filter(|line| line.trim_start().starts_with('|'));
    Some(
        rows.filter_map(|row| row.split('|').find_map(crate_name))
            .collect(),
    )
}

fn crate_name(cell: &str) -> Option<&str> {
    let name = cell.trim().strip_prefix('`')?.strip_suffix('`')?;
    let is_name = name
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter == '-');
    (is_name && !name.is_empty()).then_some(name)
}

/// `**Architecture Invariant 3:** …` or `3. **Architecture Invariant:** …`.
fn states_invariant(line: &str, number: usize) -> bool {
    let Some((before, after)) = line.split_once(INVARIANT) else {
        return false;
    };
    let after = after.trim_start_matches([' ', '#']);
    let digits = after.len()
        - after
            .trim_start_matches(|letter: char| letter.is_ascii_digit())
            .len();
    if digits > 0 {
        return after[..digits] == number.to_string();
    }
    before.trim_start().starts_with(&format!("{number}."))
}
