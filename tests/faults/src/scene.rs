//! What a row works with: the binary, a seed, a folder of its own, and the tally of what it saw.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use testkit::{Launch, Problem, Server};

use crate::dice::Dice;
use crate::ledger::Shared;
use crate::oracle::{Finding, examine};

const SAY_EVERY: Duration = Duration::from_secs(10);
const LOG_LINES_SHOWN: usize = 5;

/// Flushes come all the time, intake has to wait for them, and answers may be long.
pub(crate) const FLUSHING: &str = "[store]\nflush_rows = 300\nbuffer_rows_max = 3000\n\
     [query]\nmax_rows = 5000000\n";
/// No flush but the one at the end.
pub(crate) const UNFLUSHED: &str = "[query]\nmax_rows = 5000000\n";

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Every row in a reduced number, for CI.
    Short,
    /// Everything, by hand.
    Long,
}

/// The root key of rows that encrypt: it protects nothing but their own folders.
const ROOT_KEY: &str = "dGhlIGtleSBvZiB0aGUgZmF1bHQgaGFybmVzcywgMzI=";

/// What a row saw, summed up over its data directories.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) cycles: u64,
    pub(crate) issued: u64,
    pub(crate) acknowledged: u64,
    pub(crate) stored: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) unstartable: u64,
    /// The longest time from a start to the first durable acknowledgement.
    pub(crate) slowest_start: Duration,
    /// What else is to be said, such as how much was covered.
    pub(crate) notes: Vec<String>,
}

/// One row's run.
pub(crate) struct Scene {
    pub(crate) binary: PathBuf,
    pub(crate) row: &'static str,
    /// Whether data directories are encrypted.
    pub(crate) is_encrypted: bool,
    pub(crate) seed: u64,
    /// How many cycles are asked for.
    pub(crate) cycles: u64,
    /// The row's own folder; it is kept when the row fails.
    pub(crate) dir: PathBuf,
    pub(crate) tally: Mutex<Tally>,
    pub(crate) started: Instant,
    pub(crate) said: Mutex<Instant>,
}

