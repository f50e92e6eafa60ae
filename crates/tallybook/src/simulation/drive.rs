//! From the stream to the sink: each request at its time, several at once, counted when they are
//! durable.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Shutdown;
use tokio::task::{JoinHandle, JoinSet};

use super::checkpoint::Checkpoint;
use super::progress::Progress;
use super::sink::Sink;
use super::stream::{Parcel, Stream};
use crate::failure::Failure;

/// How long it is at least from one checkpoint to the next.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// When a request is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// At once.
    Max,
    /// Time passes `times` as fast as on the wall, and was `simulated_ms` when the wall's was
    /// `wall_ms`; milliseconds since the Unix epoch.
    Times {
        times: f64,
        wall_ms: u64,
        simulated_ms: u64,
    },
}

impl Pace {
    /// How long it is from now until then; nothing when it is past.
    fn wait(self, at_ms: u64) -> Option<Duration> {
        let Pace::Times {
            times,
            wall_ms,
            simulated_ms,
        } = self
        else {
            return None;
        };
        let due_ms = wall_ms as f64 + at_ms.saturating_sub(simulated_ms) as f64 / times;
        let left_ms = due_ms - now_ms() as f64;
        (left_ms > 0.0).then(|| Duration::from_millis(left_ms as u64))
    }
}

/// This moment, milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(chrono::Utc::now().timestamp_millis()).unwrap_or(0)
}

/// How a drive ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Everything is done.
    Whole,
    /// Somebody asked for it.
    Interrupted,
}

/// What is done when everything that was due has been put.
type CaughtUp = Box<dyn FnOnce(&Progress) + Send>;

/// Puts a stream into a sink.
pub(crate) struct Drive<S> {
    pub(crate) sink: Arc<S>,
    pub(crate) pace: Pace,
    /// Where the count is kept; the count to go on from.
    pub(crate) checkpoint: Option<(PathBuf, Checkpoint)>,
    pub(crate) progress: Progress,
    pub(crate) shutdown: Shutdown,
    /// Called once, when everything is done that was due when it began.
    pub(crate) on_caught_up: Option<CaughtUp>,
}

/// What was put and is not counted yet.
#[derive(Default)]
struct Done {
    /// The number of the first request that is not done.
    next: u64,
    events: u64,
    items: u64,
    /// Those done beyond it: log records and items.
    beyond: BTreeMap<u64, (u64, u64)>,
}

impl Done {
    fn add(&mut self, number: u64, events: u64, items: u64) {
        self.beyond.insert(number, (events, items));
        while let Some((events, items)) = self.beyond.remove(&self.next) {
            self.next += 1;
            self.events += events;
            self.items += items;
        }
    }
}

type Put = (u64, u64, u64);

impl<S: Sink> Drive<S> {
    /// Until the stream's end, or until it is told to stop. What is durable then is counted; that it is
    /// all there is, is for the caller to say.
    ///
    /// # Errors
    /// The first request that cannot be put; what was durable before it is counted.
    pub(crate) async fn run(
        mut self,
        stream: &mut Stream,
    ) -> Result<(Ended, Option<Checkpoint>), Failure> {
        let mut done = Done::default();
        if let Some((_, checkpoint)) = &self.checkpoint {
            done.next = checkpoint.requests;
            (done.events, done.items) = (checkpoint.events, checkpoint.items);
        }
        let mut putting: JoinSet<Result<Put, Failure>> = JoinSet::new();
        let outcome = self.put_all(stream, &mut putting, &mut done).await;
        // What is on its way is waited for, whatever happened.
        let mut drained = Ok(());
        while let Some(put) = putting.join_next().await {
            drained = drained.and(self.take_note(put, &mut done));
        }
        let kept = self.keep(&done).await;
        self.progress.finish();
        drained?;
        let ended = outcome?;
        kept?;
        Ok((ended, self.checkpoint.map(|(_, checkpoint)| checkpoint)))
    }

