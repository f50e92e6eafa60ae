//! The commands, their exit codes and their messages.

use std::fs;

use serde_json::Value;
use testkit::{Problem, Server, captures_dir, scenario};

use crate::stage::{Expectation, deliver, launch, tallybook};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command that works prints.
pub(crate) fn printed(arguments: &[&str]) -> Result<String, Problem> {
    let output = tallybook(arguments)?;
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(Problem::new(format!(
            "{arguments:?}: {}",
            text(&output.stderr)
        ))),
    }
}

/// A command that fails says why in a line on standard error, nothing on standard output.
#[track_caller]
pub(crate) fn check_failure(arguments: &[&str], code: i32, says: &[&str]) {
    let output = tallybook(arguments).expect("it runs");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    for part in says {
        assert!(
            said.contains(part),
            "{arguments:?} should say {part:?}: {said}"
        );
    }
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
}

pub(crate) async fn filled() -> Result<(Server, String), Problem> {
    let server = launch().start()?;
    deliver(&server, &scenario("cc329_tools_json")?.requests).await?;
    let url = server.addresses().ui_url();
    Ok((server, url))
}

#[tokio::test(flavor = "multi_thread")]
async fn query_prints_rows_in_every_format() -> Result<(), Problem> {
    let (_server, url) = filled().await?;
    let sql = "SELECT count(*) AS requests, sum(cost_usd) AS cost_usd FROM api_requests";
    let json = printed(&["query", "--format", "json", "--url", &url, sql])?;
    let rows: Value = serde_json::from_str(&json)?;
    assert_eq!(rows[0]["requests"], 10, "numbers are numbers: {json}");
    assert!(
        (rows[0]["cost_usd"].as_f64().unwrap_or_default() - 0.4228774).abs() < 1e-9,
        "{json}"
    );
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{json}");
    let csv = printed(&["query", "--format", "csv", "--url", &url, sql])?;
    assert!(csv.starts_with("requests,cost_usd\n10,0.42287"), "{csv}");
    let table = printed(&["query", "--url", &url, sql])?;
    assert!(
        table.contains("requests") && table.contains("10"),
        "{table}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_says_where_and_why() -> Result<(), Problem> {
    let (server, url) = filled().await?;
    for (sql, says) in [
        ("SELECT * FROM evnts", &["evnts", "events, metrics"][..]),
        (
            "SELECT cost FROM api_requests",
            &["line 1, column 8", "cost"],
        ),
        ("SELECT FROM WHERE", &["line 1, column"]),
        ("DELETE FROM events", &["only reading"]),
        ("SELECT 1; SELECT 2", &["one SELECT"]),
    ] {
        check_failure(&["query", "--url", &url, sql], 1, says);
        let answer = server.sql().ask(sql).await?;
        assert_eq!(answer.status, 400, "{sql}: {answer:?}");
    }
    check_failure(
        &["query", "--url", "http://127.0.0.1:9", "SELECT 1"],
        1,
        &["127.0.0.1:9"],
    );
    check_failure(&["query", "--url", "nowhere", "SELECT 1"], 2, &["nowhere"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn send_plays_a_recording_and_replay_shows_it() -> Result<(), Problem> {
    let server = launch().start()?;
    let url = server.addresses().ui_url();
    let (http, grpc) = (&server.addresses().http, &server.addresses().grpc);
    let (http, grpc) = (format!("http://{http}"), format!("http://{grpc}"));
    let mut requests = Vec::new();
    for name in ["cc329_tools_json", "cc329_gzip_grpc"] {
        let folder = captures_dir().join(name);
        let folder = folder
            .to_str()
            .ok_or_else(|| Problem::new("a path that is no text"))?;
        printed(&["send", folder, "--to", &http, "--grpc-to", &grpc])?;
        requests.extend(scenario(name)?.requests);
    }
    Expectation::of(&requests)?
        .check("sent", &server.sql())
        .await?;
    let prompts = server
        .sql()
        .rows("SELECT prompt_id, cost_usd FROM prompts")
        .await?;
    assert_eq!(prompts.len(), 2);
    for prompt in prompts {
        let id = prompt["prompt_id"].as_str().unwrap_or_default().to_owned();
        let shown = printed(&["replay", "--url", &url, &id])?;
        assert!(shown.contains("Bash") && shown.contains('$'), "{shown}");
        let json = printed(&["replay", "--json", "--url", &url, &id])?;
        let _: Value = serde_json::from_str(&json)?;
    }
    check_failure(
        &["replay", "--url", &url, "no-such-prompt"],
        1,
        &["no-such-prompt"],
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn send_says_why_it_was_refused() -> Result<(), Problem> {
    let server = launch()
        .settings("[intake]\nrequire_token = true\n")
        .start()?;
    let http = format!("http://{}", server.addresses().http);
    let grpc = format!("http://{}", server.addresses().grpc);
    for (name, status) in [
        ("cc329_tools_json", "HTTP status 401: A token is needed"),
        ("cc329_gzip_grpc", "gRPC status 16: A token is needed"),
    ] {
        let folder = captures_dir().join(name).display().to_string();
        let send = ["send", &folder, "--to", &http, "--grpc-to", &grpc];
        check_failure(&send, 1, &["the server refused", status, "(requests 1, 2"]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn restamped_recordings_are_of_today() -> Result<(), Problem> {
    let server = launch().start()?;
    let folder = captures_dir().join("cc329_tools_json");
    let folder = folder
        .to_str()
        .ok_or_else(|| Problem::new("a path that is no text"))?;
    let http = format!("http://{}", server.addresses().http);
    printed(&["send", folder, "--to", &http, "--restamp"])?;
    let recent = "SELECT count(*) FROM events WHERE time > now() - INTERVAL '10 minutes'";
    let all = server.sql().count("SELECT count(*) FROM events").await?;
    assert_eq!(server.sql().count(recent).await?, all);
    assert!(all > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_before_serving_is_said_in_a_line() -> Result<(), Problem> {
    let home = tempfile::tempdir()?;
    let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    check_failure(&["serve", "--prot", "1"], 2, &["--prot"]);
    check_failure(&["serve", "--http", "not an address"], 2, &["--http"]);
    fs::write(home.path().join("bad.toml"), "[store]\nflsh_rows = 1\n")?;
    let config = path("bad.toml");
    check_failure(&["serve", "--config", &config], 2, &["flsh_rows", "line 2"]);
    check_failure(&["config", "check", "--config", &config], 2, &["flsh_rows"]);

    let mut server = launch().start()?;
    let data = path("data");
    let free = [
        "--http",
        "127.0.0.1:0",
        "--grpc",
        "127.0.0.1:0",
        "--ui",
        "127.0.0.1:0",
    ];
    let taken = server.addresses().http.clone();
    let port = taken.rsplit(':').next().unwrap_or_default();
    let mut arguments = vec!["serve", "--data-dir", &data, "--http", &taken];
    arguments.extend(&free[2..]);
    check_failure(&arguments, 1, &[port, "choose another port"]);
    let locked = server.data_dir().to_string_lossy().into_owned();
    let serve = [&["serve", "--data-dir", &locked][..], &free].concat();
    check_failure(&serve, 1, &[&locked]);

    server.terminate()?;
    let mut manifests = Vec::new();
    for dir in ["manifest", "manifest-copies"] {
        manifests.extend(fs::read_dir(server.data_dir().join(dir))?);
    }
    for entry in manifests {
        let manifest = entry?.path();
        // The document ends with a line that is its checksum.
        let text = fs::read(&manifest)?;
        let mut documents = serde_json::Deserializer::from_slice(&text).into_iter::<Value>();
        let mut content = documents
            .next()
            .ok_or_else(|| Problem::new("a manifest is a document"))??;
        content["version"] = 999.into();
        fs::write(&manifest, content.to_string())?;
    }
    check_failure(&serve, 1, &[&locked, "999"]);
    Ok(())
}
