//! The power goes: what was acknowledged is there when it comes back, unless the disk had lied.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use testkit::Problem;

use crate::batch::Clients;
use crate::dice::Dice;
use crate::load::{Load, SMALL};
use crate::mount::{Cut, Mount};
use crate::rows::damage::{damaged_frames, deliver_until_taken, frames_of};
use crate::scene::{FLUSHING, Scene, Stand, UNFLUSHED};
use crate::strace::Strace;

/// Both ways in which the file system may be cut, under both orders in which it may write.
const WAYS: [(&str, Cut); 4] = [
    ("data=ordered", Cut::LogFlushed),
    ("data=ordered", Cut::Nothing),
    ("data=writeback", Cut::LogFlushed),
    ("data=writeback", Cut::Nothing),
];
const CUTS_EACH: u64 = 25;
const IMAGE_MIB: u64 = 96;
const LIFE_MIN: Duration = Duration::from_millis(20);
const LIFE_MAX: Duration = Duration::from_millis(400);

/// The power is cut under load, again and again, and the server is killed with it.
pub(crate) async fn cut(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    let mut left = scene.cycles;
    for round in 0.. {
        let way = WAYS[round % WAYS.len()];
        let each = CUTS_EACH
            .min(scene.cycles.div_ceil(WAYS.len() as u64))
            .min(left);
        let name = format!("{}-{:?}-{round}", way.0.replace('=', "-"), way.1);
        let dir = scene.folder(&name)?;
        cut_one_image(&scene, &dir, way, each, &mut dice)
            .await
            .map_err(|problem| problem.while_doing(&name))?;
        std::fs::remove_dir_all(&dir)?;
        left -= each;
        if left == 0 {
            break;
        }
    }
    Ok(())
}

async fn cut_one_image(
    scene: &Arc<Scene>,
    dir: &Path,
    (options, cut): (&str, Cut),
    times: u64,
    dice: &mut Dice,
) -> Result<(), Problem> {
    let mut disk = Mount::image(dir, IMAGE_MIB, options)?;
    let data_dir = disk.data_dir();
    let mut stand = Stand::new(scene, "home", |l| l.data_dir(data_dir), FLUSHING)?;
    let load = Load::new(stand.ledger.clone(), SMALL, dice);
    stand.start()?;
    for _ in 0..times {
        load.resume(stand.server()?.addresses());
        tokio::time::sleep(dice.between(LIFE_MIN, LIFE_MAX)).await;
        load.deafen();
        disk.cut(cut)?;
        stand.drop_server();
        load.pause().await?;
        disk.power_on()?;
        stand.restart().await?;
        scene.cycle_done(scene.cycles);
    }
    stand.drop_server();
    Ok(())
}

const FIRST_SEGMENT: &str = "journal/journal-00000000000000000001.seg";

/// The disk says that it has synced a segment and has not; a later segment it keeps. After a power
/// cut the server starts, serves what the later segment has, and says exactly which frames are gone.
pub(crate) async fn lying_disk(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    let mut all_lost = 0;
    for cycle in 0..scene.cycles {
        let dir = scene.folder(&format!("cycle-{cycle}"))?;
        let mut disk = Mount::image(&dir, IMAGE_MIB, "data=ordered")?;
        let name = format!("cycle-{cycle}/home");
        let mut stand = Stand::new(&scene, &name, |l| l.data_dir(disk.data_dir()), UNFLUSHED)?;
        let lied_to = 3 + dice.below(12);
        // The first sync and the first write are those of the segment's header. The write after the
        // last one that is lied about fails, so that the journal goes on in another segment.
        let strace = Strace::new(&dir.join("strace.log"))
            .calls("fdatasync,writev")
            .on(&disk.data_dir().join(FIRST_SEGMENT))
            .inject("fdatasync:retval=0:when=2+")
            .inject(&format!("writev:error=EIO:when={}", lied_to + 2));
        let lying = stand.launch.clone().through(strace.words());
        stand.start_as(lying)?;
        let clients = Clients::of(stand.server()?.addresses())?;
        for _ in 0..lied_to + 5 {
            deliver_until_taken(&clients, &stand.ledger).await?;
        }
        disk.cut(Cut::Nothing)?;
        stand.drop_server();
        disk.power_on()?;
        stand.start()?;
        let finding = stand.look().await?;
        let lost = frames_of(&stand.ledger, &finding.lost);
        let reported = damaged_frames(&stand.server()?.log());
        if lost != reported {
            let said = format!("frames {lost:?} are lost, and the log tells of {reported:?}");
            return Err(Problem::new(said));
        }
        if lost.iter().any(|frame| *frame > lied_to) {
            let said = format!("{lied_to} frames were lied about, and {lost:?} are lost");
            return Err(Problem::new(said));
        }
        all_lost += lost.len();
        expect_only_lost(&scene, &mut stand, &finding.lost).await?;
        scene.cycle_done(scene.cycles);
    }
    scene.note(format!("the disk lost {all_lost} frames, all reported"));
    match all_lost {
        0 => Err(Problem::new(
            "the disk lied and lost nothing: nothing was shown",
        )),
        _ => Ok(()),
    }
}

/// What a harmed disk lost is no longer owed; everything else is as it must be.
async fn expect_only_lost(
    scene: &Arc<Scene>,
    stand: &mut Stand,
    lost: &[u64],
) -> Result<(), Problem> {
    let numbers: BTreeSet<u64> = lost.iter().copied().collect();
    for number in &numbers {
        stand.ledger.lock().forgive(*number);
    }
    scene.tally(|tally| tally.lost = tally.lost.saturating_sub(numbers.len() as u64));
    stand.harm_ended();
    stand.examine().await?;
    stand.drop_server();
    Ok(())
}

/// The harness harmed on purpose: every sync is lost, and the ordinary row must notice. Passes when
/// the oracle refuses.
pub(crate) async fn self_check(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    for cycle in 0..scene.cycles {
        let dir = scene.folder(&format!("cycle-{cycle}"))?;
        let mut disk = Mount::image(&dir, IMAGE_MIB, "data=ordered")?;
        let name = format!("cycle-{cycle}/home");
        let mut stand = Stand::new(&scene, &name, |l| l.data_dir(disk.data_dir()), FLUSHING)?;
        let strace = Strace::new(&dir.join("strace.log"))
            .calls("fdatasync,fsync")
            .inject("fdatasync,fsync:retval=0");
        let lying = stand.launch.clone().through(strace.words());
        stand.start_as(lying)?;
        let load = Load::new(stand.ledger.clone(), SMALL, &mut dice);
        load.resume(stand.server()?.addresses());
        load.wait(LIFE_MAX * 50, "acknowledgements", |seen| {
            seen.acknowledged > 20
        })
        .await?;
        load.deafen();
        disk.cut(Cut::Nothing)?;
        stand.drop_server();
        load.pause().await?;
        disk.power_on()?;
        stand.start()?;
        let finding = stand.look().await?;
        scene.tally(|tally| tally.lost = 0);
        scene.note(format!("planted: no sync; the oracle said: {finding}"));
        if finding.verdict().is_ok() {
            return Err(Problem::new(
                "every sync was lost, and the oracle saw nothing",
            ));
        }
        stand.drop_server();
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}
