//! `cargo xtask tidy`: what the compiler cannot check about this repository.
//!
//! Every rule is a pure function over a path and its text, so that a test can plant a violation.
//!
//! | file | rule |
//! |---|---|
//! | `edges.rs` | dependencies point strictly down; who alone may use DataFusion, Parquet, protobuf |
//! | `length.rs` | length of files and of functions |
//! | `names.rs` | modules are named for the domain, and say what they are for |
//! | `words.rs` | nothing unfinished, nothing skipped, nothing of one machine |
//! | `guides.rs` | ARCHITECTURE.md names the crates that exist and all invariants; README both commands |
//! | `controls.rs` | every control of docs/security.md names tests, and they are there |
//! | `sights.rs` | who asks without being kept from anything |
//! | `rust_text.rs` | Rust without its comments and literals: what the rules on code look at |

mod controls;
mod edges;
mod guides;
mod length;
mod names;
mod rust_text;
mod sights;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use crate::workspace::Workspace;

/// Recorded requests and built assets: nobody writes them by hand.
const RECORDED: &str = "crates/testkit/captures/";
const BUILT: &str = "web/dist/";

/// One place where a rule is broken, or nearly.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; 0 for the file as a whole.
    line: usize,
    message: String,
    /// A note is shown and breaks nothing.
    is_note: bool,
}

impl Finding {
    fn violation(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
            is_note: false,
        }
    }

    fn note(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            is_note: true,
            ..Self::violation(path, line, message)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_note { "note: " } else { "" };
        match self.line {
            0 => write!(formatter, "{kind}{}: {}", self.path, self.message),
            line => write!(formatter, "{kind}{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Checks every file git tracks or would track; an error when a rule is broken.
pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    let texts = texts(workspace)?;
    let findings = findings(&texts);
    for finding in &findings {
        println!("{finding}");
    }
    let notes = findings.iter().filter(|finding| finding.is_note).count();
    let violations = findings.len() - notes;
    let said = format!(
        "{violations} violations, {notes} notes in {} files",
        texts.len()
    );
    if violations == 0 {
        println!("tidy: {said}");
        return Ok(());
    }
    Err(format!("tidy found {said}"))
}

/// All rules over all files, by path.
fn findings(texts: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in texts {
        if path.starts_with(RECORDED) {
            continue;
        }
        findings.extend(words::check(path, text));
        if path.starts_with(BUILT) {
            continue;
        }
        findings.extend(names::check(path, text));
        findings.extend(length::check(path, text));
        findings.extend(sights::check(path, text));
    }
    findings.extend(controls::check(texts));
    let root = texts
        .get("Cargo.toml")
        .map(String::as_str)
        .unwrap_or_default();
    let manifests = texts
        .iter()
        .filter(|(path, _)| path.ends_with("/Cargo.toml"));
    for (path, text) in manifests {
        findings.extend(edges::check(path, text, root));
    }
    let crates: Vec<&str> = texts
        .keys()
        .filter_map(|path| edges::crate_of_manifest(path))
        .collect();
    let architecture = texts.get(guides::ARCHITECTURE).map(String::as_str);
    findings.extend(guides::check_architecture(architecture, &crates));
    findings.extend(guides::check_readme(
        texts.get(guides::README).map(String::as_str),
    ));
    findings
}

/// Text files that are tracked, or not ignored and so about to be.
fn texts(workspace: &Workspace) -> Result<BTreeMap<String, String>, String> {
    // A checkout may belong to another user than the one who runs the check, as in a container.
    let arguments = [
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let listed = workspace.output("git", &arguments)?;
    let mut texts = BTreeMap::new();
    for path in listed
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
    {
        let path = String::from_utf8_lossy(path).into_owned();
        // A file that is tracked and deleted, or is not text, has nothing to check.
        let content = fs::read(workspace.root.join(&path)).unwrap_or_default();
        if let Ok(text) = String::from_utf8(content) {
            texts.insert(path, text);
        }
    }
    Ok(texts)
}
