//! The log tells of the server and never of what is in it, and no flood fills it.

use bytes::Bytes;
use contract::Signal;
use fleet::{Client, ContentEncoding, Transport};
use http::Method;
use otlp::Encoding;
use serde_json::{Value, json};
use testkit::{Problem, Server, exchange, gzip, wait_for};

use crate::stage::{PATIENCE, launch};

/// In everything that is sent and asked below, and nowhere else.
const CANARY: &str = "canary-3f9c";
const EVERYTHING: &str = "[log]\nformat = \"json\"\nlevel = \"debug\"\n";

fn canary(about: &str) -> Value {
    json!({"stringValue": format!("{about} {CANARY} me@{CANARY}.example.com")})
}

/// Events, and what is none and so quarantined, with the canary in every text there is.
fn logs() -> Value {
    let attribute = |key: &str| json!({"key": key, "value": canary(key)});
    let attributes: Vec<Value> = ["prompt", "user.email", "tool_input", "session.id", CANARY]
        .map(attribute)
        .into();
    let record = |name: &str| {
        json!({"timeUnixNano": "1", "eventName": format!("{name}-{CANARY}"), "body": canary("body"),
            "severityText": CANARY, "attributes": attributes})
    };
    let bad = json!({"timeUnixNano": CANARY, "attributes": [{"key": CANARY, "value": {"intValue": CANARY}}]});
    json!({"resourceLogs": [{
        "resource": {"attributes": attributes},
        "schemaUrl": format!("http://{CANARY}"),
        "scopeLogs": [{"scope": {"name": CANARY, "version": CANARY}, "logRecords": [record("a"), record("b"), bad, CANARY]}],
    }]})
}

async fn send_good(server: &Server) -> Result<(), Problem> {
    let body = logs().to_string();
    let limits = otlp::Limits::default();
    let converted = otlp::from_json(Signal::Logs, body.as_bytes(), &limits)
        .map_err(|refused| Problem::new(refused.to_string()))?;
    let url = format!("http://{}/v1/logs?{CANARY}", server.addresses().http);
    let secret = format!("Bearer {CANARY}");
    let headers = |content_type| {
        [
            ("content-type", content_type),
            ("authorization", secret.as_str()),
            ("user-agent", CANARY),
            ("x-note", CANARY),
        ]
    };
    let answer = exchange(Method::POST, &url, &headers("application/json"), body).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let protobuf = Bytes::from(converted.protobuf);
    let content_type = "application/x-protobuf";
    let answer = exchange(Method::POST, &url, &headers(content_type), protobuf.clone()).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let client = Client::new(
        &format!("http://{}", server.addresses().grpc),
        Transport::Grpc,
    )?;
    for path in [None, Some(format!("/{CANARY}/Export"))] {
        let encoding = (Encoding::Protobuf, ContentEncoding::Identity);
        client
            .send(
                Signal::Logs,
                encoding.0,
                encoding.1,
                protobuf.clone(),
                path.as_deref(),
            )
            .await?;
    }
    Ok(())
}

/// Names and values.
type Headers<'a> = &'a [(&'a str, &'a str)];

