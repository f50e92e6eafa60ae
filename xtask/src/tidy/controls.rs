//! Every control of the threat model names the tests that cover it, and each of these is there.

use std::collections::BTreeMap;

use super::Finding;

pub(super) const SECURITY: &str = "docs/security.md";
const TITLE: &str = "## Threats";
/// What no test can show: the compiler refuses it, or somebody looks.
const WITHOUT_TEST: [&str; 2] = ["does not compile", "by hand"];

pub(super) fn check(texts: &BTreeMap<String, String>) -> Vec<Finding> {
    let Some(text) = texts.get(SECURITY) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut threats = 0;
    for (line, number) in rows(text) {
        let cells: Vec<&str> = line.trim().trim_matches('|').split(" | ").collect();
        let [threat, _, tests] = cells[..] else {
            findings.push(Finding::violation(
                SECURITY,
                number,
                "a threat has a control and a test",
            ));
            continue;
        };
        threats += 1;
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        let is_without = WITHOUT_TEST.iter().any(|why| tests.contains(why));
        if named.is_empty() && !is_without {
            let message = format!("no test is named for: {}", threat.trim());
            findings.push(Finding::violation(SECURITY, number, message));
        }
        // What somebody looks at by hand is a command.
        for name in named.into_iter().filter(|_| !tests.contains("by hand")) {
            if !name.split("::").all(|part| is_there(texts, part)) {
                let message = format!("there is no test `{name}`");
                findings.push(Finding::violation(SECURITY, number, message));
            }
        }
    }
    if threats == 0 {
        findings.push(Finding::violation(
            SECURITY,
            0,
            format!("`{TITLE}` has no table of threats"),
        ));
    }
    findings
}

/// The rows of the table of threats, with their lines.
fn rows(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let below = text.lines().zip(1..).skip_while(|(line, _)| *line != TITLE);
    let rows = below
        .skip(1)
        .take_while(|(line, _)| !line.starts_with("## "));
    // The title, and the line under it.
    rows.filter(|(line, _)| line.starts_with("| ")).skip(1)
}

/// Whether a part of a test's name is a function, a module or a crate.
fn is_there(texts: &BTreeMap<String, String>, part: &str) -> bool {
    let function = format!("fn {part}(");
    let ends = [format!("/{part}.rs"), format!("/{part}.test.mjs")];
    let folder = format!("/{part}/");
    texts.iter().any(|(path, text)| {
        let is_ours = path.starts_with("crates/") || path.starts_with("web/e2e/");
        let is_place = ends.iter().any(|end| path.ends_with(end)) || path.contains(&folder);
        is_ours && (is_place || path.ends_with(".rs") && text.contains(&function))
    })
}
