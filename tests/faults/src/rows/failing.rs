//! A disk that fails, is slow, or can only be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use testkit::{Problem, until};

use crate::load::{Load, SMALL, Shape};
use crate::mount::{Cut, Mount};
use crate::rows::full::{check_shed, questions_are_answered};
use crate::scene::{FLUSHING, Scene, Stand, UNFLUSHED};
use crate::strace::Strace;

const IMAGE_MIB: u64 = 96;
const PATIENCE: Duration = Duration::from_secs(30);
const HARM: Duration = Duration::from_millis(1_500);

/// Which calls fail, and which of them: once in a while, or all from some moment on.
const ERRORS: [&str; 8] = [
    "fdatasync:error=EIO:when=4+6",
    "fsync:error=EIO:when=5+7",
    WRITES,
    "fdatasync:error=EIO:when=9+",
    "fsync:error=EIO:when=9+",
    "rename,renameat,renameat2,link,linkat:error=EIO:when=2+3",
    "fdatasync:error=ENOSPC:when=4+6",
    "unlink,unlinkat:error=EIO:when=1+2",
];
/// Sockets are written to by the same call: here only files of these names are looked at.
const WRITES: &str = "writev:error=EIO:when=2+4";
const FLUSHES: u64 = 30;

fn written_files(data_dir: &Path) -> Vec<PathBuf> {
    let of_a_flush = |number: u64| {
        let manifest = format!("manifest/{number:020}.json.unfinished");
        [manifest, format!("identities/{number:020}.ids.unfinished")]
    };
    let first = "journal/journal-00000000000000000001.seg".to_owned();
    let names = (1..=FLUSHES).flat_map(of_a_flush).chain([first]);
    names.map(|name| data_dir.join(name)).collect()
}

