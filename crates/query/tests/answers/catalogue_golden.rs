//! Every report over everything that was recorded of real clients, against committed answers, the
//! clients' own ledgers, and the documentation.

use std::path::PathBuf;

use contract::Signal;
use fleet::Ledger;
use query::catalogue::{REPORTS, documentation};
use serde_json::{Value, json};

use super::catalogue::{ask, asked, assert_near, rows, totals};
use super::support::{Bench, number, scenarios};

/// Set to write the committed files anew instead of comparing with them.
const REWRITE: &str = "TALLYBOOK_REWRITE_GOLDEN";

/// One thread, so that sums and percentiles are reckoned in one order.
pub(crate) fn steady() -> query::Config {
    query::Config {
        threads: 1,
        ..query::Config::default()
    }
}

/// Compares a file with what it should be, or writes it.
fn is_committed(path: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(&path, text).expect("is written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "{} is out of date: look at what has changed after {REWRITE}=1 cargo test --release -p query --test answers catalogue",
        path.display()
    );
}

/// Ten digits of each number: sums of doubles differ in the last ones.
fn rounded(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(rounded).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields.map(|(key, value)| (key, rounded(value))).collect()
        }
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            let text = format!("{number:.9e}");
            json!(text.parse::<f64>().expect("a number"))
        }
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_all_recorded_clients_are_as_committed() {
    let bench = Bench::configured(&[], steady()).await;
    for scenario in scenarios() {
        for request in &scenario.requests {
            bench.receive(request).await;
        }
    }
    for report in REPORTS {
        let answer = asked(&bench, ask(report.name)).await;
        let both = rounded(json!({"totals": rows(&answer.totals)[0], "rows": rows(&answer.rows)}));
        let text = serde_json::to_string_pretty(&both).expect("JSON") + "\n";
        is_committed(&format!("tests/golden/{}.json", report.name), &text);
    }
}

/// Events of half the clients, metrics alone of the others: both are in the same reports.
#[tokio::test(flavor = "multi_thread")]
async fn totals_are_what_the_clients_say_that_they_spent() {
    let bench = Bench::configured(&[], steady()).await;
    let mut ledgers: Vec<Ledger> = Vec::new();
    for (number, scenario) in scenarios().into_iter().enumerate() {
        // The ledger of one includes another run; without a session id others of the day would count.
        let is_whole = !["cc329_compact_json", "cc329_nosession_json"].contains(&&*scenario.name);
        let has_metrics = scenario
            .requests
            .iter()
            .any(|own| own.signal == Signal::Metrics);
        let Some(ledger) = scenario
            .expected
            .clone()
            .filter(|own| is_whole && own.total_cost_usd > 0.0)
        else {
            continue;
        };
        for request in &scenario.requests {
            if number % 2 == 0 || !has_metrics || request.signal == Signal::Metrics {
                bench.receive(request).await;
            }
        }
        ledgers.push(ledger);
    }
    assert!(ledgers.len() > 20, "{}", ledgers.len());
    let cost: f64 = ledgers.iter().map(|ledger| ledger.total_cost_usd).sum();
    for report in ["cost", "people", "productivity"] {
        let total = number(&totals(&bench, ask(report)).await, "cost_usd");
        assert_near(total, cost, report);
    }
    let tokens = totals(&bench, ask("tokens")).await;
    let sum = |of: fn(&Ledger) -> u64| ledgers.iter().map(of).sum::<u64>() as f64;
    for (name, expect) in [
        ("input_tokens", sum(|own| own.input_tokens)),
        ("output_tokens", sum(|own| own.output_tokens)),
        ("cache_read_tokens", sum(|own| own.cache_read_input_tokens)),
        (
            "cache_creation_tokens",
            sum(|own| own.cache_creation_input_tokens),
        ),
    ] {
        assert_eq!(number(&tokens, name), expect, "{name}");
    }
}

#[test]
fn the_documentation_is_what_the_catalogue_says() {
    const MARK: &str = "<!-- from here on made from the catalogue -->\n";
    let path = "../../docs/reports.md";
    let committed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    let committed = std::fs::read_to_string(committed).expect("the documentation");
    let (introduction, _) = committed.split_once(MARK).expect("the mark");
    is_committed(path, &format!("{introduction}{MARK}{}", documentation()));
}
