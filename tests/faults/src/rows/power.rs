//! The power goes: what was acknowledged is there when it comes back, unless the disk had lied.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use testkit::Problem;

use crate::dice::Dice;
use crate::load::{Load, SMALL};
use crate::mount::{Cut, Mount};
use crate::scene::{FLUSHING, Scene, Stand};

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
        let each = CUTS_EACH.min(scene.cycles.div_ceil(WAYS.len() as u64)).min(left);
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
