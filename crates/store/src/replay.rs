//! The journal back into the buffer, while requests are taken already.
//!
//! Invariant: until the replay is done nothing else applies anything, and it applies frames in the
//! journal's order, from the manifest on to the last one acknowledged. So it makes no difference to
//! any answer that a frame is applied later than acknowledged, and `State::replayed` is exactly what a
//! flush may let the journal forget. What arrives meanwhile is read back from the journal: it takes no
//! memory.
//!
//! It works on a thread of its own, for decoding would hold up the connections.

mod remembered;
mod told;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use base::Shutdown;
use journal::{Frame, Recovery, Sequence};
use tokio::runtime::Handle;

use crate::batch::{self, Prepared};
use crate::damage::DamagedFile;
use crate::entry::Entry;
use crate::error::{StoreError, Unreadable};
use crate::progress::{ReplayProgress, ReplayStage};
use crate::store::Store;

use remembered::{load_identities, load_series};

/// How much is read back from the journal at once.
const READ_BYTES: usize = 1 << 20;
/// After so many frames at most it is said how far it is.
const PUBLISH_FRAMES: u64 = 64;
/// The pause before what failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Frames that cannot be understood are said one by one up to this number.
const SAID_MAX: usize = 1000;

/// What opening and replaying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Journal frames that were replayed, without those that arrived meanwhile.
    pub frames: u64,
    /// Rows that the replay brought back, without those that arrived meanwhile.
    pub rows: u64,
    /// Frames that could not be read or are missing, each with the reason; the first 1,000.
    pub damaged: Vec<String>,
    /// Objects that no manifest names, from a flush that a crash cut short; removed.
    pub orphans: u64,
}

/// The replay of a store that is open for intake. Somebody must run it: queries wait for it.
pub struct Replay {
    /// Absent while it is at work, and after a panic there.
    work: Option<Work>,
}

impl Replay {
    pub(crate) fn new(store: &Arc<Store>, recovery: Recovery, orphans: u64) -> Replay {
        let began = store.clock.monotonic();
        let start_after = store.state().manifest.journal_through;
        let work = Work {
            store: Arc::clone(store),
            recovery,
            stage: ReplayStage::Remembering,
            start_after,
            found_through: store.journal.last_synced().get(),
            through: start_after,
            found_bytes: store.journal.stats().bytes,
            bytes_done: 0,
            frame: None,
            round: None,
            failure: None,
            opened: Opened {
                orphans,
                ..Opened::default()
            },
            began,
            replaying_since: began,
        };
        Replay { work: Some(work) }
    }

    /// Replays to the end. After an error it may be called again, and goes on where the error was.
    pub async fn run(&mut self) -> Result<Opened, StoreError> {
        let ended = self.work_until(&Shutdown::new()).await?;
        ended.ok_or_else(|| StoreError::Internal("the replay was stopped".into()))
    }

    /// Replays to the end, trying again whatever fails; `None` when `shutdown` came first. While it
    /// does not get on, nothing is taken in.
    pub async fn run_until(mut self, shutdown: Shutdown) -> Option<Opened> {
        let mut said = String::new();
        loop {
            let reason = match self.work_until(&shutdown).await {
                Ok(ended) => return ended,
                Err(error) => error.to_string(),
            };
            // Once, not every second for as long as it lasts.
            if said != reason {
                tracing::error!("the replay does not get on, and is tried again: {reason}");
                said = reason;
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                () = shutdown.wait() => return None,
            }
        }
    }

    async fn work_until(&mut self, shutdown: &Shutdown) -> Result<Option<Opened>, StoreError> {
        let broken = || StoreError::Internal("the replay is broken; start again".into());
        let mut work = self.work.take().ok_or_else(broken)?;
        let store = Arc::clone(&work.store);
        let (io, shutdown) = (Handle::current(), shutdown.clone());
        let working = tokio::task::spawn_blocking(move || {
            let outcome = work.run(&io, &shutdown);
            (work, outcome)
        });
        let (work, outcome) = working.await.map_err(|_| {
            // What is acknowledged from now on would not be seen until a restart: nothing is.
            store.replaying.publish(ReplayProgress {
                failure: Some(broken().to_string()),
                ..store.replaying.progress()
            });
            broken()
        })?;
        let work = self.work.insert(work);
        match outcome {
            Ok(()) if work.stage == ReplayStage::Done => Ok(Some(work.opened.clone())),
            Ok(()) => Ok(None),
            Err(error) => {
                work.failure = Some(error.to_string());
                work.publish();
                Err(error)
            }
        }
    }
}

