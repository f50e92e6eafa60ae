//! With a root key no byte of the data directory is in clear, whatever was sent, asked or set up; without
//! one the same search finds it. All commands work with the key and none without, a plain directory becomes
//! encrypted, and keys are renewed.

mod canaries;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use canaries::{Canaries, send};
use search::search;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Launch, Problem, Server};

/// So few rows that parts are written while the test runs; nothing is masked, so that all is kept.
const SETTINGS: &str = "[store]\nflush_rows = 20\n[redaction]\ndetectors = []\n";
const KEY_FILE: &str = "TALLYBOOK_ENCRYPTION_KEY_FILE";
const KEY: &str = "TALLYBOOK_ENCRYPTION_KEY";

fn run(words: &[&str], key: Option<&Path>, input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallybook"));
    command.args(words).env_remove(KEY).env_remove(KEY_FILE);
    if let Some(key) = key {
        command.env(KEY_FILE, key);
    }
    command.stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("starts");
    if let Some(mut stdin) = child.stdin.take() {
        std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("takes its input");
    }
    child.wait_with_output().expect("ends")
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// What a command prints that must succeed.
#[track_caller]
fn on(dir: &Path, words: &[&str], key: &Path, input: &str) -> String {
    let words = [words, &["--data-dir", dir.to_str().expect("text")]].concat();
    let output = run(&words, Some(key), input);
    assert!(output.status.success(), "{words:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A new root key in a file of its own.
fn new_key(folder: &TempDir, name: &str) -> PathBuf {
    let file = folder.path().join(name);
    let made = run(
        &["encryption", "new-key", file.to_str().expect("text")],
        None,
        "",
    );
    assert!(made.status.success(), "{}", said(&made));
    file
}

fn launch(key: Option<&Path>) -> Launch {
    let launch = Launch::new(env!("CARGO_BIN_EXE_tallybook")).settings(SETTINGS);
    match key {
        Some(key) => launch.variable(KEY_FILE, key.to_str().expect("text")),
        None => launch,
    }
}

/// In which files of a directory each canary's place is seen, by the first folder of the file.
fn seen(dir: &Path, canaries: &Canaries) -> Result<BTreeMap<String, usize>, Problem> {
    let needles: Vec<String> = canaries
        .0
        .iter()
        .map(|(_, canary)| canary.clone())
        .collect();
    let mut found = BTreeMap::new();
    for hit in search(dir, &needles)? {
        let place = hit.place.strip_prefix(dir.to_str().unwrap_or_default());
        let place = place.unwrap_or(&hit.place).trim_start_matches('/');
        let folder = place.split(['/', ',']).next().unwrap_or_default();
        *found.entry(folder.to_owned()).or_default() += 1;
    }
    Ok(found)
}

/// People, a token and a key, each with a canary in its name, set up beside a running server.
fn set_up(dir: &Path, canaries: &mut Canaries, key: &Path) {
    let label = canaries.at("the label of a key");
    on(
        dir,
        &["key", "create", &label, "--permission", "names"],
        key,
        "",
    );
    let person = format!("{}@example.com", canaries.at("a person"));
    let input = "correct horse battery\n";
    on(
        dir,
        &["user", "add", &person, "--role", "admin"],
        key,
        input,
    );
}

async fn count(server: &Server) -> Result<u64, Problem> {
    Ok(server.sql().count("SELECT count(*) FROM events").await? as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_is_in_clear_and_without_a_key_the_search_finds_it() -> Result<(), Problem> {
    let keys = TempDir::new()?;
    let key = new_key(&keys, "root.key");
    for is_encrypted in [false, true] {
        let mut server = launch(is_encrypted.then_some(key.as_path())).start()?;
        let mut canaries = Canaries::default();
        send(&server, &mut canaries).await?;
        let events = count(&server).await?;
        server.kill()?;
        let in_journal = seen(&server.data_dir(), &canaries)?;
        server.restart()?;
        assert_eq!(count(&server).await?, events, "after a kill");
        send(&server, &mut canaries).await?;
        set_up(&server.data_dir(), &mut canaries, &key);
        server.terminate()?;
        let in_parts = seen(&server.data_dir(), &canaries)?;
        if is_encrypted {
            assert_eq!((in_journal, in_parts), (BTreeMap::new(), BTreeMap::new()));
            commands_work(&server.data_dir(), &canaries, &key)?;
        } else {
            // Some of it has been flushed already.
            assert!(in_journal.values().sum::<usize>() > 300, "{in_journal:?}");
            assert!(
                in_parts["parts"] > 300 && in_parts["access"] >= 2,
                "{in_parts:?}"
            );
        }
    }
    Ok(())
}

/// What reads the directory works with the key, and says what is missing without.
fn commands_work(dir: &Path, canaries: &Canaries, key: &Path) -> Result<(), Problem> {
    let sql = [
        "query",
        "--format",
        "json",
        "SELECT count(*) AS n FROM events",
    ];
    let rows: Value = serde_json::from_str(&on(dir, &sql, key, ""))?;
    assert!(rows[0]["n"].as_u64() > Some(0), "{rows}");
    assert!(on(dir, &["audit", "verify"], key, "").contains("all as they were written"));
    let trail = on(dir, &["audit", "export"], key, "");
    let person = canaries.0.iter().find(|(place, _)| place == "a person");
    let (_, person) = person.ok_or_else(|| Problem::new("there is no person"))?;
    assert!(
        trail.contains(person),
        "the trail is exported as it was written"
    );
    assert!(on(dir, &["user", "list"], key, "").contains(person));
    let status: Value = serde_json::from_str(&on(
        dir,
        &["encryption", "status", "--format", "json"],
        key,
        "",
    ))?;
    assert_eq!(status["plain_files"], 0, "{status}");
    let dir = dir.to_str().ok_or_else(|| Problem::new("no text"))?;
    for words in [
        &sql[..],
        &["user", "list"],
        &["audit", "verify"],
        &["encryption", "status"],
    ] {
        let refused = run(&[words, &["--data-dir", dir]].concat(), None, "");
        assert_eq!(
            refused.status.code(),
            Some(1),
            "{words:?}: {}",
            said(&refused)
        );
        assert!(
            said(&refused).contains(KEY_FILE),
            "{words:?}: {}",
            said(&refused)
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_directory_is_encrypted_and_its_keys_are_renewed() -> Result<(), Problem> {
    let keys = TempDir::new()?;
    let (first, second) = (new_key(&keys, "first.key"), new_key(&keys, "second.key"));
    let mut server = launch(None).start()?;
    let dir = server.data_dir();
    let mut canaries = Canaries::default();
    send(&server, &mut canaries).await?;
    set_up(&dir, &mut canaries, &first);
    let query = "SELECT count(*) AS n, count(DISTINCT session_id) AS s FROM events";
    server.terminate()?;
    let before = on(&dir, &["query", "--format", "json", query], &first, "");
    let words = ["encryption", "rewrite"];
    let written = on(&dir, &words, &first, "");
    assert!(
        written.contains("Everything is under current keys"),
        "{written}"
    );
    assert_eq!(seen(&dir, &canaries)?, BTreeMap::new());
    assert_eq!(
        on(&dir, &["query", "--format", "json", query], &first, ""),
        before
    );
    let name = second.to_str().ok_or_else(|| Problem::new("no text"))?;
    on(
        &dir,
        &["encryption", "rotate", "--new-key-file", name],
        &first,
        "",
    );
    let text = dir.to_str().ok_or_else(|| Problem::new("no text"))?;
    let refused = run(
        &["encryption", "status", "--data-dir", text],
        Some(&first),
        "",
    );
    assert!(
        said(&refused).contains("encrypted under the root key"),
        "{}",
        said(&refused)
    );
    let status = on(&dir, &["encryption", "status"], &second, "");
    assert!(
        status.contains("old") && status.contains("To finish"),
        "{status}"
    );
    let written = on(&dir, &words, &second, "");
    assert!(
        written.contains("Everything is under current keys"),
        "{written}"
    );
    assert!(on(&dir, &["audit", "verify"], &second, "").contains("all as they were written"));
    assert_eq!(
        on(&dir, &["query", "--format", "json", query], &second, ""),
        before
    );
    server.restart_as(launch(Some(&second)))?;
    assert!(
        server.log().contains("encrypted under the root key"),
        "{}",
        server.log()
    );
    server.terminate()?;
    assert_eq!(seen(&dir, &canaries)?, BTreeMap::new());
    Ok(())
}

#[test]
fn a_key_that_protects_nothing_is_refused() -> Result<(), Problem> {
    let keys = TempDir::new()?;
    let key = new_key(&keys, "root.key");
    let dir = keys
        .path()
        .to_str()
        .ok_or_else(|| Problem::new("no text"))?;
    let inside = run(&["query", "--data-dir", dir, "SELECT 1"], Some(&key), "");
    assert_eq!(inside.status.code(), Some(2), "{}", said(&inside));
    assert!(
        said(&inside).contains("lies in the data directory"),
        "{}",
        said(&inside)
    );
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    let open = run(&["query", "--data-dir", dir, "SELECT 1"], Some(&key), "");
    assert!(said(&open).contains("chmod 600"), "{}", said(&open));
    std::fs::write(&key, "short\n")?;
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let odd = run(&["query", "--data-dir", dir, "SELECT 1"], Some(&key), "");
    assert!(said(&odd).contains("base64 of 32 bytes"), "{}", said(&odd));
    let again = run(
        &["encryption", "new-key", key.to_str().unwrap_or_default()],
        None,
        "",
    );
    assert_eq!(again.status.code(), Some(1), "a key is never overwritten");
    Ok(())
}
