//! The OpenTelemetry SDK for Python sends log records, metrics and spans beside the emitter, over both of
//! its transports at once, and each is answered as if it were alone.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use testkit::{Problem, Server, Sql};

use crate::agents::{Truth, colleagues, compare, sums};
use crate::{launch, program};

const RECORDS: u64 = 1_300;
const SPANS: u64 = 40;
/// Transports, and the sessions that come over them.
const TRANSPORTS: [(&str, &str); 2] = [("http/protobuf", "over-http"), ("grpc", "over-grpc")];

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_sdk_and_the_emitter_are_answered_side_by_side() -> Result<(), Problem> {
    let server = launch().start()?;
    let python = program("OTEL_PYTHON", "sdk")?;
    let running: Vec<_> = TRANSPORTS
        .iter()
        .map(|(protocol, session)| {
            let (python, url) = (python.clone(), address(&server, protocol));
            let (protocol, session) = ((*protocol).to_owned(), (*session).to_owned());
            tokio::task::spawn_blocking(move || agent(&python, &protocol, &url, &session))
        })
        .collect();
    let mut truth = Truth::default();
    let people = colleagues(&server)?;
    tokio::task::block_in_place(|| {
        // While the others send.
        for phase in 0..4 {
            for person in &people {
                person.work(phase, &mut truth);
                assert!(person.telemetry.flush());
            }
        }
    });
    for ended in running {
        let output = ended.await??;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    }
    let sql = server.sql();
    for (protocol, session) in TRANSPORTS {
        check_records(&sql, session)
            .await
            .map_err(|problem| problem.while_doing(protocol))?;
        check_metrics(&sql, session)
            .await
            .map_err(|problem| problem.while_doing(protocol))?;
        check_spans(&sql, session)
            .await
            .map_err(|problem| problem.while_doing(protocol))?;
    }
    check_the_emitter(&sql, &truth).await?;
    assert_eq!(sql.count("SELECT count(*) FROM quarantine").await?, 0);
    sql.settled_ledger().await?;
    Ok(())
}

fn address(server: &Server, protocol: &str) -> String {
    let addresses = server.addresses();
    match protocol {
        "grpc" => format!("http://{}", addresses.grpc),
        _ => format!("http://{}", addresses.http),
    }
}

fn agent(python: &str, protocol: &str, url: &str, session: &str) -> Result<Output, Problem> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/beside/sdk.py");
    let child = Command::new(python)
        .arg(script)
        .args([protocol, url, session])
        // Its own variables would turn it off or send it elsewhere.
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Problem::from(error).while_doing(python))?;
    Ok(child.wait_with_output()?)
}

/// The one row that answers a question.
async fn one(sql: &Sql, question: &str) -> Result<Value, Problem> {
    match &sql.rows(question).await?[..] {
        [row] => Ok(Value::from(row.clone())),
        rows => Err(Problem::new(format!("{question}: {} rows", rows.len()))),
    }
}

async fn expect(sql: &Sql, question: &str, expected: Value) -> Result<(), Problem> {
    let found = one(sql, question).await?;
    match found == expected {
        true => Ok(()),
        false => Err(Problem::new(format!(
            "{question}: {found} instead of {expected}"
        ))),
    }
}

/// Every record once, with everything that it said.
async fn check_records(sql: &Sql, session: &str) -> Result<(), Problem> {
    let of_session = format!("FROM events WHERE session_id = '{session}'");
    let counted = format!(
        "SELECT count(*) AS records, count(DISTINCT attribute(attributes, 'number')) AS numbers,
         sum(CAST(attribute(attributes, 'number') AS DOUBLE)) AS sum, count(DISTINCT event) AS names
         {of_session} AND event = 'page_written'"
    );
    let sum = (RECORDS * (RECORDS - 1) / 2) as f64;
    let expected = json!({"records": RECORDS, "numbers": RECORDS, "sum": sum, "names": 1});
    expect(sql, &counted, expected).await?;
    let last = format!(
        "SELECT product, app_version, person, team, body, attributes, resource, scope
         {of_session} AND attribute(attributes, 'is_last') = 'true'"
    );
    let row = one(sql, &last).await?;
    let number = RECORDS - 1;
    let attributes = json!({
        "number": number, "share": number as f64 / 8.0, "is_last": true,
        "words": ["a", "b"], "nested": {"deep": {"er": 1}},
    });
    let body = json!({"page": number, "parts": ["head", "foot"]});
    for (column, expected) in [("attributes", attributes), ("body", body)] {
        let found: Value = serde_json::from_str(row[column].as_str().unwrap_or_default())?;
        assert_eq!(found, expected, "{column}");
    }
    check_origin(&row)
}

/// Product, person, resource and scope, which are the same for all signals.
fn check_origin(row: &Value) -> Result<(), Problem> {
    let expected = [
        ("product", "report-writer"),
        ("app_version", "0.9"),
        ("person", "margaret@example.com"),
        ("team", "data science"),
    ];
    for (column, expected) in expected {
        assert_eq!(row[column], expected, "{column}");
    }
    let resource: Value = serde_json::from_str(row["resource"].as_str().unwrap_or_default())?;
    for (key, expected) in [
        ("service.name", "report-writer"),
        ("service.version", "3.1"),
        ("deployment.environment.name", "test"),
        ("team.id", "data science"),
        ("telemetry.sdk.language", "python"),
    ] {
        assert_eq!(resource[key], expected, "{key}");
    }
    let scope: Value = serde_json::from_str(row["scope"].as_str().unwrap_or_default())?;
    let expected =
        json!({"name": "report.writer", "version": "0.9", "attributes": {"part": "pages"}});
    assert_eq!(scope, expected);
    Ok(())
}

