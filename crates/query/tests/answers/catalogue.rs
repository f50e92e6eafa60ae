//! The named reports over recorded and simulated data: what holds of all of them.

use std::collections::BTreeSet;

use fleet::{Batched, ClientVersion, Config, Organisation};
use query::catalogue::{
    Ask, LIMIT_MAX, NumberId, REPORTS, Range, Report, ReportAnswer, TimeZone, answer,
};
use query::render;
use serde_json::Value;

use super::support::{Bench, DAY_MS, NOW_MS, number, scenario};

/// Everything that a test stores.
pub(super) fn all_time() -> Range {
    Range {
        from_ms: NOW_MS - 60 * DAY_MS,
        to_ms: NOW_MS + DAY_MS,
    }
}

pub(super) fn ask(name: &str) -> Ask {
    let report = Report::find(name).expect(name);
    Ask::usual(report, all_time(), TimeZone::default())
}

pub(super) fn rows(answer: &query::Answer) -> Vec<Value> {
    serde_json::from_slice(&render::json(answer).expect("renders")).expect("rows")
}

pub(super) async fn asked(bench: &Bench, ask: Ask) -> ReportAnswer {
    let what = format!(
        "{} by {:?} where {:?}",
        ask.report.name, ask.group_by, ask.conditions
    );
    let answer = answer(&bench.all(), ask).await;
    let answer = answer.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(!answer.rows.truncated, "{what}");
    answer
}

/// The figures of everything that passes.
pub(super) async fn totals(bench: &Bench, ask: Ask) -> Value {
    let answer = asked(bench, ask.grouped(["none"]).expect("none")).await;
    rows(&answer.totals).remove(0)
}

/// The same amount of money but for the rounding of rows.
#[track_caller]
pub(super) fn assert_near(left: f64, right: f64, what: &str) {
    assert!((left - right).abs() < 1e-6, "{what}: {left} is not {right}");
}

/// A simulated organisation beside recorded clients, one of which sends metrics only.
pub(super) async fn company() -> Bench {
    let bench = Bench::with(&[
        "cowork_like_pb",
        "cc329_mcp_json",
        "cc329_skill_json",
        "cc329_errors_json",
    ])
    .await;
    for (seed, client) in [(5, ClientVersion::V2_1_329), (6, ClientVersion::V2_1_45)] {
        let organisation = Organisation::new(Config {
            people: 3,
            seed,
            end_unix_ms: NOW_MS as u64,
            days: 8,
            client,
            content: false,
            metrics: true,
            variety: fleet::Variety::default(),
        });
        for batch in Batched::new(organisation, 500) {
            let body = batch.protobuf().into();
            bench.append(batch.signal, body, batch.at_ms).await;
        }
        bench.store.flush().await.expect("flushes");
    }
    for name in ["cc329_agent_json", "cc10128_tools_json"] {
        let silent = scenario(name);
        let metrics = |request: &&fleet::Recorded| request.signal == contract::Signal::Metrics;
        for request in silent.requests.iter().filter(metrics) {
            bench.receive(request).await;
        }
    }
    bench
}

#[tokio::test]
async fn the_cost_report_breaks_down_filters_and_sums_up() {
    let bench = Bench::with(&["cowork_like_pb", "cc329_tools_json"]).await;
    let whole = asked(&bench, ask("cost")).await;
    let total = number(&rows(&whole.totals)[0], "cost_usd");
    let grouped = ask("cost")
        .grouped(["day", "model", "product"])
        .expect("known");
    let by_day = asked(&bench, grouped).await;
    let parts = rows(&by_day.rows);
    let sum = parts.iter().map(|row| number(row, "cost_usd")).sum();
    assert_near(sum, total, "parts");
    let is_day = |row: &Value| row["day"].as_str().is_some_and(|day| day.len() == 10);
    assert!(parts.iter().all(is_day), "{parts:?}");
    let mut sum = 0.0;
    for condition in ["product=cowork", "product!=cowork"] {
        let ask = ask("cost").filtered([condition]).expect("known");
        sum += number(&totals(&bench, ask).await, "cost_usd");
    }
    assert_near(sum, total, "cowork and the rest");
    let id = format!("cost.cost_usd@{}", whole.asked);
    let read = NumberId::read(&id, NOW_MS).expect("an id");
    assert_eq!(read.to_string(), id);
}

/// A name in a report that its source does not have is found here, and nowhere earlier.
#[tokio::test]
async fn every_report_answers_for_every_dimension_figure_and_order() {
    let bench = Bench::with(&["cowork_like_pb", "cc329_mcp_json"]).await;
    for report in REPORTS {
        let names = |names: Vec<&'static str>| names.into_iter().collect::<BTreeSet<_>>();
        let dimensions = names(report.dimensions.iter().map(|own| own.name).collect());
        let measures = names(report.measures.iter().map(|own| own.name).collect());
        assert_eq!(dimensions.len(), report.dimensions.len(), "{}", report.name);
        assert_eq!(measures.len(), report.measures.len(), "{}", report.name);
        assert!(dimensions.is_disjoint(&measures), "{}", report.name);
        let usual = report.usual_group_by;
        assert!(
            usual.iter().all(|name| dimensions.contains(name)),
            "{}",
            report.name
        );
        for dimension in &dimensions {
            let grouped = ask(report.name).grouped([*dimension]).expect("known");
            let conditions = [format!("{dimension}="), format!("{dimension}!=x'y")];
            let filtered = grouped.filtered(conditions.iter().map(String::as_str));
            let ordered = filtered.expect("known").ordered(&format!("-{dimension}"));
            asked(&bench, ordered.expect("known")).await;
        }
        for (number, measure) in measures.iter().enumerate() {
            let order = if number % 2 == 0 { "-" } else { "" };
            let ordered = ask(report.name).ordered(&format!("{order}{measure}"));
            let answer = asked(&bench, ordered.expect("known")).await;
            let columns: Vec<_> = answer.columns.iter().map(|column| column.name).collect();
            let fields = answer.rows.schema.fields();
            let fields: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
            assert_eq!(columns, fields, "{}", report.name);
        }
    }
}

#[tokio::test]
async fn what_a_report_leaves_out_can_be_looked_at() {
    let bench = Bench::with(&["cowork_like_pb", "cc329_mcp_json"]).await;
    for report in REPORTS {
        assert!(!report.exclusions.is_empty(), "{}", report.name);
        for exclusion in report.exclusions {
            let sql = format!(
                "SELECT count(*) AS rows, max(time) AS time FROM ({})",
                exclusion.rows()
            );
            bench.row(&sql).await;
        }
    }
}

#[tokio::test]
async fn a_limit_cuts_rows_off_and_no_totals() {
    let bench = Bench::with(&["cowork_like_pb", "cc329_mcp_json"]).await;
    let whole = asked(&bench, ask("tools")).await;
    assert!(rows(&whole.rows).len() > 1, "{:?}", rows(&whole.rows));
    let first = answer(&bench.all(), ask("tools").limited(1))
        .await
        .expect("answers");
    assert!(first.rows.truncated && rows(&first.rows).len() == 1);
    assert_eq!(rows(&first.totals), rows(&whole.totals));
    assert_eq!(ask("tools").limited(usize::MAX).limit, LIMIT_MAX);
}
