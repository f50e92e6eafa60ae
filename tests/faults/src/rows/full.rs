//! No room: the disk is full, has no inodes left, or a file may not grow any more.
//!
//! Intake answers 503 with `Retry-After: 1`, questions are still answered, and intake goes on by
//! itself within five seconds after there is room again.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use testkit::Problem;

use crate::load::{BULKY, Load, SMALL, Seen, Shape};
use crate::mount::Mount;
use crate::scene::{FLUSHING, Scene, Stand};

const PATIENCE: Duration = Duration::from_secs(30);
/// So soon after there is room intake must go on.
const RESUME_PATIENCE: Duration = Duration::from_secs(5);
const ENOUGH_SHED: u64 = 5;
const CHUNK: [u8; 4096] = [0; 4096];
/// Longer than any part of this row's load.
const FILE_BYTES_MAX: u64 = 400_000;

/// The disk fills up under load.
pub(crate) async fn disk(scene: Arc<Scene>) -> Result<(), Problem> {
    for cycle in 0..scene.cycles {
        let dir = scene.folder(&format!("cycle-{cycle}"))?;
        let disk = Mount::memory(&dir, "size=48m")?;
        let filled = || fill_with_bytes(disk.point());
        run_out(&scene, &dir, &disk, BULKY, filled).await?;
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

/// The disk has bytes left, but no new file can be made: what needs none goes on.
pub(crate) async fn inodes(scene: Arc<Scene>) -> Result<(), Problem> {
    for cycle in 0..scene.cycles {
        let dir = scene.folder(&format!("cycle-{cycle}"))?;
        let disk = Mount::memory(&dir, "size=256m,nr_inodes=400")?;
        let filled = || fill_with_files(disk.point());
        run_out(&scene, &dir, &disk, SMALL, filled).await?;
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

async fn run_out(
    scene: &Arc<Scene>,
    dir: &Path,
    disk: &Mount,
    shape: Shape,
    fill: impl Fn() -> Result<Vec<PathBuf>, Problem>,
) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    let home = dir
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut stand = Stand::new(scene, &home, |l| l.data_dir(disk.data_dir()), FLUSHING)?;
    stand.start()?;
    let load = Load::new(stand.ledger.clone(), shape, &mut dice);
    load.resume(stand.server()?.addresses());
    load.wait(PATIENCE, "acknowledgements", |seen| seen.acknowledged > 30)
        .await?;
    let filler = fill()?;
    let shed = load.seen().shed;
    load.wait(PATIENCE, "intake to be refused", |seen| {
        seen.shed >= shed + ENOUGH_SHED
    })
    .await?;
    questions_are_answered(&mut stand).await?;
    for file in filler {
        fs::remove_file(file)?;
    }
    stand.harm_ended();
    goes_on(&load).await?;
    check_shed(&load.pause().await?)?;
    stand.examine().await?;
    stand.server()?.kill()?;
    stand.restart().await?;
    stand.drop_server();
    Ok(())
}

/// Whatever cannot be written, what is there can be asked for.
pub(crate) async fn questions_are_answered(stand: &mut Stand) -> Result<(), Problem> {
    for view in ["events", "metrics", "spans", "sessions"] {
        let question = format!("SELECT count(*) FROM {view}");
        stand.server()?.sql().count(&question).await?;
    }
    Ok(())
}

/// Acknowledgements come again, in time.
pub(crate) async fn goes_on(load: &Load) -> Result<(), Problem> {
    let before = load.seen().acknowledged;
    let is_going = |seen: &Seen| seen.acknowledged > before + ENOUGH_SHED;
    load.wait(RESUME_PATIENCE, "intake to go on by itself", is_going)
        .await
}

/// Every refusal told the client when to come again.
pub(crate) fn check_shed(seen: &Seen) -> Result<(), Problem> {
    match seen.shed_without_retry_after {
        0 => Ok(()),
        count => Err(Problem::new(format!(
            "{count} of {} refusals came without `Retry-After: 1`",
            seen.shed
        ))),
    }
}

fn fill_with_bytes(point: &Path) -> Result<Vec<PathBuf>, Problem> {
    let path = point.join("filler");
    let mut file = File::create(&path)?;
    // Ends with the error that is wanted: no space is left.
    while file.write_all(&CHUNK).is_ok() {}
    Ok(vec![path])
}

fn fill_with_files(point: &Path) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    for number in 0.. {
        let path = point.join(format!("filler-{number}"));
        if File::create(&path).is_err() {
            break;
        }
        files.push(path);
    }
    Ok(files)
}

/// No file may become longer than a few hundred KiB: writes are short, and then fail. The signal that
/// the system sends for it is ignored, as a service manager may have it.
pub(crate) async fn file_size(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    let script = format!("trap '' XFSZ; exec prlimit --fsize={FILE_BYTES_MAX} -- \"$0\" \"$@\"");
    for cycle in 0..scene.cycles {
        let name = format!("cycle-{cycle}");
        let mut stand = Stand::new(&scene, &name, |launch| launch, FLUSHING)?;
        let limited = stand.launch.clone().through(["sh", "-c", &script]);
        stand.start_as(limited)?;
        let load = Load::new(stand.ledger.clone(), BULKY, &mut dice);
        load.resume(stand.server()?.addresses());
        load.wait(PATIENCE, "more than a file may hold", |seen| {
            seen.acknowledged > 150 && seen.shed > 0
        })
        .await?;
        questions_are_answered(&mut stand).await?;
        check_shed(&load.pause().await?)?;
        stand.examine().await?;
        stand.server()?.kill()?;
        stand.restart().await?;
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}
