//! Canaries in every place of every signal, over every transport, through a kill and a flush: no byte
//! of the data directory and no line of the log has one. And the search sees them when nothing is
//! looked for.

use bytes::Bytes;
use contract::Signal;
use fleet::{Client, ContentEncoding, Transport};
use http::Method;
use otlp::Encoding;
use search::search;
use serde_json::{Value, json};
use testkit::{Launch, Problem, Server, exchange};

/// So few rows that parts are written while the test runs; the log says all it can.
const SETTINGS: &str = "[store]\nflush_rows = 20\n[log]\nformat = \"json\"\nlevel = \"debug\"\n";
const LOOKS_FOR_NOTHING: &str = "[redaction]\ndetectors = []\n";

/// The same beginning for all, of which no scanner makes a secret.
const BEGINNING: [&str; 2] = ["gh", "p_"];

/// A canary for each place, so that a leak says where it is.
#[derive(Default)]
struct Canaries(Vec<(String, String)>);

impl Canaries {
    fn at(&mut self, place: &str) -> String {
        let number = self.0.len();
        let letters = "aB3dE5gH7jK9mN2pQ4sT6vW8yZ";
        let turned: String = letters.chars().cycle().skip(number % 26).take(26).collect();
        let canary = format!("{}{turned}c{number:05}x", BEGINNING.concat());
        self.0.push((place.to_owned(), canary.clone()));
        canary
    }

    fn text(&mut self, place: &str) -> Value {
        json!({"stringValue": format!("before {} after", self.at(place))})
    }

    /// A value of each form in which a text can be.
    fn values(&mut self, place: &str) -> Vec<Value> {
        let mut of = |form: &str| self.at(&format!("{place}, {form}"));
        let (a, b, c, d, e) = (
            of("array"),
            of("map"),
            of("map key"),
            of("json"),
            of("json in json"),
        );
        let bytes: String = of("bytes")
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let inner = json!({"token": e}).to_string();
        let values = [
            json!({"arrayValue": {"values": [{"stringValue": a}, {"intValue": "7"}]}}),
            json!({"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": b}}, {"key": c, "value": {"intValue": "1"}}]}}),
            json!({"stringValue": json!({"command": format!("run\n{d}\n")}).to_string()}),
            json!({"stringValue": json!({"input": inner}).to_string()}),
            json!({"bytesValue": base64(&bytes)}),
        ];
        values.into()
    }

    fn attributes(&mut self, place: &str) -> Vec<Value> {
        let keys = [
            "prompt",
            "tool_input",
            "tool_parameters",
            "user.email",
            "session.id",
            "event.name",
            "model",
            "custom",
        ];
        let mut all: Vec<Value> = keys
            .iter()
            .map(|key| json!({"key": key, "value": self.text(&format!("{place} {key}"))}))
            .collect();
        for (number, value) in self.values(place).into_iter().enumerate() {
            all.push(json!({"key": format!("form{number}"), "value": value}));
        }
        let key = self.at(&format!("{place}, a key"));
        all.push(json!({"key": key, "value": {"boolValue": true}}));
        all
    }
}

/// Standard base64 of bytes that are written as hexadecimal.
fn base64(hex: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
        .collect();
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let padded = [
            chunk[0],
            *chunk.get(1).unwrap_or(&0),
            *chunk.get(2).unwrap_or(&0),
        ];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for place in 0..4 {
            match place <= chunk.len() {
                true => out.push(LETTERS[(bits >> (18 - 6 * place) & 63) as usize].into()),
                false => out.push('='),
            }
        }
    }
    out
}

fn shared(c: &mut Canaries, scope_items: Value, items: &str, scopes: &str, groups: &str) -> Value {
    let mut scope = json!({
        "schemaUrl": c.at("scope schema"),
        "scope": {"name": c.at("scope name"), "version": c.at("scope version"), "attributes": c.attributes("scope")},
    });
    scope[items] = scope_items;
    let mut group = json!({
        "schemaUrl": c.at("resource schema"),
        "resource": {"attributes": c.attributes("resource")},
    });
    group[scopes] = json!([scope]);
    json!({ groups: [group] })
}

fn logs(c: &mut Canaries) -> Value {
    let records = json!([
        {"timeUnixNano": "1", "severityText": c.at("severity"), "eventName": c.at("eventName"),
            "body": c.text("body"), "attributes": c.attributes("log")},
        {"timeUnixNano": "2", "body": c.values("body")[1], "attributes": []},
        {"timeUnixNano": {"bad": c.at("unreadable JSON")}, "body": c.text("unreadable body")},
    ]);
    shared(c, records, "logRecords", "scopeLogs", "resourceLogs")
}

