//! The store at one moment, and its meters.
//!
//! Invariant: all values of a [`Stats`] are read at one moment, and nothing is decided by them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base::meters::{Counter, Histograms, Readings, Source, WORK_SECONDS, counter, histograms};
use journal::Sequence;

use crate::flush::Flushed;
use crate::progress::ReplayProgress;
use crate::retain::{Class, Done};
use crate::schema::Table;
use crate::store::{Config, Store};

/// Sizes of a store now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rows in memory.
    pub buffer_rows: u64,
    /// Bytes of the requests they came in.
    pub buffer_bytes: u64,
    /// Age of the oldest row that no flush has taken yet; zero when there is none.
    pub oldest_unflushed: Duration,
    /// Parts.
    pub parts: u64,
    /// Bytes of all parts.
    pub part_bytes: u64,
    /// Rows of the parts of `quarantine`.
    pub quarantined_rows: u64,
    /// The newest manifest.
    pub manifest_number: u64,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// Files of the journal.
    pub journal_segments: u64,
    /// Frames of the journal that are not in parts yet.
    pub journal_lag_frames: u64,
    /// What these take, from up to 1 MiB before the first of them.
    pub journal_lag_bytes: u64,
    /// Frames on their way into the journal.
    pub journal_queue_frames: u64,
    /// Payload bytes of these.
    pub journal_queue_bytes: u64,
    /// How long the journal's last sync took; none before the first append of this process.
    pub last_sync: Option<Duration>,
    /// When the latest request was stored, nanoseconds since the Unix epoch; 0 before the first. After
    /// a restart known for as long as its identities are.
    pub newest_received_ns: u64,
    /// The latest time in the parts, milliseconds since the Unix epoch.
    pub newest_part_ms: Option<i64>,
    /// Bytes of the disk that may still be written; none where the system does not say.
    pub disk_free_bytes: Option<u64>,
    /// Files that were found damaged since the start.
    pub damaged_files: u64,
    /// Identities that deduplication remembers.
    pub identities: u64,
}

impl Store {
    /// Sizes now.
    pub fn stats(&self) -> Stats {
        let age_now_ns = self.age_ns();
        let journal = self.journal.stats();
        let damaged_files = self.damaged().len() as u64;
        let free = self.config.disk.free_space(&self.config.dir);
        let state = self.state();
        let manifest = &state.manifest;
        let lag = self.journal.lag(Sequence::new(manifest.journal_through));
        let age_ns = |oldest_ns| age_now_ns.saturating_sub(oldest_ns);
        let quarantine = manifest
            .parts
            .iter()
            .filter(|part| part.table == Table::Quarantine);
        Stats {
            buffer_rows: state.rows() as u64,
            buffer_bytes: state.bytes() as u64,
            oldest_unflushed: Duration::from_nanos(state.oldest_age_ns.map_or(0, age_ns)),
            parts: manifest.parts.len() as u64,
            part_bytes: manifest.parts.iter().map(|part| part.bytes).sum(),
            quarantined_rows: quarantine.map(|part| part.rows).sum(),
            manifest_number: manifest.number,
            journal_bytes: journal.bytes,
            journal_segments: journal.segments as u64,
            journal_lag_frames: lag.frames,
            journal_lag_bytes: lag.bytes,
            journal_queue_frames: journal.queued_frames as u64,
            journal_queue_bytes: journal.queued_bytes,
            last_sync: journal.last_sync,
            newest_received_ns: state.newest_received_ns,
            newest_part_ms: manifest.parts.iter().map(|part| part.time_max_ms).max(),
            disk_free_bytes: free.ok().map(|free| free.bytes),
            damaged_files,
            identities: state.dedup.len() as u64,
        }
    }

