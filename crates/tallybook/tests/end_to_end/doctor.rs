//! `tallybook doctor` finds what is wrong, says how to mend it, and changes nothing.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use testkit::{Problem, Server, scenario};

use crate::stage::{deliver, launch, tallybook};

/// No test depends on which ports of this machine are taken.
const ANY_PORTS: &str =
    "[listen]\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nui = \"127.0.0.1:0\"\n";
/// Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:9";

/// What the doctor found, by check.
struct Found {
    code: Option<i32>,
    findings: BTreeMap<String, Value>,
}

impl Found {
    #[track_caller]
    fn check(&self, check: &str, status: &str, says: &[&str]) {
        let finding = &self.findings[check];
        assert_eq!(finding["status"], status, "{finding}");
        let said = finding.to_string();
        for part in says {
            assert!(said.contains(part), "{check} should say {part:?}: {said}");
        }
        let has_mend = finding["mend"].as_str().is_some_and(|mend| mend.len() > 10);
        assert_eq!(
            has_mend,
            matches!(status, "warning" | "failed"),
            "{finding}"
        );
    }

    /// Checks that are not as they should be on this machine, whose speed and room are its own.
    fn wrong(&self) -> Vec<&str> {
        let of_machine = [
            "disk_space",
            "disk_sync",
            "file_system",
            "memory",
            "open_files",
            "last_sync",
        ];
        let wrong = self.findings.iter().filter(|(check, finding)| {
            !of_machine.contains(&check.as_str())
                && !matches!(finding["status"].as_str(), Some("ok" | "skipped"))
        });
        wrong.map(|(check, _)| check.as_str()).collect()
    }
}

/// Asks the doctor about a data directory.
fn examine(dir: &Path, config: &str, url: &str) -> Result<Found, Problem> {
    let home = tempfile::tempdir()?;
    let file = home.path().join("tallybook.toml");
    fs::write(&file, config)?;
    let (dir, file) = (dir.to_string_lossy(), file.to_string_lossy());
    let arguments = [
        "doctor",
        "--format",
        "json",
        "--data-dir",
        &dir,
        "--config",
        &file,
        "--url",
        url,
    ];
    let output = tallybook(&arguments)?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let list = document["findings"].as_array().cloned().unwrap_or_default();
    let named = list.into_iter().map(|finding| {
        let check = finding["check"].as_str().unwrap_or_default().to_owned();
        (check, finding)
    });
    let found = Found {
        code: output.status.code(),
        findings: named.collect(),
    };
    assert_eq!(
        document["healthy"] == true,
        found.code == Some(0),
        "{document}"
    );
    Ok(found)
}

