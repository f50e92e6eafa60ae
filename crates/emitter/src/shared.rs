//! What a session, its prompts and the sending thread share.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::{DataPoint, Signal};
use otlp::Encoding;
use tokio::sync::Notify;

use crate::bodies::{BodyQueue, Place};
use crate::content::Content;
use crate::counts::Tally;
use crate::event::AnyEvent;
use crate::finding::{Finding, Listener};
use crate::head::{Agent, Head, Origins, Repository};
use crate::meter::{Measure, Meter};
use crate::record::{BATCH_MAX, Queue, Record, Waiting, timestamp};
use crate::settings::{Exporter, Settings};
use crate::surroundings::Surroundings;
use crate::trace::{Ended, Parent};

/// What a session, its prompts and the sending thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) agent: Agent,
    pub(crate) settings: Settings,
    pub(crate) origins: Origins,
    pub(crate) repository: Repository,
    pub(crate) surroundings: Surroundings,
    pub(crate) listener: Listener,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) spans: Mutex<Waiting<Ended>>,
    interactions: AtomicU64,
    /// What content may leave in spans.
    pub(crate) span_content: Content,
    pub(crate) bodies: Mutex<BodyQueue>,
    bodies_lost: AtomicU64,
    pub(crate) meter: Mutex<Meter>,
    /// The same sums for Prometheus, which wants them since the start.
    pub(crate) scraped: Mutex<Meter>,
    pub(crate) events: Tally,
    pub(crate) points: Tally,
    pub(crate) ended: Tally,
    /// Told when a batch is full.
    pub(crate) wake: Notify,
    /// Told when a batch of spans is full.
    pub(crate) wake_spans: Notify,
    /// Told when a body is to be written.
    pub(crate) wake_bodies: Notify,
}

