//! The named reports over recorded and hand-made data.

use query::catalogue::{Ask, NumberId, Range, Report, TimeZone, answer};
use query::render;
use serde_json::Value;

use super::support::{Bench, DAY_MS, NOW_MS, assert_close, number};

fn ask(name: &str) -> Ask {
    let report = Report::find(name).expect(name);
    let range = Range {
        from_ms: NOW_MS - 365 * DAY_MS,
        to_ms: NOW_MS + DAY_MS,
    };
    Ask::usual(report, range, TimeZone::default())
}

fn rows(answer: &query::Answer) -> Vec<Value> {
    serde_json::from_slice(&render::json(answer).expect("renders")).expect("rows")
}

#[tokio::test]
async fn the_cost_report_breaks_down_filters_and_sums_up() {
    let bench = Bench::with(&["cowork_like_pb", "cc329_tools_json"]).await;
    let whole = answer(&bench.engine, ask("cost")).await.expect("answers");
    let total = number(&rows(&whole.totals)[0], "cost_usd");
    let grouped = ask("cost")
        .grouped(["day", "model", "product"])
        .expect("known");
    let by_day = answer(&bench.engine, grouped).await.expect("answers");
    let parts = rows(&by_day.rows);
    assert_close(
        parts.iter().map(|row| number(row, "cost_usd")).sum(),
        total,
        "parts",
    );
    assert!(
        parts
            .iter()
            .all(|row| row["day"].as_str().is_some_and(|day| day.len() == 10)),
        "{parts:?}"
    );
    let cowork = ask("cost").filtered(["product=cowork"]).expect("known");
    let other = ask("cost").filtered(["product!=cowork"]).expect("known");
    let mut sum = 0.0;
    for ask in [cowork, other] {
        let answer = answer(&bench.engine, ask).await.expect("answers");
        sum += number(&rows(&answer.totals)[0], "cost_usd");
    }
    assert_close(sum, total, "cowork and the rest");
    let id = format!("cost.cost_usd@{}", whole.asked);
    let read = NumberId::read(&id, NOW_MS).expect("an id");
    assert_eq!(read.to_string(), id);
}
