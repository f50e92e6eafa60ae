use serde_json::Value;

use super::support::{Bench, assert_close, number, scenario};

#[tokio::test]
async fn prompts_and_sessions_add_up_to_the_clients_ledger() {
    for name in [
        "cc329_tools_json",
        "cc329_agent_json",
        "cowork_like_pb",
        "cc329_col_503_once_json",
        "cc10128_tools_pb",
    ] {
        let ledger = scenario(name).expected.expect("a ledger");
        let bench = Bench::with(&[name]).await;
        let mut views = vec!["sessions"];
        // The oldest clients send no prompt.id.
        views.extend(Some("prompts").filter(|_| !name.starts_with("cc10128")));
        for view in views {
            let sql = format!(
                "SELECT sum(cost_usd) AS cost_usd, sum(input_tokens) AS input, sum(output_tokens) AS output,
                        sum(cache_read_tokens) AS read, sum(cache_creation_tokens) AS written FROM {view}"
            );
            let row = bench.row(&sql).await;
            assert_close(number(&row, "cost_usd"), ledger.total_cost_usd, name);
            assert_eq!(
                number(&row, "input") as u64,
                ledger.input_tokens,
                "{name} {view}"
            );
            assert_eq!(
                number(&row, "output") as u64,
                ledger.output_tokens,
                "{name} {view}"
            );
            assert_eq!(
                number(&row, "read") as u64,
                ledger.cache_read_input_tokens,
                "{name} {view}"
            );
            assert_eq!(
                number(&row, "written") as u64,
                ledger.cache_creation_input_tokens,
                "{name} {view}"
            );
        }
    }
}

#[tokio::test]
async fn a_tool_call_is_its_decision_and_its_result() {
    // Scenario, calls, with a decision, with a result, rejected, joined without an id.
    for (name, expect) in [
        ("cc329_tools_json", [10, 10, 10, 0, 0]),
        ("cc329_denied_json", [2, 2, 0, 2, 0]),
        ("cc10128_tools_json", [9, 0, 9, 0, 0]),
        ("cc10128_mcp_json", [2, 0, 2, 0, 0]),
        ("cc2076_interactive_json", [8, 8, 7, 1, 7]),
    ] {
        let bench = Bench::with(&[name]).await;
        let row = bench
            .row(
                "SELECT count(*) AS calls, count(decided_at) AS decided, count(finished_at) AS finished,
                        count(*) FILTER (WHERE decision = 'reject') AS rejected,
                        count(*) FILTER (WHERE join_inferred) AS inferred FROM tool_calls",
            )
            .await;
        let got = ["calls", "decided", "finished", "rejected", "inferred"]
            .map(|key| number(&row, key) as i64);
        assert_eq!(got, expect, "{name}");
    }
}

#[tokio::test]
async fn a_failed_call_of_the_oldest_client_says_so() {
    let bench = Bench::with(&["cc10128_mcp_json"]).await;
    let rows = bench
        .rows("SELECT tool_name, success FROM tool_calls ORDER BY time")
        .await;
    let got: Vec<_> = rows
        .iter()
        .map(|row| (row["tool_name"].as_str(), row["success"].as_bool()))
        .collect();
    assert_eq!(
        got,
        [
            (Some("mcp__tiny__echo"), Some(true)),
            (Some("mcp__tiny__fail"), Some(false))
        ]
    );
}

#[tokio::test]
async fn what_has_no_column_is_found_by_its_key() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let row = bench
        .row(
            "SELECT count(*) AS plugins, count(attribute(attributes, 'plugin.scope')) AS with_scope,
                    count(attribute(attributes, 'no.such.key')) AS absent
             FROM events WHERE event = 'plugin_loaded'",
        )
        .await;
    assert_eq!(
        ["plugins", "with_scope", "absent"].map(|key| number(&row, key) as i64),
        [3, 3, 0]
    );
}

#[tokio::test]
async fn answers_are_the_same_before_and_after_a_flush() {
    let bench = Bench::with(&["cc329_tools_json", "cc329_agent_json", "cc10128_mcp_json"]).await;
    let questions = query::VIEWS
        .iter()
        .map(|view| format!("SELECT * FROM {}", view.name));
    let questions: Vec<String> = questions.filter(|sql| !sql.ends_with("coverage")).collect();
    let mut before = Vec::new();
    for sql in &questions {
        before.push(sorted(bench.rows(sql).await));
    }
    bench.store.flush().await.expect("flushes");
    for (sql, before) in questions.iter().zip(before) {
        assert_eq!(sorted(bench.rows(sql).await), before, "{sql}");
    }
}

/// Sums of floating-point numbers depend on the order of rows, in the last digits.
fn sorted(rows: Vec<Value>) -> Vec<String> {
    let mut rows: Vec<String> = rows
        .into_iter()
        .map(|row| rounded(row).to_string())
        .collect();
    rows.sort();
    rows
}

fn rounded(mut row: Value) -> Value {
    for value in row
        .as_object_mut()
        .into_iter()
        .flat_map(|object| object.values_mut())
    {
        if let Some(number) = value.as_f64().filter(|_| value.is_f64()) {
            // What differs by rounding only may be a little less than zero.
            let number = if number.abs() < 1e-9 { 0.0 } else { number };
            *value = format!("{number:.9}").into();
        }
    }
    row
}
