//! How figures are computed, over recorded data: what is said gives what is shown.

use query::catalogue::{
    Ask, Explanation, NumberId, REPORTS, Range, TimeZone, answer, explain, row_term,
};
use query::render;
use serde_json::Value;

use super::support::{Bench, DAY_MS, NOW_MS};

/// Enough of every kind of client that each report has something to say.
const SCENARIOS: &[&str] = &[
    "cowork_like_pb",
    "cc329_tools_json",
    "cc329_denied_json",
    "cc329_cumulative_pb",
];

fn rows(answer: &query::Answer) -> Vec<Value> {
    serde_json::from_slice(&render::json(answer).expect("renders")).expect("rows")
}

async fn explained(bench: &Bench, id: &str) -> Explanation {
    let id = NumberId::read(id, NOW_MS).unwrap_or_else(|error| panic!("{id}: {error}"));
    explain(&bench.all(), &id)
        .await
        .unwrap_or_else(|error| panic!("{id}: {error}"))
}

/// The value as it is said, and as the SQL that is said gives it.
async fn check_value(bench: &Bench, explanation: &Explanation) -> Value {
    let said: Value = serde_json::from_str(explanation.value.get()).expect("a value");
    let row = bench.row(&explanation.sql).await;
    assert_eq!(
        row[explanation.figure.name], said,
        "{}: {}",
        explanation.id, explanation.sql
    );
    said
}

#[tokio::test]
async fn every_total_of_every_report_is_explained_by_sql_that_gives_it() {
    let bench = Bench::with(SCENARIOS).await;
    let range = Range {
        from_ms: NOW_MS - 365 * DAY_MS,
        to_ms: NOW_MS + DAY_MS,
    };
    for report in REPORTS {
        let zone: TimeZone = "Europe/Berlin".parse().expect("a zone");
        let whole = answer(&bench.all(), Ask::usual(report, range, zone))
            .await
            .expect(report.name);
        let totals = rows(&whole.totals).remove(0);
        for measure in report.measures {
            let id = format!("{}.{}@{}", report.name, measure.name, whole.asked);
            let explanation = explained(&bench, &id).await;
            assert_eq!(
                check_value(&bench, &explanation).await,
                totals[measure.name],
                "{id}"
            );
            assert_eq!(explanation.id, id);
        }
    }
}

#[tokio::test]
async fn the_id_of_a_cell_is_of_that_row_alone() {
    let bench = Bench::with(SCENARIOS).await;
    let report = query::catalogue::Report::find("cost").expect("a report");
    let range = Range {
        from_ms: NOW_MS - 365 * DAY_MS,
        to_ms: NOW_MS + DAY_MS,
    };
    let ask = Ask::usual(report, range, TimeZone::default());
    let ask = ask.grouped(["product", "model"]).expect("known");
    // The wanted products stand in the totals' ids as alternatives, and must not in a row's.
    let ask = ask
        .filtered(["product=cowork", "product=claude-code", "model!=x"])
        .expect("known");
    let whole = answer(&bench.all(), ask).await.expect("answers");
    let found = rows(&whole.rows);
    assert!(found.len() >= 2, "{found:?}");
    for row in found {
        let terms: String = ["product", "model"]
            .iter()
            .map(|name| row_term(name, row[name].as_str()))
            .collect();
        let id = format!("cost.cost_usd@{}{terms}", whole.asked_of_rows);
        let explanation = explained(&bench, &id).await;
        assert_eq!(
            check_value(&bench, &explanation).await,
            row["cost_usd"],
            "{id}"
        );
    }
    let total = explained(&bench, &format!("cost.cost_usd@{}", whole.asked)).await;
    assert_eq!(
        check_value(&bench, &total).await,
        rows(&whole.totals)[0]["cost_usd"]
    );
}

#[tokio::test]
async fn the_sample_is_runnable_newest_first_and_without_content() {
    let bench = Bench::with(SCENARIOS).await;
    let explanation = explained(&bench, "cost.cost_usd@2026-01-01..2027-01-01").await;
    let sample: Vec<Value> = serde_json::from_str(explanation.rows.sample.get()).expect("rows");
    assert_eq!(sample, bench.rows(&explanation.rows.sql).await);
    assert_eq!(sample.len(), 20);
    assert!(explanation.rows.count > 20, "{}", explanation.rows.count);
    let times: Vec<&str> = sample
        .iter()
        .filter_map(|row| row["time"].as_str())
        .collect();
    assert!(
        times.len() == 20 && times.is_sorted_by(|before, after| before >= after),
        "{times:?}"
    );
    for content in [
        "prompt",
        "response",
        "tool_input",
        "tool_parameters",
        "attributes",
        "resource",
    ] {
        assert!(
            !explanation
                .rows
                .columns
                .iter()
                .any(|column| column == content),
            "{content}"
        );
    }
    let settings: Vec<&str> = explanation
        .settings
        .iter()
        .map(|setting| setting.name)
        .collect();
    assert_eq!(
        settings,
        [
            "time zone",
            "price book",
            "place of inference",
            "discount",
            "currency"
        ]
    );
    for left_out in &explanation.exclusions {
        let rows = bench.rows(&left_out.sql).await;
        assert_eq!(
            rows.len() as u64,
            left_out.count.min(20),
            "{}",
            left_out.sql
        );
    }
}

#[tokio::test]
async fn exclusions_are_narrowed_where_they_can_be_and_say_so() {
    let bench = Bench::with(SCENARIOS).await;
    let of = |terms: &str| format!("cost.cost_usd@2026-01-01..2027-01-01{terms}");
    let whole = explained(&bench, &of("")).await;
    let one = explained(&bench, &of(",product=nothing-of-that-name")).await;
    assert_eq!((one.rows.count, one.value.get()), (0, "0.0"));
    for (whole, one) in whole.exclusions.iter().zip(&one.exclusions) {
        assert!(
            whole.narrowed,
            "without conditions nothing is left to be narrowed: {}",
            whole.what
        );
        let expected = if one.narrowed { 0 } else { whole.count };
        assert_eq!(one.count, expected, "{}", one.what);
    }
}

#[tokio::test]
async fn hostile_values_stay_values() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let hostile = "x' OR '1'='1' -- %,\u{1b}[31m";
    let id = format!(
        "cost.cost_usd@2026-01-01..2027-01-01{}",
        row_term("person", Some(hostile))
    );
    let explanation = explained(&bench, &id).await;
    assert_eq!(explanation.value.get(), "0.0");
    assert_eq!(explanation.conditions, [format!("person={hostile}")]);
    assert_eq!(
        explained(&bench, &explanation.id).await.sql,
        explanation.sql
    );
}