fn metrics(c: &mut Canaries) -> Value {
    let metrics = json!([
        {"name": c.at("metric name"), "description": c.at("description"), "unit": c.at("unit"),
            "metadata": [{"key": "m", "value": c.text("metadata")}],
            "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [{"timeUnixNano": "1", "asDouble": 1.5,
                "attributes": c.attributes("point"),
                "exemplars": [{"timeUnixNano": "1", "asDouble": 1.0, "filteredAttributes": c.attributes("exemplar")}]}]}},
        {"name": "h", "histogram": {"aggregationTemporality": 1, "dataPoints": [{"timeUnixNano": "1", "count": "1", "sum": 1.0,
            "attributes": c.attributes("histogram")}]}},
    ]);
    shared(c, metrics, "metrics", "scopeMetrics", "resourceMetrics")
}

fn traces(c: &mut Canaries) -> Value {
    let spans = json!([{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "name": c.at("span name"),
        "traceState": c.at("trace state"), "startTimeUnixNano": "1", "endTimeUnixNano": "2", "attributes": c.attributes("span"),
        "events": [{"timeUnixNano": "1", "name": c.at("span event"), "attributes": c.attributes("span event")}],
        "links": [{"traceState": c.at("link state"), "attributes": c.attributes("link")}],
        "status": {"code": 2, "message": c.at("status")}}]);
    shared(c, spans, "spans", "scopeSpans", "resourceSpans")
}

/// A field of protobuf that holds bytes.
fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for mut value in [u64::from(number << 3 | 2), bytes.len() as u64] {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
    out.extend_from_slice(bytes);
    out
}

/// What only protobuf can hold: unknown fields, ids that are none, broken text, items that end early.
fn odd_protobuf(c: &mut Canaries) -> Vec<u8> {
    let mut of = |place: &str| c.at(place).into_bytes();
    let unknown = field(100, &field(1, &of("an unknown field")));
    let id = field(9, &of("an id that is none"));
    let broken = field(3, &[&[0xff, b' '], of("broken text").as_slice()].concat());
    let cut = [field(3, &of("an item that is cut")), vec![0x3a, 0x7f]].concat();
    let records: Vec<u8> = [unknown, id, broken, cut]
        .iter()
        .flat_map(|record| field(2, record))
        .collect();
    let envelope = field(50, &of("an unknown field of an envelope"));
    field(1, &[field(2, &records), envelope].concat())
}

async fn send(server: &Server, c: &mut Canaries) -> Result<(), Problem> {
    let http = format!("http://{}", server.addresses().http);
    let grpc = Client::new(
        &format!("http://{}", server.addresses().grpc),
        Transport::Grpc,
    )?;
    let identity = ContentEncoding::Identity;
    type Make = fn(&mut Canaries) -> Value;
    let all: [(Signal, Make); 3] = [
        (Signal::Logs, logs),
        (Signal::Metrics, metrics),
        (Signal::Traces, traces),
    ];
    for (signal, make) in all {
        let url = format!("{http}/v1/{}", signal.name());
        let protobuf = |c: &mut Canaries| -> Result<Bytes, Problem> {
            let read = otlp::from_json(
                signal,
                make(c).to_string().as_bytes(),
                &otlp::Limits::default(),
            );
            Ok(read
                .map_err(|refused| Problem::new(refused.to_string()))?
                .protobuf
                .into())
        };
        let json = make(c).to_string();
        let answer = exchange(
            Method::POST,
            &url,
            &[("content-type", "application/json")],
            json,
        )
        .await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        let headers = [("content-type", "application/x-protobuf")];
        let answer = exchange(Method::POST, &url, &headers, protobuf(c)?).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = grpc
            .send(signal, Encoding::Protobuf, identity, protobuf(c)?, None)
            .await?;
        assert!(answer.is_success(), "{answer:?}");
    }
    let odd = Bytes::from(odd_protobuf(c));
    let url = format!("{http}/v1/logs");
    let answer = exchange(
        Method::POST,
        &url,
        &[("content-type", "application/x-protobuf")],
        odd.clone(),
    )
    .await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = grpc
        .send(Signal::Logs, Encoding::Protobuf, identity, odd, None)
        .await?;
    assert!(answer.is_success(), "{answer:?}");
    Ok(())
}

