//! Work that goes round in circles is found by its rule, once, with the price of the requests behind it.

use serde_json::{Value, json};

use super::catalogue::{ask, asked, rows};
use super::handmade::Client;
use super::support::{Bench, DAY_MS, NOW_MS, number};

const AT: i64 = NOW_MS - 1_000_000;

type Made = (i64, &'static str, Value);

fn client() -> Client {
    Client::of("2.1.329", "ann@example.com", "s1").with("prompt.id", json!("p1"))
}

fn request(at_ms: i64, id: &str, cost_usd: f64, cache: (i64, i64)) -> Made {
    let own = json!({"model": "claude-opus-5-5", "request_id": id, "cost_usd": cost_usd, "input_tokens": 10, "output_tokens": 5,
        "cache_read_tokens": cache.0, "cache_creation_tokens": cache.1, "duration_ms": 100});
    (AT + at_ms, "api_request", own)
}

/// A call by its tool, its end, what asked for it, and its sizes.
fn call(at_ms: i64, tool: &str, end: &str, asked_by: &str, bytes: (i64, i64)) -> Vec<Made> {
    let id = format!("call-{at_ms}");
    let decision = if end == "refused" { "reject" } else { "accept" };
    let decided = json!({"tool_name": tool, "tool_use_id": id, "decision": decision, "source": "config", "request_id": asked_by});
    let mut made = vec![(AT + at_ms, "tool_decision", decided)];
    if end != "refused" {
        let own = json!({"tool_name": tool, "tool_use_id": id, "success": (end == "succeeded").to_string(), "request_id": asked_by,
            "duration_ms": 10, "tool_input_size_bytes": bytes.0, "tool_result_size_bytes": bytes.1});
        made.push((AT + at_ms + 10, "tool_result", own));
    }
    made
}

async fn told(bench: &Bench) -> Vec<(String, u64, f64)> {
    let answer = asked(bench, ask("findings")).await;
    let told = rows(&answer.rows);
    let one = |row: &Value| {
        let pattern = row["pattern"].as_str().unwrap_or_default().to_owned();
        (
            pattern,
            number(row, "findings") as u64,
            number(row, "wasted_usd"),
        )
    };
    let mut all: Vec<_> = told.iter().map(one).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

#[tokio::test]
async fn each_pattern_is_found_with_its_price() {
    let bench = Bench::with(&[]).await;
    let mut made = vec![
        request(0, "r0", 0.1, (0, 50_000)),
        request(1, "r1", 0.6, (9_000, 0)),
        request(2, "r2", 0.8, (9_000, 0)),
        // Its session had used the model before, and it reads nothing.
        request(3, "r3", 0.7, (0, 30_000)),
    ];
    // The third failure and the fourth; r1 asked for six calls.
    for at_ms in [10, 20, 30, 40] {
        made.extend(call(at_ms, "Bash", "failed", "r1", (9, 9)));
    }
    // The second refusal.
    for at_ms in [50, 60] {
        made.extend(call(at_ms, "Edit", "refused", "r1", (9, 9)));
    }
    // The third call alike; the one that answers otherwise is another. r2 asked for four.
    for (at_ms, answered) in [(70, 100), (90, 100), (110, 100), (130, 101)] {
        made.extend(call(at_ms, "Read", "succeeded", "r2", (40, answered)));
    }
    client().send(&bench, &made).await;
    let found = told(&bench).await;
    let near = |pattern: &str, findings: u64, usd: f64| {
        let one = found.iter().find(|(own, ..)| own == pattern);
        let one = one.unwrap_or_else(|| panic!("{pattern} in {found:?}"));
        assert_eq!(one.1, findings, "{found:?}");
        assert!((one.2 - usd).abs() < 1e-9, "{found:?}");
    };
    near("cache_rebuilt", 1, 0.7);
    near("fails_again", 2, 0.2);
    near("refused_again", 1, 0.1);
    near("same_call_again", 1, 0.2);
    assert_eq!(found.len(), 4, "{found:?}");
}

#[tokio::test]
async fn another_prompt_is_another_try_and_a_day_is_forgotten() {
    let bench = Bench::with(&[]).await;
    for (prompt, at_ms) in [("p1", 0), ("p2", 1_000), ("p3", 2_000)] {
        let made = call(at_ms, "Bash", "failed", "r1", (9, 9));
        client()
            .with("prompt.id", json!(prompt))
            .send(&bench, &made)
            .await;
    }
    assert_eq!(told(&bench).await, []);
    let mut narrow = ask("findings");
    narrow.range.from_ms = AT - 2 * DAY_MS;
    assert_eq!(rows(&asked(&bench, narrow).await.rows).len(), 0);
}
