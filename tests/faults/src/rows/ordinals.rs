//! SIGKILL at every operation on the data directory, one after the other.
//!
//! A dry run of a script is traced, and each of its calls is a target: the k-th call of one name on
//! one path. Then the script is run once for each target, and the server is killed on entering that
//! call. strace counts the calls of each thread apart; on one path nearly all calls of one name are
//! made by one thread. The exception are syncs of directories, which several threads make: those that
//! are not hit are counted. A killed process leaves the same behind whether it entered such a sync or
//! the next call after it, which is a target too. Every call that changes something must be hit. Left out
//! is what is called otherwise in every process: the scratch folder of queries, which a process that starts
//! removes, and the draft of the installation's secret, which becomes the secret by one link.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use testkit::{Problem, Sql, until};

use crate::batch::Clients;
use crate::ledger::Shared;
use crate::scene::{Scene, Stand};
use crate::strace::{Call, Strace, calls_under};

/// All calls by which the data directory is changed or made durable.
const CALLS: &str = "openat,write,writev,pwrite64,pwritev,fdatasync,fsync,ftruncate,rename,\
     renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat";
/// Small flushes, each of which the script waits for.
const SETTINGS: &str = "[store]\nflush_rows = 24\n[query]\nmax_rows = 5000000\n";
/// Those of the settings.
const FLUSH_ROWS: u64 = 24;
const BATCHES: u64 = 32;
/// So many, less than a flush, are in the journal of a server that was killed.
const BATCHES_BEFORE_A_KILL: u64 = 4;
const ITEMS: u64 = 3;
const FLUSH_PATIENCE: Duration = Duration::from_secs(20);
const END_PATIENCE: Duration = Duration::from_secs(30);
const TRIES: u32 = 3;

/// The call at which the server is to be killed.
#[derive(Clone, Debug)]
struct Target {
    name: String,
    /// Below the data directory.
    path: PathBuf,
    /// Which of the calls of that name on that path, from 1.
    ordinal: u64,
    /// Whether the data directory holds the journal of a killed server when the script begins.
    is_recovery: bool,
}

/// Kills the server at every target, or in the short form at some.
pub(crate) async fn kill(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut targets = Vec::new();
    for is_recovery in [false, true] {
        targets.extend(dry_run(&scene, is_recovery).await?);
    }
    let all = targets.len();
    let mut dice = scene.dice(0);
    while targets.len() as u64 > scene.cycles {
        targets.remove(dice.below(targets.len() as u64) as usize);
    }
    let chosen = targets.len() as u64;
    let (mut missed, mut missed_syncs) = (Vec::new(), 0);
    for target in &targets {
        match hit(&scene, target).await? {
            true => {}
            false if target.is_sync() => missed_syncs += 1,
            false => missed.push(target.to_string()),
        }
        scene.cycle_done(chosen);
    }
    let hits = targets.len() - missed.len() - missed_syncs;
    scene.note(format!(
        "killed at {hits} of {chosen} chosen of {all} ordinals, the others are syncs"
    ));
    match missed.is_empty() {
        true => Ok(()),
        false => Err(Problem::new(format!("not hit: {}", missed.join(", ")))),
    }
}

impl Target {
    /// Whether its path is another one in every process.
    fn is_of_one_process(&self) -> bool {
        let mut folders = self.path.components();
        let first = folders.next().map(|first| first.as_os_str());
        let Some(rest) = folders.next().and_then(|rest| rest.as_os_str().to_str()) else {
            return false;
        };
        first.is_some_and(|first| first == "scratch" || (first == "keys" && rest.ends_with(".new")))
    }

    /// Whether the call changes nothing that a killed process leaves behind.
    fn is_sync(&self) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target {
            name,
            path,
            ordinal,
            is_recovery,
        } = self;
        let when = if *is_recovery { " after a kill" } else { "" };
        write!(f, "call {ordinal} of {name} on `{}`{when}", path.display())
    }
}

/// Runs the script untouched, and gives its calls as targets.
async fn dry_run(scene: &Arc<Scene>, is_recovery: bool) -> Result<Vec<Target>, Problem> {
    let mut stand = prepared(scene, is_recovery).await?;
    let log = scene.dir.join("strace.log");
    let traced = stand
        .launch
        .clone()
        .through(Strace::new(&log).calls(CALLS).words());
    stand.start_as(traced)?;
    play(&mut stand).await?;
    stand.server()?.terminate()?;
    stand.restart().await?;
    let data_dir = stand.server()?.data_dir();
    let calls = calls_under(&data_dir, &fs::read_to_string(&log)?);
    if calls.is_empty() {
        return Err(Problem::new("the dry run touched nothing"));
    }
    let mut counts: BTreeMap<(String, PathBuf), u64> = BTreeMap::new();
    let target = |call: Call| {
        let ordinal = counts
            .entry((call.name.clone(), call.path.clone()))
            .or_default();
        // strace counts those that only read as well.
        *ordinal += 1;
        (!call.is_to_read).then(|| Target {
            path: call
                .path
                .strip_prefix(&data_dir)
                .unwrap_or(&call.path)
                .to_owned(),
            name: call.name,
            ordinal: *ordinal,
            is_recovery,
        })
    };
    let targets = calls.into_iter().filter_map(target);
    Ok(targets
        .filter(|target| !target.is_of_one_process())
        .collect())
}

