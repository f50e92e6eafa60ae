//! The process ends: by SIGKILL at any time, and by SIGTERM.

use std::sync::Arc;
use std::time::Duration;

use testkit::Problem;

use crate::load::{Load, SMALL};
use crate::scene::{FLUSHING, Scene, Stand};

/// A data directory is left for a new one after so many kills, so that answers stay short.
const KILLS_EACH: u64 = 40;
const LIFE_MIN: Duration = Duration::from_millis(20);
const LIFE_MAX: Duration = Duration::from_millis(350);
/// So soon after its start a server is killed again, now and then.
const START_MAX: Duration = Duration::from_millis(30);
/// Flushes come all the time, and intake never has to wait for them: nothing is refused.
const UNHINDERED: &str = "[store]\nflush_rows = 300\n[query]\nmax_rows = 5000000\n";

/// SIGKILL at random times under load, with flushes under way all the time; now and then once more
/// while the server starts.
pub(crate) async fn at_random(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    let mut left = scene.cycles;
    for round in 0.. {
        let mut stand = Stand::new(&scene, &format!("directory-{round}"), |l| l, FLUSHING)?;
        let load = Load::new(stand.ledger.clone(), SMALL, &mut dice);
        stand.start()?;
        for _ in 0..KILLS_EACH.min(left) {
            load.resume(stand.server()?.addresses());
            tokio::time::sleep(dice.between(LIFE_MIN, LIFE_MAX)).await;
            stand.server()?.kill()?;
            load.pause().await?;
            if dice.once_in(4) {
                stand.start()?;
                tokio::time::sleep(dice.between(Duration::ZERO, START_MAX)).await;
                stand.server()?.kill()?;
            }
            stand.restart().await?;
            scene.cycle_done(scene.cycles);
        }
        left = left.saturating_sub(KILLS_EACH);
        if left == 0 {
            break;
        }
        stand.drop_server();
        std::fs::remove_dir_all(scene.dir.join(format!("directory-{round}")))?;
    }
    Ok(())
}

/// SIGTERM under load: it ends with success, everything answered is stored, and clients see nothing
/// worse than a closed connection.
pub(crate) async fn terminate(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    let mut stand = Stand::new(&scene, "directory", |launch| launch, UNHINDERED)?;
    let load = Load::new(stand.ledger.clone(), SMALL, &mut dice);
    stand.start()?;
    for _ in 0..scene.cycles {
        load.resume(stand.server()?.addresses());
        tokio::time::sleep(dice.between(LIFE_MIN, LIFE_MAX)).await;
        stand.server()?.terminate()?;
        let seen = load.pause().await?;
        if seen.shed > 0 {
            let said = format!(
                "{} requests were refused because the server was ending",
                seen.shed
            );
            return Err(Problem::new(said));
        }
        stand.restart().await?;
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}
