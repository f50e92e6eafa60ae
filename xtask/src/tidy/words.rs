//! Nothing unfinished, no test left out, nothing that holds on one machine only.
//!
//! The words are written in two halves: this file is checked as well.

use super::{BUILT, Finding};

/// Found as whole words.
const UNFINISHED: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];
const UNFINISHED_CALL: &str = concat!("to", "do!");
/// A test that is left out must say why, and how it is run: only the form without a reason is refused.
const LEFT_OUT: [&str; 6] = [
    concat!("#[ig", "nore]"),
    concat!("it.", "skip("),
    concat!("test.", "skip("),
    concat!("describe.", "skip("),
    concat!("it.", "only("),
    concat!("test.", "only("),
];
const MACHINE_PATHS: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
];
/// The simulated people of the fleet have homes of their own, on no machine.
const SIMULATED: &str = "crates/fleet/";
const REGISTRY_HOSTS: [&str; 4] = [
    concat!("crates", ".io"),
    concat!("registry.npm", "js.org"),
    concat!("py", "pi.org"),
    concat!("deb.deb", "ian.org"),
];
/// How cargo's lock file names the default registry: a name, which nothing connects to by itself.
const REGISTRY_NAME: &str = concat!("github.com/rust-lang/crates", ".io-index");

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let is_built = path.starts_with(BUILT);
    let is_lock = path.ends_with("Cargo.lock") || path.ends_with("package-lock.json");
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut messages = foreign_hosts(line, is_lock);
        if !path.starts_with(SIMULATED) {
            messages.extend(machine_paths(line));
        }
        if !is_built && !is_lock {
            messages.extend(unfinished(line));
        }
        findings.extend(
            messages
                .into_iter()
                .map(|message| Finding::violation(path, index + 1, message)),
        );
    }
    findings
}

fn unfinished(line: &str) -> Vec<String> {
    let mut messages = Vec::new();
    for word in UNFINISHED {
        if holds_word(line, word) {
            messages.push(format!("`{word}`: finish it, or open an issue"));
        }
    }
    if line.contains(UNFINISHED_CALL) {
        messages.push(format!("`{UNFINISHED_CALL}`: finish it, or open an issue"));
    }
    for mark in LEFT_OUT {
        if line.contains(mark) {
            messages.push(format!("`{mark}`: every test runs"));
        }
    }
    messages
}

fn machine_paths(line: &str) -> Vec<String> {
    let held = MACHINE_PATHS
        .iter()
        .filter(|path| holds_absolute(line, path));
    held.map(|path| format!("`{path}`: a path of one machine"))
        .collect()
}

fn foreign_hosts(line: &str, is_lock: bool) -> Vec<String> {
    let line = line.replace(REGISTRY_NAME, "");
    let hint = if is_lock {
        " (npm: `omit-lockfile-registry-resolved=true` in .npmrc)"
    } else {
        ""
    };
    let held = REGISTRY_HOSTS.iter().filter(|host| line.contains(*host));
    let message = |host| {
        format!("`{host}`: a registry's host name; the machine decides which one it uses{hint}")
    };
    held.map(message).collect()
}

fn holds_word(line: &str, word: &str) -> bool {
    let joins = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    };
    line.match_indices(word).any(|(at, _)| {
        !joins(line[..at].chars().next_back()) && !joins(line[at + word.len()..].chars().next())
    })
}

/// Whether the path stands at the start of a path, and not inside a longer one such as `a/home/b`.
fn holds_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "_-.*}~)".contains(letter))
    })
}
