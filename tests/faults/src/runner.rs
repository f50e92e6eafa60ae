//! Runs rows one after the other: in time, or given up; with everything cleaned up behind them.
//!
//! Invariant: a row that was not run is never reported as passed, and a row that is given up (time,
//! Ctrl-C, SIGTERM) is dropped, with which its processes end and its mounts go.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use testkit::Problem;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Arguments;
use crate::machine;
use crate::rows::Row;
use crate::scene::{Form, Scene, Tally};

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// With the reason.
    Failed(String),
    /// With the reason, and whether that is a failure here.
    NotRun {
        reason: String,
        is_failure: bool,
    },
}

impl Verdict {
    /// Why it is no pass; empty for one.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Verdict::Passed => "",
            Verdict::Failed(reason) | Verdict::NotRun { reason, .. } => reason,
        }
    }

    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Verdict::Passed => false,
            Verdict::Failed(_) => true,
            Verdict::NotRun { is_failure, .. } => *is_failure,
        }
    }
}

/// A row, what it saw, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) row: &'static str,
    pub(crate) tally: Tally,
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
}

/// Why the rest is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    Stopped,
}

/// Runs all rows that were asked for.
pub(crate) async fn run(arguments: &Arguments, binary: &Path) -> Result<Vec<Outcome>, Problem> {
    let mut outcomes = Vec::new();
    for row in &arguments.rows {
        println!("==== {}: {}", row.name, row.about);
        let (outcome, going) = run_row(arguments, row, binary).await?;
        match &outcome.verdict {
            Verdict::Passed => {}
            Verdict::Failed(reason) => println!("{reason}"),
            Verdict::NotRun { reason, .. } => println!("!! {} NOT RUN: {reason}", row.name),
        }
        outcomes.push(outcome);
        if going == Going::Stopped {
            break;
        }
    }
    Ok(outcomes)
}

async fn run_row(
    arguments: &Arguments,
    row: &'static Row,
    binary: &Path,
) -> Result<(Outcome, Going), Problem> {
    let started = Instant::now();
    let outcome = |tally: Tally, verdict| Outcome {
        row: row.name,
        tally,
        took: started.elapsed(),
        verdict,
    };
    if let Some(missing) = row.missing() {
        let is_failure = machine::in_ci() && !missing.is_kernel;
        let reason = missing.reason;
        let verdict = Verdict::NotRun { reason, is_failure };
        return Ok((outcome(Tally::default(), verdict), Going::On));
    }
    let folder = tempfile::Builder::new()
        .prefix(&format!("tallybook-faults-{}-", row.name))
        .tempdir()?;
    let scene = Arc::new(Scene {
        binary: binary.to_owned(),
        row: row.name,
        is_encrypted: row.is_encrypted,
        seed: arguments.seed,
        cycles: arguments.cycles.unwrap_or(row.cycles(arguments.form)),
        dir: folder.path().canonicalize()?,
        tally: Mutex::default(),
        started,
        said: Mutex::new(started),
    });
    let mut terminate = signal(SignalKind::terminate())?;
    let limit = row.time_limit(arguments.form);
    let (ended, going) = tokio::select! {
        ended = (row.run)(Arc::clone(&scene)) => (ended, Going::On),
        () = tokio::time::sleep(limit) => {
            let said = format!("it did not end within {} s", limit.as_secs());
            (Err(Problem::new(said)), Going::On)
        }
        _ = tokio::signal::ctrl_c() => (Err(Problem::new("stopped by Ctrl-C")), Going::Stopped),
        _ = terminate.recv() => (Err(Problem::new("stopped by SIGTERM")), Going::Stopped),
    };
    let verdict = match ended {
        Ok(()) => Verdict::Passed,
        Err(problem) => {
            let kept = folder.keep();
            Verdict::Failed(failure(arguments, row, &problem, kept))
        }
    };
    let tally = scene.tally(|tally| tally.clone());
    Ok((outcome(tally, verdict), going))
}

/// The problem, and how to see it again.
fn failure(arguments: &Arguments, row: &Row, problem: &Problem, kept: PathBuf) -> String {
    let form = match arguments.form {
        Form::Short => "--short",
        Form::Long => "--long",
    };
    let cycles = arguments.cycles.map(|cycles| format!(" --cycles {cycles}"));
    format!(
        "{}: {problem}\n  its folder is kept: {}\n  again: cargo xtask faults {form} --only {} --seed {}{}",
        row.name,
        kept.display(),
        row.name,
        arguments.seed,
        cycles.unwrap_or_default()
    )
}
