//! Keys are renewed while a server serves: new keys, another root key, and what is under old keys written
//! anew under load and over SIGKILL; nothing is lost, doubled or refused.

use std::fs;
use std::path::{Path, PathBuf};

use http::Method;
use serde_json::Value as Json;
use tempfile::TempDir;
use testkit::{Problem, Server, exchange, until};

use crate::erase::{BEN, requests};
use crate::stage::{PATIENCE, deliver, launch, tallybook};

const KEY_FILE: &str = "TALLYBOOK_ENCRYPTION_KEY_FILE";

/// A key file, and a server on a directory that is encrypted with it.
struct Stage {
    _folder: TempDir,
    key: PathBuf,
    server: Server,
}

fn new_key(file: &Path) -> Result<(), Problem> {
    let made = tallybook(&["encryption", "new-key", &file.display().to_string()])?;
    match made.status.success() {
        true => Ok(()),
        false => Err(Problem::new(format!("{made:?}"))),
    }
}

impl Stage {
    fn new() -> Result<Stage, Problem> {
        let folder = TempDir::new()?;
        let key = folder.path().join("root.key");
        new_key(&key)?;
        let launch = launch().settings("[store]\nflush_rows = 20\n[query]\nmax_rows = 1000000\n");
        let launch = launch.variable(KEY_FILE, &key.display().to_string());
        Ok(Stage {
            server: launch.start()?,
            _folder: folder,
            key,
        })
    }

    /// A command against the server: exit code, and what it says.
    async fn encryption(&self, words: &[&str]) -> Result<(i32, String), Problem> {
        let url = self.server.addresses().ui_url();
        let words = [&["encryption"], words, &["--url", &url]].concat();
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let run = tokio::task::spawn_blocking(move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            tallybook(&words).map_err(|error| error.to_string())
        });
        let output = run.await.map_err(|error| Problem::new(error.to_string()))?;
        let output = output.map_err(Problem::new)?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        Ok((output.status.code().unwrap_or(-1), said))
    }

    async fn standing(&self) -> Result<Json, Problem> {
        let url = format!("{}/api/v1/encryption", self.server.addresses().ui_url());
        let answer = exchange(Method::GET, &url, &[], "").await?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Files of items without an organisation under keys that are old, and how many such keys there are.
    async fn old(&self) -> Result<(u64, usize), Problem> {
        let standing = self.standing().await?;
        let none = Vec::new();
        let keys = standing["status"]["keys"].as_array().unwrap_or(&none);
        let old: Vec<&Json> = keys
            .iter()
            .filter(|key| key["organization"] == "" && key["is_current"] == false)
            .collect();
        let files = old.iter().filter_map(|key| key["files"].as_u64());
        Ok((files.sum(), old.len()))
    }
}

/// What is stored is what was accepted since the server started, and `before` that.
async fn all_is_there(server: &Server, before: u64) -> Result<u64, Problem> {
    let sql = server.sql();
    let accepted = sql.settled_ledger().await?.all().accepted;
    let mut stored = 0;
    for view in ["events", "metrics", "spans"] {
        stored += sql.count(&format!("SELECT count(*) FROM {view}")).await?;
    }
    assert_eq!(stored, before + accepted);
    Ok(stored)
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_renewed_while_it_serves() -> Result<(), Problem> {
    let mut stage = Stage::new()?;
    let only = |all: Vec<fleet::Recorded>| {
        all.into_iter()
            .filter(|one| {
                // Without those that go to quarantine.
                !String::from_utf8_lossy(&one.plain_body).contains("-in-odd-")
            })
            .collect::<Vec<_>>()
    };
    deliver(&stage.server, &only(requests(BEN, 0)?)).await?;
    all_is_there(&stage.server, 0).await?;
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let renew = async {
        for _ in 0..2 {
            let (code, said) = stage.encryption(&["rotate"]).await?;
            assert_eq!(code, 0, "{said}");
            let (code, said) = stage.encryption(&["rewrite"]).await?;
            assert_eq!(code, 0, "{said}");
        }
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        Ok::<(), Problem>(())
    };
    let load = async {
        while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
            deliver(&stage.server, &only(requests(BEN, 0)?)).await?;
        }
        Ok::<(), Problem>(())
    };
    tokio::try_join!(renew, load)?;
    let stored = all_is_there(&stage.server, 0).await?;
    // What was sealed under old keys while the last run began may be; another run finds nothing more.
    let (code, said) = stage.encryption(&["rewrite"]).await?;
    assert_eq!(code, 0, "{said}");
    assert_eq!(stage.old().await?, (0, 0));
    let (code, said) = stage.encryption(&["reload"]).await?;
    assert!(
        code == 1 && said.contains("the one in use"),
        "{code}: {said}"
    );
    let old = stage.key.with_extension("old");
    fs::rename(&stage.key, &old)?;
    new_key(&stage.key)?;
    let (code, said) = stage.encryption(&["reload"]).await?;
    assert_eq!(code, 0, "{said}");
    stage.server.kill()?;
    let dir = stage.server.data_dir().display().to_string();
    let old = old.display().to_string();
    let status = [
        "encryption",
        "status",
        "--data-dir",
        &dir,
        "--encryption-key-file",
        &old,
    ];
    let refused = tallybook(&status)?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("root key"),
        "{said}"
    );
    stage.server.restart()?;
    assert_eq!(all_is_there(&stage.server, stored).await?, stored);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_cuts_short_goes_on() -> Result<(), Problem> {
    let mut stage = Stage::new()?;
    let mut went_on = 0;
    for after_ms in [0, 2, 5, 10, 20, 40] {
        deliver(&stage.server, &requests(BEN, 0)?).await?;
        let (code, said) = stage.encryption(&["rotate"]).await?;
        assert_eq!(code, 0, "{said}");
        let url = format!(
            "{}/api/v1/encryption/rewrite",
            stage.server.addresses().ui_url()
        );
        let headers = [("content-type", "application/json")];
        let begun = exchange(Method::POST, &url, &headers, "{}").await?;
        assert_eq!(begun.status, 202);
        tokio::time::sleep(std::time::Duration::from_millis(after_ms)).await;
        let logged = stage.server.log().len();
        stage.server.kill()?;
        stage.server.restart()?;
        let written = until(PATIENCE, "everything to be written anew", async || {
            let standing = stage.standing().await?;
            let rewriting = &standing["rewriting"];
            if let Some(failed) = rewriting["failed"].as_str() {
                return Err(Problem::new(failed));
            }
            let is_done = rewriting["is_running"] == false && stage.old().await? == (0, 0);
            Ok(is_done.then_some(()))
        });
        if let Err(problem) = written.await {
            let standing = stage.standing().await?;
            let log = stage.server.log();
            let said = format!("killed after {after_ms} ms: {standing}\n{}", &log[logged..]);
            return Err(problem.while_doing(said));
        }
        let log = stage.server.log();
        went_on += u32::from(log[logged..].contains("going on with writing anew"));
    }
    assert!(went_on > 0, "no kill met it under way");
    Ok(())
}
