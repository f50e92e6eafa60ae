//! What the emitter sends, library and command, is what the server answers with.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use emitter::event::{ApiError, ApiRequest, Name, SkillActivated, ToolDecision, ToolResult};
use emitter::settings::Layers;
use emitter::trace::{LlmOutcome, LlmRequest, ToolOutcome, ToolUse};
use emitter::{Agent, Settings, Start, Telemetry};
use serde_json::{Value, json};
use testkit::{Problem, Server};

use crate::stage::launch;

/// The environment of an agent that reports to this server.
pub(crate) fn environment(server: &Server, protocol: &str) -> Vec<(String, String)> {
    let addresses = server.addresses();
    let address = match protocol {
        "grpc" => &addresses.grpc,
        _ => &addresses.http,
    };
    let variables = [
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{address}")),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "department=research,team.id=data%20science",
        ),
        ("OTEL_SERVICE_NAME", "cowork"),
        ("CLAUDE_CODE_USER_EMAIL", "ada@example.com"),
        ("OTEL_LOG_USER_PROMPTS", "1"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    variables.into_iter().map(owned).collect()
}

/// A session with one prompt; gives the session's id.
fn work(telemetry: &Telemetry) -> String {
    let session = telemetry.session(Start::Fresh);
    let tool_use_id = Some(format!("toolu_{}", session.id()));
    let request_id = Some(format!("req_{}", session.id()));
    session.emit(SkillActivated {
        skill_name: Name::BuiltIn("pdf".to_owned()),
        invocation_trigger: "user-slash".to_owned(),
        ..SkillActivated::default()
    });
    let prompt = session.prompt("Who wrote this?");
    prompt.emit(ApiRequest {
        model: "claude-opus-5-5".to_owned(),
        input_tokens: 1000,
        output_tokens: 200,
        cost_usd: 0.008,
        request_id,
        ..ApiRequest::default()
    });
    prompt.emit(ToolDecision {
        decision: "accept".to_owned(),
        source: "config".to_owned(),
        tool_name: "Bash".to_owned(),
        tool_use_id: tool_use_id.clone(),
        ..ToolDecision::default()
    });
    prompt.emit(ToolResult {
        tool_name: "Bash".to_owned(),
        tool_use_id,
        success: true,
        duration_ms: 40,
        tool_input: Some("{\"command\":\"ls\"}".to_owned()),
        ..ToolResult::default()
    });
    prompt.emit(ApiError {
        model: "claude-opus-5-5".to_owned(),
        error: "overloaded".to_owned(),
        status_code: Some(529),
        attempt: 2,
        ..ApiError::default()
    });
    session.count_lines(12, 3, "claude-opus-5-5");
    session.id().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_arrives_over_every_transport() -> Result<(), Problem> {
    let server = launch().start()?;
    for (protocol, compression) in [
        ("http/json", "none"),
        ("http/protobuf", "gzip"),
        ("grpc", "none"),
        ("grpc", "gzip"),
    ] {
        let mut variables = environment(&server, protocol);
        variables.push((
            "OTEL_EXPORTER_OTLP_COMPRESSION".to_owned(),
            compression.to_owned(),
        ));
        let found = Arc::new(Mutex::new(Vec::new()));
        let listened = Arc::clone(&found);
        let (settings, findings) = Settings::read(Layers::of(variables));
        let telemetry = Telemetry::builder(Agent::new("my-agent", "1.2.3"), settings)
            .findings(findings)
            .on_finding(move |finding| listened.lock().expect("whole").push(finding.to_string()))
            .start();
        let session = work(&telemetry);
        let counts = tokio::task::spawn_blocking(|| telemetry.shutdown()).await?;
        let found = found.lock().expect("whole").clone();
        assert_eq!(found, Vec::<String>::new(), "{protocol}");
        assert_eq!(
            (counts.events.sent, counts.points.sent),
            (6, 8),
            "{protocol}: {counts:?}"
        );
        check_session(&server, &session, protocol).await?;
    }
    Ok(())
}

/// A turn with a request to the model and a tool; gives the session's id.
fn turn(telemetry: &Telemetry) -> String {
    let session = telemetry.session_with_id(format!("turn-{}", std::process::id()));
    let turn = session.interaction("Who wrote this?");
    let mut call = turn.llm_request(LlmRequest {
        model: "claude-opus-5-5".to_owned(),
        ..LlmRequest::default()
    });
    call.attempt(1, None);
    call.end(LlmOutcome {
        success: Some(false),
        error: Some("overloaded".to_owned()),
        ..LlmOutcome::default()
    });
    let tool = turn.tool(ToolUse {
        tool_name: "Bash".to_owned(),
        full_command: Some("git log".to_owned()),
        ..ToolUse::default()
    });
    tool.blocked_on_user().end("accept", "config", None);
    tool.execution().end(ToolOutcome {
        success: true,
        ..ToolOutcome::default()
    });
    session.id().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_arrive_as_spans_over_every_transport() -> Result<(), Problem> {
    for (protocol, compression) in [
        ("http/json", "none"),
        ("http/protobuf", "gzip"),
        ("grpc", "none"),
    ] {
        let server = launch().start()?;
        let mut variables = environment(&server, protocol);
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
        ] {
            variables.push((name.to_owned(), value.to_owned()));
        }
        let (settings, findings) = Settings::read(Layers::of(variables));
        assert_eq!(findings, []);
        let telemetry = Telemetry::new(Agent::new("my-agent", "1.2.3"), settings);
        let session = turn(&telemetry);
        let counts = tokio::task::spawn_blocking(|| telemetry.shutdown()).await?;
        assert_eq!(
            (counts.events.sent, counts.spans.sent),
            (1, 5),
            "{protocol}"
        );
        check_turn(&server, &session, protocol).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn cowork_s_settings_turn_spans_on() -> Result<(), Problem> {
    let server = launch().start()?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("cowork.json");
    let url = format!("http://{}", server.addresses().http);
    let form = json!({"otlpEndpoint": url, "otlpTracesEnabled": true});
    std::fs::write(&file, form.to_string())?;
    let identity = [("CLAUDE_CODE_USER_EMAIL", "ada@example.com")];
    let (settings, findings) = Settings::read(Layers::of(identity).cowork_file(&file));
    assert_eq!(findings, []);
    let telemetry = Telemetry::new(Agent::new("my-agent", "1.2.3"), settings);
    let session = turn(&telemetry);
    let counts = tokio::task::spawn_blocking(|| telemetry.shutdown()).await?;
    assert_eq!((counts.events.sent, counts.spans.sent), (1, 5));
    check_turn(&server, &session, "by Cowork's settings").await
}

async fn check_turn(server: &Server, session: &str, protocol: &str) -> Result<(), Problem> {
    let sql = server.sql();
    let spans = format!(
        "SELECT child.name, parent.name AS within, child.span_status_message AS failed, child.trace_id = event.trace_id AS is_one \
         FROM spans child LEFT JOIN spans parent ON parent.span_id = child.parent_span_id \
         JOIN events event ON event.session_id = child.session_id \
         WHERE child.session_id = '{session}' AND child.user_email = 'ada@example.com' ORDER BY child.name"
    );
    let rows: Vec<Value> = sql
        .rows(&spans)
        .await?
        .into_iter()
        .map(Value::from)
        .collect();
    let row = |name: &str, within: Option<&str>, failed: Option<&str>| {
        let full = |name: &str| format!("claude_code.{name}");
        json!({"name": full(name), "within": within.map(full), "failed": failed, "is_one": true})
    };
    let expected = [
        row("interaction", None, None),
        row("llm_request", Some("interaction"), Some("overloaded")),
        row("tool", Some("interaction"), None),
        row("tool.blocked_on_user", Some("tool"), None),
        row("tool.execution", Some("tool"), None),
    ];
    assert_eq!(rows, expected, "{protocol}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_within_a_trace_joins_it() -> Result<(), Problem> {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let server = launch().start()?;
    let mut variables = environment(&server, "http/protobuf");
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    variables.push(("TRACEPARENT".to_owned(), parent));
    let arguments = ["at_mention", "mention_type=file", "success=true"];
    let (code, _, error) = emit(&variables, &arguments)?;
    assert_eq!((code, error.as_str()), (0, ""));
    let rows = server
        .sql()
        .rows("SELECT trace_id, span_id FROM events")
        .await?;
    let expected = json!({"trace_id": TRACE, "span_id": "00f067aa0ba902b7"});
    assert_eq!(Value::from(rows[0].clone()), expected);
    Ok(())
}

async fn check_session(server: &Server, session: &str, protocol: &str) -> Result<(), Problem> {
    let sql = server.sql();
    let of_session = format!("session_id = '{session}'");
    let events = format!(
        "SELECT event, sequence, user_email, product, app_version FROM events WHERE {of_session} ORDER BY sequence"
    );
    let rows = sql.rows(&events).await?;
    let names: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["event"].as_str())
        .collect();
    let expected = [
        "skill_activated",
        "user_prompt",
        "api_request",
        "tool_decision",
        "tool_result",
        "api_error",
    ];
    assert_eq!(names, expected, "{protocol}");
    assert_eq!(rows[5]["sequence"], 5, "{protocol}");
    assert_eq!(
        (&rows[0]["user_email"], &rows[0]["product"]),
        (&json!("ada@example.com"), &json!("cowork"))
    );
    let one = async |columns: &str, view: &str| -> Result<Value, Problem> {
        let rows = sql
            .rows(&format!("SELECT {columns} FROM {view} WHERE {of_session}"))
            .await?;
        assert_eq!(rows.len(), 1, "{protocol}: {view}");
        Ok(Value::from(rows[0].clone()))
    };
    assert_eq!(
        one(
            "cost_usd, input_tokens, output_tokens, request_id",
            "api_requests"
        )
        .await?,
        json!({"cost_usd": 0.008, "input_tokens": 1000, "output_tokens": 200, "request_id": format!("req_{session}")})
    );
    assert_eq!(
        one(
            "tool_name, decision, success, duration_ms, tool_input",
            "tool_calls"
        )
        .await?,
        json!({"tool_name": "Bash", "decision": "accept", "success": true, "duration_ms": 40, "tool_input": null})
    );
    assert_eq!(
        one("error, status_code, attempt", "api_errors").await?,
        json!({"error": "overloaded", "status_code": 529, "attempt": 2})
    );
    let prompt = format!("SELECT prompt FROM events WHERE event = 'user_prompt' AND {of_session}");
    assert_eq!(sql.rows(&prompt).await?[0]["prompt"], "Who wrote this?");
    let sums = format!(
        "SELECT name, sum(value) AS total FROM metrics WHERE {of_session} GROUP BY name ORDER BY name"
    );
    let sums: Vec<Value> = sql
        .rows(&sums)
        .await?
        .into_iter()
        .map(Value::from)
        .collect();
    let total =
        |name: &str, total: f64| json!({"name": format!("claude_code.{name}"), "total": total});
    let expected = [
        total("cost.usage", 0.008),
        total("lines_of_code.count", 15.0),
        total("session.count", 1.0),
        total("token.usage", 1200.0),
    ];
    assert_eq!(sums, expected, "{protocol}");
    Ok(())
}

/// Runs `tallybook emit` in this environment and no other; gives exit code, output and error.
pub(crate) fn emit(
    variables: &[(String, String)],
    arguments: &[&str],
) -> Result<(i32, String, String), Problem> {
    let home = tempfile::tempdir()?;
    let output = Command::new(env!("CARGO_BIN_EXE_tallybook"))
        .env_clear()
        .env("HOME", home.path())
        .envs(variables.iter().cloned())
        .arg("emit")
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_emits_a_session_event_by_event() -> Result<(), Problem> {
    let server = launch().start()?;
    let variables = environment(&server, "http/protobuf");
    let begun = emit(
        &variables,
        &["user_prompt", "prompt=Count the files", "--print-ids"],
    )?;
    assert_eq!((begun.0, begun.2.as_str()), (0, ""), "{begun:?}");
    let ids: Value = serde_json::from_str(&begun.1)?;
    let id = |name: &str| ids[name].as_str().unwrap_or_default().to_owned();
    let (session, prompt) = (id("session_id"), id("prompt_id"));
    let ended = emit(
        &variables,
        &[
            "tool_result",
            "tool_name=Bash",
            "success=true",
            "duration_ms=12",
            "--session",
            &session,
            "--prompt",
            &prompt,
        ],
    )?;
    assert_eq!(ended, (0, String::new(), String::new()), "a hook is silent");
    let mut twice = variables.clone();
    twice.push(("OTEL_LOGS_EXPORTER".to_owned(), "console,otlp".to_owned()));
    let mention = ["at_mention", "mention_type=file", "success=true"];
    let of_prompt = ["--session", &session, "--prompt", &prompt];
    let printed = emit(&twice, &[&mention[..], &of_prompt[..]].concat())?;
    assert!(printed.1.starts_with("{\"resourceLogs\""), "{printed:?}");
    let rows = server
        .sql()
        .rows(&format!("SELECT event FROM events WHERE session_id = '{session}' AND prompt_id = '{prompt}' ORDER BY time"))
        .await?;
    let names: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["event"].as_str())
        .collect();
    assert_eq!(names, ["user_prompt", "tool_result", "at_mention"]);
    Ok(())
}

#[test]
fn what_would_be_sent_is_printed() -> Result<(), Problem> {
    let variables = [("OTEL_SERVICE_NAME".to_owned(), "my-agent".to_owned())];
    let (code, out, error) = emit(
        &variables,
        &[
            "user_prompt",
            "prompt=secret",
            "--session",
            "s1",
            "--prompt",
            "p1",
            "--dry-run",
        ],
    )?;
    assert_eq!((code, error.as_str()), (0, ""));
    let request: Value = serde_json::from_str(&out)?;
    let record = &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["body"]["stringValue"], "claude_code.user_prompt");
    assert!(
        !out.contains("secret") && out.contains("<REDACTED>"),
        "{out}"
    );
    assert!(
        out.contains("my-agent") && out.contains("\"s1\"") && out.contains("\"p1\""),
        "{out}"
    );
    Ok(())
}

/// Environment, arguments, exit code, and what is said on standard error.
type Case<'a> = (Vec<(String, String)>, &'a [&'a str], i32, &'a [&'a str]);

#[test]
fn exit_codes_and_messages() -> Result<(), Problem> {
    let on = |more: &[(&str, &str)]| {
        let all = [("CLAUDE_CODE_ENABLE_TELEMETRY", "1")]
            .into_iter()
            .chain(more.iter().copied());
        all.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<Vec<_>>()
    };
    let good = [
        "at_mention",
        "mention_type=file",
        "success=true",
        "--timeout",
        "1",
    ];
    // A port that nobody listens on: the listener is dropped at once.
    let away = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let url = format!("http://{away}");
    let to_nobody = [
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
    ];
    let spool = tempfile::tempdir()?;
    let mut kept = on(&to_nobody);
    let dir = spool.path().display().to_string();
    kept.push(("TALLYBOOK_SPOOL_DIR".to_owned(), dir));
    let cases: [Case<'_>; 9] = [
        (kept, &good, 0, &["kept in the spool"]),
        (
            vec![],
            &good,
            0,
            &["telemetry is off", "CLAUDE_CODE_ENABLE_TELEMETRY=1"],
        ),
        (on(&[]), &good, 2, &["OTEL_LOGS_EXPORTER=otlp"]),
        (
            on(&to_nobody[..1]),
            &good,
            2,
            &["OTEL_EXPORTER_OTLP_PROTOCOL", "not set"],
        ),
        (on(&to_nobody), &good, 1, &["was not delivered", "refused"]),
        (
            on(&to_nobody),
            &["at_mentoin"],
            2,
            &["`at_mentoin`", "--help"],
        ),
        (
            on(&to_nobody),
            &["at_mention", "success=2"],
            2,
            &["`mention_type` is missing", "`success` is not", "--keys"],
        ),
        (
            on(&to_nobody),
            &["at_mention", "success"],
            2,
            &["`success` is not key=value"],
        ),
        (
            on(&to_nobody),
            &["api_request_body", "body=x", "model=m"],
            0,
            &["gate"],
        ),
    ];
    for (variables, arguments, code, says) in cases {
        let (was, out, error) = emit(&variables, arguments)?;
        assert_eq!((was, out.as_str()), (code, ""), "{arguments:?}: {error}");
        for part in says {
            assert!(
                error.contains(part),
                "{arguments:?} should say {part:?}: {error}"
            );
        }
    }
    Ok(())
}

#[test]
fn help_lists_every_event_and_its_keys() -> Result<(), Problem> {
    let (code, out, _) = emit(&[], &["--help"])?;
    assert_eq!(code, 0);
    let (_, keys, _) = emit(&[], &["tool_result", "--keys"])?;
    for kind in emitter::event::kinds() {
        assert!(out.contains(kind.name), "{}", kind.name);
        for key in kind.keys {
            assert!(out.contains(key.name), "{} {}", kind.name, key.name);
        }
    }
    assert!(
        keys.contains("tool_input") && keys.contains("OTEL_LOG_TOOL_DETAILS"),
        "{keys}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn cowork_s_settings_are_heeded() -> Result<(), Problem> {
    let server = launch().start()?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("cowork.json");
    let url = format!("http://{}", server.addresses().http);
    let run = |more: Value, event: &[&str]| -> Result<(i32, String, String), Problem> {
        let mut form = json!({
            "otlpEndpoint": url,
            "otlpHeaders": {"x-team": "one, two"},
            "otlpResourceAttributes": {"service.name": "cowork", "cost_center": "eng 1"},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            form[key] = value.clone();
        }
        std::fs::write(&file, form.to_string())?;
        let variables = [
            ("TALLYBOOK_COWORK_SETTINGS", file.display().to_string()),
            ("OTEL_LOG_USER_PROMPTS", "1".to_owned()),
        ];
        let owned = variables.map(|(name, value)| (name.to_owned(), value));
        emit(&owned, event)
    };
    let prompt = ["user_prompt", "prompt=What is it?", "--session", "s1"];
    for (form, shown) in [
        (json!({}), "<REDACTED>"),
        (json!({"deploymentMode": "1p"}), "What is it?"),
        (json!({"otlpContentCapture": ["toolDetails"]}), "<REDACTED>"),
        (
            json!({"otlpContentCapture": ["userPrompts"], "otlpProtocol": "http/json"}),
            "What is it?",
        ),
    ] {
        let said = run(form.clone(), &prompt)?;
        assert_eq!(said, (0, String::new(), String::new()), "{form}");
        let newest =
            "SELECT prompt, product, cost_center FROM events ORDER BY received_at DESC LIMIT 1";
        let row = &server.sql().rows(newest).await?[0];
        let expected = json!({"prompt": shown, "product": "cowork", "cost_center": "eng 1"});
        assert_eq!(Value::from(row.clone()), expected, "{form}");
    }
    let blocked = run(
        json!({"coworkEgressAllowedHosts": ["*.example.com"]}),
        &prompt,
    )?;
    assert_eq!(blocked.0, 2, "{blocked:?}");
    let count = server.sql().count("SELECT count(*) FROM events").await?;
    assert_eq!(count, 4, "and it is not sent");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_may_not_be_reached_is_named() -> Result<(), Problem> {
    let server = launch().start()?;
    for protocol in ["http/protobuf", "grpc"] {
        for (policy, code) in [("otel.example.com", 2), ("github=*", 2), ("127.0.0.1", 0)] {
            let mut variables = environment(&server, protocol);
            variables.push(("TALLYBOOK_EGRESS".to_owned(), policy.to_owned()));
            let said = emit(
                &variables,
                &["at_mention", "mention_type=file", "success=true"],
            )?;
            assert_eq!(said.0, code, "{policy}: {said:?}");
            let names_it = said
                .2
                .contains(&format!("allows {policy} and not 127.0.0.1"));
            assert_eq!(names_it, code != 0, "{policy}: {said:?}");
        }
    }
    assert_eq!(server.sql().count("SELECT count(*) FROM events").await?, 2);
    Ok(())
}
