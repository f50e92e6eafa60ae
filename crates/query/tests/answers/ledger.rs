//! What requests cost: every recorded request by its list price, and costs that cannot be believed.

use std::sync::Arc;

use contract::{PriceBook, PriceSetting, Signal};
use otlp::Limits;
use query::Cost;
use serde_json::{Value, json};

use super::support::{Bench, NOW_MS, assert_close, number, scenario, scenarios};

const COLUMNS: &str =
    "model, cost_usd, cost_basis, cost_note, client_cost_usd, list_cost_usd, list_cost_low_usd,
    list_cost_high_usd, cache_creation_tokens, cache_creation_1h_tokens";

#[tokio::test]
async fn every_recorded_request_costs_what_the_list_says() {
    let mut requests = 0;
    for scenario in scenarios() {
        let bench = Bench::with(&[&scenario.name]).await;
        let rows = bench.rows(&format!("SELECT {COLUMNS} FROM ledger")).await;
        for row in &rows {
            is_list_price(row);
        }
        requests += rows.len();
        let total = rows.iter().map(|row| number(row, "cost_usd")).sum();
        // This one's ledger includes the run that it continues.
        if let Some(ledger) = scenario
            .expected
            .filter(|_| scenario.name != "cc329_compact_json")
        {
            assert_close(total, ledger.total_cost_usd, &scenario.name);
        }
    }
    assert_eq!(requests, 284);
}

/// Clients that do not say for how long they write to the cache write whole tokens all the same: the
/// share that the cost tells must come to a whole number of them.
#[track_caller]
fn is_list_price(row: &Value) {
    let [cost, client, list, low, high] = [
        "cost_usd",
        "client_cost_usd",
        "list_cost_usd",
        "list_cost_low_usd",
        "list_cost_high_usd",
    ]
    .map(|name| number(row, name));
    assert_eq!(
        (&row["cost_basis"], &row["cost_note"]),
        (&json!("client"), &Value::Null),
        "{row}"
    );
    assert_eq!(cost, client, "{row}");
    assert!((list - client).abs() <= 1e-9, "{row}");
    if row["cache_creation_1h_tokens"].is_null() && high > low {
        let hour_tokens = (client - low) / (high - low) * number(row, "cache_creation_tokens");
        assert!(
            (hour_tokens - hour_tokens.round()).abs() < 1e-6,
            "{hour_tokens} of {row}"
        );
    } else {
        assert!(
            (high - low).abs() <= 1e-9 && (list - low).abs() <= 1e-9,
            "{row}"
        );
    }
}

/// The log records of a scenario, with another value for the cost of each request; `None`: with none.
async fn with_costs(name: &str, cost: Option<Value>, micros: bool) -> Bench {
    let bench = Bench::with(&[]).await;
    for request in scenario(name)
        .requests
        .iter()
        .filter(|request| request.signal == Signal::Logs)
    {
        let mut body: Value = serde_json::from_slice(&request.plain_body).expect("JSON");
        change_costs(&mut body, cost.as_ref(), micros);
        let body = serde_json::to_vec(&body).expect("JSON");
        let read = otlp::from_json(Signal::Logs, &body, &Limits::default()).expect("OTLP/JSON");
        bench
            .append(Signal::Logs, read.protobuf.into(), NOW_MS as u64)
            .await;
    }
    bench
}

fn change_costs(value: &mut Value, cost: Option<&Value>, micros: bool) {
    if let Value::Array(items) = value {
        let is_cost = |item: &Value| {
            item["key"] == "cost_usd" || (item["key"] == "cost_usd_micros" && !micros)
        };
        let had_cost = items.iter().any(|item| item["key"] == "cost_usd");
        items.retain(|item| !is_cost(item));
        if let Some(cost) = cost.filter(|_| had_cost) {
            items.push(json!({"key": "cost_usd", "value": cost}));
        }
        items
            .iter_mut()
            .for_each(|item| change_costs(item, cost, micros));
    } else if let Value::Object(fields) = value {
        fields
            .values_mut()
            .for_each(|field| change_costs(field, cost, micros));
    }
}

