//! How long a file and a function may be.

use super::Finding;
use super::rust_text::{functions, without_comments_and_literals};

const RUST_FILE_LINES_MAX: usize = 400;
/// Tests are tables of cases: longer, and read one case at a time.
const RUST_TEST_FILE_LINES_MAX: usize = 600;
const WEB_FILE_LINES_MAX: usize = 300;
/// A function of 70 lines is long and noted; 100 is refused.
const FUNCTION_LINES_LONG: usize = 70;
const FUNCTION_LINES_REFUSED: usize = 100;
/// A generator says so at the top of what it writes.
const GENERATED_MARK: &str = "auto-generated";
const GENERATED_MARK_LINES: usize = 5;

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(limit) = file_lines_max(path)
        && !is_generated(text)
    {
        let lines = text.lines().count();
        if lines > limit {
            findings.push(Finding::violation(
                path,
                0,
                format!("{lines} lines; a file has at most {limit}"),
            ));
        }
    }
    if path.ends_with(".rs") {
        findings.extend(long_functions(path, text));
    }
    findings
}

fn file_lines_max(path: &str) -> Option<usize> {
    if path.ends_with(".rs") {
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        return Some(if is_test {
            RUST_TEST_FILE_LINES_MAX
        } else {
            RUST_FILE_LINES_MAX
        });
    }
    path.starts_with("web/src/").then_some(WEB_FILE_LINES_MAX)
}

fn is_generated(text: &str) -> bool {
    text.lines()
        .take(GENERATED_MARK_LINES)
        .any(|line| line.contains(GENERATED_MARK))
}

fn long_functions(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for function in functions(&without_comments_and_literals(text)) {
        let lines = function.last_line - function.first_line + 1;
        let said = format!("`{}` has {lines} lines", function.name);
        if lines >= FUNCTION_LINES_REFUSED {
            let message = format!("{said}; {FUNCTION_LINES_REFUSED} are refused");
            findings.push(Finding::violation(path, function.first_line, message));
        } else if lines > FUNCTION_LINES_LONG {
            let message = format!("{said}; more than {FUNCTION_LINES_LONG} are long");
            findings.push(Finding::note(path, function.first_line, message));
        }
    }
    findings
}
