//! Sums of parts say what items say: of what has changed, of who may see less, of what came twice.

use std::collections::BTreeMap;

use contract::Signal;
use otlp::Limits;
use query::catalogue::{Ask, Range, Report, TimeZone, answer};
use query::{Answer, Question, Sight, render};
use serde_json::{Value, json};

use super::isolation::askers;
use super::isolation::world::{NAMED, World};
use super::support::{Bench, DAY_MS, NOW_MS};

/// What was compared.
pub(crate) struct Compared {
    pub(crate) figures: usize,
    /// Whether sums were read.
    pub(crate) by_hour: bool,
    /// The answer's rows.
    pub(crate) rows: BTreeMap<String, Vec<(String, Value)>>,
}

/// Asks a report, and its SQL again: that reads items.
pub(crate) async fn compare(question: &Question<'_>, ask: Ask, what: &str) -> Compared {
    let found = answer(question, ask.clone()).await;
    let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
    let items = question.query(&found.sql, None).await;
    let items = items.unwrap_or_else(|error| panic!("{what}: {error}"));
    let (rows, items) = (keyed(&found.rows, &ask), keyed(&items, &ask));
    assert_eq!(
        rows.keys().collect::<Vec<_>>(),
        items.keys().collect::<Vec<_>>(),
        "{what}\n{}",
        found.sql
    );
    let mut figures = 0;
    for (key, row) in &rows {
        for ((name, one), (_, other)) in row.iter().zip(&items[key]) {
            assert!(
                is_same(one, other),
                "{what}\n{}\n{key} {name}: {one} by sums, {other} by items",
                found.sql
            );
            figures += 1;
        }
    }
    Compared {
        figures,
        by_hour: found.by_hour,
        rows,
    }
}

/// Rows by their dimensions.
fn keyed(answer: &Answer, ask: &Ask) -> BTreeMap<String, Vec<(String, Value)>> {
    let rows: Vec<Value> =
        serde_json::from_slice(&render::json(answer).expect("renders")).expect("rows");
    let names: Vec<&str> = ask.group_by.iter().map(|own| own.name).collect();
    let row = |row: &Value| {
        let row = row.as_object().expect("a row");
        let key: Vec<String> = names.iter().map(|name| row[*name].to_string()).collect();
        let figures = row
            .iter()
            .filter(|(name, _)| !names.contains(&name.as_str()));
        let figures = figures.map(|(name, value)| (name.clone(), value.clone()));
        (key.join(" "), figures.collect())
    };
    rows.iter().map(row).collect()
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-6 * one.abs().max(1.0),
        _ => one == other,
    }
}

/// The reports that sums answer.
const REPORTS: [&str; 7] = [
    "cost",
    "tokens",
    "people",
    "productivity",
    "skills",
    "adoption",
    "retention",
];

fn range() -> Range {
    Range {
        from_ms: NOW_MS - DAY_MS,
        to_ms: NOW_MS + DAY_MS,
    }
}

fn ask(report: &str, by: &[&str]) -> Ask {
    let report = Report::find(report).expect("a report");
    let ask = Ask::usual(report, range(), TimeZone::default());
    ask.grouped(by.iter().copied()).expect("dimensions")
}

#[tokio::test]
async fn sums_say_what_a_question_may_see() {
    let world = World::of(None).await;
    let alone = [
        World::of(Some(0)).await,
        World::of(Some(1)).await,
        World::of(Some(2)).await,
    ];
    for world in alone.iter().chain([&world]) {
        world.bench.store.flush().await.expect("flushes");
    }
    let (mut figures, mut by_hour) = (0, 0);
    for (at, asker) in askers().into_iter().enumerate() {
        for report in REPORTS {
            // Each asker by some of the dimensions, all of them together by all.
            let dimensions = Report::find(report).expect("a report").dimensions.iter();
            for dimension in dimensions.skip(at).step_by(8) {
                let question = world.bench.engine.question(asker.sight.clone());
                let what = format!("{report} by {} for {:?}", dimension.name, asker.sight);
                let seen = compare(&question, ask(report, &[dimension.name]), &what).await;
                figures += seen.figures;
                by_hour += usize::from(seen.by_hour);
                let Some(own) = asker.alone else { continue };
                let question = alone[own].bench.engine.question(asker.sight.clone());
                let own = compare(&question, ask(report, &[dimension.name]), &what).await;
                assert_eq!(seen.rows, own.rows, "others change it: {what}");
            }
        }
    }
    println!("{figures} figures, {by_hour} answers by hours");
    assert!(figures > 500 && by_hour > 60, "{figures} {by_hour}");
}