impl Scene {
    /// The dice of this row's part number `stream`.
    pub(crate) fn dice(&self, stream: u64) -> Dice {
        let name = self.row.bytes().fold(0_u64, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        Dice::new(self.seed ^ name, stream)
    }

    /// A new folder in the row's folder.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Problem> {
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// The server as this row starts it.
    pub(crate) fn launch(&self, settings: &str) -> Launch {
        let launch = Launch::new(&self.binary).settings(settings);
        match self.is_encrypted {
            true => launch.variable("TALLYBOOK_ENCRYPTION_KEY", ROOT_KEY),
            false => launch,
        }
    }

    /// Changes the tally.
    pub(crate) fn tally<T>(&self, change: impl FnOnce(&mut Tally) -> T) -> T {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something to be said in the table.
    pub(crate) fn note(&self, words: impl Into<String>) {
        self.tally(|tally| tally.notes.push(words.into()));
    }

    /// One cycle more of `all` is done: says so now and then, with rate and time left.
    pub(crate) fn cycle_done(&self, all: u64) {
        let done = self.tally(|tally| {
            tally.cycles += 1;
            tally.cycles
        });
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.elapsed() < SAY_EVERY {
            return;
        }
        *said = Instant::now();
        let rate = done as f64 / self.started.elapsed().as_secs_f64();
        let left = all.saturating_sub(done) as f64 / rate;
        println!(
            "{:<16} {done}/{all} cycles, {rate:.1} a second, {:.0} s left",
            self.row, left
        );
    }
}

/// One data directory over its life: the server on it, and the book of what was sent to it.
pub(crate) struct Stand {
    scene: Arc<Scene>,
    pub(crate) ledger: Shared,
    /// How the server is started unharmed.
    pub(crate) launch: Launch,
    server: Option<Server>,
    last: Finding,
    since: Instant,
}

impl Stand {
    /// A stand with a home in the row's folder; `data_dir` is elsewhere where the launch says so.
    pub(crate) fn new(
        scene: &Arc<Scene>,
        name: &str,
        launch: impl FnOnce(Launch) -> Launch,
        settings: &str,
    ) -> Result<Stand, Problem> {
        let home = scene.folder(name)?;
        Ok(Stand {
            scene: Arc::clone(scene),
            ledger: Shared::default(),
            launch: launch(scene.launch(settings).home(home)),
            server: None,
            last: Finding::default(),
            since: Instant::now(),
        })
    }

    /// Starts the server as it is started unharmed.
    pub(crate) fn start(&mut self) -> Result<(), Problem> {
        let launch = self.launch.clone();
        self.start_as(launch)
    }

    /// Starts it in another way. A server that cannot be started is counted.
    pub(crate) fn start_as(&mut self, launch: Launch) -> Result<(), Problem> {
        self.server = None;
        self.since = Instant::now();
        match launch.start() {
            Ok(server) => {
                self.server = Some(server);
                Ok(())
            }
            Err(problem) => {
                self.scene.tally(|tally| tally.unstartable += 1);
                Err(problem)
            }
        }
    }

    /// Takes a server that was started elsewhere.
    pub(crate) fn adopt(&mut self, server: Server) {
        self.server = Some(server);
    }

    /// The server, which must have been started.
    pub(crate) fn server(&mut self) -> Result<&mut Server, Problem> {
        let server = self.server.as_mut();
        server.ok_or_else(|| Problem::new("the server was never started"))
    }

    /// Its data directory, started or not.
    pub(crate) fn data_dir(&mut self) -> Result<PathBuf, Problem> {
        Ok(self.server()?.data_dir())
    }

    /// Takes the server away, ended or not: it is killed.
    pub(crate) fn drop_server(&mut self) {
        self.server = None;
    }

    /// Harm has ended now: the time to the first acknowledgement counts from here.
    pub(crate) fn harm_ended(&mut self) {
        self.since = Instant::now();
    }

    /// The oracle, on the running server; fails unless everything is as it must be.
    pub(crate) async fn examine(&mut self) -> Result<(), Problem> {
        self.look().await?.verdict()
    }

    /// The oracle, on the running server; what differs is in the answer.
    pub(crate) async fn look(&mut self) -> Result<Finding, Problem> {
        let (since, ledger) = (self.since, self.ledger.clone());
        let addresses = self.server()?.addresses().clone();
        let examined = match examine(&addresses, &ledger, since).await {
            Ok(examined) => examined,
            Err(problem) => return Err(self.with_end(problem)),
        };
        if self.scene.is_encrypted && !self.data_dir()?.join("keys/ring").is_file() {
            return Err(Problem::new("the data directory is not encrypted"));
        }
        let (now, before) = (&examined.finding, &self.last);
        self.scene.tally(|tally| {
            tally.issued += now.issued - before.issued;
            tally.acknowledged += now.acknowledged.saturating_sub(before.acknowledged);
            tally.stored += now.stored.saturating_sub(before.stored);
            tally.lost += now.lost.len() as u64;
            tally.duplicated += now.duplicated.len() as u64;
            tally.slowest_start = tally.slowest_start.max(examined.first_acknowledgement);
        });
        self.last = examined.finding.clone();
        Ok(examined.finding)
    }

    /// A server that ended by itself was not startable: says what it wrote last.
    fn with_end(&mut self, problem: Problem) -> Problem {
        let Some(server) = &mut self.server else {
            return problem;
        };
        match server.ended() {
            Ok(Some(ended)) => {
                self.scene.tally(|tally| tally.unstartable += 1);
                let log = server.log();
                let last: Vec<&str> = log.lines().rev().take(LOG_LINES_SHOWN).collect();
                problem.while_doing(format!("it ended by itself: {ended}: {last:?}"))
            }
            _ => problem,
        }
    }

    /// Starts the server unharmed and applies the oracle.
    pub(crate) async fn restart(&mut self) -> Result<(), Problem> {
        self.start()?;
        self.examine().await
    }
}
