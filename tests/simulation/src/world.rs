//! Disk, clock and store of one life; how they crash and how they come back.
//!
//! Invariant: an error is excused only while a fault is planned or the disk is full. Anything else
//! that fails ends the life with a verdict.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::seal::{OpeningDisk, RootKey};
use base::sim::{Dice, Fault, SimDisk, Survival};
use base::{Clock, Disk, ManualClock};
use store::{Config, Opened, Replay, Store, StoreError};

use crate::ledger::Ledger;
use crate::rows::{Reader, Stored};
use crate::telemetry::NOW_NS;

pub(crate) const DIR: &str = "/data";
/// Seeds from here on live in an encrypted directory.
pub const ENCRYPTED_FROM: u64 = 1 << 63;
/// More attempts to open are never needed: what fails an opening is planned beforehand.
const OPENINGS_MAX: u32 = 8;

pub(crate) struct World {
    pub(crate) disk: SimDisk,
    pub(crate) dice: Dice,
    pub(crate) ledger: Ledger,
    pub(crate) reader: Reader,
    pub(crate) clock: Arc<ManualClock>,
    /// Time that passed before the clock of this process.
    passed_before: Duration,
    pub(crate) store: Option<Arc<Store>>,
    replay: Option<Replay>,
    /// Items sent to this process, whatever became of them.
    pub(crate) items_sent: u64,
    is_harmed: bool,
    /// How many operations the last flush took.
    pub(crate) flush_operations: usize,
    /// The bit that flipped last, for mending it: file, byte and mask.
    pub(crate) flipped: Option<(PathBuf, usize, u8)>,
    /// What has happened, for people.
    pub(crate) diary: Vec<String>,
    config: Config,
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let disk = SimDisk::new();
        disk.keep_trace();
        let mut dice = Dice::new(seed);
        let config = Config {
            disk: Arc::new(disk.clone()),
            seed: Some(seed),
            // Often so small that one segment holds few frames, and a replay flushes on its way.
            journal_segment_bytes: [700, 3_000, 64 << 20][dice.below(3)],
            flush_rows: [8, 30, 150_000][dice.below(3)],
            disk_reserve_bytes: Some(0),
            root_key: (seed >= ENCRYPTED_FROM).then(|| RootKey::from_bytes([7; 32])),
            ..Config::new(DIR)
        };
        World {
            disk,
            dice,
            ledger: Ledger::default(),
            reader: Reader::default(),
            clock: Arc::new(ManualClock::at(NOW_NS)),
            passed_before: Duration::ZERO,
            store: None,
            replay: None,
            items_sent: 0,
            is_harmed: false,
            flush_operations: 60,
            flipped: None,
            diary: Vec::new(),
            config,
        }
    }

    /// The disk, on which sealed files look plain.
    fn opened(&self) -> Arc<dyn Disk> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let vault = self.store.as_ref().and_then(|store| store.vault().cloned());
        match vault {
            Some(vault) => Arc::new(OpeningDisk::new(disk, vault)),
            None => disk,
        }
    }

    pub(crate) fn store(&self) -> Result<Arc<Store>, String> {
        self.store
            .clone()
            .ok_or_else(|| "no store is open".to_owned())
    }

    /// Time that has passed in this life.
    pub(crate) fn passed(&self) -> Duration {
        self.passed_before + self.clock.monotonic()
    }

    pub(crate) fn note(&mut self, what: impl Into<String>) {
        self.diary.push(what.into());
    }

    /// Plans a fault among the next operations.
    pub(crate) fn plan(&mut self, fault: Fault, within: usize) {
        let ordinal = self.disk.operations() + 1 + self.dice.below(within) as u64;
        self.note(format!("plan {fault:?} at operation {ordinal}"));
        self.disk.fail_at(ordinal, fault);
        self.is_harmed = true;
    }

    /// Leaves room for so many bytes only.
    pub(crate) fn fill(&mut self, room_bytes: usize) {
        let used: usize = self.disk.files().values().map(Vec::len).sum();
        self.note(format!("room for {room_bytes} bytes more"));
        self.disk.set_capacity(Some(used + room_bytes));
        self.is_harmed = true;
    }

    /// From now on nothing is planned to fail.
    pub(crate) fn heal(&mut self) {
        self.disk.plan_no_faults();
        self.disk.set_capacity(None);
        self.is_harmed = false;
    }

    pub(crate) fn is_harmed(&self) -> bool {
        self.is_harmed
    }

    /// The value, or nothing where a planned fault explains the error.
    pub(crate) fn excuse<T>(
        &mut self,
        what: &str,
        outcome: Result<T, impl Display>,
    ) -> Result<Option<T>, String> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) if self.is_harmed => {
                self.note(format!("  {what} fails: {error}"));
                Ok(None)
            }
            Err(error) => Err(format!("{what} fails without a fault: {error}")),
        }
    }

    /// Ends the process, as a kill or a power cut does, and opens again.
    pub(crate) async fn crash(&mut self) -> Result<(), String> {
        let survival = match self.dice.below(3) {
            0 => Survival::Everything,
            1 => Survival::Nothing,
            _ => Survival::Seeded(self.dice.below(1 << 30) as u64),
        };
        self.note(format!("crash, {survival:?} survives"));
        self.end(survival);
        self.open().await
    }

    /// Whatever the process still wants from the disk comes too late.
    pub(crate) fn end(&mut self, survival: Survival) {
        self.disk.plan_no_faults();
        self.disk
            .fail_at(self.disk.operations() + 1, Fault::PowerCut);
        self.replay = None;
        self.store = None;
        self.heal();
        self.disk.crash(survival);
    }

    /// Closes the store as a shutdown does.
    pub(crate) async fn close(&mut self) -> Result<(), String> {
        self.replay = None;
        let store = self.store()?;
        let flushed = store.flush().await;
        self.excuse("the last flush", flushed)?;
        drop(store);
        self.store = None;
        Ok(())
    }

    /// Opens the directory in a new process; a crash on the way is a crash.
    pub(crate) async fn open(&mut self) -> Result<(), String> {
        for _ in 0..OPENINGS_MAX {
            let opened = self.try_open().await;
            if self.excuse("opening", opened)?.is_some() {
                self.note("open for intake");
                return Ok(());
            }
            self.recover_disk();
        }
        Err("it was opened too often".to_owned())
    }

    /// A new process, with a clock that begins anew.
    pub(crate) async fn try_open(&mut self) -> Result<(), StoreError> {
        let wall_ns = self.clock.now_unix_ns();
        self.passed_before = self.passed();
        self.clock = Arc::new(ManualClock::at(wall_ns));
        self.items_sent = 0;
        let clock = Arc::<ManualClock>::clone(&self.clock);
        let (store, replay) = Store::open_for_intake(self.config.clone(), clock).await?;
        self.store = Some(store);
        self.replay = Some(replay);
        Ok(())
    }

    fn recover_disk(&mut self) {
        if self.disk.is_powerless() {
            let survival = Survival::Seeded(self.dice.below(1 << 30) as u64);
            self.note(format!("  the power goes, {survival:?} survives"));
            self.end(survival);
        } else {
            self.heal();
        }
    }

    pub(crate) fn is_replayed(&self) -> bool {
        self.replay.is_none()
    }

    /// Runs the replay to its end, unless a planned fault stops it.
    pub(crate) async fn replay(&mut self) -> Result<Option<Opened>, String> {
        let Some(mut replay) = self.replay.take() else {
            return Ok(None);
        };
        let ended = replay.run().await;
        match self.excuse("the replay", ended)? {
            Some(opened) => {
                self.note(format!(
                    "replayed {} frames, {} rows",
                    opened.frames, opened.rows
                ));
                Ok(Some(opened))
            }
            None => {
                self.replay = Some(replay);
                Ok(None)
            }
        }
    }

    /// Asks what is stored, and compares it with what was promised.
    pub(crate) async fn check(&mut self, when: &str) -> Result<(), String> {
        let stored = self.stored(None).await?;
        let store = self.store()?;
        let fail = |what: String| format!("{when}: {what}");
        self.ledger.check(&stored).map_err(fail)?;
        let damaged = store.damaged();
        if !damaged.is_empty() {
            return Err(format!("{when}: damaged without a cause: {damaged:?}"));
        }
        let fates = store.fates().all();
        if fates.iter().any(|fate| !fate.is_settled()) {
            return Err(format!("{when}: fates do not add up: {fates:?}"));
        }
        let received: u64 = fates.iter().map(|fate| fate.received).sum();
        if received != self.items_sent {
            return Err(format!(
                "{when}: {} items were sent to this process, and it counts {received}",
                self.items_sent
            ));
        }
        Ok(())
    }

    /// Everything that the next snapshot shows; a part may be left out by name.
    pub(crate) async fn stored(&mut self, without: Option<&str>) -> Result<Stored, String> {
        let snapshot = self.store()?.snapshot().await;
        let dir = Path::new(DIR);
        let disk = self.opened();
        self.reader
            .read(&snapshot, disk.as_ref(), dir, without)
            .await
    }
}