    /// Everything that the store and its journal count and time, to be shown.
    pub fn meters(self: &Arc<Self>) -> Vec<Source> {
        let store = Arc::clone(self);
        let mut sources = self.journal.meters();
        sources.extend(self.meters.sources());
        sources.push(self.fates.meters());
        sources.push(sizes(move || store.stats(), &self.config));
        let store = Arc::clone(self);
        sources.push(replay(move || store.replay_progress()));
        sources
    }
}

/// What flushes time and count.
#[derive(Debug)]
pub(crate) struct Meters {
    flush_seconds: Histograms,
    flushed_rows: Counter,
    flushed_bytes: Counter,
    retained: [Counter; 3],
}

impl Meters {
    pub(crate) fn new() -> Meters {
        let flush_seconds = histograms(
            "tallybook_flush_duration_seconds",
            "How long writing the buffer to parts took, by how it ended; what failed is tried again.",
            WORK_SECONDS,
            &["outcome"],
        );
        for outcome in ["ok", "failed"] {
            // There from the start: an alert on failures must not wait for the first one.
            let _ = flush_seconds.with_label_values(&[outcome]);
        }
        Meters {
            flush_seconds,
            flushed_rows: counter("tallybook_flushed_rows_total", "Rows written to parts."),
            flushed_bytes: counter(
                "tallybook_flushed_bytes_total",
                "Bytes of the parts written.",
            ),
            retained: [
                counter(
                    "tallybook_retention_without_content_total",
                    "Items whose content went because it was older than retention.content_days.",
                ),
                counter(
                    "tallybook_retention_reduced_total",
                    "Items that were reduced to their figures because they were older than retention.events_days.",
                ),
                counter(
                    "tallybook_retention_gone_total",
                    "Items whose figures went because they were older than retention.aggregates_days.",
                ),
            ],
        }
    }

    /// A flush has ended; `None` when it failed.
    pub(crate) fn flushed(&self, began: Instant, outcome: Option<Flushed>) {
        let name = if outcome.is_some() { "ok" } else { "failed" };
        let took = began.elapsed().as_secs_f64();
        self.flush_seconds.with_label_values(&[name]).observe(took);
        if let Some(flushed) = outcome {
            self.flushed_rows.inc_by(flushed.rows);
            self.flushed_bytes.inc_by(flushed.bytes);
        }
    }

    /// Retention has let go of something.
    pub(crate) fn retained(&self, done: &Done) {
        let classes = [Class::Content, Class::Events, Class::Aggregates];
        for (counter, class) in self.retained.iter().zip(classes) {
            counter.inc_by(done.items(class));
        }
    }

    fn sources(&self) -> Vec<Source> {
        let [without_content, reduced, gone] = self.retained.clone();
        vec![
            Box::new(without_content),
            Box::new(reduced),
            Box::new(gone),
            Box::new(self.flush_seconds.clone()),
            Box::new(self.flushed_rows.clone()),
            Box::new(self.flushed_bytes.clone()),
        ]
    }
}

type Read = fn(&Stats) -> f64;

