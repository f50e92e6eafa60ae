//! The wall clock jumps by a year, in both directions, while the server runs and between two runs:
//! what was sent is neither forgotten early nor stored twice.
//!
//! The server is shown another time by libfaketime, which reads it from a file whenever the server
//! asks; the machine's clock is left alone.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use testkit::{Launch, Problem};

use crate::batch::Clients;
use crate::machine::fake_time_library;
use crate::rows::damage::{deliver_until_taken, repeat_everything};
use crate::scene::{Scene, Stand, UNFLUSHED};

const BATCHES: u64 = 9;
/// One after the other; the file's syntax is that of libfaketime.
const JUMPS: [&str; 6] = ["+365d", "+0", "-365d", "+0", "+365d", "-365d"];

pub(crate) async fn jumps(scene: Arc<Scene>) -> Result<(), Problem> {
    for cycle in 0..scene.cycles {
        // Every other time the server is started anew under each time.
        let is_restarted = cycle % 2 == 1;
        let name = format!("cycle-{cycle}");
        let shown = scene.folder(&name)?.join("time");
        show(&shown, "+0")?;
        let launch = |launch| under_time(launch, &shown);
        let mut stand = Stand::new(&scene, &name, launch, UNFLUSHED)?;
        stand.start()?;
        send_new(&mut stand).await?;
        for jump in JUMPS {
            show(&shown, jump)?;
            if is_restarted {
                stand.server()?.terminate()?;
                stand.start()?;
            }
            let what = format!("the clock at {jump}, started anew: {is_restarted}");
            let step = async {
                repeat_everything(&mut stand).await?;
                send_new(&mut stand).await?;
                repeat_everything(&mut stand).await?;
                stand.examine().await
            };
            step.await
                .map_err(|problem: Problem| problem.while_doing(what))?;
        }
        stand.server()?.terminate()?;
        show(&shown, "+0")?;
        stand.restart().await?;
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}

async fn send_new(stand: &mut Stand) -> Result<(), Problem> {
    let clients = Clients::of(stand.server()?.addresses())?;
    for _ in 0..BATCHES {
        deliver_until_taken(&clients, &stand.ledger).await?;
    }
    Ok(())
}

fn show(file: &Path, time: &str) -> Result<(), Problem> {
    // Whole at once, for the server may be reading it.
    let new = file.with_extension("new");
    fs::write(&new, format!("{time}\n"))?;
    Ok(fs::rename(new, file)?)
}

/// Only the wall clock is changed: timers go on.
fn under_time(launch: Launch, shown: &Path) -> Launch {
    let library = fake_time_library().unwrap_or_default();
    launch
        .variable("LD_PRELOAD", &library.to_string_lossy())
        .variable("FAKETIME_TIMESTAMP_FILE", &shown.to_string_lossy())
        .variable("FAKETIME_NO_CACHE", "1")
        .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .variable("DONT_FAKE_MONOTONIC", "1")
}
