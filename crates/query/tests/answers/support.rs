//! A store with recorded requests in it, and questions to it.

use std::path::PathBuf;
use std::sync::Arc;

use base::{Clock, ManualClock};
use bytes::Bytes;
use contract::{Quarantined, Signal};
use fleet::{Recorded, Scenario};
use otlp::{Encoding, Limits};
use query::{Engine, Question, Sight, render};
use serde_json::Value;
use store::{Entry, Store, Transport};
use tempfile::TempDir;

/// When the requests are received: an hour after the captures were recorded.
pub(crate) const NOW_MS: i64 = 1_795_225_000_000;
pub(crate) const DAY_MS: i64 = 86_400_000;

/// An engine over a store in a folder of its own.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) dir: TempDir,
}

impl Bench {
    /// A store that holds the named scenarios.
    pub(crate) async fn with(scenarios: &[&str]) -> Bench {
        Bench::configured(scenarios, query::Config::default()).await
    }

    /// A store that holds the named scenarios, asked by these settings.
    pub(crate) async fn configured(scenarios: &[&str], config: query::Config) -> Bench {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let bench = Bench::opened(dir, config).await;
        for name in scenarios {
            for request in scenario(name).requests {
                bench.receive(&request).await;
            }
        }
        bench
    }

    /// A store over a data directory.
    pub(crate) async fn over(dir: TempDir) -> Bench {
        Bench::opened(dir, query::Config::default()).await
    }

    async fn opened(dir: TempDir, config: query::Config) -> Bench {
        let clock = Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000));
        Bench::at(dir, clock, config).await
    }

    /// A store over a data directory, by a clock of the caller's.
    pub(crate) async fn at(dir: TempDir, clock: Arc<ManualClock>, config: query::Config) -> Bench {
        let of_store: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let (store, _) = Store::open(store::Config::new(dir.path()), of_store)
            .await
            .expect("opens");
        let engine = Engine::new(Arc::clone(&store), config).expect("an engine");
        Bench {
            engine,
            store,
            clock,
            dir,
        }
    }

    /// The same data directory opened again, without a flush before, as after a kill.
    pub(crate) async fn reopened(self, config: query::Config) -> Bench {
        let Bench {
            engine,
            store,
            clock,
            dir,
        } = self;
        drop(engine);
        drop(store);
        Bench::at(dir, clock, config).await
    }

    /// Stores an export request.
    pub(crate) async fn append(&self, signal: Signal, protobuf: Bytes, received_ms: u64) {
        append(
            &self.store,
            entry(signal, protobuf, Vec::new(), received_ms),
        )
        .await;
    }

    /// Stores what was read of a request, with the items that could not be understood.
    pub(crate) async fn append_read(&self, signal: Signal, read: otlp::FromJson, received_ms: u64) {
        let entry = entry(signal, read.protobuf.into(), read.quarantined, received_ms);
        append(&self.store, entry).await;
    }

    /// Stores a recorded request.
    pub(crate) async fn receive(&self, request: &Recorded) {
        let (protobuf, quarantined) = read(request);
        append(
            &self.store,
            entry(request.signal, protobuf, quarantined, NOW_MS as u64),
        )
        .await;
    }

    /// A question of who may see everything.
    pub(crate) fn all(&self) -> Question<'_> {
        self.engine.question(Sight::everything())
    }

    /// The rows of an answer.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Value> {
        let answer = self
            .all()
            .query(sql, None)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let json = render::json(&answer).expect("renders");
        serde_json::from_slice(&json).expect("rows")
    }

    /// The only row of an answer.
    pub(crate) async fn row(&self, sql: &str) -> Value {
        let mut rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows.remove(0)
    }
}

fn entry(
    signal: Signal,
    protobuf: Bytes,
    quarantined: Vec<Quarantined>,
    received_ms: u64,
) -> Entry {
    let received_ns = received_ms * 1_000_000;
    Entry {
        signal,
        transport: Transport::Http,
        received_ns,
        quarantined,
        provenance: None,
        protobuf,
    }
}

async fn append(store: &Store, entry: Entry) {
    let prepared = store.prepare(&entry).expect("decodes");
    store
        .append(&entry, prepared)
        .await
        .expect("is acknowledged");
}

fn read(request: &Recorded) -> (Bytes, Vec<Quarantined>) {
    match request.encoding {
        Encoding::Protobuf => (request.plain_body.clone().into(), Vec::new()),
        Encoding::Json => {
            let read = otlp::from_json(request.signal, &request.plain_body, &Limits::default());
            let read = read.expect("OTLP/JSON");
            (read.protobuf.into(), read.quarantined)
        }
    }
}

pub(crate) fn scenario(name: &str) -> Scenario {
    Scenario::load(captures().join(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// All recorded scenarios.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let folders = fleet::list(captures()).unwrap_or_else(|error| panic!("{error}"));
    let load = |folder| Scenario::load(folder).unwrap_or_else(|error| panic!("{error}"));
    folders.into_iter().map(load).collect()
}

fn captures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/captures")
}

/// Equal but for rounding.
#[track_caller]
pub(crate) fn assert_close(left: f64, right: f64, what: &str) {
    assert!((left - right).abs() < 1e-9, "{what}: {left} is not {right}");
}

pub(crate) fn number(row: &Value, name: &str) -> f64 {
    row[name]
        .as_f64()
        .unwrap_or_else(|| panic!("{name} in {row}"))
}