struct Work {
    store: Arc<Store>,
    recovery: Recovery,
    stage: ReplayStage,
    /// The last frame that is in the parts.
    start_after: u64,
    /// The last frame that was there when the journal was opened.
    found_through: u64,
    /// The last frame that is applied.
    through: u64,
    found_bytes: u64,
    bytes_done: u64,
    /// What is being applied: after an error it is tried again.
    frame: Option<Frame>,
    /// The last frame of the round of catching up that is not ended.
    round: Option<u64>,
    /// Why it does not get on; until it does.
    failure: Option<String>,
    opened: Opened,
    began: Duration,
    replaying_since: Duration,
}

impl Work {
    /// Goes on until everything is applied, or `shutdown`.
    fn run(&mut self, io: &Handle, shutdown: &Shutdown) -> Result<(), StoreError> {
        while self.stage != ReplayStage::Done && !shutdown.is_triggered() {
            self.publish();
            match self.stage {
                ReplayStage::Remembering => self.remember(io)?,
                ReplayStage::Replaying => self.replay_found(io, shutdown)?,
                ReplayStage::CatchingUp => self.catch_up(io, shutdown)?,
                ReplayStage::Done => {}
            }
        }
        self.publish();
        Ok(())
    }

    fn remember(&mut self, io: &Handle) -> Result<(), StoreError> {
        let manifest = Arc::clone(&self.store.state().manifest);
        let objects = &self.store.objects;
        let (dedup, mut damaged) = io.block_on(load_identities(objects, &manifest))?;
        let (series, damaged_series) = io.block_on(load_series(objects, &manifest))?;
        damaged.extend(damaged_series);
        for file in damaged {
            self.store.damages.note(file);
        }
        self.store.state().remember(dedup, series);
        self.replaying_since = self.store.clock.monotonic();
        self.stage = ReplayStage::Replaying;
        self.failure = None;
        Ok(())
    }

    /// Applies what the journal held when it was opened.
    fn replay_found(&mut self, io: &Handle, shutdown: &Shutdown) -> Result<(), StoreError> {
        while !shutdown.is_triggered() {
            self.make_room(io)?;
            if self.frame.is_none() {
                self.recovery.resume();
                self.frame = self.recovery.next().transpose()?;
            }
            let Some(frame) = self.frame.clone() else {
                self.end_found();
                break;
            };
            self.take(&frame, io)?;
        }
        Ok(())
    }

    fn end_found(&mut self) {
        let report = self.recovery.report();
        let gaps = report.gaps.iter().map(ToString::to_string);
        let damage = report.damage.iter().map(ToString::to_string);
        for what in gaps.chain(damage).collect::<Vec<_>>() {
            self.say(what);
        }
        self.bytes_done = self.found_bytes;
        self.pass(self.found_through);
        self.stage = ReplayStage::CatchingUp;
    }

    /// Applies what has arrived, a round at a time; the last round alone at the gate.
    fn catch_up(&mut self, io: &Handle, shutdown: &Shutdown) -> Result<(), StoreError> {
        // An error may have left a round half done: it is still to be ended.
        let through = match self.round {
            Some(through) => through,
            None => {
                let is_last = self.store.replaying.begin_round();
                self.store.freed();
                if is_last {
                    return self.end(io);
                }
                *self.round.insert(self.store.journal.last_synced().get())
            }
        };
        while self.through < through && !shutdown.is_triggered() {
            self.make_room(io)?;
            self.apply_some(io)?;
            self.publish();
        }
        self.round = self.round.filter(|_| self.through < through);
        Ok(())
    }

    /// Applies the rest while nothing can be appended; from then on appending applies.
    fn end(&mut self, io: &Handle) -> Result<(), StoreError> {
        let store = Arc::clone(&self.store);
        let _alone = io.block_on(store.gate.write());
        while self.through < store.journal.last_synced().get() {
            self.apply_some(io)?;
        }
        store.state().replayed = None;
        store.age.grow(store.clock.as_ref());
        self.stage = ReplayStage::Done;
        self.publish();
        store.freed();
        store.flush_wanted.notify_one();
        Ok(())
    }

