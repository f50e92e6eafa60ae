//! Raw bodies: in events, cut, or in files, whole.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{FakeReceiver, Stage};
use crate::event::{ApiRequestBody, ApiResponseBody, UserPrompt};
use crate::head::Agent;
use crate::session::Session;
use crate::settings::Settings;
use crate::telemetry::Telemetry;

const ATTEMPT: &str = "0b8f6a52-93f0-4c59-a7d1-2f8b2f1d4c11";

fn request(body: &str) -> ApiRequestBody {
    ApiRequestBody {
        body: body.to_owned(),
        model: "m".to_owned(),
        query_source: Some("sdk".to_owned()),
        request_body_id: Some(ATTEMPT.to_owned()),
        ..ApiRequestBody::default()
    }
}

fn response(body: &str, request_id: Option<&str>) -> ApiResponseBody {
    ApiResponseBody {
        body: body.to_owned(),
        model: "m".to_owned(),
        query_source: Some("sdk".to_owned()),
        request_body_id: Some(ATTEMPT.to_owned()),
        request_id: request_id.map(str::to_owned),
        message_id: Some("msg_1".to_owned()),
        message_uuid: Some("uuid-1".to_owned()),
        ..ApiResponseBody::default()
    }
}

/// Telemetry with this word for raw bodies, a clock that stands, and ids that count.
fn stage(receiver: &FakeReceiver, word: &str) -> Stage {
    let layers = Stage::layers(receiver.port, &[("OTEL_LOG_RAW_API_BODIES", word)]);
    let next = AtomicU64::new(0);
    Stage::built(layers, |builder| {
        builder
            .clock(|| 1_795_218_730_391)
            .ids(move || format!("id-{}", next.fetch_add(1, Ordering::Relaxed)))
    })
}

/// The own attributes of each event of the next request.
fn own(receiver: &FakeReceiver) -> Vec<Value> {
    let request: Value = serde_json::from_slice(&receiver.next().body).expect("JSON");
    let records = &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    let pairs = |record: &Value| {
        let attributes = record["attributes"].as_array().expect("a list");
        let at = attributes
            .iter()
            .position(|it| it["key"] == "event.sequence");
        let own = &attributes[at.expect("a sequence") + 1..];
        Value::from_iter(own.iter().map(|it| {
            let key = it["key"].as_str().expect("a key").to_owned();
            (key, it["value"]["stringValue"].clone())
        }))
    };
    records
        .as_array()
        .expect("a list")
        .iter()
        .map(pairs)
        .collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

#[test]
fn in_events_bodies_are_cut_and_say_so() {
    let receiver = FakeReceiver::start(Some(&[]));
    let stage = stage(&receiver, "1");
    let session = stage.telemetry.session_with_id("s");
    session.emit(request("{\"a\":\"ü\"}"));
    session.emit(request(&"x".repeat(70_000)));
    assert!(stage.telemetry.flush());
    let own = own(&receiver);
    let expected = json!({
        "body": "{\"a\":\"ü\"}", "body_length": "9", "model": "m",
        "query_source": "sdk", "request_body_id": ATTEMPT,
    });
    assert_eq!(own[0], expected);
    assert_eq!(
        (&own[1]["body_length"], &own[1]["body_truncated"]),
        (&json!("70000"), &json!("true"))
    );
    assert_eq!(
        own[1]["body"].as_str().map(str::len),
        Some(61_440 + 2),
        "the mark has a letter of three bytes"
    );
}

#[test]
fn in_files_bodies_are_whole_and_events_name_the_file() {
    let receiver = FakeReceiver::start(Some(&[]));
    let dir = tempfile::tempdir().expect("a directory");
    let bodies = dir.path().join("new/bodies");
    let stage = stage(&receiver, &format!("file:{}", bodies.display()));
    let session = stage.telemetry.session_with_id("s");
    let long = "ü".repeat(70_000);
    session.emit(request(&long));
    session.emit(response("{\"ok\":true}", Some("req_1")));
    session.emit(response("{}", Some("../out")));
    assert!(stage.telemetry.flush());
    let path = |name: &str| bodies.join(name);
    let names = [
        &format!("{ATTEMPT}.request.json"),
        "req_1.response.json",
        "id-0.response.json",
    ];
    let own = own(&receiver);
    let expected = json!({
        "body_ref": path(names[0]), "body_length": "140000", "model": "m",
        "query_source": "sdk", "request_body_id": ATTEMPT,
    });
    assert_eq!(own[0], expected);
    assert_eq!(
        (&own[1]["body_ref"], &own[1]["body_length"]),
        (&json!(path(names[1])), &json!("11"))
    );
    assert_eq!(
        own[2]["body_ref"],
        json!(path(names[2])),
        "an id that leads elsewhere is no name"
    );
    assert_eq!(text(&path(names[0])), long);
    assert_eq!(text(&path(names[1])), "{\"ok\":true}");
    let index = text(&path("index.jsonl"));
    let first = format!(
        "{{\"timestamp\":\"2026-11-20T23:52:10.391Z\",\"session_id\":\"s\",\"query_source\":\"sdk\",\"model\":\"m\",\"request_id\":\"req_1\",\"message_id\":\"msg_1\",\"message_uuid\":\"uuid-1\",\"request_file\":\"{ATTEMPT}.request.json\",\"response_file\":\"req_1.response.json\"}}"
    );
    assert_eq!(index.lines().count(), 2, "{index}");
    assert_eq!(index.lines().next(), Some(first.as_str()));
    let listed = fs::read_dir(&bodies).expect("a directory").count();
    assert_eq!(listed, 4, "nothing unfinished is left");
    assert_eq!(stage.said(), "");
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let receiver = FakeReceiver::start(Some(&[]));
    let dir = tempfile::tempdir().expect("a directory");
    let bodies = dir.path().join("bodies");
    let stage = stage(&receiver, &format!("file:{}", bodies.display()));
    stage
        .telemetry
        .session_with_id("s")
        .emit(response("{}", Some("req_1")));
    // The end waits for them, as a flush does.
    drop(stage);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&bodies), 0o700);
    for name in ["req_1.response.json", "index.jsonl"] {
        assert_eq!(mode(&bodies.join(name)), 0o600, "{name}");
    }
}