impl Shared {
    pub(crate) fn new(
        agent: Agent,
        settings: Settings,
        surroundings: Surroundings,
        listener: Listener,
    ) -> Shared {
        Shared {
            origins: Origins::new(&agent, &settings),
            span_content: settings.tracing.content(&settings.content),
            repository: Repository::default(),
            agent,
            settings,
            surroundings,
            listener,
            queue: Mutex::default(),
            spans: Mutex::default(),
            interactions: AtomicU64::new(0),
            bodies: Mutex::default(),
            bodies_lost: AtomicU64::new(0),
            meter: Mutex::default(),
            scraped: Mutex::default(),
            events: Tally::default(),
            points: Tally::default(),
            ended: Tally::default(),
            wake: Notify::new(),
            wake_spans: Notify::new(),
            wake_bodies: Notify::new(),
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now_nanos() / 1_000_000
    }

    pub(crate) fn now_nanos(&self) -> u64 {
        (self.surroundings.now_nanos)()
    }

    pub(crate) fn has_spans(&self) -> bool {
        self.settings.is_enabled && !self.settings.traces.exporters.is_empty()
    }

    /// Where a span without one around it belongs.
    pub(crate) fn inbound_parent(&self) -> Parent {
        match &self.settings.tracing.parent {
            Some(context) => Parent::Remote(context.clone()),
            None => Parent::None,
        }
    }

    /// Whether others are told of our spans.
    pub(crate) fn propagates_traces(&self) -> bool {
        self.settings.tracing.propagates || self.agent.custom_base_url != Some(true)
    }

    /// The number of a new turn, counted from 1.
    pub(crate) fn next_interaction(&self) -> u64 {
        self.interactions.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn has_events(&self) -> bool {
        self.settings.is_enabled && !self.settings.logs.exporters.is_empty()
    }

    pub(crate) fn has_metrics(&self) -> bool {
        self.settings.is_enabled && !self.settings.metrics.exporters.is_empty()
    }

    /// Whether Prometheus fetches metrics.
    pub(crate) fn is_scraped(&self) -> bool {
        self.settings
            .metrics
            .exporters
            .contains(&Exporter::Prometheus)
    }

    /// Whether metrics are sent by ourselves.
    pub(crate) fn pushes_metrics(&self) -> bool {
        let mut exporters = self.settings.metrics.exporters.iter();
        exporters.any(|exporter| *exporter != Exporter::Prometheus)
    }

    pub(crate) fn put(&self, record: Record) {
        let (placed, waiting) = {
            let mut queue = lock(&self.queue);
            let placed = queue.push(record, self.now_ms());
            (placed, queue.waiting.len())
        };
        self.events.recorded(1);
        if let Err(reason) = placed {
            self.drop_items(Signal::Logs, 1, reason);
        }
        if waiting >= BATCH_MAX || self.settings.logs.interval.is_zero() {
            self.wake.notify_one();
        }
    }

    pub(crate) fn put_span(&self, span: Ended) {
        let (placed, waiting) = {
            let mut spans = lock(&self.spans);
            (spans.push(span), spans.len())
        };
        self.ended.recorded(1);
        if let Err(reason) = placed {
            self.drop_items(Signal::Traces, 1, reason);
        }
        if waiting >= BATCH_MAX || self.settings.traces.interval.is_zero() {
            self.wake_spans.notify_one();
        }
    }

    /// Takes an event's body, if it has one, to be written into this directory.
    pub(crate) fn file(&self, dir: &Path, session: &str, event: &mut dyn AnyEvent) {
        let new_id = &*self.surroundings.new_id;
        let Some(mut file) = event.file(&Place { dir, new_id }) else {
            return;
        };
        file.place_in(timestamp(self.now_ms()), session);
        let is_placed = {
            let mut bodies = lock(&self.bodies);
            let has_room = bodies.has_room();
            if has_room {
                bodies.push(file);
            }
            has_room
        };
        match is_placed {
            true => self.wake_bodies.notify_one(),
            false => self.lose_bodies(1, "more wait than there is room for: the disk is too slow"),
        }
    }

    /// Counts bodies that are not written, and says so.
    pub(crate) fn lose_bodies(&self, bodies: u64, reason: &str) {
        let total = self.bodies_lost.fetch_add(bodies, Ordering::Relaxed) + bodies;
        if is_worth_saying(bodies, total) {
            let message = format!("{total} bodies are not written so far: {reason}");
            let finding = Finding::error("OTEL_LOG_RAW_API_BODIES", message);
            self.listener.tell(&finding);
        }
    }

    pub(crate) fn count(&self, head: &Arc<Head>, measures: Vec<Measure>) {
        if !self.has_metrics() || measures.is_empty() {
            return;
        }
        let now_ms = self.now_ms();
        let mut refused = 0;
        if self.is_scraped() {
            let mut scraped = lock(&self.scraped);
            for measure in &measures {
                refused += u64::from(!scraped.add(head, measure.clone(), now_ms));
            }
        }
        if self.pushes_metrics() {
            let mut meter = lock(&self.meter);
            for measure in measures {
                refused += u64::from(!meter.add(head, measure, now_ms));
            }
        }
        if refused > 0 {
            let reason = "a value is below 0 or no number, or there are too many series";
            self.points.recorded(refused);
            self.drop_items(Signal::Metrics, refused, reason);
        }
    }

    pub(crate) fn tally(&self, signal: Signal) -> &Tally {
        match signal {
            Signal::Logs => &self.events,
            Signal::Metrics => &self.points,
            Signal::Traces => &self.ended,
        }
    }

    /// Counts what is lost, and says so: the first time, and whenever twice as much is lost.
    pub(crate) fn drop_items(&self, signal: Signal, items: u64, reason: &str) {
        let total = self.tally(signal).dropped(items);
        self.say_loss(signal, items, total, "dropped", reason);
    }

    /// The same of what the spool loses.
    pub(crate) fn lose_items(&self, signal: Signal, items: u64, reason: &str) {
        let total = self.tally(signal).lost(items);
        self.say_loss(signal, items, total, "lost from the spool", reason);
    }

    /// The same of what may not be sent where it should go.
    pub(crate) fn block_items(&self, signal: Signal, items: u64, reason: &str) {
        let total = self.tally(signal).blocked(items);
        self.say_loss(signal, items, total, "blocked", reason);
    }

    fn say_loss(&self, signal: Signal, items: u64, total: u64, how: &str, reason: &str) {
        if is_worth_saying(items, total) {
            let message = format!("{total} {} {how} so far: {reason}", signal.items());
            self.listener.tell(&Finding::error(signal.name(), message));
        }
    }

    /// Says that the spool's directory cannot be used.
    pub(crate) fn tell_of_spool(&self, error: &std::io::Error) {
        let finding = Finding::error("TALLYBOOK_SPOOL_DIR", error.to_string());
        self.listener.tell(&finding);
    }

    /// One export request of these events.
    pub(crate) fn encode_events(&self, records: &[Record], encoding: Encoding) -> Vec<u8> {
        let records: Vec<_> = records.iter().map(Record::log_record).collect();
        otlp::javascript::logs(encoding, &self.origins.events, &records)
    }

    /// One export request of these spans.
    pub(crate) fn encode_spans(&self, spans: &[Ended], encoding: Encoding) -> Vec<u8> {
        let spans: Vec<_> = spans.iter().map(Ended::span).collect();
        otlp::javascript::spans(encoding, &self.origins.spans, &spans)
    }

    /// One export request for each of the encodings, of all that was counted, and how many points it
    /// has; `None` when there is nothing to say.
    pub(crate) fn encode_metrics(&self, encodings: &[Encoding]) -> Option<(Vec<Vec<u8>>, u64)> {
        let mut meter = lock(&self.meter);
        let metrics = meter.collect(self.now_ms(), self.settings.temporality);
        if metrics.is_empty() {
            return None;
        }
        let points = |(_, points): &(_, Vec<DataPoint<'_>>)| points.len() as u64;
        let count = metrics.iter().map(points).sum();
        let origin = &self.origins.metrics;
        let encode = |encoding: &Encoding| otlp::javascript::metrics(*encoding, origin, &metrics);
        Some((encodings.iter().map(encode).collect(), count))
    }
}

/// The first loss is said, and whenever twice as much is lost.
fn is_worth_saying(lost: u64, total: u64) -> bool {
    let before = total.saturating_sub(lost);
    before == 0 || before.ilog2() != total.ilog2()
}

/// A thread that panicked while it held the lock leaves the content as it was.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
