//! Somebody is erased: a canary in every field, over every transport, is in no byte and in no answer
//! afterwards, and others have all of theirs; SIGKILL in the middle changes nothing about that.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::{
    DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Signal, Span, Temporality, Value,
};
use fleet::{ContentEncoding, Recorded, Transport};
use otlp::Encoding;
use serde_json::Value as Json;
use testkit::{Problem, Server, until};

use crate::stage::{PATIENCE, deliver, launch, tallybook};

pub(crate) const ANN: &str = "ann.canary@example.com";
pub(crate) const BEN: &str = "ben.stays@example.com";
const WAYS: [(Transport, Encoding); 3] = [
    (Transport::Http, Encoding::Json),
    (Transport::Http, Encoding::Protobuf),
    (Transport::Grpc, Encoding::Protobuf),
];
/// Every attribute that a column is made of and that may hold a text, and some that nobody knows.
const FIELDS: &[&str] = &[
    "prompt",
    "response",
    "tool_input",
    "tool_parameters",
    "error",
    "workspace.host_paths",
    "prompt.id",
    "request_id",
    "tool_use_id",
    "model",
    "tool_name",
    "skill.name",
    "plugin.name",
    "agent.name",
    "mcp_server_name",
    "team",
    "nobody.knows.it",
];

/// A text that only this person, field and way has.
fn canary(who: &str, field: &str, way: usize) -> String {
    let who = who.split('.').next().unwrap_or_default();
    format!("canary-of-{who}-in-{field}-by-way-{way}")
}

fn attributes(
    who: &str,
    way: usize,
    event: &str,
) -> Vec<(std::borrow::Cow<'static, str>, Value<'static>)> {
    let text = |text: String| Value::Str(text.into());
    let mut all = vec![
        ("event.name".into(), text(event.to_owned())),
        ("event.sequence".into(), Value::Int(way as i64)),
        ("user.email".into(), text(who.to_owned())),
        ("user.id".into(), text(canary(who, "installation", 0))),
        ("user.account_uuid".into(), text(canary(who, "account", 0))),
        ("session.id".into(), text(canary(who, "session", way))),
        (canary(who, "key", way).into(), text("a value".into())),
    ];
    all.extend(
        FIELDS
            .iter()
            .map(|field| ((*field).into(), text(canary(who, field, way)))),
    );
    all
}

pub(crate) fn requests(who: &str, number: u32) -> Result<Vec<Recorded>, Problem> {
    let now_ns = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_nanos() as u64;
    let mut all = Vec::new();
    for (way, (transport, encoding)) in WAYS.into_iter().enumerate() {
        let way_number = way + 10 * number as usize;
        let origin = Origin {
            resource: vec![(
                "host.name".into(),
                Value::Str(canary(who, "host", way).into()),
            )],
            scope_name: canary(who, "scope", way).into(),
            ..Origin::default()
        };
        let record = |event: &str| LogRecord {
            time_unix_nano: now_ns,
            body: Some(Value::Str(canary(who, "body", way).into())),
            attributes: attributes(who, way_number, event),
            ..LogRecord::default()
        };
        let metric = Metric {
            name: "claude_code.active_time.total".into(),
            description: canary(who, "description", way).into(),
            kind: MetricKind::Sum,
            temporality: Temporality::Cumulative,
            is_monotonic: true,
            ..Metric::default()
        };
        let point = DataPoint {
            start_time_unix_nano: 1,
            time_unix_nano: now_ns,
            value: PointValue::Int(5),
            attributes: attributes(who, way_number, "point"),
            ..DataPoint::default()
        };
        let span = Span {
            trace_id: Some([1; 16]),
            span_id: Some([2; 8]),
            parent_span_id: None,
            name: canary(who, "span", way).into(),
            kind: 1,
            start_time_unix_nano: now_ns,
            end_time_unix_nano: now_ns + 5,
            attributes: attributes(who, way_number, "span"),
            status_code: 0,
            status_message: canary(who, "status", way).into(),
            events_json: None,
            links_json: None,
            raw: &[],
        };
        let only = |kept: &str| {
            let mut record = record("tool_decision");
            record
                .attributes
                .retain(|(key, _)| !key.starts_with("user.") && key != "session.id" || key == kept);
            record
        };
        let records = vec![
            record("user_prompt"),
            record("tool_result"),
            record("api_request"),
            // These name nobody, but what is this person's alone.
            only("session.id"),
            only("user.id"),
        ];
        let bodies = [
            (
                Signal::Logs,
                otlp::encode::logs(&[(origin.clone(), records)]),
            ),
            (
                Signal::Metrics,
                otlp::encode::metrics(&[(origin.clone(), vec![(metric, vec![point])])]),
            ),
            (Signal::Traces, otlp::encode::spans(&[(origin, vec![span])])),
        ];
        for (signal, protobuf) in bodies {
            let body = match encoding {
                Encoding::Json => otlp::to_json(signal, &protobuf)?,
                Encoding::Protobuf => protobuf,
            };
            all.push(request(signal, transport, encoding, body));
        }
        // Nobody understands its time: it goes to quarantine.
        let odd = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":{{"no":"time"}},
               "body":{{"stringValue":"{who} {}"}}}}]}}]}}]}}"#,
            canary(who, "odd", way_number)
        );
        all.push(request(
            Signal::Logs,
            Transport::Http,
            Encoding::Json,
            odd.into_bytes(),
        ));
    }
    Ok(all)
}