/// A server that has received something, ended.
async fn ended() -> Result<Server, Problem> {
    let mut server = launch().start()?;
    deliver(&server, &scenario("cc329_tools_json")?.requests).await?;
    server.terminate()?;
    Ok(server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_server_is_found_healthy() -> Result<(), Problem> {
    let server = launch().start()?;
    deliver(&server, &scenario("cc329_tools_json")?.requests).await?;
    let url = server.addresses().ui_url();
    let found = examine(&server.data_dir(), ANY_PORTS, &url)?;
    assert_eq!((found.code, found.wrong()), (Some(0), vec![]));
    let version = concat!("Tallybook ", env!("CARGO_PKG_VERSION"));
    found.check("server", "ok", &[version, &url]);
    found.check("lock", "ok", &[&server.pid().to_string()]);
    found.check("permissions", "ok", &["0700"]);
    found.check("port_http", "ok", &[&server.addresses().http, "answers"]);
    found.check("port_grpc", "ok", &[&server.addresses().grpc, "answers"]);
    found.check("journal", "skipped", &["running server"]);
    found.check("journal_lag", "ok", &["requests"]);
    found.check("ready", "ok", &["are taken"]);
    found.check("quarantine", "ok", &["empty"]);
    let guide =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md"))?;
    for check in found.findings.keys() {
        assert!(
            guide.contains(check.as_str()),
            "{check} is not in docs/operations.md"
        );
    }
    let accepted = server.sql().settled_ledger().await?.all().accepted;
    found.check("fates", "ok", &[&format!("{accepted} accepted")]);
    let text = tallybook(&[
        "doctor",
        "--data-dir",
        &server.data_dir().to_string_lossy(),
        "--url",
        &url,
    ])?;
    let text = String::from_utf8(text.stdout)?;
    assert!(
        text.contains("  ok       lock") && text.contains(" 0 failed"),
        "{text}"
    );
    assert!(
        !text.contains('\u{1b}'),
        "no colours where there is no terminal: {text:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_the_data_is_looked_at_and_left() -> Result<(), Problem> {
    let mut server = launch().start()?;
    deliver(&server, &scenario("cc329_tools_json")?.requests).await?;
    server.kill()?;
    let before = tree(&server.data_dir())?;
    let found = examine(&server.data_dir(), ANY_PORTS, NOBODY)?;
    assert_eq!((found.code, found.wrong()), (Some(0), vec![]));
    found.check("server", "skipped", &["nobody answers", NOBODY]);
    found.check("lock", "ok", &["nobody has it"]);
    found.check("journal", "ok", &["requests wait to be replayed"]);
    found.check("port_http", "ok", &["any free port"]);
    found.check("fates", "skipped", &[]);
    assert_eq!(tree(&server.data_dir())?, before, "nothing is changed");
    Ok(())
}

/// All files with their contents.
fn tree(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, Problem> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(tree(&path)?);
        } else {
            files.insert(path.to_string_lossy().into_owned(), fs::read(&path)?);
        }
    }
    Ok(files)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_directory_is_said_and_not_created() -> Result<(), Problem> {
    let home = tempfile::tempdir()?;
    let dir = home.path().join("not-there");
    let found = examine(&dir, ANY_PORTS, NOBODY)?;
    assert_eq!(
        (found.code, found.wrong()),
        (Some(1), vec!["data_directory"])
    );
    found.check(
        "data_directory",
        "failed",
        &["not-there", "No such file", "--data-dir"],
    );
    assert!(!dir.exists());
    let found = examine(home.path(), ANY_PORTS, NOBODY)?;
    assert!(found.wrong().contains(&"manifest"));
    found.check("manifest", "failed", &["holds no data of Tallybook"]);
    assert_eq!(fs::read_dir(home.path())?.count(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_else_may_enter_is_said() -> Result<(), Problem> {
    let server = ended().await?;
    for (mode, status, code) in [(0o750, "warning", 0), (0o777, "failed", 1)] {
        fs::set_permissions(server.data_dir(), Permissions::from_mode(mode))?;
        let found = examine(&server.data_dir(), ANY_PORTS, NOBODY)?;
        assert_eq!(
            (found.code, found.wrong()),
            (Some(code), vec!["permissions"])
        );
        found.check(
            "permissions",
            status,
            &[&format!("{mode:04o}"), "chmod -R go-rwx"],
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_named_and_left_alone() -> Result<(), Problem> {
    let server = ended().await?;
    let mut manifests = fs::read_dir(server.data_dir().join("manifest"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, Problem>>()?;
    manifests.sort();
    let newest = manifests
        .last()
        .ok_or_else(|| Problem::new("no manifest"))?;
    let good = fs::read(newest)?;
    let part = tree(&server.data_dir().join("parts"))?;
    let part = part.keys().next().ok_or_else(|| Problem::new("no part"))?;
    let content = fs::read(part)?;
    fs::write(part, &content[..content.len() - 1])?;
    let found = examine(&server.data_dir(), ANY_PORTS, NOBODY)?;
    assert_eq!((found.code, found.wrong()), (Some(1), vec!["files"]));
    found.check("files", "failed", &["bytes instead of", "backup"]);
    fs::write(part, content)?;

    fs::remove_dir_all(server.data_dir().join("manifest-copies"))?;
    for manifest in &manifests {
        fs::write(manifest, b"{\"version\":1,\"num")?;
    }
    let found = examine(&server.data_dir(), ANY_PORTS, NOBODY)?;
    assert_eq!((found.code, found.wrong()), (Some(1), vec!["manifest"]));
    found.check("manifest", "failed", &["cannot be read", "backup"]);

    let good = String::from_utf8(good)?;
    let (before, after) = good
        .split_once("\"version\": ")
        .ok_or_else(|| Problem::new("a manifest has a version"))?;
    let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let newer = format!("{before}\"version\": 999{after}");
    fs::write(newest, newer)?;
    let found = examine(&server.data_dir(), ANY_PORTS, NOBODY)?;
    assert_eq!((found.code, found.wrong()), (Some(1), vec!["manifest"]));
    found.check("manifest", "failed", &["999", "newer tallybook"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_that_others_have_are_named() -> Result<(), Problem> {
    let server = ended().await?;
    let other = TcpListener::bind("127.0.0.1:0")?;
    let taken = other.local_addr()?.to_string();
    let config = ANY_PORTS.replacen("127.0.0.1:0", &taken, 1);
    let found = examine(&server.data_dir(), &config, NOBODY)?;
    assert_eq!((found.code, found.wrong()), (Some(1), vec!["port_http"]));
    found.check("port_http", "failed", &[&taken, "not Tallybook", "--http"]);

    // A web server that is none of ours, at the address of the UI.
    let stranger = launch().start()?;
    let not_ours = format!("http://{}", stranger.addresses().http);
    let found = examine(&server.data_dir(), ANY_PORTS, &not_ours)?;
    assert_eq!((found.code, found.wrong()), (Some(1), vec!["server"]));
    found.check("server", "failed", &["not Tallybook", &not_ours, "--url"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_and_a_server_that_do_not_belong_together_are_told_apart() -> Result<(), Problem>
{
    let (idle, running) = (ended().await?, launch().start()?);
    let found = examine(&idle.data_dir(), ANY_PORTS, &running.addresses().ui_url())?;
    assert_eq!((found.code, found.wrong()), (Some(0), vec!["lock"]));
    found.check("lock", "warning", &["nobody has it", "--data-dir"]);
    let found = examine(&running.data_dir(), ANY_PORTS, NOBODY)?;
    found.check("lock", "failed", &[&running.pid().to_string(), "--url"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_told_from_what_is_found() -> Result<(), Problem> {
    let home = tempfile::tempdir()?;
    let config = home.path().join("bad.toml");
    fs::write(&config, "[log]\nlevel = \"loud\"\n")?;
    for arguments in [
        &["doctor", "--formt", "json"][..],
        &["doctor", "--config", &config.to_string_lossy()],
    ] {
        let output = tallybook(arguments)?;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    Ok(())
}
