//! What is kept of an item is decided by the token with which it came, whatever it claims, over every
//! transport; and what was not to be kept is in no byte of the data directory.

use bytes::Bytes;
use contract::Signal;
use fleet::{Client, ContentEncoding, Transport};
use http::{HeaderName, HeaderValue};
use otlp::Encoding;
use search::search;
use serde_json::{Value, json};
use testkit::{Problem, Server};

use crate::command_line::printed;
use crate::stage::launch;

const SETTINGS: &str = r#"
[redaction]
content = "keep"

[[redaction.rule]]
organization = "Strict"
attribute = "prompt"
action = "drop"

[[redaction.rule]]
organization = "Loose"
product = "claude-code"
attribute = "tool_input"
action = "drop"
"#;

const WAYS: [(Transport, Encoding); 3] = [
    (Transport::Http, Encoding::Json),
    (Transport::Http, Encoding::Protobuf),
    (Transport::Grpc, Encoding::Protobuf),
];

/// What is sent: with which token, as which product, claiming which organisation; and what of it is kept.
struct Case {
    token: &'static str,
    service: &'static str,
    claims: &'static str,
    keeps_prompt: bool,
    keeps_input: bool,
}

const CASES: [Case; 4] = [
    Case {
        token: "Strict",
        service: "claude-code",
        claims: "Loose",
        keeps_prompt: false,
        keeps_input: true,
    },
    Case {
        token: "Strict",
        service: "cowork",
        claims: "",
        keeps_prompt: false,
        keeps_input: true,
    },
    Case {
        token: "Loose",
        service: "claude-code",
        claims: "Strict",
        keeps_prompt: true,
        keeps_input: false,
    },
    Case {
        token: "Loose",
        service: "cowork",
        claims: "Strict",
        keeps_prompt: true,
        keeps_input: true,
    },
];

fn token(server: &Server, organization: &str) -> Result<String, Problem> {
    let dir = server.data_dir().display().to_string();
    let slot = organization.to_lowercase();
    let words = ["token", "create", &slot, "--organization", organization];
    let more = ["--data-dir", &dir, "--format", "json"];
    let rows: Value = serde_json::from_str(&printed(&[&words[..], &more[..]].concat())?)?;
    Ok(rows[0]["text"].as_str().unwrap_or_default().to_owned())
}

/// An export request of one event with a prompt and a tool's input of its own.
fn body(encoding: Encoding, case: &Case, canary: &str) -> Result<Bytes, Problem> {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let record = json!({
        "timeUnixNano": "0",
        "attributes": [
            text("event.name", "user_prompt"),
            text("prompt.id", canary),
            text("prompt", &format!("prompt-{canary}")),
            text("tool_input", &format!("input-{canary}")),
            text("organization.id", case.claims),
        ]
    });
    let resource = json!({"attributes": [text("service.name", case.service)]});
    let request =
        json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]});
    let request = request.to_string();
    match encoding {
        Encoding::Json => Ok(request.into()),
        Encoding::Protobuf => {
            let limits = otlp::Limits::default();
            let converted = otlp::from_json(Signal::Logs, request.as_bytes(), &limits)?;
            Ok(converted.protobuf.into())
        }
    }
}

async fn send(
    server: &Server,
    (transport, encoding): (Transport, Encoding),
    token: &str,
    body: Bytes,
) -> Result<(), Problem> {
    let address = match transport {
        Transport::Http => &server.addresses().http,
        Transport::Grpc => &server.addresses().grpc,
    };
    let bearer = HeaderValue::try_from(format!("Bearer {token}"))?;
    let client = Client::new(&format!("http://{address}"), transport)?;
    let client = client.with_header(HeaderName::from_static("authorization"), bearer);
    let sent = client.send(
        Signal::Logs,
        encoding,
        ContentEncoding::Identity,
        body,
        None,
    );
    let answer = sent.await?;
    assert!(answer.is_success(), "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_decides_what_is_kept() -> Result<(), Problem> {
    let mut server = launch().settings(SETTINGS).start()?;
    let tokens = [
        ("Strict", token(&server, "Strict")?),
        ("Loose", token(&server, "Loose")?),
    ];
    let mut expected = Vec::new();
    for (way, how) in WAYS.into_iter().enumerate() {
        for (number, case) in CASES.iter().enumerate() {
            let canary = format!("canary{way}x{number}end");
            let known = tokens.iter().find(|(name, _)| *name == case.token);
            let text = known.map(|(_, text)| text.as_str()).unwrap_or_default();
            send(&server, how, text, body(how.1, case, &canary)?).await?;
            expected.push((format!("prompt-{canary}"), case.keeps_prompt));
            expected.push((format!("input-{canary}"), case.keeps_input));
        }
    }
    // In the journal, and in parts.
    server.kill()?;
    check(&server, &expected)?;
    server.restart()?;
    server.terminate()?;
    check(&server, &expected)
}

/// What is in the data directory, in whatever form, is what was to be kept.
fn check(server: &Server, expected: &[(String, bool)]) -> Result<(), Problem> {
    let needles: Vec<String> = expected.iter().map(|(text, _)| text.clone()).collect();
    let hits = search(&server.data_dir(), &needles)?;
    for (at, (text, is_kept)) in expected.iter().enumerate() {
        let found = hits.iter().find(|hit| hit.needle == at);
        assert_eq!(found.is_some(), *is_kept, "{text}");
    }
    Ok(())
}