async fn send_bad(server: &Server) -> Result<(), Problem> {
    let http = format!("http://{}", server.addresses().http);
    let json = ("content-type", "application/json");
    let coded = format!("gzip, {CANARY}");
    let typed = format!("text/{CANARY}");
    let bodies: [(&str, Headers<'_>, Vec<u8>); 6] = [
        ("/v1/logs", &[json], format!("{{\"{CANARY}\":").into_bytes()),
        (
            "/v1/logs",
            &[json],
            format!("{{\"resourceLogs\":\"{CANARY}\"}}").into_bytes(),
        ),
        ("/v1/logs", &[("content-type", &typed)], CANARY.into()),
        (
            "/v1/traces",
            &[json, ("content-encoding", &coded)],
            CANARY.into(),
        ),
        (
            "/v1/metrics",
            &[
                ("content-type", "application/x-protobuf"),
                ("content-encoding", "gzip"),
            ],
            gzip(format!("\u{a}\u{7f}{CANARY}").as_bytes()),
        ),
        (&format!("/{CANARY}"), &[json], CANARY.into()),
    ];
    for (path, headers, body) in bodies {
        let answer = exchange(Method::POST, &format!("{http}{path}"), headers, body).await?;
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
    Ok(())
}

async fn ask(server: &Server) -> Result<(), Problem> {
    let ui = server.addresses().ui_url();
    for sql in [
        format!("SELECT prompt FROM events WHERE prompt LIKE '%{CANARY}%'"),
        format!("SELECT \"{CANARY}\" FROM events"),
        format!("SELECT '{CANARY}"),
        format!("SELECT CAST('{CANARY}' AS BIGINT) FROM events"),
        "SELECT CAST(prompt AS BIGINT) FROM events".to_owned(),
    ] {
        server.sql().ask(&sql).await?;
    }
    for path in ["/api/v1/sessions/", "/api/v1/prompts/", "/api/", "/"] {
        let url = format!("{ui}{path}{CANARY}?q={CANARY}");
        exchange(Method::GET, &url, &[("cookie", CANARY)], "").await?;
    }
    let url = format!("{ui}/api/v1/status");
    exchange(
        Method::GET,
        &url,
        &[("host", &format!("{CANARY}.example.com"))],
        "",
    )
    .await?;
    let url = format!("{ui}/api/v1/query");
    let json = [("content-type", "application/json")];
    exchange(Method::POST, &url, &json, format!("{{\"{CANARY}\":1}}")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_sent_or_asked_is_in_the_log() -> Result<(), Problem> {
    let mut server = launch().settings(EVERYTHING).start()?;
    send_good(&server).await?;
    send_bad(&server).await?;
    ask(&server).await?;
    let ledger = server.sql().settled_ledger().await?;
    assert!(
        ledger.all().quarantined > 0 && ledger.refused(false) >= 7,
        "{ledger:?}"
    );
    // Its journal is replayed, and then it is flushed.
    server.kill()?;
    server.restart()?;
    assert!(server.sql().count("SELECT count(*) FROM events").await? > 0);
    server.terminate()?;
    let log = server.log();
    for line in log.lines() {
        let object: Value = serde_json::from_str(line)
            .map_err(|error| Problem::from(error).while_doing(format!("line {line:?}")))?;
        for key in ["time", "level", "target", "message", "fields"] {
            assert!(!object[key].is_null(), "no {key} in {line}");
        }
        assert!(!line.contains(CANARY), "{line}");
    }
    for said in [
        "acknowledged a request",
        "refused a request",
        "refused requests",
        "replayed",
    ] {
        assert!(
            log.contains(said),
            "nothing was shown: no {said:?} in\n{log}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refusals_is_a_few_lines() -> Result<(), Problem> {
    const FLOOD: u64 = 300;
    let mut server = launch().settings("[log]\nformat = \"json\"\n").start()?;
    let url = format!("http://{}/v1/logs", server.addresses().http);
    for _ in 0..FLOOD {
        exchange(
            Method::POST,
            &url,
            &[("content-type", "application/json")],
            "[",
        )
        .await?;
    }
    let first = wait_for(PATIENCE, "the first refusal in the log", || {
        server.log().contains("refused requests").then_some(())
    });
    first?;
    server.terminate()?;
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("refused requests"));
    let objects: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
    let requests = objects?
        .iter()
        .map(|line| line["fields"]["requests"].as_u64().unwrap_or_default())
        .collect::<Vec<_>>();
    assert_eq!(requests.iter().sum::<u64>(), FLOOD, "{log}");
    assert!(requests.len() <= 3, "{requests:?}");
    Ok(())
}
