//! A flood of connections takes every file descriptor: who is connected is served, and when the flood
//! is over everybody is.

use std::fs;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use testkit::{Problem, wait_for};

use crate::load::{Load, SMALL};
use crate::scene::{Scene, Stand, UNFLUSHED};

const DESCRIPTORS: usize = 96;
/// The server may keep some for its files.
const SPARE: usize = 32;
const CONNECTIONS: usize = 400;
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn flood(scene: Arc<Scene>) -> Result<(), Problem> {
    let mut dice = scene.dice(0);
    let limit = format!("--nofile={DESCRIPTORS}");
    for cycle in 0..scene.cycles {
        let name = format!("cycle-{cycle}");
        let mut stand = Stand::new(&scene, &name, |launch| launch, UNFLUSHED)?;
        let limited = stand.launch.clone().through(["prlimit", &limit, "--"]);
        stand.start_as(limited)?;
        let addresses = stand.server()?.addresses().clone();
        let load = Load::new(stand.ledger.clone(), SMALL, &mut dice);
        load.resume(&addresses);
        load.wait(PATIENCE, "acknowledgements", |seen| seen.acknowledged > 50)
            .await?;
        let ports = [&addresses.http, &addresses.grpc, &addresses.ui];
        let flood: Vec<TcpStream> = (0..CONNECTIONS)
            .map_while(|number| TcpStream::connect(ports[number % ports.len()]).ok())
            .collect();
        if flood.len() < CONNECTIONS {
            let said = format!("only {} connections were made", flood.len());
            return Err(Problem::new(said));
        }
        let pid = stand.server()?.pid();
        wait_for(PATIENCE, "every descriptor to be taken", || {
            let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
            (open >= DESCRIPTORS - SPARE).then_some(())
        })?;
        let before = load.seen().acknowledged;
        load.wait(PATIENCE, "those connected to be served", |seen| {
            seen.acknowledged > before + 50
        })
        .await?;
        drop(flood);
        stand.harm_ended();
        load.pause().await?;
        stand.examine().await?;
        stand.server()?.kill()?;
        stand.restart().await?;
        scene.cycle_done(scene.cycles);
    }
    Ok(())
}
