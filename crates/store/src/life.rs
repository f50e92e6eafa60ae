//! A store in tests: it is sent to, killed, flushed and opened again, by a clock that tests move.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use base::{Clock, Disk, ManualClock, OsDisk};
use contract::{
    DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Signal, Temporality, Value,
};
use tokio::time::Instant;

use crate::batch::METRIC_VALUE;
use crate::{AppendError, Applied, Config, Entry, Opened, Replay, Store, Table, Transport};

pub(crate) const NOW_NS: u64 = 1_795_219_206_986_000_000;
pub(crate) const HOUR_NS: u64 = 3_600_000_000_000;

/// One data directory, and the store that has it open.
pub(crate) struct Life {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Option<Arc<Store>>,
    pub(crate) disk: Arc<dyn Disk>,
    limits: fn(&mut Config),
}

impl Life {
    pub(crate) async fn begin() -> Life {
        Life::on(OsDisk, |_| {}).await
    }

    /// On a disk that may be simulated, with limits of its own.
    pub(crate) async fn on(disk: impl Disk, limits: fn(&mut Config)) -> Life {
        let dir = tempfile::tempdir().expect("a folder");
        let mut life = Life {
            dir,
            clock: Arc::new(ManualClock::at(NOW_NS)),
            store: None,
            disk: Arc::new(disk),
            limits,
        };
        life.restart().await;
        life
    }

    /// Drops the store without a flush, as a kill does, and opens it again.
    pub(crate) async fn restart(&mut self) -> Opened {
        let mut replay = self.restart_for_intake(self.limits).await;
        replay.run().await.expect("replays")
    }

    /// The same with other limits, and without replaying.
    pub(crate) async fn restart_for_intake(&mut self, limits: impl FnOnce(&mut Config)) -> Replay {
        self.store = None;
        let mut config = Config::new(self.dir.path());
        config.disk = Arc::clone(&self.disk);
        limits(&mut config);
        let (store, replay) = Store::open_for_intake(config, self.clock())
            .await
            .expect("opens");
        self.store = Some(store);
        replay
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::<ManualClock>::clone(&self.clock)
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_deref().expect("open")
    }

    pub(crate) async fn send(&self, signal: Signal, protobuf: Vec<u8>) -> Applied {
        let sent = self.try_send(signal, protobuf, Instant::now()).await;
        sent.expect("appends")
    }

    /// The same, by a deadline.
    pub(crate) async fn try_send(
        &self,
        signal: Signal,
        protobuf: Vec<u8>,
        deadline: Instant,
    ) -> Result<Applied, AppendError> {
        let entry = self.entry(signal, protobuf);
        let prepared = self.store().prepare(&entry).expect("prepares");
        self.store().append_by(&entry, prepared, deadline).await
    }

    fn entry(&self, signal: Signal, protobuf: Vec<u8>) -> Entry {
        Entry {
            signal,
            transport: Transport::Http,
            received_ns: self.clock.now_unix_ns(),
            quarantined: Vec::new(),
            provenance: None,
            protobuf: protobuf.into(),
        }
    }

    /// One request of events with these numbers, as an entry.
    pub(crate) fn entry_of(&self, numbers: impl IntoIterator<Item = i64>) -> Entry {
        self.entry(Signal::Logs, logs(numbers))
    }

    /// Sends one request of events with these numbers, and says how many were new.
    pub(crate) async fn events(&self, numbers: impl IntoIterator<Item = i64>) -> u64 {
        let sent = self.try_events(numbers, Instant::now()).await;
        sent.expect("appends").accepted
    }

    /// The same, by a deadline.
    pub(crate) async fn try_events(
        &self,
        numbers: impl IntoIterator<Item = i64>,
        deadline: Instant,
    ) -> Result<Applied, AppendError> {
        self.try_send(Signal::Logs, logs(numbers), deadline).await
    }

    /// Sends one point of a cumulative sum.
    pub(crate) async fn total(&self, time: u64, value: f64) {
        let metric = Metric {
            name: "claude_code.cost.usage".into(),
            kind: MetricKind::Sum,
            temporality: Temporality::Cumulative,
            is_monotonic: true,
            ..Metric::default()
        };
        let point = DataPoint {
            start_time_unix_nano: 1,
            time_unix_nano: NOW_NS + time,
            value: PointValue::Double(value),
            ..DataPoint::default()
        };
        let protobuf = otlp::encode::metrics(&[(Origin::default(), vec![(metric, vec![point])])]);
        self.send(Signal::Metrics, protobuf).await;
    }

    /// What the points that are in memory have added to their sums.
    pub(crate) async fn increments(&self) -> Vec<f64> {
        let snapshot = self.store().snapshot().await;
        let batches = snapshot.batches(Table::Metrics);
        let values = batches.flat_map(|batch| {
            let column = batch.column(METRIC_VALUE).as_primitive::<Float64Type>();
            column.iter().flatten().collect::<Vec<_>>()
        });
        values.collect()
    }

    pub(crate) async fn rows(&self, table: Table) -> u64 {
        let snapshot = self.store().snapshot().await;
        let buffered: usize = snapshot.batches(table).map(RecordBatch::num_rows).sum();
        buffered as u64 + snapshot.parts(table).map(|part| part.rows).sum::<u64>()
    }
}

fn logs(numbers: impl IntoIterator<Item = i64>) -> Vec<u8> {
    let records = numbers.into_iter().map(event).collect();
    otlp::encode::logs(&[(Origin::default(), records)])
}

pub(crate) fn event(number: i64) -> LogRecord<'static> {
    LogRecord {
        time_unix_nano: NOW_NS,
        attributes: vec![
            ("event.name".into(), Value::from("api_request")),
            ("event.sequence".into(), Value::Int(number)),
        ],
        ..LogRecord::default()
    }
}