#[tokio::test]
async fn a_cost_that_cannot_be_believed_is_recomputed_and_says_why() {
    let name = "cc329_tools_json";
    let ledger = scenario(name).expected.expect("a ledger");
    for (cost, note) in [
        (None, "missing"),
        (Some(json!({"doubleValue": null})), "missing"),
        (Some(json!({"doubleValue": "NaN"})), "not_a_number"),
        (Some(json!({"stringValue": "undefined"})), "not_a_number"),
        (Some(json!({"doubleValue": -0.25})), "negative"),
        (Some(json!({"stringValue": "-0.25"})), "negative"),
        (Some(json!({"doubleValue": 1e308})), "too_large"),
        (Some(json!({"doubleValue": "Infinity"})), "too_large"),
        (Some(json!({"intValue": 0})), "zero"),
        (Some(json!({"doubleValue": 5000.5})), "absurd"),
    ] {
        let bench = with_costs(name, cost.clone(), false).await;
        let by_note = "SELECT cost_basis, cost_note, count(*) AS requests, sum(cost_usd) AS cost_usd FROM ledger
                       GROUP BY cost_basis, cost_note";
        let row = bench.row(by_note).await;
        assert_eq!(
            (&row["cost_basis"], &row["cost_note"]),
            (&json!("recomputed"), &json!(note)),
            "{cost:?}"
        );
        for sums in [
            "SELECT sum(cost_usd) AS cost_usd FROM ledger",
            "SELECT sum(cost_usd) AS cost_usd FROM events",
            "SELECT sum(cost_usd) AS cost_usd FROM api_requests",
            "SELECT sum(cost_usd) AS cost_usd FROM prompts",
            "SELECT sum(cost_usd) AS cost_usd FROM sessions",
            "SELECT sum(cost_usd) AS cost_usd FROM users",
            "SELECT sum(cost_usd) AS cost_usd FROM usage",
            "SELECT sum(net_cost) AS cost_usd FROM ledger",
        ] {
            assert_close(
                number(&bench.row(sums).await, "cost_usd"),
                ledger.total_cost_usd,
                sums,
            );
        }
    }
}

#[tokio::test]
async fn without_a_cost_in_dollars_that_in_millionths_counts() {
    let name = "cc329_tools_json";
    let ledger = scenario(name).expected.expect("a ledger");
    let bench = with_costs(name, None, true).await;
    let row = bench
        .row("SELECT cost_basis, cost_note, count(*) AS requests, sum(cost_usd) AS cost_usd FROM ledger GROUP BY 1, 2")
        .await;
    assert_eq!(
        (&row["cost_basis"], &row["cost_note"]),
        (&json!("client"), &Value::Null)
    );
    let rounding = 0.5e-6 * number(&row, "requests");
    assert!(
        (number(&row, "cost_usd") - ledger.total_cost_usd).abs() <= rounding,
        "{row}"
    );
}

#[tokio::test]
async fn an_unknown_life_of_cache_writes_bounds_the_cost() {
    for name in ["cc10128_tools_json", "cc2076_tools_json"] {
        let ledger = scenario(name).expected.expect("a ledger");
        let bench = with_costs(name, None, false).await;
        let row = bench
            .row("SELECT sum(cost_usd) AS cost, sum(list_cost_low_usd) AS low, sum(list_cost_high_usd) AS high FROM ledger")
            .await;
        let [cost, low, high] = ["cost", "low", "high"].map(|key| number(&row, key));
        assert!(low < high && cost == low, "{name}: {row}");
        let total = ledger.total_cost_usd;
        assert!(
            (low - 1e-9..=high + 1e-9).contains(&total),
            "{name}: {total} and {row}"
        );
    }
}

#[tokio::test]
async fn prices_discount_and_currency_are_settings() {
    let house = PriceSetting {
        model: "claude-opus-5-5".to_owned(),
        input: 1.0,
        output: 2.0,
        ..PriceSetting::default()
    };
    let book = PriceBook::with(&[house]).expect("is right");
    let cost = Cost {
        book: Arc::new(book.clone()),
        discount: 0.25,
        currency: "EUR".to_owned(),
        currency_per_usd: 0.8,
        ..Cost::default()
    };
    let config = query::Config {
        cost,
        ..query::Config::default()
    };
    let name = "cc329_tools_json";
    let bench = Bench::configured(&[name], config).await;
    let row = bench
        .row(
            "SELECT price_book_version, currency, cost_note, sum(cost_usd) AS cost_usd, sum(net_cost) AS net_cost,
                    sum(list_cost_usd) AS list_cost_usd, sum(input_tokens) AS input, sum(output_tokens) AS output,
                    sum(cache_read_tokens) AS read, sum(cache_creation_5m_tokens) AS written_5m,
                    sum(cache_creation_1h_tokens) AS written_1h
             FROM ledger GROUP BY price_book_version, currency, cost_note",
        )
        .await;
    let ledger = scenario(name).expected.expect("a ledger");
    assert_eq!(row["price_book_version"], json!(book.version()));
    assert_eq!(
        (&row["currency"], &row["cost_note"]),
        (&json!("EUR"), &json!("above_list"))
    );
    assert_close(number(&row, "cost_usd"), ledger.total_cost_usd, "cost");
    assert_close(number(&row, "net_cost"), ledger.total_cost_usd * 0.6, "net");
    let [input, output, read, written_5m, written_1h] =
        ["input", "output", "read", "written_5m", "written_1h"].map(|key| number(&row, key));
    let list = (input + output * 2.0 + read * 0.1 + written_5m * 1.25 + written_1h * 2.0) / 1e6;
    assert_close(number(&row, "list_cost_usd"), list, "list");
}
