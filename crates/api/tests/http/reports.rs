use http::StatusCode;
use serde_json::json;

use crate::bench::{Bench, NOW_MS, scenario};

const DAY_MS: i64 = 86_400_000;

fn day() -> String {
    format!("from_ms={}&to_ms={}", NOW_MS - DAY_MS, NOW_MS)
}

#[tokio::test]
async fn the_overview_is_the_clients_ledger() {
    for name in [
        "cc329_tools_json",
        "cc329_agent_json",
        "cc329_cumulative_pb",
        "cowork_like_pb",
        "cc10128_tools_json",
    ] {
        let bench = Bench::with(&[name]).await;
        let ledger = scenario(name).expected.expect("a ledger");
        let overview = bench
            .get(&format!("/api/v1/overview?{}", day()))
            .await
            .json();
        let totals = &overview["totals"];
        let cost = totals["cost_usd"].as_f64().expect("a cost");
        assert!(
            (cost - ledger.total_cost_usd).abs() < 1e-9,
            "{name}: {cost}"
        );
        assert_eq!(totals["input_tokens"], ledger.input_tokens, "{name}");
        assert_eq!(
            totals["cache_read_tokens"], ledger.cache_read_input_tokens,
            "{name}"
        );
        assert_eq!(
            (&totals["sessions"], &overview["step_ms"]),
            (&1.into(), &900_000.into()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn from_a_session_to_its_prompt_to_its_replay() {
    let bench = Bench::with(&["cc329_tools_json", "cc329_many_pb_default"]).await;
    let first = bench
        .get(&format!("/api/v1/sessions?{}&limit=1", day()))
        .await
        .json();
    let before = first["next_before_ms"].as_i64().expect("a second page");
    let second = bench
        .get(&format!(
            "/api/v1/sessions?{}&limit=1&before_ms={before}",
            day()
        ))
        .await
        .json();
    assert!(second["next_before_ms"].is_null());
    let session = scenario("cc329_tools_json")
        .expected
        .expect("a ledger")
        .session_id;
    let listed = [&first, &second].map(|page| {
        page["sessions"][0]["session_id"]
            .as_str()
            .expect("an id")
            .to_owned()
    });
    assert!(
        listed.contains(&session) && listed[0] != listed[1],
        "{listed:?}"
    );

    let detail = bench
        .get(&format!("/api/v1/sessions/{session}"))
        .await
        .json();
    let prompt = detail["prompts"][0]["prompt_id"]
        .as_str()
        .expect("a prompt");
    let replay = bench.get(&format!("/api/v1/prompts/{prompt}")).await.json();
    let events = replay["events"].as_array().expect("events");
    assert!(
        events.is_sorted_by_key(|event| (event["time_ms"].as_i64(), event["sequence"].as_i64()))
    );
    assert_eq!(events[0]["event"], "user_prompt");
    let listed = bench
        .get(&format!("/api/v1/prompts?{}&tool=Glob", day()))
        .await
        .json();
    assert_eq!(listed["prompts"][0], detail["prompts"][0]);
}

#[tokio::test]
async fn what_is_not_there_or_not_understood_is_said() {
    let bench = Bench::with(&[]).await;
    for (path, status, said) in [
        ("/api/v1/sessions/none", 404, "no session"),
        ("/api/v1/prompts/none", 404, "no prompt"),
        ("/api/v1/prompts/%FF", 400, "path"),
        ("/api/v1/overview?from_ms=yesterday", 400, "from_ms"),
        ("/api/v1/overview?colour=red", 400, "colour"),
        ("/api/v1/overview?from_ms=9&to_ms=3", 400, "ends before"),
        (
            "/api/v1/overview?from_ms=-9223372036854775808&to_ms=9223372036854775807",
            400,
            "1970",
        ),
        ("/api/v2/overview", 404, "/api/v2/overview"),
        ("/api", 404, "/api"),
    ] {
        let answer = bench.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {answer:?}");
        let message = answer.json()["error"]["message"]
            .as_str()
            .expect("a message")
            .to_owned();
        assert!(message.contains(said), "{path}: {message}");
    }
}

#[tokio::test]
async fn the_servers_state_for_people_probes_and_prometheus() {
    let bench = Bench::with(&[]).await;
    let empty = bench.get("/api/v1/status").await.json();
    assert!(
        empty["last_received_ms"].is_null() && empty["demo"] == true && empty["version"] == "1.2.3",
        "{empty}"
    );
    bench.append("cc329_tools_json").await;
    bench.append("cc329_tools_json").await;
    let status = bench.get("/api/v1/status").await.json();
    assert_eq!(status["last_received_ms"], NOW_MS);
    let logs = &status["fates"]["logs"];
    assert!(
        logs["accepted"] == logs["deduplicated"] && logs["accepted"].as_u64() > Some(0),
        "{status}"
    );
    let ledger = bench.get("/api/v1/fates").await.json();
    assert_eq!(
        (&ledger["since_ms"], &ledger["settled"]),
        (&json!(7), &json!(true))
    );
    assert_eq!(ledger["signals"], status["fates"], "{ledger}");
    assert_eq!(ledger["refused_requests"], json!([]));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(bench.get(path).await.status, StatusCode::OK, "{path}");
    }
    let metrics = bench.get("/metrics").await;
    let text = String::from_utf8(metrics.body.to_vec()).expect("text");
    let line = format!(
        "tallybook_items_total{{fate=\"deduplicated\",signal=\"logs\"}} {}",
        logs["deduplicated"]
    );
    assert!(
        text.contains(&line) && text.contains("\ntallybook_journal_bytes "),
        "{text}"
    );
}

#[tokio::test]
async fn the_document_describes_every_path() {
    let bench = Bench::with(&[]).await;
    let served = bench.get("/api/openapi.json").await;
    assert_eq!(served.body, api::openapi_json());
    let document = served.json();
    let paths: Vec<&String> = document["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .collect();
    let expect = [
        "access/keys",
        "access/keys/{id}",
        "access/people",
        "access/people/{name}",
        "access/sessions",
        "access/sessions/{id}",
        "audit",
        "connect/{client}",
        "demo-data",
        "door",
        "encryption",
        "encryption/reload",
        "encryption/rewrite",
        "encryption/rotate",
        "erase",
        "erasures",
        "erasures/{id}",
        "explain",
        "fates",
        "holds",
        "holds/{id}",
        "live",
        "organizations",
        "overview",
        "password",
        "prompts",
        "prompts/{id}",
        "query",
        "redaction",
        "refused-people",
        "refused-people/{id}",
        "reports",
        "reports/{name}",
        "retention",
        "retention/plan",
        "retention/run",
        "session",
        "sessions",
        "sessions/{id}",
        "setup",
        "status",
        "tokens",
        "tokens/{name}/revoke",
        "tokens/{slot}/rotate",
        "views",
        "why",
    ];
    assert_eq!(
        paths,
        expect
            .map(|path| format!("/api/v1/{path}"))
            .iter()
            .collect::<Vec<_>>()
    );
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    for name in [
        "Overview",
        "SessionPage",
        "SessionDetail",
        "ReportDocument",
        "Explanation",
        "PromptPage",
        "Replay",
        "LiveItem",
        "Status",
        "ErrorBody",
    ] {
        assert!(schemas.contains_key(name), "{name}");
    }
}