/// System calls on files fail under load; then the power is cut, so that what was not durable is gone.
pub(crate) async fn errors(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    for cycle in 0..scene.cycles {
        let error = ERRORS[cycle as usize % ERRORS.len()];
        let dir = scene.folder(&format!("cycle-{cycle}"))?;
        let mut disk = Mount::image(&dir, IMAGE_MIB, "data=ordered")?;
        let name = format!("cycle-{cycle}/home");
        let mut stand = Stand::new(&scene, &name, |l| l.data_dir(disk.data_dir()), FLUSHING)?;
        // The first start makes the directory; errors come later.
        stand.restart().await?;
        stand.server()?.kill()?;
        let calls = error.split(':').next().unwrap_or_default();
        let mut strace = Strace::new(&dir.join("strace.log"))
            .calls(calls)
            .inject(error);
        if error == WRITES {
            let written = written_files(&disk.data_dir());
            strace = written.iter().fold(strace, |strace, path| strace.on(path));
        }
        let harmed = stand.launch.clone().through(strace.words());
        // A server that cannot make its directory durable may refuse to start.
        if let Ok(server) = harmed.start() {
            stand.adopt(server);
            let said = troubles(&stand.server()?.log());
            let load = Load::new(stand.ledger.clone(), SMALL, &mut dice);
            load.resume(stand.server()?.addresses());
            tokio::time::sleep(HARM).await;
            // On a busy machine the calls that fail may not have come yet.
            until(PATIENCE, "the server to notice", async || {
                let server = stand.server()?;
                let is_over = troubles(&server.log()) > said || server.ended()?.is_some();
                Ok(is_over.then_some(()))
            })
            .await
            .map_err(|problem| problem.while_doing(error))?;
            if let Some(ended) = stand.server()?.ended()? {
                return Err(Problem::new(format!("{error}: the server ended: {ended}")));
            }
            questions_are_answered(&mut stand).await?;
            load.deafen();
            disk.cut(Cut::Nothing)?;
            stand.drop_server();
            check_shed(&load.pause().await?)?;
        }
        stand.drop_server();
        disk.power_on()?;
        stand
            .restart()
            .await
            .map_err(|problem| problem.while_doing(error))?;
        stand.drop_server();
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

/// How many lines of a log tell of something that went wrong; that nobody has set up access is none.
fn troubles(log: &str) -> usize {
    let is_trouble = |line: &&str| {
        (line.contains(" ERROR ") || line.contains(" WARN "))
            && !line.contains("intake is open")
            && !line.contains("set up access")
    };
    log.lines().filter(is_trouble).count()
}

/// The file system finds an error in itself and can only be read from then on; it is repaired later.
pub(crate) async fn read_only(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    for cycle in 0..scene.cycles {
        let dir = scene.folder(&format!("cycle-{cycle}"))?;
        let mut disk = Mount::image(&dir, IMAGE_MIB, "errors=remount-ro")?;
        let name = format!("cycle-{cycle}/home");
        let mut stand = Stand::new(&scene, &name, |l| l.data_dir(disk.data_dir()), FLUSHING)?;
        stand.start()?;
        let load = Load::new(stand.ledger.clone(), SMALL, &mut dice);
        load.resume(stand.server()?.addresses());
        load.wait(PATIENCE, "acknowledgements", |seen| seen.acknowledged > 50)
            .await?;
        // A sync that is under way when ext4 gives up its journal is called a success although nothing of it
        // is kept (seen on Linux 6.18: the write went to memory before, and the system calls fail after). No
        // program can tell; so what is answered until the server knows has not been heard.
        load.deafen();
        disk.break_down()?;
        until(PATIENCE, "the server to notice", async || {
            let log = stand.server()?.log();
            Ok(log.contains("the journal cannot be written").then_some(()))
        })
        .await?;
        load.resume(stand.server()?.addresses());
        let shed = load.seen().shed;
        load.wait(PATIENCE, "intake to be refused", |seen| {
            seen.shed > shed + 5
        })
        .await?;
        questions_are_answered(&mut stand).await?;
        stand.server()?.kill()?;
        check_shed(&load.pause().await?)?;
        stand.drop_server();
        disk.repair()?;
        stand.restart().await?;
        stand.drop_server();
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

/// More senders than syncs in the time: they must share them.
const MANY: Shape = Shape {
    senders: 24,
    ..SMALL
};
const SYNC_US: u64 = 100_000;
/// So many acknowledgements come from one sync at least, if the senders share it.
const SHARED_MIN: u64 = 4;
/// A sync that takes longer than any client waits.
const HUNG_US: u64 = 9_000_000;
/// A client waits ten seconds in all: an answer must come well before.
const ANSWER_MAX: Duration = Duration::from_secs(6);
const MEMORY_BYTES_MAX: u64 = 512 << 20;

/// Syncs take long: senders share them. Syncs take too long: senders are refused in time. Memory stays
/// bounded, and nothing is lost.
pub(crate) async fn slow(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    for cycle in 0..scene.cycles {
        for (delay_us, name) in [(SYNC_US, "slow"), (HUNG_US, "hung")] {
            let name = format!("{name}-{cycle}");
            let mut stand = Stand::new(&scene, &name, |launch| launch, UNFLUSHED)?;
            let log = scene.dir.join(&name).join("strace.log");
            let delay = format!("fdatasync:delay_exit={delay_us}:when=2+");
            let strace = Strace::new(&log).calls("fdatasync").inject(&delay);
            let slowed = stand.launch.clone().through(strace.words());
            stand.start_as(slowed)?;
            let load = Load::new(stand.ledger.clone(), MANY, &mut dice);
            load.resume(stand.server()?.addresses());
            tokio::time::sleep(Duration::from_secs(4)).await;
            questions_are_answered(&mut stand).await?;
            let seen = load.pause().await?;
            let syncs = fs::read_to_string(&log)?.lines().count() as u64;
            let memory = peak_memory(stand.server()?.pid())?;
            stand.server()?.kill()?;
            stand.restart().await?;
            check_shed(&seen)?;
            let said = format!(
                "{name}: {} acknowledged by {syncs} syncs, {} shed, slowest answer {:.1} s, {} MiB",
                seen.acknowledged,
                seen.shed,
                seen.slowest.as_secs_f64(),
                memory >> 20
            );
            let is_shared = delay_us == HUNG_US || seen.acknowledged >= SHARED_MIN * syncs.max(1);
            if !is_shared || seen.slowest > ANSWER_MAX || memory > MEMORY_BYTES_MAX {
                return Err(Problem::new(said));
            }
            scene.note(said);
        }
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

/// The most memory that a process has had resident, in bytes.
fn peak_memory(pid: u32) -> Result<u64, Problem> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    let kib = kib.ok_or_else(|| Problem::new("the system does not tell a process's memory"))?;
    Ok(kib * 1024)
}