#[test]
fn what_cannot_be_written_is_said_and_costs_nothing_else() {
    let receiver = FakeReceiver::start(Some(&[]));
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a file");
    fs::write(&file, "").expect("written");
    let stage = stage(&receiver, &format!("file:{}", file.display()));
    let session = stage.telemetry.session_with_id("s");
    session.emit(request("{}"));
    session.emit(UserPrompt::new("hello"));
    assert!(stage.telemetry.flush());
    assert_eq!(own(&receiver).len(), 2);
    let said = stage.said();
    assert!(
        said.contains("OTEL_LOG_RAW_API_BODIES: 1 bodies are not written"),
        "{said}"
    );
}

#[test]
fn a_shut_gate_writes_no_file() {
    let receiver = FakeReceiver::start(Some(&[]));
    let dir = tempfile::tempdir().expect("a directory");
    let (mut settings, _) = Settings::read(Stage::layers(receiver.port, &[]));
    settings.content.body_dir = Some(dir.path().to_owned());
    let telemetry = Telemetry::new(Agent::new("test", "1"), settings);
    telemetry.session_with_id("s").emit(request("secret"));
    telemetry.shutdown();
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0);
}

/// Emits bodies of a megabyte while nobody writes them.
fn fill(session: &Session, count: usize) {
    let body = "x".repeat(1 << 20);
    for _ in 0..count {
        session.emit(request(&body));
    }
}

#[test]
fn bodies_that_wait_are_bounded_and_the_end_says_what_is_lost() {
    let receiver = FakeReceiver::start(None);
    let dir = tempfile::tempdir().expect("a directory");
    let stage = stage(&receiver, &format!("file:{}", dir.path().display()));
    let session = stage.telemetry.session_with_id("s");
    let shared = std::sync::Arc::clone(&session.shared);
    // Without the thread that writes.
    stage.telemetry.shutdown_within(Duration::from_millis(50));
    *crate::shared::lock(&shared.bodies) = crate::bodies::BodyQueue::default();
    fill(&session, 70);
    let found = stage.found.lock().expect("whole");
    let lost = found
        .iter()
        .filter(|it| it.subject == "OTEL_LOG_RAW_API_BODIES");
    let said: Vec<String> = lost.map(ToString::to_string).collect();
    // 64 wait; 1, 2 and 4 of the 6 others are said.
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(
        said[2].contains("4 bodies") && said[2].contains("too slow"),
        "{said:?}"
    );
    assert_eq!(crate::shared::lock(&shared.bodies).close(), 64);
}
