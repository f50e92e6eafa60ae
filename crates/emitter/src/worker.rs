//! The thread that sends: intervals, batches, flushes, and the end.
//!
//! Invariant: the two signals wait for nothing of each other, and the program that records waits for
//! neither. At the end nothing is waited for beyond the time that was given.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use contract::Signal;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::export::{Exporters, Payload, scrape};
use crate::finding::Finding;
use crate::record::BATCH_MAX;
use crate::repository;
use crate::shared::{Shared, lock};

/// More flushes than this never wait at once.
const FLUSHES_MAX: usize = 8;

/// The running thread.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Until when the end may take, once it is asked for.
    stop: watch::Sender<Option<Instant>>,
    flushes: [mpsc::Sender<SyncSender<()>>; 3],
    /// Closed when the thread has ended.
    ended: Receiver<()>,
    /// Where Prometheus is answered.
    pub(crate) scrape_address: Option<SocketAddr>,
}

impl Worker {
    pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<Worker> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(None);
        let (flush_logs, logs_flushes) = mpsc::channel(FLUSHES_MAX);
        let (flush_metrics, metrics_flushes) = mpsc::channel(FLUSHES_MAX);
        let (flush_bodies, bodies_flushes) = mpsc::channel(FLUSHES_MAX);
        let (ending, ended) = sync_channel::<()>(1);
        let listener = scrape_listener(shared);
        let scrape_address = listener
            .as_ref()
            .and_then(|listener| listener.local_addr().ok());
        let shared = Arc::clone(shared);
        thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || {
                // Dropped when the thread ends, in whichever way.
                let _ending = ending;
                let exporters = Exporters::new(&shared);
                runtime.block_on(async {
                    find_repository(&shared, End(stopped.clone())).await;
                    let scrape = tokio::spawn(answer_scrapes(Arc::clone(&shared), listener));
                    tokio::join!(
                        send_events(&shared, &exporters, logs_flushes, End(stopped.clone())),
                        send_metrics(&shared, &exporters, metrics_flushes, End(stopped.clone())),
                        write_bodies(&shared, bodies_flushes, End(stopped.clone())),
                    );
                    scrape.abort();
                });
                // A headers helper that hangs is not waited for.
                runtime.shutdown_background();
            })?;
        Ok(Worker {
            stop,
            flushes: [flush_logs, flush_metrics, flush_bodies],
            ended,
            scrape_address,
        })
    }

    /// Sends what waits; false when that takes longer than `timeout`.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let deadline = std::time::Instant::now() + timeout;
        let waits: Vec<_> = self.flushes.iter().map(ask_flush).collect();
        waits.into_iter().all(|wait| {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            wait.is_some_and(|wait| wait.recv_timeout(left).is_ok())
        })
    }

    /// Sends what waits and ends the thread, within `timeout`.
    pub(crate) fn stop(self, timeout: Duration) {
        self.stop.send_replace(Some(Instant::now() + timeout));
        // The thread keeps the deadline itself; what is beyond it is only its own end.
        let _ = self.ended.recv_timeout(timeout + GRACE);
    }
}

/// Nothing leaves before the repository is known, or cannot be known.
async fn find_repository(shared: &Arc<Shared>, mut end: End) {
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

/// Bound before the thread starts, so that the address is known.
fn scrape_listener(shared: &Shared) -> Option<TcpListener> {
    if !shared.is_scraped() {
        return None;
    }
    let (host, port) = &shared.settings.scrape;
    let bound = TcpListener::bind((host.as_str(), *port))
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    let said = |error: io::Error| {
        let message =
            format!("{host}:{port} cannot be listened on, and Prometheus finds nothing: {error}");
        let finding = Finding::error("OTEL_EXPORTER_PROMETHEUS_PORT", message);
        shared.listener.tell(&finding);
    };
    bound.map_err(said).ok()
}

async fn answer_scrapes(shared: Arc<Shared>, listener: Option<TcpListener>) {
    let Some(listener) =
        listener.and_then(|listener| tokio::net::TcpListener::from_std(listener).ok())
    else {
        return;
    };
    scrape::serve(&shared, listener).await;
}

/// For the thread to notice the deadline.
const GRACE: Duration = Duration::from_millis(200);

fn ask_flush(flushes: &mpsc::Sender<SyncSender<()>>) -> Option<Receiver<()>> {
    let (done, wait) = sync_channel(1);
    flushes.try_send(done).ok()?;
    Some(wait)
}

/// Why a sending task woke up.
enum Wake {
    /// The interval has passed, or a batch is full.
    Due,
    Flush(SyncSender<()>),
    Stop,
}

/// Waits for the next reason to send. `due` is what makes the task send by itself.
async fn next_wake(
    due: impl Future<Output = ()>,
    flushes: &mut mpsc::Receiver<SyncSender<()>>,
    end: &mut End,
) -> Wake {
    tokio::select! {
        () = due => Wake::Due,
        // With the senders gone the thread is being stopped.
        Some(done) = flushes.recv() => Wake::Flush(done),
        _ = end.asked() => Wake::Stop,
    }
}

async fn send_events(
    shared: &Shared,
    exporters: &Exporters,
    mut flushes: mpsc::Receiver<SyncSender<()>>,
    mut end: End,
) {
    let interval = shared.settings.logs.interval;
    let mut next = Instant::now() + interval;
    loop {
        let due = async {
            if interval.is_zero() {
                shared.wake.notified().await;
                return;
            }
            tokio::select! {
                () = sleep_until(next) => {}
                () = shared.wake.notified() => {}
            }
        };
        let wake = next_wake(due, &mut flushes, &mut end).await;
        let is_whole = !matches!(wake, Wake::Due) || interval.is_zero() || Instant::now() >= next;
        if is_whole {
            next = Instant::now() + interval;
        }
        // What is recorded while this sends belongs to the next turn: a turn ends.
        let mut left = lock(&shared.queue).len();
        while left > 0 && (is_whole || left >= BATCH_MAX) {
            let batch = lock(&shared.queue).take_batch();
            left = left.saturating_sub(batch.len());
            if batch.is_empty() {
                break;
            }
            let payload = Payload {
                items: batch.len() as u64,
                encode: Box::new(|encoding| shared.encode_events(&batch, encoding)),
            };
            exporters
                .export(shared, Signal::Logs, payload, &mut end)
                .await;
        }
        if is_whole && !matches!(wake, Wake::Stop) {
            exporters.resend(shared, Signal::Logs, &mut end).await;
        }
        match wake {
            Wake::Due => {}
            // Who asked may have given up waiting.
            Wake::Flush(done) => drop(done.try_send(())),
            Wake::Stop => return,
        }
    }
}

async fn send_metrics(
    shared: &Shared,
    exporters: &Exporters,
    mut flushes: mpsc::Receiver<SyncSender<()>>,
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

async fn write_bodies(shared: &Shared, mut flushes: mpsc::Receiver<SyncSender<()>>, mut end: End) {
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

/// An interval of nothing would keep the thread busy for nothing.
const METRIC_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// When the thread must have ended, once that is asked for.
pub(crate) struct End(watch::Receiver<Option<Instant>>);

impl End {
    /// Waits until the end is asked for.
    async fn asked(&mut self) -> Option<Instant> {
        let deadline = self.0.wait_for(Option::is_some).await;
        deadline.ok().and_then(|deadline| *deadline)
    }

    /// Waits until the time is up.
    pub(crate) async fn passed(&mut self) {
        // Without a deadline the program has ended without asking: nobody waits.
        let deadline = self.asked().await;
        sleep_until(deadline.unwrap_or_else(Instant::now)).await;
    }
}
