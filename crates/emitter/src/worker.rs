//! The thread that sends: its start, its flushes, and its end. What it does is in `task.rs`.
//!
//! Invariant: the signals wait for nothing of each other, and the program that records waits for
//! neither. At the end nothing is waited for beyond the time that was given.

mod task;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::export::{Exporters, scrape};
use crate::finding::Finding;
use crate::shared::Shared;

/// More flushes than this never wait at once.
const FLUSHES_MAX: usize = 8;

/// The running thread.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Until when the end may take, once it is asked for.
    stop: watch::Sender<Option<Instant>>,
    flushes: [mpsc::Sender<SyncSender<()>>; 4],
    /// Closed when the thread has ended.
    ended: Receiver<()>,
    /// Where Prometheus is answered.
    pub(crate) scrape_address: Option<SocketAddr>,
}

impl Worker {
    pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<Worker> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(None);
        let (flush_logs, logs) = mpsc::channel(FLUSHES_MAX);
        let (flush_metrics, metrics) = mpsc::channel(FLUSHES_MAX);
        let (flush_spans, spans) = mpsc::channel(FLUSHES_MAX);
        let (flush_bodies, bodies) = mpsc::channel(FLUSHES_MAX);
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
                    let end = || End(stopped.clone());
                    task::find_repository(&shared, end()).await;
                    let scrape = tokio::spawn(answer_scrapes(Arc::clone(&shared), listener));
                    tokio::join!(
                        task::send_events(&shared, &exporters, logs, end()),
                        task::send_metrics(&shared, &exporters, metrics, end()),
                        task::send_spans(&shared, &exporters, spans, end()),
                        task::write_bodies(&shared, bodies, end()),
                    );
                    scrape.abort();
                });
                // A headers helper that hangs is not waited for.
                runtime.shutdown_background();
            })?;
        Ok(Worker {
            stop,
            flushes: [flush_logs, flush_metrics, flush_spans, flush_bodies],
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
