//! What is said while the journal is being replayed.

use std::sync::Arc;
use std::time::Duration;

use base::{Clock, ManualClock};
use serde_json::{Value, json};
use store::Store;

use crate::bench::{Bench, NOW_MS};

#[tokio::test]
async fn a_replay_is_told_of_and_queries_wait_for_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000));
    let (store, mut replay) = Store::open_for_intake(store::Config::new(dir.path()), clock)
        .await
        .expect("opens");
    let limits = query::Config {
        timeout: Duration::from_millis(200),
        ..query::Config::default()
    };
    let bench = Bench::over(dir, store, limits).await;
    bench.append("cc329_tools_json").await;

    assert_eq!(bench.get("/readyz").await.status, 200, "it takes requests");
    let status = bench.get("/api/v1/status").await.json();
    let (told, received) = (&status["replay"], &status["fates"]["logs"]["received"]);
    assert_eq!(told["stage"], "remembering");
    assert_eq!(told["requests_done"], 0);
    assert_eq!(
        *received, 0,
        "counted when it is known what becomes of them"
    );
    let count = json!({"sql": "SELECT count(*) AS n FROM events", "format": "json"});
    let refused = bench.query(&count).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let message = refused.json()["error"]["message"].to_string();
    assert!(
        message.contains("not everything that was stored"),
        "{message}"
    );

    let (opened, answer) = tokio::join!(replay.run(), bench.query(&count));
    opened.expect("replays");
    assert_eq!(answer.status, 200, "{answer:?}");
    let status = bench.get("/api/v1/status").await.json();
    assert_eq!(status["replay"], Value::Null);
    let fates = &status["fates"]["logs"];
    assert!(fates["received"].as_u64() > Some(0), "{fates}");
    assert_eq!(answer.json()[0]["n"], fates["accepted"]);
}