    async fn put_all(
        &mut self,
        stream: &mut Stream,
        putting: &mut JoinSet<Result<Put, Failure>>,
        done: &mut Done,
    ) -> Result<Ended, Failure> {
        let mut keeping: Option<Keeping> = None;
        let mut kept_at = Instant::now();
        loop {
            let parcel = tokio::select! {
                biased;
                () = self.shutdown.wait() => None,
                parcel = stream.next() => parcel,
                // Passing over takes a while, too.
                () = tokio::time::sleep(Duration::from_millis(200)) => {
                    self.progress.passing(stream.passed());
                    continue;
                }
            };
            if self.shutdown.is_triggered() {
                settle(&mut keeping, self, true).await?;
                return Ok(Ended::Interrupted);
            }
            let Some(parcel) = parcel else {
                settle(&mut keeping, self, true).await?;
                return Ok(Ended::Whole);
            };
            if !self.wait_for(&parcel, putting, done).await? {
                settle(&mut keeping, self, true).await?;
                return Ok(Ended::Interrupted);
            }
            while putting.len() >= S::AT_ONCE {
                if let Some(put) = putting.join_next().await {
                    self.take_note(put, done)?;
                }
            }
            self.put(parcel, putting);
            settle(&mut keeping, self, false).await?;
            let is_time = kept_at.elapsed() >= CHECKPOINT_EVERY;
            if keeping.is_none() && self.checkpoint.is_some() && self.sink.wants_keeping(is_time) {
                keeping = Some(self.start_keeping(done));
                kept_at = Instant::now();
            }
        }
    }

    /// Waits until a request is due; false when that was interrupted.
    async fn wait_for(
        &mut self,
        parcel: &Parcel,
        putting: &mut JoinSet<Result<Put, Failure>>,
        done: &mut Done,
    ) -> Result<bool, Failure> {
        let Some(wait) = self.pace.wait(parcel.at_ms) else {
            return Ok(true);
        };
        if let Some(on_caught_up) = self.on_caught_up.take() {
            while let Some(put) = putting.join_next().await {
                self.take_note(put, done)?;
            }
            on_caught_up(&self.progress);
        }
        let until = tokio::time::Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Ok(true),
                () = self.shutdown.wait() => return Ok(false),
                Some(put) = putting.join_next() => self.take_note(put, done)?,
            }
        }
    }

    fn put(&self, parcel: Parcel, putting: &mut JoinSet<Result<Put, Failure>>) {
        let sink = Arc::clone(&self.sink);
        let (number, events, items) = (parcel.number, parcel.events(), parcel.items);
        self.progress.at(parcel.at_ms);
        putting.spawn(async move {
            sink.put(parcel).await?;
            Ok((number, events, items))
        });
    }

    fn take_note(
        &self,
        put: Result<Result<Put, Failure>, tokio::task::JoinError>,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let (number, events, items) = put.map_err(Failure::failed)??;
        done.add(number, events, items);
        self.progress.add(events, items);
        Ok(())
    }

    /// Makes durable what is done, beside what goes on.
    fn start_keeping(&self, done: &Done) -> Keeping {
        let sink = Arc::clone(&self.sink);
        Keeping {
            counts: (done.next, done.events, done.items),
            task: tokio::spawn(async move { sink.keep().await }),
        }
    }

    async fn keep(&mut self, done: &Done) -> Result<(), Failure> {
        self.sink.keep().await?;
        self.count((done.next, done.events, done.items))
    }

    fn count(&mut self, counts: (u64, u64, u64)) -> Result<(), Failure> {
        let Some((path, checkpoint)) = &mut self.checkpoint else {
            return Ok(());
        };
        if counts.0 == 0 {
            // Nothing is done: there is nothing to go on from.
            return Ok(());
        }
        (checkpoint.requests, checkpoint.events, checkpoint.items) = counts;
        checkpoint.written_unix_ms = now_ms();
        checkpoint.write(path)
    }
}

/// What is being made durable, and what it comes to.
struct Keeping {
    counts: (u64, u64, u64),
    task: JoinHandle<Result<(), Failure>>,
}

/// Counts what has been made durable; waits for it when asked to.
async fn settle<S: Sink>(
    keeping: &mut Option<Keeping>,
    drive: &mut Drive<S>,
    waits: bool,
) -> Result<(), Failure> {
    if let Some(done) = keeping.take_if(|keeping| waits || keeping.task.is_finished()) {
        done.task.await.map_err(Failure::failed)??;
        drive.count(done.counts)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_no_gap_before_it_is_counted() {
        let mut done = Done::default();
        done.add(1, 2, 3);
        assert_eq!((done.next, done.events, done.items), (0, 0, 0));
        done.add(0, 10, 10);
        assert_eq!((done.next, done.events, done.items), (2, 12, 13));
        done.add(3, 1, 1);
        done.add(2, 0, 1);
        assert_eq!((done.next, done.events, done.items), (4, 13, 15));
    }
}
