//! Modules are named for the domain, never for the kind of thing in them, and say what they are for.

use super::Finding;
use super::rust_text::without_comments_and_literals;

/// Names that tell nothing about the domain, in Rust and in the front end.
const EMPTY: [&str; 14] = [
    "structs",
    "enums",
    "traits",
    "util",
    "utils",
    "common",
    "manager",
    "helper",
    "helpers",
    "data",
    "info",
    "process",
    "misc",
    "lib_utils",
];
/// In Rust only: the front end keeps its wire types apart in such files.
const EMPTY_IN_RUST: [&str; 2] = ["type", "types"];
/// `alert_structs`, `session_manager`: the domain's name does not mend the rest.
const EMPTY_ENDINGS: [&str; 10] = [
    "_structs", "_enums", "_traits", "_types", "_util", "_utils", "_common", "_manager", "_helper",
    "_helpers",
];

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let is_rust = path.ends_with(".rs");
    let mut findings = Vec::new();
    if is_rust || path.starts_with("web/src/") {
        for part in path
            .split('/')
            .map(stem)
            .filter(|part| is_empty(part, is_rust))
        {
            let message =
                format!("`{part}` names no thing of the domain: name the module for what it does");
            findings.push(Finding::violation(path, 0, message));
        }
    }
    if is_rust {
        findings.extend(inline_modules(path, text));
        if is_source(path) && !text.starts_with("//!") {
            findings.push(Finding::violation(
                path,
                1,
                "begins without `//!`: purpose and invariant of the module",
            ));
        }
    }
    findings
}

fn inline_modules(path: &str, text: &str) -> Vec<Finding> {
    let code: String = without_comments_and_literals(text).into_iter().collect();
    let mut findings = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        // `mod name;` is found by its file's name; a module written in place has none.
        if words.any(|word| word == "mod")
            && line.contains('{')
            && let Some(name) = words
                .find(|word| !word.is_empty())
                .filter(|name| is_empty(name, true))
        {
            let message = format!("`mod {name}` names no thing of the domain");
            findings.push(Finding::violation(path, index + 1, message));
        }
    }
    findings
}

fn is_empty(name: &str, in_rust: bool) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    EMPTY.contains(&name.as_str())
        || in_rust && EMPTY_IN_RUST.contains(&name.as_str())
        || EMPTY_ENDINGS
            .iter()
            .any(|ending| name.ends_with(ending) && (in_rust || *ending != "_types"))
}

/// Everything that is compiled into a crate, its unit tests too.
fn is_source(path: &str) -> bool {
    path.split('/').any(|part| part == "src")
}

fn stem(part: &str) -> &str {
    part.split('.').next().unwrap_or_default()
}