    /// Applies the next frames that have arrived.
    fn apply_some(&mut self, io: &Handle) -> Result<(), StoreError> {
        let last_synced = self.store.journal.last_synced().get();
        let from = Sequence::new(self.through + 1);
        let frames = self.store.journal.read_from(from, READ_BYTES)?;
        let (mut next, end) = (
            self.through + 1,
            // Nothing is left to read: what was acknowledged after the last frame is lost.
            frames
                .last()
                .map_or(last_synced, |last| last.sequence.get()),
        );
        for frame in &frames {
            self.note_missing(next, frame.sequence.get());
            self.take(frame, io)?;
            next = self.through + 1;
        }
        self.note_missing(next, end + 1);
        self.pass(end);
        Ok(())
    }

    fn note_missing(&mut self, first: u64, next: u64) {
        if first < next {
            let last = next - 1;
            self.say(format!("frames {first} to {last} cannot be read back"));
        }
    }

    /// Flushes when the buffer is full: a journal may hold more than memory does.
    fn make_room(&self, io: &Handle) -> Result<(), StoreError> {
        let is_full = self.store.is_full(&self.store.state());
        if is_full {
            io.block_on(self.store.flush())?;
        }
        Ok(())
    }

    /// Applies one frame, or sets it aside when it cannot be understood.
    fn take(&mut self, frame: &Frame, io: &Handle) -> Result<(), StoreError> {
        let sequence = frame.sequence.get();
        // A frame that nobody can decode must not end the replay of all behind it.
        let understood = catch_unwind(AssertUnwindSafe(|| self.understand(frame)))
            .unwrap_or_else(|_| Err("decoding it failed".to_owned().into()));
        let outcome = understood.and_then(|prepared| {
            let counted = (prepared.signal, prepared.provenance.clone(), prepared.items);
            let mut state = self.store.state();
            let applied = state
                .apply(prepared, self.store.age_ns())
                .map_err(|error| Unreadable::from(error.to_string()))?;
            state.replayed = Some(sequence);
            Ok((counted, applied))
        });
        match outcome {
            Ok((_, applied)) if sequence <= self.found_through => {
                self.opened.frames += 1;
                self.opened.rows += applied.accepted + applied.quarantined;
            }
            Ok(((signal, token, items), applied)) => {
                let receipt = self.store.fates.receipt(signal, token, items);
                self.store.settle(receipt, &applied);
            }
            // It is whole, and the program that wrote it can read it.
            Err(newer @ Unreadable::Newer { .. }) => {
                return Err(newer.of(&format!("journal frame {sequence}")));
            }
            Err(Unreadable::Damaged(reason)) => {
                let path = io.block_on(self.set_aside(frame))?;
                self.store.damages.note(DamagedFile {
                    path: path.clone(),
                    reason: format!("journal frame {sequence}: {reason}"),
                });
                self.say(format!("frame {sequence}: {reason}; kept in {path}"));
            }
        }
        self.bytes_done += frame.payload.len() as u64;
        self.pass(sequence);
        self.frame = None;
        if sequence.is_multiple_of(PUBLISH_FRAMES) {
            self.publish();
        }
        Ok(())
    }

    fn understand(&self, frame: &Frame) -> Result<Prepared, Unreadable> {
        // What was admitted once is admitted again, whatever the limits are now.
        let as_admitted = otlp::Limits {
            items: usize::MAX,
            nodes: usize::MAX,
            ..self.store.config.limits.clone()
        };
        let entry = Entry::decode(&frame.payload)?;
        let prepared = batch::prepare(&entry, &as_admitted, self.store.key);
        prepared.map_err(|error| error.to_string().into())
    }

    /// Keeps an acknowledged frame that cannot be understood, because the next flush lets the journal
    /// forget it.
    async fn set_aside(&self, frame: &Frame) -> Result<String, StoreError> {
        let path = format!("damaged/frame-{:020}.bin", frame.sequence.get());
        let objects = &self.store.objects;
        objects.replace(&path, frame.payload.to_vec()).await?;
        Ok(path)
    }

    /// Everything through `sequence` is applied, or there is nothing more of it.
    fn pass(&mut self, sequence: u64) {
        self.through = sequence;
        self.store.state().replayed = Some(sequence);
        if self.failure.take().is_some() {
            self.publish();
            self.store.freed();
        }
    }

    fn say(&mut self, damage: String) {
        if self.opened.damaged.len() < SAID_MAX {
            tracing::error!("journal damaged: {damage}");
            self.opened.damaged.push(damage);
        }
    }
}

#[cfg(test)]
mod tests;
