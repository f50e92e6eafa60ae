use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use crate::bench::Bench;

/// A watcher, and what it has read.
struct Watcher {
    response: Response<Incoming>,
    text: String,
}

impl Watcher {
    async fn of(bench: &Bench) -> Watcher {
        let request = Request::builder().uri(format!("http://{}/api/v1/live", bench.addr));
        let response = bench
            .open(request.body(Default::default()).expect("a request"))
            .await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Watcher {
            response,
            text: String::new(),
        }
    }

    /// Reads until the text so far satisfies a condition, or the stream ends.
    async fn until(&mut self, enough: impl Fn(&str) -> bool) {
        let reading = async {
            while !enough(&self.text) {
                let Some(Ok(frame)) = self.response.frame().await else {
                    return;
                };
                let data: Bytes = frame.into_data().unwrap_or_default();
                self.text.push_str(&String::from_utf8_lossy(&data));
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reading)
            .await
            .expect("in time");
    }

    /// The data of the events of one name.
    fn events(&self, name: &str) -> Vec<Value> {
        let blocks = self
            .text
            .split("\n\n")
            .filter_map(|block| block.split_once('\n'));
        let named = blocks.filter(|(first, _)| *first == format!("event: {name}"));
        named
            .map(|(_, data)| serde_json::from_str(data.trim_start_matches("data: ")).expect("JSON"))
            .collect()
    }
}

#[tokio::test]
async fn an_event_is_shown_when_it_is_stored() {
    let bench = Bench::with(&["cc10128_mcp_json"]).await;
    let mut watcher = Watcher::of(&bench).await;
    bench.append("cc329_tools_json").await;
    watcher
        .until(|text| {
            text.contains("\"event\":\"tool_result\"") && text.contains("\"event\":\"api_request\"")
        })
        .await;
    let items = watcher.events("item");
    let request = items
        .iter()
        .find(|item| item["event"] == "api_request")
        .expect("a request");
    assert!(
        request["cost_usd"].as_f64() > Some(0.0) && request["tokens"].as_u64() > Some(0),
        "{request}"
    );
    assert!(
        request["person"].is_string()
            && request["prompt_id"].is_string()
            && request["tool_name"].is_null()
    );
    assert_eq!(request["received_ms"], crate::bench::NOW_MS);
    assert!(
        items
            .iter()
            .all(|item| item["session_id"] != "d0646f60-b132-4b0f-ac4a-e83d718765ad"),
        "nothing older"
    );
}

#[tokio::test]
async fn beyond_a_hundred_a_second_only_the_number_is_said() {
    let bench = Bench::with(&[]).await;
    let mut watcher = Watcher::of(&bench).await;
    let names = [
        "cc329_tools_json",
        "cc329_tools_pb",
        "cc329_tools_grpc",
        "cc329_many_pb_default",
        "cc329_gzip_pb",
    ];
    for name in names {
        bench.append(name).await;
    }
    watcher.until(|text| text.contains("event: skipped")).await;
    let stored = bench.store.fates().of(contract::Signal::Logs).accepted;
    let skipped: u64 = watcher
        .events("skipped")
        .iter()
        .map(|event| event["count"].as_u64().expect("a count"))
        .sum();
    assert!(
        watcher.events("item").len() <= 100,
        "{}",
        watcher.events("item").len()
    );
    assert!(
        skipped > 0 && skipped + 100 >= stored,
        "{skipped} of {stored}"
    );
}

#[tokio::test]
async fn a_stream_ends_at_shutdown_and_the_server_with_it() {
    let bench = Bench::with(&[]).await;
    let mut watcher = Watcher::of(&bench).await;
    bench.shutdown.trigger();
    watcher.until(|_| false).await;
    tokio::time::timeout(Duration::from_secs(5), bench.serving)
        .await
        .expect("in time")
        .expect("ends well");
}
