//! From the first start to the first admin, people and keys, and the trail of all of it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use http::Method;
use serde_json::{Value, json};
use testkit::{Problem, Server, exchange, scenario};

use crate::stage::{deliver, launch};

const PASSWORD: &str = "correct horse battery\n";

/// A command with something on its standard input, and without the environment of whoever runs the test.
fn run(words: &[&str], key: Option<&str>, input: &str) -> Result<Output, Problem> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallybook"));
    command
        .args(words)
        .env_remove("TALLYBOOK_API_KEY")
        .env("USER", "operator");
    if let Some(key) = key {
        command.env("TALLYBOOK_API_KEY", key);
    }
    let piped = || Stdio::piped();
    let mut child = command
        .stdin(piped())
        .stdout(piped())
        .stderr(piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    Ok(child.wait_with_output()?)
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// What a command prints that must succeed, on a data directory.
#[track_caller]
fn on(dir: &Path, words: &[&str], input: &str) -> String {
    let dir = dir.to_str().expect("a path of text");
    let words = [words, &["--data-dir", dir]].concat();
    let output = run(&words, None, input).expect("runs");
    assert!(output.status.success(), "{words:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn post(server: &Server, path: &str, body: &Value) -> Result<u16, Problem> {
    let headers = [("content-type", "application/json")];
    let url = format!("{}{path}", server.addresses().ui_url());
    Ok(exchange(Method::POST, &url, &headers, body.to_string())
        .await?
        .status)
}

#[tokio::test]
async fn from_the_link_to_people_and_keys_beside_a_running_server() -> Result<(), Problem> {
    let server = launch().start()?;
    let dir = server.data_dir();
    deliver(&server, &scenario("cc329_tools_json")?.requests).await?;
    let url = server.addresses().ui_url();
    let ask = |key: Option<&str>| {
        run(
            &[
                "query",
                "--format",
                "json",
                "--url",
                &url,
                "SELECT 1 AS one",
            ],
            key,
            "",
        )
    };
    assert!(ask(None)?.status.success(), "open to this machine");
    let link = std::fs::read_to_string(dir.join("access/setup-link"))?;
    assert!(link.starts_with(&format!("{url}/setup#")), "{link}");
    let newer = on(&dir, &["user", "setup", "--url", &url], "");
    let token = |link: &str| link.trim().split('#').nth(1).map(str::to_owned);
    let admin = |link: &str| json!({"token": token(link), "name": "ann@example.com", "password": PASSWORD.trim()});
    assert_eq!(
        post(&server, "/api/v1/setup", &admin(&link)).await?,
        401,
        "a newer one was made"
    );
    assert_eq!(post(&server, "/api/v1/setup", &admin(&newer)).await?, 200);
    let refused = ask(None)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said(&refused).contains("tallybook key create"),
        "{}",
        said(&refused)
    );
    let key = on(
        &dir,
        &["key", "create", "nightly", "--permission", "names,content"],
        "",
    );
    assert!(ask(Some(&key))?.status.success());
    let weak = on(
        &dir,
        &["key", "create", "board", "--permission", "aggregates"],
        "",
    );
    let refused = ask(Some(&weak))?;
    assert!(
        said(&refused).contains("permission names"),
        "{}",
        said(&refused)
    );
    on(
        &dir,
        &["user", "add", "ben", "--role", "viewer,auditor"],
        PASSWORD,
    );
    let login = json!({"name": "ben", "password": PASSWORD.trim()});
    assert_eq!(post(&server, "/api/v1/session", &login).await?, 200);
    on(&dir, &["user", "disable", "ben"], "");
    assert_eq!(post(&server, "/api/v1/session", &login).await?, 401);
    let people: Value = serde_json::from_str(&on(&dir, &["user", "list", "--format", "json"], ""))?;
    assert_eq!(
        (people[1]["name"].as_str(), people[1]["disabled"].as_bool()),
        (Some("ben"), Some(true))
    );
    let id = key.split('_').nth(1).unwrap_or_default();
    on(&dir, &["key", "revoke", id], "");
    assert_eq!(ask(Some(&key))?.status.code(), Some(1));
    trail(&dir)
}

/// Commands and the server wrote one trail.
fn trail(dir: &Path) -> Result<(), Problem> {
    let shown: Value = serde_json::from_str(&on(dir, &["audit", "show", "--format", "json"], ""))?;
    let records = shown.as_array().cloned().unwrap_or_default();
    let acts: Vec<String> = records
        .iter()
        .rev()
        .map(|one| {
            format!("{} {} {}", one["actor_kind"], one["action"], one["outcome"]).replace('"', "")
        })
        .collect();
    for expect in [
        "command set_up allowed",
        "person set_up allowed",
        "command keys allowed",
        "key query allowed",
        "key denied refused",
        "command people allowed",
        "person sign_in allowed",
    ] {
        assert!(acts.iter().any(|act| act == expect), "{expect}: {acts:#?}");
    }
    let verified = on(dir, &["audit", "verify"], "");
    let checkpoint = verified.rsplit(' ').next().unwrap_or_default().to_owned();
    on(dir, &["user", "enable", "ben"], "");
    on(dir, &["audit", "verify", "--checkpoint", &checkpoint], "");
    let lines = on(dir, &["audit", "export"], "");
    assert_eq!(lines.lines().count(), records.len() + 1);
    let segment = dir.join("access/audit/000001.jsonl");
    let text = std::fs::read_to_string(&segment)?;
    std::fs::write(&segment, text.replacen("nightly", "Nightly", 1))?;
    let dir = dir.to_str().unwrap_or_default();
    let refused = run(&["audit", "verify", "--data-dir", dir], None, "")?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said(&refused).contains("000001.jsonl, line"),
        "{}",
        said(&refused)
    );
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_said() -> Result<(), Problem> {
    let server = launch().start()?;
    let dir = server.data_dir();
    let dir = dir.to_str().unwrap_or_default();
    for (words, input, code, says) in [
        (
            &["user", "add", "ann", "--role", "root"][..],
            PASSWORD,
            2,
            "roles are",
        ),
        (
            &["user", "add", "ann", "--role", "admin"],
            "short\n",
            2,
            "12 characters",
        ),
        (&["user", "remove", "ann"], "", 1, "there is no person"),
        (
            &[
                "key",
                "create",
                "x",
                "--permission",
                "names",
                "--for",
                "ann",
            ],
            "",
            1,
            "there is no person",
        ),
        (&["key", "revoke", "nothing"], "", 1, "there is no key"),
        (
            &["audit", "verify", "--checkpoint", "7"],
            "",
            2,
            "NUMBER:HASH",
        ),
    ] {
        let words = [words, &["--data-dir", dir]].concat();
        let output = run(&words, None, input)?;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{words:?}: {}",
            said(&output)
        );
        assert!(said(&output).contains(says), "{words:?}: {}", said(&output));
    }
    let nowhere = run(&["user", "list", "--data-dir", "nowhere"], None, "")?;
    assert!(said(&nowhere).contains("there is no data directory nowhere"));
    Ok(())
}

#[test]
fn one_person_has_no_more_keys_than_one_may() -> Result<(), Problem> {
    let server = launch().start()?;
    let data_dir = server.data_dir();
    let dir = data_dir.as_path();
    on(dir, &["user", "add", "boss", "--role", "admin"], PASSWORD);
    on(dir, &["user", "add", "ann", "--role", "analyst"], PASSWORD);
    let words = ["key", "create", "x", "--permission", "names", "--for"];
    let make = |name: &'static str| [&words[..], &[name]].concat();
    let mut last = String::new();
    for _ in 0..100 {
        last = on(dir, &make("ann"), "");
    }
    let place = ["--data-dir", dir.to_str().unwrap_or_default()];
    let refused = run(&[&make("ann")[..], &place].concat(), None, "")?;
    assert_eq!(refused.status.code(), Some(1));
    let told = said(&refused);
    assert!(told.contains("ann has 100 keys"), "{told}");
    assert!(told.contains("tallybook key revoke"), "{told}");
    on(dir, &make("boss"), "");
    on(dir, &words[..5], "");
    let id = last.split('_').nth(1).unwrap_or_default();
    on(dir, &["key", "revoke", id], "");
    on(dir, &make("ann"), "");
    Ok(())
}
