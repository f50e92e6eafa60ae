//! Setting a client up: what is wrong at the door is named, and `tallybook connect` waits for the first
//! event.

use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};

use contract::Signal;
use fleet::{Client, ContentEncoding, Transport};
use http::Method;
use otlp::Encoding;
use serde_json::{Value, json};
use testkit::{Problem, Server, exchange, scenario, until, wait_for};

use crate::command_line::{check_failure, printed};
use crate::stage::{PATIENCE, deliver, launch};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn door(server: &Server) -> Result<Value, Problem> {
    let url = format!("{}/api/v1/door", server.addresses().ui_url());
    exchange(Method::GET, &url, &[], "").await?.json()
}

/// The knocks as reason, status and path; the latest last.
fn knocks(door: &Value) -> Vec<(String, String, String)> {
    let knocks = door["knocks"].as_array().cloned().unwrap_or_default();
    let text = |knock: &Value, key: &str| knock[key].as_str().unwrap_or_default().to_owned();
    let all = knocks.iter().rev();
    all.map(|knock| {
        (
            text(knock, "reason"),
            text(knock, "status"),
            text(knock, "path"),
        )
    })
    .collect()
}

/// An export request of one event.
fn event(name: &str) -> String {
    let attribute = json!({"key": "event.name", "value": {"stringValue": name}});
    let record = json!({
        "timeUnixNano": "0",
        "body": {"stringValue": format!("claude_code.{name}")},
        "attributes": [attribute],
    });
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_at_the_door_is_named() -> Result<(), Problem> {
    let server = launch().start()?;
    let (http, grpc) = (&server.addresses().http, &server.addresses().grpc);
    let post = async |address: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        exchange(
            Method::POST,
            &format!("http://{address}{path}"),
            headers,
            body.to_owned(),
        )
        .await
    };
    let http = http.to_string();
    post(&http, "/", &[JSON], "{}").await?;
    for _ in 0..3 {
        post(&http, "/v1/log", &[JSON], "{}").await?;
    }
    post(&grpc.to_string(), "/v1/logs", &[JSON], "{}").await?;
    post(&http, "/v1/logs", &[("content-type", "text/plain")], "x").await?;
    post(&http, "/v1/logs", &[JSON, ("content-encoding", "br")], "x").await?;
    post(&http, "/v1/logs", &[JSON], "{\"secret\":").await?;
    post(&http, "/v1/logs", &[JSON], "{}").await?;
    post(
        &http,
        "/0123456789abcdef0123456789abcdef/v1/log",
        &[JSON],
        "{}",
    )
    .await?;
    let told = door(&server).await?;
    let expected = [
        ("not_found", "404", "/"),
        ("not_found", "404", "/v1/log"),
        ("unsupported_media_type", "415", "/v1/logs"),
        ("unsupported_media_type", "415", "/v1/logs"),
        ("unsupported_media_type", "415", "/v1/logs"),
        ("malformed", "400", "/v1/logs"),
        ("empty", "200", "/v1/logs"),
        ("not_found", "404", "/…/v1/log"),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(reason, status, path)| (reason.to_owned(), status.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(knocks(&told), expected, "{told}");
    let text = told.to_string();
    for part in [
        "OTLP/HTTP is at /v1/logs",
        "\"times\":3",
        &format!(
            "send OTLP/HTTP to port {}",
            server
                .addresses()
                .http
                .rsplit(':')
                .next()
                .unwrap_or_default()
        ),
        "must be application/x-protobuf or application/json",
        "The compression `br` is not supported",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        !text.contains("secret") && !text.contains("0123456789abcdef"),
        "{text}"
    );
    assert_eq!(told["intake"], "no_token");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_on_a_plain_port_and_metrics_alone_are_named() -> Result<(), Problem> {
    let server = launch().start()?;
    let mut socket = TcpStream::connect(&server.addresses().http)?;
    // The beginning of a ClientHello.
    socket.write_all(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0])?;
    until(
        PATIENCE,
        "the note of a client that speaks TLS",
        async || {
            let told = door(&server).await?.to_string();
            Ok(told.contains("The client speaks TLS").then_some(()))
        },
    )
    .await?;
    let all = scenario("cc329_tools_json")?.requests;
    let metrics = all
        .iter()
        .filter(|request| request.signal == Signal::Metrics);
    deliver(&server, metrics).await?;
    let told = door(&server).await?;
    assert!(
        told["hints"][0]
            .as_str()
            .unwrap_or_default()
            .contains("Only metrics"),
        "{told}"
    );
    deliver(&server, &all).await?;
    let told = door(&server).await?;
    assert_eq!(told["hints"], json!([]), "{told}");
    let came = |told: &Value, key: &str| {
        let events = told["events"].as_array().cloned().unwrap_or_default();
        let came = events.iter().filter(|event| event[key].is_u64());
        came.map(|event| event["event"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let expected = ["user_prompt", "api_request", "tool_decision", "tool_result"];
    assert_eq!(came(&told, "first_ms"), expected, "{told}");
    let mut server = server;
    server.terminate()?;
    server.restart()?;
    let told = door(&server).await?;
    assert_eq!(
        (came(&told, "first_ms").len(), came(&told, "ever_ms").len()),
        (0, 4),
        "{told}"
    );
    Ok(())
}

/// `tallybook connect`, and what it prints, line by line.
struct Waiting {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Waiting {
    fn start(arguments: &[&str]) -> Result<Waiting, Problem> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tallybook"))
            .arg("connect")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child
            .stdout
            .take()
            .ok_or_else(|| Problem::new("no output"))?;
        let (sender, lines) = sync_channel(1_000);
        std::thread::spawn(move || {
            let mut all = BufReader::new(out).lines().map_while(Result::ok);
            all.all(|line| sender.send(line).is_ok())
        });
        Ok(Waiting {
            child,
            lines,
            said: Vec::new(),
        })
    }

    /// The first line that holds this.
    fn says(&mut self, part: &str) -> Result<String, Problem> {
        wait_for(PATIENCE, part, || {
            self.said.extend(self.lines.try_iter());
            self.said.iter().find(|line| line.contains(part)).cloned()
        })
        .map_err(|problem| problem.while_doing(self.said.join("\n")))
    }

    fn ended(mut self) -> Result<i32, Problem> {
        Ok(self.child.wait()?.code().unwrap_or(-1))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It has ended unless a test has failed.
        let _ = self.child.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_makes_a_token_names_what_is_wrong_and_ticks_what_comes() -> Result<(), Problem> {
    let server = launch().start()?;
    let url = server.addresses().ui_url();
    let mut waiting = Waiting::start(&["claude-code", "--url", &url, "--organization", "Example"])?;
    let line = waiting.says("OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer tbi_")?;
    let token = line
        .split("Bearer ")
        .nth(1)
        .unwrap_or_default()
        .trim_end_matches('\'')
        .to_owned();
    waiting.says("Waiting for the first event")?;
    let client = |token: Option<&str>| {
        let client = Client::new(
            &format!("http://{}", server.addresses().http),
            Transport::Http,
        )?;
        match token {
            Some(token) => client.with_token(token),
            None => Ok(client),
        }
    };
    let send = async |client: &Client, name: &str| {
        let (encoding, plain) = (Encoding::Json, ContentEncoding::Identity);
        let sent = client.send(Signal::Logs, encoding, plain, event(name).into(), None);
        Ok::<_, Problem>(sent.await?)
    };
    send(&client(None)?, "user_prompt").await?;
    let said = waiting.says("! 401")?;
    assert!(
        said.contains("POST /v1/logs") && said.contains("A token is needed"),
        "{said}"
    );
    let own = client(Some(&token))?;
    for name in [
        "user_prompt",
        "api_request",
        "tool_decision",
        "tool_result",
        "api_error",
    ] {
        let answer = send(&own, name).await?;
        assert!(answer.is_success(), "{answer:?}");
        waiting.says(&format!("✓ {name}"))?;
    }
    waiting.says("All five kinds of events have come.")?;
    assert_eq!(waiting.ended()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_prints_what_to_paste_and_says_when_nothing_came() -> Result<(), Problem> {
    let server = launch().start()?;
    let url = server.addresses().ui_url();
    let of_cowork = [
        "connect",
        "cowork",
        "--url",
        &url,
        "--no-wait",
        "--no-token",
    ];
    let said = printed(
        &[
            &of_cowork[..],
            &["--endpoint", "http://tally.example.com:4318"],
        ]
        .concat(),
    )?;
    for part in [
        "OTLP endpoint",
        "http://tally.example.com:4318",
        "http/protobuf",
        "egress allow-list",
        "curl -sS",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        !said.contains("tbi_") && !said.contains("<TOKEN>"),
        "{said}"
    );
    let dir = server.data_dir().display().to_string();
    let of_desktop = [
        "connect",
        "desktop",
        "--url",
        &url,
        "--no-wait",
        "--data-dir",
        &dir,
    ];
    let said = printed(&of_desktop)?;
    assert!(
        said.contains("\"otlpHeaders\": { \"Authorization\": \"Bearer tbi_"),
        "{said}"
    );
    check_failure(&of_desktop, 2, &["slot \"desktop\" has a live token"]);
    check_failure(
        &["connect", "nothing"],
        2,
        &["cowork", "claude-code", "desktop"],
    );
    let mut waiting = Waiting::start(&["cowork", "--url", &url, "--no-token", "--timeout", "1s"])?;
    waiting.says("Waiting for the first event")?;
    assert_eq!(waiting.ended()?, 1);
    Ok(())
}
