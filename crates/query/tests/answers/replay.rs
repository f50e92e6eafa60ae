use query::reports;

use super::support::{Bench, assert_close, number, scenario};

#[tokio::test]
async fn a_replay_has_every_event_of_its_prompt_in_order() {
    let bench = Bench::with(&["cc329_tools_json", "cc329_agent_json"]).await;
    let ledger = scenario("cc329_tools_json").expected.expect("a ledger");
    let detail = reports::session(&bench.all(), &ledger.session_id)
        .await
        .expect("answers")
        .expect("is there");
    let id = &detail.prompts[0].prompt_id;
    let replay = reports::replay(&bench.all(), id)
        .await
        .expect("answers")
        .expect("is there");
    let stored = bench
        .row(&format!(
            "SELECT count(*) AS n FROM events WHERE prompt_id = '{id}'"
        ))
        .await;
    assert_eq!(
        (replay.events.len() as f64, replay.truncated),
        (number(&stored, "n"), false)
    );
    assert_eq!(
        replay.session_id.as_deref(),
        Some(ledger.session_id.as_str())
    );
    assert!(
        replay
            .events
            .is_sorted_by_key(|event| (event.time_ms, event.sequence))
    );
    assert_eq!(
        (replay.events[0].time_ms, replay.totals.tool_calls),
        (replay.start_ms, 10)
    );
    assert_close(replay.totals.cost_usd, ledger.total_cost_usd, "cost");
    let requests = replay
        .events
        .iter()
        .filter(|event| event.event == "api_request");
    assert_close(
        requests.filter_map(|event| event.cost_usd).sum(),
        ledger.total_cost_usd,
        "events",
    );
}

#[tokio::test]
async fn what_an_event_carries_beside_its_columns_is_an_object() {
    let bench = Bench::with(&["cc329_tools_json_verbose"]).await;
    let row = bench
        .row("SELECT prompt_id FROM events WHERE event = 'tool_result' AND attributes <> '{}' LIMIT 1")
        .await;
    let id = row["prompt_id"].as_str().expect("a prompt");
    let replay = reports::replay(&bench.all(), id)
        .await
        .expect("answers")
        .expect("is there");
    let json = serde_json::to_value(&replay).expect("is JSON");
    let events = json["events"].as_array().expect("events");
    assert!(
        events.iter().any(|event| event["attributes"].is_object()),
        "{json:#}"
    );
    assert!(events.iter().all(|event| {
        !event
            .as_object()
            .expect("an object")
            .values()
            .any(|value| value.is_null())
    }));
    assert!(
        reports::replay(&bench.all(), "nothing")
            .await
            .expect("answers")
            .is_none()
    );
}