/// The places whose canaries are in the data directory.
fn leaks(server: &Server, c: &Canaries) -> Result<Vec<String>, Problem> {
    let needles: Vec<String> = c.0.iter().map(|(_, canary)| canary.clone()).collect();
    let hits = search(&server.data_dir(), &needles)?;
    let mut places: Vec<String> = hits
        .iter()
        .map(|hit| format!("{} in {}", c.0[hit.needle].0, hit.place))
        .collect();
    places.sort();
    places.dedup();
    Ok(places)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_kept() -> Result<(), Problem> {
    let mut server = Launch::new(env!("CARGO_BIN_EXE_tallybook"))
        .settings(SETTINGS)
        .start()?;
    let mut canaries = Canaries::default();
    send(&server, &mut canaries).await?;
    assert!(canaries.0.len() > 500, "{} places", canaries.0.len());
    // In the journal, as it was acknowledged.
    server.kill()?;
    assert_eq!(leaks(&server, &canaries)?, Vec::<String>::new());
    server.restart()?;
    // Replayed, and sent again under other canaries.
    assert!(server.sql().count("SELECT count(*) FROM events").await? > 0);
    send(&server, &mut canaries).await?;
    assert!(server.sql().count("SELECT count(*) FROM spans").await? > 0);
    server.kill()?;
    assert_eq!(leaks(&server, &canaries)?, Vec::<String>::new());
    server.restart()?;
    let marked = "SELECT count(*) FROM events WHERE attributes LIKE '%tallybook.redacted%'";
    assert!(server.sql().count(marked).await? > 0);
    let ledger = server.sql().settled_ledger().await?;
    assert!(ledger.all().received == 0, "{ledger:?}");
    // In parts.
    server.terminate()?;
    assert_eq!(leaks(&server, &canaries)?, Vec::<String>::new());
    let log = server.log();
    for (place, canary) in &canaries.0 {
        assert!(!log.contains(canary), "{place} is in the log");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_sees_what_is_not_looked_for() -> Result<(), Problem> {
    let settings = format!("{SETTINGS}{LOOKS_FOR_NOTHING}");
    let mut server = Launch::new(env!("CARGO_BIN_EXE_tallybook"))
        .settings(&settings)
        .start()?;
    let mut canaries = Canaries::default();
    send(&server, &mut canaries).await?;
    server.kill()?;
    let seen = |server: &Server| -> Result<usize, Problem> {
        let needles: Vec<String> = canaries
            .0
            .iter()
            .map(|(_, canary)| canary.clone())
            .collect();
        let mut seen: Vec<usize> = search(&server.data_dir(), &needles)?
            .iter()
            .map(|hit| hit.needle)
            .collect();
        seen.sort_unstable();
        seen.dedup();
        Ok(seen.len())
    };
    // All of them are in the journal; most in parts, where what nobody asks for is not repeated.
    let in_journal = seen(&server)?;
    assert!(
        in_journal * 100 >= canaries.0.len() * 95,
        "{in_journal} of {}",
        canaries.0.len()
    );
    server.restart()?;
    assert!(server.sql().count("SELECT count(*) FROM events").await? > 0);
    server.terminate()?;
    let in_parts = seen(&server)?;
    assert!(
        in_parts * 100 >= canaries.0.len() * 60,
        "{in_parts} of {}",
        canaries.0.len()
    );
    Ok(())
}

/// What `tallybook redact --dry-run` says of a source.
fn dry_run(source: &[&str]) -> Result<(Value, String), Problem> {
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_tallybook"))
        .args(["redact", "--dry-run", "--format", "json"])
        .args(source)
        .output()?;
    let (out, log) = (
        String::from_utf8(said.stdout)?,
        String::from_utf8(said.stderr)?,
    );
    assert!(said.status.success(), "{log}");
    Ok((serde_json::from_str(&out)?, format!("{out}{log}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dry_run_says_where_it_would_mask_and_shows_none_of_it() -> Result<(), Problem> {
    let settings = format!("{SETTINGS}{LOOKS_FOR_NOTHING}");
    let mut server = Launch::new(env!("CARGO_BIN_EXE_tallybook"))
        .settings(&settings)
        .start()?;
    let mut canaries = Canaries::default();
    send(&server, &mut canaries).await?;
    let url = format!("http://{}", server.addresses().ui);
    let (of_server, printed) = dry_run(&["--url", &url])?;
    server.terminate()?;
    let dir = server.data_dir();
    let (of_directory, again) = dry_run(&["--data-dir", &dir.display().to_string()])?;
    assert_eq!(of_server["findings"], of_directory["findings"]);
    assert!(of_server["rows_changed"].as_u64() > Some(0), "{of_server}");
    let findings = of_server["findings"].as_array().expect("findings");
    for (signal, attribute) in [
        ("logs", "prompt"),
        ("logs", "tool_input"),
        ("metrics", "custom"),
        ("traces", "custom"),
    ] {
        let found = findings.iter().find(|finding| {
            finding["signal"] == signal
                && finding["attribute"] == attribute
                && finding["action"] == "mask"
                && finding["detector"] == "github-token"
        });
        let found = found.unwrap_or_else(|| panic!("{attribute} of {signal}: {of_server:#}"));
        assert!(found["times"].as_u64() > Some(0), "{found}");
    }
    for (place, canary) in &canaries.0 {
        assert!(
            !printed.contains(canary) && !again.contains(canary),
            "{place} is printed"
        );
    }
    // Nothing was changed: what was planted is there, and is found again.
    let needles = [canaries.0[0].1.clone()];
    assert!(!search(&dir, &needles)?.is_empty());
    Ok(())
}
