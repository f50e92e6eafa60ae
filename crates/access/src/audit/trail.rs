//! The trail of a server: many acts at once, synced together.
//!
//! Invariant: [`Trail::record`] returns well only when the act is on the disk. [`Trail::note`] is for
//! refusals, which a stranger can make as many of as they like: so many a second are put on record, of
//! the rest the number.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::Clock;
use tokio::sync::oneshot;

use super::record::Act;
use super::writer::Writer;
use super::{Place, TrailError};

/// Acts that may wait for the disk.
const WAITING_MAX: usize = 1024;
/// Acts that are synced together at most.
const BATCH_MAX: usize = 256;
/// Refusals put on record in a second.
const NOTES_PER_S: u32 = 20;

type Answer = Result<(), Arc<TrailError>>;

/// Puts acts on record for a server. The trail begins with the first act.
pub struct Trail {
    jobs: SyncSender<Job>,
    notes: Mutex<Notes>,
    clock: Arc<dyn Clock>,
}

struct Job {
    act: Act,
    omitted: u64,
    done: Option<oneshot::Sender<Answer>>,
}

/// How many refusals were put on record in this second, and how many were not since the last that was.
#[derive(Default)]
struct Notes {
    since: Duration,
    taken: u32,
    omitted: u64,
}

impl Trail {
    /// Opens the trail of a data directory if there is one, and begins a thread that writes it.
    ///
    /// # Errors
    /// There is one that cannot be written, or is not as it was written.
    pub fn open(place: Place, clock: Arc<dyn Clock>) -> Result<Trail, TrailError> {
        let writer = match place.folder().exists() {
            true => Some(Writer::open(&place, Arc::clone(&clock))?),
            false => None,
        };
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let lazy = Lazy {
            place,
            clock: Arc::clone(&clock),
            writer,
        };
        std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || lazy.run(&waiting))
            .map_err(TrailError::io(std::path::Path::new("its thread")))?;
        Ok(Trail {
            jobs,
            notes: Mutex::default(),
            clock,
        })
    }

    /// Puts an act on record, and returns when it is on the disk.
    ///
    /// # Errors
    /// It is not on record: what it says must not be done.
    pub async fn record(&self, act: Act) -> Result<(), Arc<TrailError>> {
        let (done, answer) = oneshot::channel();
        let omitted = self.notes().take_omitted();
        let job = Job {
            act,
            omitted,
            done: Some(done),
        };
        match self.jobs.try_send(job) {
            Ok(()) => answer.await.unwrap_or(Err(Arc::new(TrailError::Poisoned))),
            Err(failed) => {
                self.notes().omitted += omitted;
                Err(Arc::new(match failed {
                    TrySendError::Full(_) => TrailError::Full,
                    TrySendError::Disconnected(_) => TrailError::Poisoned,
                }))
            }
        }
    }

    /// Puts a refusal on record soon, or counts it.
    pub fn note(&self, act: Act) {
        let mut notes = self.notes();
        let now = self.clock.monotonic();
        if now.saturating_sub(notes.since) >= Duration::from_secs(1) {
            (notes.since, notes.taken) = (now, 0);
        }
        if notes.taken >= NOTES_PER_S {
            notes.omitted += 1;
            return;
        }
        notes.taken += 1;
        let omitted = notes.take_omitted();
        let done = None;
        if self.jobs.try_send(Job { act, omitted, done }).is_err() {
            notes.omitted += omitted + 1;
        }
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn take_omitted(&mut self) -> u64 {
        std::mem::take(&mut self.omitted)
    }
}

/// Opens the trail when there is something to write.
struct Lazy {
    place: Place,
    clock: Arc<dyn Clock>,
    writer: Option<Writer>,
}

impl Lazy {
    fn run(mut self, waiting: &Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            let mut batch = vec![first];
            batch.extend(waiting.try_iter().take(BATCH_MAX - 1));
            let (entries, done): (Vec<_>, Vec<_>) = batch
                .into_iter()
                .map(|job| ((job.act, job.omitted), job.done))
                .unzip();
            let written = self.append(entries).map_err(Arc::new);
            if let Err(error) = &written {
                tracing::error!("{error}; what must be on record is refused");
            }
            for done in done.into_iter().flatten() {
                // Whoever asked may be gone.
                let _ = done.send(written.clone());
            }
        }
    }

    fn append(&mut self, entries: Vec<super::writer::Entry>) -> Result<(), TrailError> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(Writer::open(&self.place, Arc::clone(&self.clock))?),
        };
        writer.append(entries)
    }
}
