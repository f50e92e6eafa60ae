//! Plausible content: prompts, answers, and the words that tool inputs are made of.

use crate::random::Random;

use super::people::Surface;

const CODE_TASKS: &[&str] = &[
    "The test for {} fails on the second run. Find out why and fix it.",
    "Add a retry with backoff to {} and cover it with a test.",
    "Refactor {} so that it no longer reads the clock directly.",
    "Explain how {} decides when to flush.",
    "Write a migration for {} and keep the old column readable.",
    "Review my changes in {} and tell me what you would reject.",
    "Make {} refuse bodies over 4 MB with a clear message.",
    "Why is {} slow when the list is empty? Measure before you change anything.",
    "Update the documentation of {} to match what it does now.",
    "Commit the work on {} and open a pull request.",
];
const OFFICE_TASKS: &[&str] = &[
    "Summarise the notes in {} and list the open decisions.",
    "Compare last month's numbers in {} with the plan and explain the differences.",
    "Draft a polite reminder about {} that fits into five sentences.",
    "Turn {} into a table with one row for each supplier.",
    "Find contradictions between {} and the signed version.",
    "Prepare slides from {} for Monday's meeting.",
    "Clean up {}: remove duplicates and sort by date.",
];
const CODE_THINGS: &[&str] = &[
    "the invoice export",
    "src/queue/worker.rs",
    "the session cache",
    "api/handlers/login.ts",
    "the retry policy",
    "lib/schema/orders.sql",
    "the search index",
    "cmd/import/main.go",
    "the feature flags",
    "the rate limiter",
    "tests/checkout_test.py",
    "the webhook receiver",
];
const OFFICE_THINGS: &[&str] = &[
    "budget-review.xlsx",
    "the travel policy",
    "minutes-of-tuesday.docx",
    "the supplier list",
    "quarterly-report.pdf",
    "the onboarding checklist",
    "campaign-plan.docx",
    "the contract draft",
];
const DETAILS: &[&str] = &[
    "Keep the public interface as it is.",
    "Do not touch the generated files.",
    "Start with the smallest change that could work.",
    "Ask me before you delete anything.",
    "The deadline is this afternoon.",
    "Use the same wording as in the last version.",
    "Run all the checks before you say that it is done.",
    "Show me the plan first.",
];
const ANSWERS: &[&str] = &[
    "I looked at {} and found the cause: the value was read before it was written.",
    "Done. {} now behaves as described, and the check that failed passes.",
    "I changed {} in two places and left the rest alone.",
    "Here is what I found in {}: nothing is wrong with the logic, the input was stale.",
    "{} is ready. Three points are still open, and I listed them at the end.",
    "I will look at {} first and then decide.",
];

/// What a person asks.
pub(super) fn prompt(random: &mut Random, surface: Surface) -> String {
    let tasks = if surface == Surface::Cowork {
        OFFICE_TASKS
    } else {
        CODE_TASKS
    };
    let thing = thing(random, surface);
    let mut text = random.pick(tasks).replace("{}", thing);
    for _ in 0..random.below(4) {
        text.push(' ');
        text.push_str(random.pick(DETAILS));
    }
    text
}

/// What the model says.
pub(super) fn answer(random: &mut Random, surface: Surface) -> String {
    let mut text = String::new();
    for index in 0..random.between(1, 4) {
        if index > 0 {
            text.push(' ');
        }
        let thing = thing(random, surface);
        text.push_str(&random.pick(ANSWERS).replace("{}", thing));
    }
    text
}

fn thing(random: &mut Random, surface: Surface) -> &'static str {
    random.pick(if surface == Surface::Cowork {
        OFFICE_THINGS
    } else {
        CODE_THINGS
    })
}

const FOLDERS: &[&str] = &["src", "lib", "tests", "api", "web", "tools"];
const STEMS: &[&str] = &[
    "queue", "worker", "session", "invoice", "orders", "login", "search", "limits", "webhook",
    "report", "import", "schema",
];
const EXTENSIONS: &[(&str, &str)] = &[
    ("ts", "TypeScript"),
    ("rs", "Rust"),
    ("py", "Python"),
    ("go", "Go"),
    ("sql", "SQL"),
    ("md", "Markdown"),
];

/// A file in somebody's project, and the language it is written in.
pub(super) fn file(random: &mut Random, home: &str) -> (String, &'static str) {
    let (folder, stem) = (random.pick(FOLDERS), random.pick(STEMS));
    let (extension, language) = random.pick(EXTENSIONS);
    (
        format!("{home}/project/{folder}/{stem}.{extension}"),
        language,
    )
}

/// A word that could stand in a search.
pub(super) fn word(random: &mut Random) -> &'static str {
    random.pick(STEMS)
}

/// A few lines of code.
pub(super) fn code(random: &mut Random) -> String {
    let (name, limit) = (random.pick(STEMS), random.between(2, 900));
    format!("export function {name}(items: Item[]) {{\n  return items.slice(0, {limit});\n}}\n")
}
