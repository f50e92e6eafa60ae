//! The tasks of the thread that sends, each on its own: none waits for another.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use contract::Signal;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, sleep_until};

use super::End;
use crate::export::{Exporters, Payload};
use crate::record::BATCH_MAX;
use crate::repository;
use crate::shared::{Shared, lock};

/// Somebody who waits for what waits to be sent.
pub(super) type Flushes = mpsc::Receiver<SyncSender<()>>;

/// Nothing leaves before the repository is known, or cannot be known.
pub(super) async fn find_repository(shared: &Arc<Shared>, mut end: End) {
    if !shared.settings.include.repository {
        return;
    }
    let asking = Arc::clone(shared);
    let found = tokio::task::spawn_blocking(move || {
        let dir = asking.surroundings.dir.clone();
        let dir = dir.or_else(|| std::env::current_dir().ok());
        dir.map(|dir| repository::attributes(&asking.settings, &dir))
    });
    tokio::select! {
        found = found => if let Ok(Some(found)) = found {
            // Nobody else sets it.
            let _ = shared.repository.set(found);
        },
        () = end.passed() => {}
    }
}

/// Why a sending task woke up.
enum Wake {
    /// The interval has passed, or a batch is full.
    Due,
    Flush(SyncSender<()>),
    Stop,
}

/// Waits for the next reason to send. `due` is what makes the task send by itself.
async fn next_wake(due: impl Future<Output = ()>, flushes: &mut Flushes, end: &mut End) -> Wake {
    tokio::select! {
        () = due => Wake::Due,
        // With the senders gone the thread is being stopped.
        Some(done) = flushes.recv() => Wake::Flush(done),
        _ = end.asked() => Wake::Stop,
    }
}

/// The items of one signal that leave in batches.
struct Line<'a> {
    signal: Signal,
    interval: Duration,
    /// Told when a batch is full.
    wake: &'a Notify,
    /// How many wait.
    waiting: &'a (dyn Fn() -> usize + Sync),
    /// The oldest of them, one batch at most.
    take: &'a (dyn Fn() -> Payload<'a> + Sync),
}

pub(super) async fn send_events(
    shared: &Shared,
    exporters: &Exporters,
    flushes: Flushes,
    end: End,
) {
    let line = Line {
        signal: Signal::Logs,
        interval: shared.settings.logs.interval,
        wake: &shared.wake,
        waiting: &|| lock(&shared.queue).waiting.len(),
        take: &|| {
            let batch = lock(&shared.queue).waiting.take_batch();
            Payload {
                items: batch.len() as u64,
                encode: Box::new(move |encoding| shared.encode_events(&batch, encoding)),
            }
        },
    };
    send_batches(shared, exporters, &line, flushes, end).await;
}

pub(super) async fn send_spans(shared: &Shared, exporters: &Exporters, flushes: Flushes, end: End) {
    let line = Line {
        signal: Signal::Traces,
        interval: shared.settings.traces.interval,
        wake: &shared.wake_spans,
        waiting: &|| lock(&shared.spans).len(),
        take: &|| {
            let batch = lock(&shared.spans).take_batch();
            Payload {
                items: batch.len() as u64,
                encode: Box::new(move |encoding| shared.encode_spans(&batch, encoding)),
            }
        },
    };
    send_batches(shared, exporters, &line, flushes, end).await;
}

async fn send_batches(
    shared: &Shared,
    exporters: &Exporters,
    line: &Line<'_>,
    mut flushes: Flushes,
    mut end: End,
) {
    let interval = line.interval;
    let mut next = Instant::now() + interval;
    loop {
        let due = async {
            if interval.is_zero() {
                line.wake.notified().await;
                return;
            }
            tokio::select! {
                () = sleep_until(next) => {}
                () = line.wake.notified() => {}
            }
        };
        let wake = next_wake(due, &mut flushes, &mut end).await;
        let is_whole = !matches!(wake, Wake::Due) || interval.is_zero() || Instant::now() >= next;
        if is_whole {
            next = Instant::now() + interval;
        }
        // What is recorded while this sends belongs to the next turn: a turn ends.
        let mut left = (line.waiting)();
        while left > 0 && (is_whole || left >= BATCH_MAX) {
            let payload = (line.take)();
            if payload.items == 0 {
                break;
            }
            left = left.saturating_sub(payload.items as usize);
            exporters
                .export(shared, line.signal, payload, &mut end)
                .await;
        }
        if is_whole && !matches!(wake, Wake::Stop) {
            exporters.resend(shared, line.signal, &mut end).await;
        }
        match wake {
            Wake::Due => {}
            // Who asked may have given up waiting.
            Wake::Flush(done) => drop(done.try_send(())),
            Wake::Stop => return,
        }
    }
}

pub(super) async fn send_metrics(
    shared: &Shared,
    exporters: &Exporters,
    mut flushes: Flushes,
    mut end: End,
) {
    let interval = shared.settings.metrics.interval.max(METRIC_INTERVAL_MIN);
    let encodings = exporters.encodings(Signal::Metrics);
    loop {
        let wake = next_wake(sleep(interval), &mut flushes, &mut end).await;
        if let Some((bodies, items)) = shared.encode_metrics(&encodings) {
            shared.points.recorded(items);
            let find = |encoding| {
                let at = encodings.iter().position(|known| *known == encoding);
                at.map_or_else(Vec::new, |at| bodies[at].clone())
            };
            let payload = Payload {
                items,
                encode: Box::new(find),
            };
            exporters
                .export(shared, Signal::Metrics, payload, &mut end)
                .await;
        }
        if !matches!(wake, Wake::Stop) {
            exporters.resend(shared, Signal::Metrics, &mut end).await;
        }
        match wake {
            Wake::Due => {}
            Wake::Flush(done) => drop(done.try_send(())),
            Wake::Stop => return,
        }
    }
}

/// An interval of nothing would keep the thread busy for nothing.
const METRIC_INTERVAL_MIN: Duration = Duration::from_millis(100);

pub(super) async fn write_bodies(shared: &Shared, mut flushes: Flushes, mut end: End) {
    loop {
        let wake = next_wake(shared.wake_bodies.notified(), &mut flushes, &mut end).await;
        loop {
            let Some(file) = lock(&shared.bodies).pop() else {
                break;
            };
            let writing = tokio::task::spawn_blocking(move || file.write());
            let reason = tokio::select! {
                written = writing => match written {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => error.to_string(),
                    Err(error) => error.to_string(),
                },
                () = end.passed() => "the process ended before they were written".to_owned(),
            };
            shared.lose_bodies(1, &reason);
        }
        match wake {
            Wake::Due => {}
            Wake::Flush(done) => drop(done.try_send(())),
            Wake::Stop => return,
        }
    }
}
