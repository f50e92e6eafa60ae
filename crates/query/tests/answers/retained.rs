//! What old items are reduced to gives the same figures: every report of the catalogue by every one of
//! its dimensions, before and after, but for what says that it is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleet::{ClientVersion, Config, Organisation, Variety};
use query::catalogue::{LIMIT_MAX, REPORTS, Report, lost};
use serde_json::Value;
use store::{Class, Days, Done, Holding, NobodyHeld, Retention, RetentionKey};

use super::catalogue::{ask, asked, rows};
use super::support::{Bench, DAY_MS, NOW_MS, scenarios};

const DAYS: u64 = 6;
const RETENTION: Days = Days {
    content: Some(1),
    events: Some(2),
    aggregates: None,
};

/// Six days of an organisation, and every recorded client.
async fn bench() -> Bench {
    let bench = Bench::with(&[]).await;
    let mut organisation = Organisation::new(Config {
        people: 3,
        seed: 5,
        end_unix_ms: NOW_MS as u64,
        days: DAYS,
        client: ClientVersion::V2_1_329,
        content: true,
        metrics: true,
        variety: Variety::default(),
    });
    for batch in fleet::Batched::new(organisation.by_ref(), 500) {
        bench
            .append(batch.signal, batch.protobuf().into(), batch.at_ms)
            .await;
    }
    for scenario in scenarios() {
        for request in scenario.requests {
            bench.receive(&request).await;
        }
    }
    bench.store.flush().await.expect("flushes");
    bench
}

async fn retain(bench: &Bench) -> Done {
    let retention = Retention {
        days: RETENTION,
        ..Retention::default()
    };
    let key = RetentionKey {
        key: [3; 32],
        named: store::Named::default(),
    };
    let held: Arc<dyn Holding> = Arc::new(NobodyHeld);
    let mut run = bench
        .store
        .begin_retention(&retention, key)
        .await
        .expect("begins");
    while run.round(&held).await.expect("a round").is_some() {}
    run.end(held.as_ref()).await.expect("ends").last
}

/// The figures of a report by some dimensions, without the names of what are ids.
async fn figures(bench: &Bench, report: &Report, by: &[&str]) -> Vec<String> {
    let mut asking = ask(report.name);
    asking = if by.is_empty() {
        asking.grouped(["none"]).expect("known")
    } else {
        asking.grouped(by.iter().copied()).expect("known")
    };
    asking.limit = LIMIT_MAX;
    let answer = asked(bench, asking).await;
    let is_approximate =
        |name: &str| (report.measures.iter()).any(|own| own.name == name && own.is_approximate());
    let is_kept =
        |name: &str| !is_approximate(name) && !name.ends_with("_id") && !lost(report.name, name);
    let mut figures: Vec<String> = rows(&answer.rows)
        .into_iter()
        .map(|row| {
            let row: BTreeMap<String, Value> = serde_json::from_value(row).expect("a row");
            let kept = row
                .into_iter()
                .filter(|(name, _)| is_kept(name) || name == "organization_id");
            let kept: BTreeMap<String, String> =
                kept.map(|(name, value)| (name, rounded(&value))).collect();
            format!("{kept:?}")
        })
        .collect();
    figures.sort();
    figures
}

/// Sums of doubles differ in their last digits; percentiles are approximate.
fn rounded(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if value.is_f64() => format!("{number:.6e}"),
        _ => value.to_string(),
    }
}

async fn all(bench: &Bench) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for report in REPORTS {
        let kept = report.dimensions.iter().map(|own| own.name);
        let kept: Vec<_> = kept.filter(|name| !lost(report.name, name)).collect();
        // By all at once, which says most; as usual; and in all.
        for mut by in [kept, report.usual_group_by.to_vec(), vec![]] {
            by.retain(|name| !lost(report.name, name));
            let name = format!("{} by {}", report.name, by.join(", "));
            all.insert(name, figures(bench, report, &by).await);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_the_same_before_and_after() {
    let bench = bench().await;
    let before = all(&bench).await;
    let done = retain(&bench).await;
    assert!(done.items(Class::Events) > 1_000, "{done:?}");
    assert!(done.items(Class::Content) > 100, "{done:?}");
    let after = all(&bench).await;
    let mut differing = Vec::new();
    for (name, before) in &before {
        let after = &after[name];
        if before != after {
            let first = before.iter().zip(after).find(|(one, other)| one != other);
            differing.push(format!(
                "{name}: {} and {} rows, {first:?}",
                before.len(),
                after.len()
            ));
        }
    }
    assert!(
        differing.is_empty(),
        "{} of {} differ:\n{}",
        differing.len(),
        before.len(),
        differing.join("\n")
    );
    let asking = ask("cost");
    let from_ms = asking.range.from_ms;
    let reduced = bench.store.reduced_before_ms().expect("some are");
    assert!(
        reduced > from_ms && reduced <= NOW_MS - 2 * DAY_MS + DAY_MS,
        "{reduced}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_is_said_in_the_answer() {
    let bench = bench().await;
    retain(&bench).await;
    let mut asking = ask("cost");
    assert!(
        asked(&bench, asking.clone())
            .await
            .notes
            .iter()
            .all(|note| !note.contains("reduced"))
    );
    asking = asking.grouped(["folders"]).expect("known");
    let notes = asked(&bench, asking.clone()).await.notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("folders") && note.contains("reduced")),
        "{notes:?}"
    );
    asking.range.from_ms = bench.store.reduced_before_ms().expect("some are");
    assert!(
        asked(&bench, asking)
            .await
            .notes
            .iter()
            .all(|note| !note.contains("reduced"))
    );
}