/// Name, what it is, where it is read.
const SIZES: [(&str, &str, Read); 18] = [
    ("tallybook_buffer_rows", "Rows in memory.", |now| {
        now.buffer_rows as f64
    }),
    (
        "tallybook_buffer_bytes",
        "Bytes of the requests whose rows are in memory.",
        |now| now.buffer_bytes as f64,
    ),
    (
        "tallybook_buffer_oldest_age_seconds",
        "Age of the oldest row that no flush has taken yet; 0 when there is none.",
        |now| now.oldest_unflushed.as_secs_f64(),
    ),
    ("tallybook_parts", "Column files.", |now| now.parts as f64),
    (
        "tallybook_part_bytes",
        "Bytes of all column files.",
        |now| now.part_bytes as f64,
    ),
    (
        "tallybook_part_quarantined_rows",
        "Rows of quarantine in column files.",
        |now| now.quarantined_rows as f64,
    ),
    (
        "tallybook_manifest_number",
        "The newest manifest; it grows with every flush.",
        |now| now.manifest_number as f64,
    ),
    ("tallybook_journal_bytes", "Bytes of the journal.", |now| {
        now.journal_bytes as f64
    }),
    (
        "tallybook_journal_segments",
        "Files of the journal.",
        |now| now.journal_segments as f64,
    ),
    (
        "tallybook_journal_lag_frames",
        "Frames of the journal that are not in parts yet: what a restart replays.",
        |now| now.journal_lag_frames as f64,
    ),
    (
        "tallybook_journal_lag_bytes",
        "Bytes of the journal that are not in parts yet, to within 1 MiB.",
        |now| now.journal_lag_bytes as f64,
    ),
    (
        "tallybook_journal_queue_frames",
        "Frames on their way into the journal.",
        |now| now.journal_queue_frames as f64,
    ),
    (
        "tallybook_journal_queue_bytes",
        "Bytes on their way into the journal.",
        |now| now.journal_queue_bytes as f64,
    ),
    (
        "tallybook_journal_last_sync_duration_seconds",
        "How long the last sync of the journal took; 0 before the first.",
        |now| now.last_sync.unwrap_or_default().as_secs_f64(),
    ),
    (
        "tallybook_disk_free_bytes",
        "Bytes of the disk that may still be written; below store.disk_reserve requests are refused for now.",
        |now| now.disk_free_bytes.unwrap_or_default() as f64,
    ),
    (
        "tallybook_damaged_files",
        "Files of the data directory that were found damaged since the start; 1,000 at most.",
        |now| now.damaged_files as f64,
    ),
    (
        "tallybook_identities",
        "Items that a repeated delivery is known by.",
        |now| now.identities as f64,
    ),
    (
        "tallybook_last_received_timestamp_seconds",
        "When the latest request was stored, by our own clock; 0 before the first.",
        |now| now.newest_received_ns as f64 / 1e9,
    ),
];

fn sizes(read: impl Fn() -> Stats + Send + Sync + 'static, config: &Config) -> Source {
    let mut readings = Readings::new(read);
    for (name, about, of) in SIZES {
        readings = readings.gauge(name, about, &[], of);
    }
    let limits = [
        (
            "tallybook_buffer_rows_limit",
            "Rows in memory at which requests wait for a flush to make room, and are then refused for now.",
            config.buffer_rows_max,
        ),
        (
            "tallybook_buffer_bytes_limit",
            "Bytes in memory at which requests wait for a flush to make room, and are then refused for now.",
            config.buffer_bytes_max,
        ),
    ];
    for (name, about, limit) in limits {
        readings = readings.gauge(name, about, &[], move |_| limit as f64);
    }
    Box::new(readings)
}

fn replay(read: impl Fn() -> ReplayProgress + Send + Sync + 'static) -> Source {
    let yes = |is: bool| f64::from(u8::from(is));
    let readings = Readings::new(read)
        .gauge(
            "tallybook_replay_running",
            "1 while the journal is replayed after a start: requests are taken and queries wait; 0 afterwards.",
            &[],
            move |now| yes(!now.is_done()),
        )
        .gauge(
            "tallybook_replay_failing",
            "1 while the replay does not get on and is tried again; nothing is taken in meanwhile.",
            &[],
            move |now| yes(now.failure.is_some()),
        )
        .gauge(
            "tallybook_replay_frames",
            "Frames of the journal to be replayed, with those that arrived meanwhile.",
            &[],
            |now| now.frames_total as f64,
        )
        .gauge(
            "tallybook_replay_frames_done",
            "Frames of the journal that are replayed.",
            &[],
            |now| now.frames_done as f64,
        )
        .gauge(
            "tallybook_replay_bytes",
            "Bytes of the journal to be replayed, about.",
            &[],
            |now| now.bytes_total as f64,
        )
        .gauge(
            "tallybook_replay_bytes_done",
            "Bytes of the journal that are replayed.",
            &[],
            |now| now.bytes_done as f64,
        );
    Box::new(readings)
}
