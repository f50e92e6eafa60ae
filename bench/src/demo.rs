//! How long the demonstration takes from its start until a page about it would be filled.

use std::path::Path;
use std::time::{Duration, Instant};

use testkit::{Launch, Problem, until};

use crate::report::Report;

const PATIENCE: Duration = Duration::from_secs(120);
/// Sessions of a few days of 40 people are several hundred.
const SESSIONS_ENOUGH: u64 = 100;

pub(crate) async fn measure(binary: &Path, report: &mut Report) -> Result<(), Problem> {
    eprintln!("demo");
    let started = Instant::now();
    let server = Launch::new(binary).demo().start()?;
    let sql = server.sql();
    until(PATIENCE, "a filled demonstration", async || {
        let sessions = sql.count("SELECT count(*) FROM sessions").await?;
        Ok((sessions >= SESSIONS_ENOUGH).then_some(()))
    })
    .await?;
    report.demo = started.elapsed();
    Ok(())
}