/// The planner took a grouped column with one value for constant, and refused its own plan of a union.
#[tokio::test]
async fn what_is_grouped_by_can_be_one_value_alone() {
    let world = World::of(None).await;
    world.bench.store.flush().await.expect("flushes");
    let ann = format!("person=ann.{NAMED}@example.com");
    let mut figures = 0;
    for name in REPORTS {
        let report = Report::find(name).expect("a report");
        for dimension in report.dimensions.iter().filter(|own| own.name != "person") {
            let of_ann = ask(name, &[dimension.name, "person"]).filtered([ann.as_str()]);
            let what = format!("{name} by {} and person", dimension.name);
            figures += compare(&world.bench.all(), of_ann.expect("known"), &what)
                .await
                .figures;
        }
    }
    assert!(figures > 100, "{figures}");
}

#[tokio::test]
async fn sums_are_ready_before_they_are_asked_for() {
    let world = World::of(None).await;
    let bench = &world.bench;
    bench.store.flush().await.expect("flushes");
    assert_eq!(bench.engine.sums_in_memory().await, [0; 3]);
    bench.engine.make_ready().await.expect("makes them");
    let made = bench.engine.sums_in_memory().await;
    assert!(made.iter().all(|bytes| *bytes > 0), "{made:?}");
    for report in ["cost", "adoption"] {
        let asked = compare(&bench.all(), ask(report, &["person"]), report).await;
        assert!(asked.by_hour && asked.figures > 0, "{report}");
    }
    assert_eq!(
        bench.engine.sums_in_memory().await,
        made,
        "a question made some"
    );
}

#[tokio::test]
async fn sums_go_with_what_is_erased() {
    let world = World::of(None).await;
    let bench = &world.bench;
    bench.store.flush().await.expect("flushes");
    let ann = format!("ann.{NAMED}@example.com");
    let people = || async {
        let active = compare(&bench.all(), ask("adoption", &["person"]), "adoption").await;
        let of = compare(&bench.all(), ask("cost", &["person"]), "cost by person").await;
        assert!(of.by_hour && active.by_hour, "sums were read");
        of.rows
    };
    let before = people().await;
    let in_memory = bench.engine.sums_in_memory().await;
    assert!(
        in_memory[..2].iter().all(|bytes| *bytes > 0),
        "{in_memory:?}"
    );
    let key = format!("{ann:?}");
    assert!(before.contains_key(&key), "{before:?}");
    let asked = query::Asked {
        person: ann,
        ..query::Asked::default()
    };
    let (whom, _) = bench.engine.plan_erasure(&asked).await.expect("is there");
    let order = store::Order::new(whom, "a test".to_owned(), NOW_MS as u64);
    let erased = bench.engine.erase(order.expect("an order"), &[7; 32]).await;
    erased.expect("erases");
    // No sum of what was there before is left, not even one that no question would read.
    assert_eq!(bench.engine.sums_in_memory().await, [0; 3]);
    let after = people().await;
    assert!(!after.contains_key(&key), "{after:?}");
    assert_eq!(after.len() + 1, before.len());
    for (name, figures) in &after {
        assert_eq!(figures, &before[name], "{name}");
    }
}

/// The same request, as the collectors of two organisations forward it.
#[tokio::test]
async fn a_copy_of_another_organisation_takes_nothing_away() {
    let bench = Bench::with(&[]).await;
    for (organization, collector) in [("one", "a"), ("two", "b"), ("two", "c")] {
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let record = json!({
            "timeUnixNano": ((NOW_MS - 3_600_000) * 1_000_000).to_string(),
            "attributes": [
                text("event.name", "api_request"), text("session.id", "s"), text("request_id", "r"),
                text("model", "claude-opus-4-8"), text("organization.id", organization),
                {"key": "cost_usd", "value": {"doubleValue": 2.0}},
            ],
        });
        let body = json!({"resourceLogs": [{
            "resource": {"attributes": [text("collector.name", collector)]},
            "scopeLogs": [{"logRecords": [record]}],
        }]});
        let body = serde_json::to_vec(&body).expect("JSON");
        let read = otlp::from_json(Signal::Logs, &body, &Limits::default()).expect("OTLP/JSON");
        bench
            .append_read(
                Signal::Logs,
                read,
                NOW_MS as u64 + u64::from(collector == "c"),
            )
            .await;
    }
    for is_flushed in [false, true] {
        for of in [&["one", "two"][..], &["one"], &["two"], &[]] {
            let sight = Sight::everything().of_organizations(of.iter().copied());
            let question = bench.engine.question(sight);
            let what = format!("{of:?}, flushed: {is_flushed}");
            let seen = compare(&question, ask("cost", &["none"]), &what).await;
            let cost = seen.rows[""].iter().find(|(name, _)| name == "cost_usd");
            let wanted = if of.is_empty() { 0.0 } else { 2.0 };
            let cost = cost.and_then(|(_, value)| value.as_f64()).unwrap_or(0.0);
            assert_eq!(cost, wanted, "{what}");
        }
        bench.store.flush().await.expect("flushes");
    }
}