/// Kills the server at one target, and applies the oracle. Says whether it was hit.
async fn hit(scene: &Arc<Scene>, target: &Target) -> Result<bool, Problem> {
    for _ in 0..TRIES {
        let mut stand = prepared(scene, target.is_recovery).await?;
        let log = scene.dir.join("strace.log");
        let path = scene.dir.join("directory/data").join(&target.path);
        let strace = Strace::new(&log)
            .calls(&target.name)
            .on(&path)
            .inject(&format!(
                "{}:signal=KILL:when={}",
                target.name, target.ordinal
            ));
        // It may be killed before it accepts.
        let traced = stand.launch.clone().through(strace.words());
        if let Ok(server) = traced.start() {
            stand.adopt(server);
            if play(&mut stand).await.is_ok() {
                // A server that was not hit so far may be hit while it ends.
                let _ = stand.server()?.terminate();
            }
            stand.server()?.wait_for_end(END_PATIENCE)?;
        }
        stand.drop_server();
        let was_hit = fs::read_to_string(&log)?.contains("killed by SIGKILL");
        stand
            .restart()
            .await
            .map_err(|problem| problem.while_doing(format!("killed at {target}")))?;
        if was_hit {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An empty data directory, or one that a server was killed on before it flushed.
async fn prepared(scene: &Arc<Scene>, is_recovery: bool) -> Result<Stand, Problem> {
    let home = scene.dir.join("directory");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    let mut stand = Stand::new(scene, "directory", |launch| launch, SETTINGS)?;
    if is_recovery {
        stand.start()?;
        let clients = Clients::of(stand.server()?.addresses())?;
        for _ in 0..BATCHES_BEFORE_A_KILL {
            deliver(&clients, &stand.ledger).await?;
        }
        stand.server()?.kill()?;
    }
    Ok(stand)
}

/// The script: batches in every lane one after the other. Whenever there are rows enough the flush is waited
/// for to its end, so that a batch is always written to the same segment: how many calls there are on each
/// path must hang on the script alone, and not on how fast the machine is.
async fn play(stand: &mut Stand) -> Result<(), Problem> {
    let addresses = stand.server()?.addresses().clone();
    let journal = stand.server()?.data_dir().join("journal");
    let clients = Clients::of(&addresses)?;
    let sql = Sql::new(addresses.ui_url());
    // Each batch is a frame of the journal.
    let mut frames = stand.ledger.lock().batches().count() as u64;
    let mut rows = ITEMS * frames;
    for _ in 0..BATCHES {
        deliver(&clients, &stand.ledger).await?;
        frames += 1;
        rows += ITEMS;
        if rows >= FLUSH_ROWS {
            flushed(&sql, &journal, frames).await?;
            rows = 0;
        }
    }
    Ok(())
}

/// Waits until what is in memory is in parts, and no segment holds any of `frames`: these go last.
async fn flushed(sql: &Sql, journal: &Path, frames: u64) -> Result<(), Problem> {
    until(FLUSH_PATIENCE, "the flush to end", async || {
        let status = sql.status().await?;
        let is_empty = status["buffer_rows"].as_u64() == Some(0);
        let mut segments = Vec::new();
        for entry in fs::read_dir(journal)? {
            segments.extend(first_frame(&entry?.file_name().to_string_lossy()));
        }
        let is_rid = segments.iter().all(|first| *first > frames);
        Ok((is_empty && is_rid).then_some(()))
    })
    .await
}

/// The first frame of a segment, by its name.
fn first_frame(name: &str) -> Option<u64> {
    let number = name.strip_prefix("journal-")?.strip_suffix(".seg")?;
    number.parse().ok()
}

/// Sends one new batch once; anything but an acknowledgement is an error.
async fn deliver(clients: &Clients, ledger: &Shared) -> Result<(), Problem> {
    let batch = ledger.lock().issue(ITEMS, 30);
    let answer = batch.send(clients.over(batch.lane.transport)).await?;
    if !answer.is_success() {
        return Err(Problem::new(format!("{answer:?}")));
    }
    ledger.lock().acknowledge(&batch);
    Ok(())
}