/// What was added comes out, whether the SDK sends sums since the start or since the last export.
async fn check_metrics(sql: &Sql, session: &str) -> Result<(), Problem> {
    let of_session = format!("FROM metrics WHERE session_id = '{session}'");
    // How often was recorded stands in each point as it was sent.
    for (temporality, times) in [("cumulative", "max(count)"), ("delta", "sum(count)")] {
        for (name, kind, total, times, expected_times) in [
            ("pages", "sum", 60.0, "count(count)", 0),
            ("cost", "sum", 0.75, "count(count)", 0),
            ("took", "histogram", 3.0, times, 3),
        ] {
            for of_type in ["draft", "final"] {
                let question = format!(
                    "SELECT sum(value) AS total, {times} AS times, min(kind) AS kind,
                     min(temporality) AS temporality
                     {of_session} AND name = '{temporality}.{name}' AND type = '{of_type}'"
                );
                let expected = json!({
                    "total": total, "times": expected_times, "kind": kind, "temporality": temporality,
                });
                expect(sql, &question, expected).await?;
            }
        }
        // What goes up and down adds nothing.
        for (name, lowest, highest) in [("level", 7.0, 9.0), ("waiting", 1.0, 4.0)] {
            let question = format!(
                "SELECT min(point_value) AS lowest, max(point_value) AS highest, count(value) AS added
                 {of_session} AND name = '{temporality}.{name}'"
            );
            let expected = json!({"lowest": lowest, "highest": highest, "added": 0});
            expect(sql, &question, expected).await?;
        }
    }
    let origin =
        format!("SELECT product, app_version, person, team, resource, scope {of_session} LIMIT 1");
    check_origin(&one(sql, &origin).await?)
}

async fn check_spans(sql: &Sql, session: &str) -> Result<(), Problem> {
    let of_session = format!("FROM spans WHERE session_id = '{session}'");
    let counted = format!(
        "SELECT count(*) AS spans, count(DISTINCT span_id) AS ids, count(DISTINCT trace_id) AS traces,
         count(*) FILTER (WHERE span_status_message = 'no such page') AS failed {of_session}"
    );
    let expected = json!({"spans": SPANS, "ids": SPANS, "traces": SPANS / 2, "failed": SPANS / 8});
    expect(sql, &counted, expected).await?;
    let joined = format!(
        "SELECT count(*) AS pairs FROM spans AS inner_span JOIN spans AS outer_span
         ON inner_span.parent_span_id = outer_span.span_id AND inner_span.trace_id = outer_span.trace_id
         WHERE inner_span.session_id = '{session}' AND inner_span.name = 'look up'
         AND outer_span.name = 'write' AND inner_span.span_events LIKE '%found%'"
    );
    expect(sql, &joined, json!({"pairs": SPANS / 2})).await?;
    let origin =
        format!("SELECT product, app_version, person, team, resource, scope {of_session} LIMIT 1");
    check_origin(&one(sql, &origin).await?)
}

/// The emitter's own, as if it were alone.
async fn check_the_emitter(sql: &Sql, truth: &Truth) -> Result<(), Problem> {
    let events = "SELECT count(*) AS events, count(DISTINCT person) AS people
                  FROM events WHERE product = 'claude-code'";
    expect(sql, events, json!({"events": truth.events, "people": 3})).await?;
    let from = "spans WHERE product = 'claude-code'";
    let spans = sums(sql, &["user_email", "name"], "count(*)", from).await?;
    compare("spans", &spans, &truth.spans)?;
    let turns = of_name(truth, "claude_code.interaction");
    let within = "SELECT count(*) AS spans, count(DISTINCT inside.trace_id) AS traces
                  FROM spans AS inside JOIN spans AS outside
                  ON inside.parent_span_id = outside.span_id AND inside.trace_id = outside.trace_id
                  WHERE inside.product = 'claude-code' AND outside.product = 'claude-code'";
    let all: f64 = truth.spans.values().sum();
    let expected = json!({"spans": (all - turns) as u64, "traces": turns as u64});
    expect(sql, within, expected).await?;
    let by_type = ["user_email", "model", "type"];
    let from = "metrics WHERE name = 'claude_code.token.usage'";
    let tokens = sums(sql, &by_type, "sum(value)", from).await?;
    compare("tokens of metrics", &tokens, &truth.tokens)?;
    let cost = sums(sql, &["person", "model"], "sum(cost_usd)", "api_requests").await?;
    compare("cost of events", &cost, &truth.cost)
}

/// How many spans of a name there were.
fn of_name(truth: &Truth, name: &str) -> f64 {
    let spans = truth.spans.iter();
    spans
        .filter(|(labels, _)| labels[1] == name)
        .map(|(_, count)| count)
        .sum()
}