fn request(signal: Signal, transport: Transport, encoding: Encoding, body: Vec<u8>) -> Recorded {
    let service = match signal {
        Signal::Logs => "logs.v1.LogsService",
        Signal::Metrics => "metrics.v1.MetricsService",
        Signal::Traces => "trace.v1.TraceService",
    };
    let (path, media) = match transport {
        Transport::Http => (format!("/v1/{}", signal.name()), encoding.content_type()),
        Transport::Grpc => (
            format!("/opentelemetry.proto.collector.{service}/Export"),
            "application/grpc",
        ),
    };
    Recorded {
        number: 1,
        signal,
        transport,
        path,
        headers: vec![("content-type".to_owned(), media.to_owned())],
        body: body.clone(),
        plain_body: body,
        encoding,
        content_encoding: ContentEncoding::Identity,
        is_chunked: false,
        answered_status: None,
    }
}

fn files(dir: &Path, all: &mut Vec<PathBuf>) -> Result<(), Problem> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files(&path, all)?,
            false => all.push(path),
        }
    }
    Ok(())
}

/// The files in which something of a person is to be read, packed parts apart.
pub(crate) fn places(dir: &Path, who: &str) -> Result<Vec<PathBuf>, Problem> {
    let mut all = Vec::new();
    files(dir, &mut all)?;
    let short = who.split('.').next().unwrap_or_default();
    let needles = [who.to_owned(), format!("canary-of-{short}")];
    let mut found = Vec::new();
    for path in all {
        let bytes = fs::read(&path)?;
        let is_in = |needle: &String| {
            bytes
                .windows(needle.len())
                .any(|at| at == needle.as_bytes())
        };
        if needles.iter().any(is_in) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Rows of a person in every view, anywhere in any column.
pub(crate) async fn rows(server: &Server, who: &str) -> Result<Vec<u64>, Problem> {
    let short = who.split('.').next().unwrap_or_default();
    let sql = server.sql();
    let mut counts = Vec::new();
    for view in ["events", "metrics", "spans", "quarantine"] {
        let answer = sql.ask(&format!("SELECT * FROM {view}")).await?;
        let rows: Vec<Json> = serde_json::from_slice(&answer.body)?;
        let is_in = |row: &&Json| {
            let text = row.to_string();
            text.contains(who) || text.contains(&format!("canary-of-{short}"))
        };
        counts.push(rows.iter().filter(is_in).count() as u64);
    }
    Ok(counts)
}

pub(crate) fn erase(server: &Server, more: &[&str]) -> Result<(i32, String), Problem> {
    let url = server.addresses().ui_url();
    let mut arguments = vec!["erase", ANN, "--format", "json", "--url", &url];
    arguments.extend(more);
    let output = tallybook(&arguments)?;
    let said = [output.stdout, output.stderr].concat();
    Ok((
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_person_and_others_have_theirs() -> Result<(), Problem> {
    let mut server = launch().settings("[store]\nflush_rows = 20\n").start()?;
    for who in [ANN, BEN] {
        deliver(&server, &requests(who, 0)?).await?;
    }
    let (ann, ben) = (rows(&server, ANN).await?, rows(&server, BEN).await?);
    assert_eq!((&ann, &ben), (&vec![15, 3, 3, 3], &vec![15, 3, 3, 3]));
    assert!(!places(&server.data_dir(), ANN)?.is_empty());
    let (code, plan) = erase(&server, &["--dry-run"])?;
    assert_eq!(code, 0, "{plan}");
    let plan: Json = serde_json::from_str(&plan)?;
    assert_eq!(plan["would_remove"]["items"]["events"], 15, "{plan}");
    assert_eq!(rows(&server, ANN).await?, ann, "a dry run changes nothing");
    let (code, refused) = erase(&server, &[])?;
    assert!(code == 2 && refused.contains("--yes"), "{code}: {refused}");
    let (code, certificate) = erase(&server, &["--yes"])?;
    assert_eq!(code, 0, "{certificate}");
    let certificate: Json = serde_json::from_str(&certificate)?;
    assert_eq!(certificate["search"]["verified"], true, "{certificate}");
    assert_eq!(
        certificate["removed"]["items"], plan["would_remove"]["items"],
        "{certificate}"
    );
    assert!(!certificate.to_string().contains("canary"), "{certificate}");
    assert_eq!(rows(&server, ANN).await?, [0, 0, 0, 0]);
    assert_eq!(rows(&server, BEN).await?, ben);
    assert_eq!(places(&server.data_dir(), ANN)?, Vec::<PathBuf>::new());
    let (code, nobody) = erase(&server, &["--yes"])?;
    assert!(
        code == 1 && nobody.contains("nothing is there of"),
        "{code}: {nobody}"
    );
    server.terminate()?;
    server.restart()?;
    assert_eq!(
        (rows(&server, ANN).await?, rows(&server, BEN).await?),
        (vec![0; 4], ben)
    );
    assert_eq!(places(&server.data_dir(), ANN)?, Vec::<PathBuf>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_it_is_the_same() -> Result<(), Problem> {
    let mut server = launch().start()?;
    for who in [ANN, BEN] {
        deliver(&server, &requests(who, 0)?).await?;
    }
    server.kill()?;
    let dir = server.data_dir();
    let text = dir.display().to_string();
    let file = dir.with_extension("certificate.json");
    let name = file.display().to_string();
    let arguments = [
        "erase",
        ANN,
        "--yes",
        "--data-dir",
        &text,
        "--certificate",
        &name,
    ];
    let output = tallybook(&arguments)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("verified: nothing"),
        "{said}"
    );
    let written: Json = serde_json::from_slice(&fs::read(&file)?)?;
    assert_eq!(written["removed"]["items"]["quarantine"], 3, "{written}");
    fs::remove_file(&file)?;
    assert_eq!(places(&dir, ANN)?, Vec::<PathBuf>::new());
    server.restart()?;
    assert_eq!(rows(&server, ANN).await?, [0; 4]);
    assert_eq!(rows(&server, BEN).await?, [15, 3, 3, 3]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_it_is_ended_by_the_next_start() -> Result<(), Problem> {
    let mut was_under_way = 0;
    for after_ms in [2, 5, 10, 20, 30, 45, 60, 90, 130] {
        let mut server = launch().settings("[store]\nflush_rows = 20\n").start()?;
        for number in 0..3 {
            for who in [ANN, BEN] {
                deliver(&server, &requests(who, number)?).await?;
            }
        }
        let ben = rows(&server, BEN).await?;
        let url = server.addresses().ui_url();
        let erasing = std::thread::spawn(move || {
            tallybook(&["erase", ANN, "--yes", "--url", &url])
                .map(drop)
                .map_err(|error| error.to_string())
        });
        let intent = server.data_dir().join("erasure/intent.json");
        until(PATIENCE, "the erasure to be under way", async || {
            Ok((intent.exists() || erasing.is_finished()).then_some(()))
        })
        .await?;
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        was_under_way += u32::from(intent.exists());
        server.kill()?;
        // Whether the command saw the end before the kill does not matter.
        let _ = erasing.join();
        server.restart()?;
        until(PATIENCE, "the erasure to end", async || {
            Ok((!intent.exists()).then_some(()))
        })
        .await?;
        assert_eq!(
            rows(&server, ANN).await?,
            [0; 4],
            "killed after {after_ms} ms"
        );
        assert_eq!(rows(&server, BEN).await?, ben, "killed after {after_ms} ms");
        assert_eq!(places(&server.data_dir(), ANN)?, Vec::<PathBuf>::new());
        let mut kept = Vec::new();
        files(&server.data_dir().join("erasure"), &mut kept)?;
        let certificate: Json = serde_json::from_slice(&fs::read(&kept[0])?)?;
        assert_eq!(certificate["search"]["verified"], true, "{certificate}");
        assert!(
            certificate["removed"]["items"]["events"].as_u64() >= Some(1),
            "{certificate}"
        );
    }
    assert!(
        was_under_way >= 3,
        "only {was_under_way} kills met an erasure"
    );
    Ok(())
}
