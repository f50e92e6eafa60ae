//! The recorded requests of the real clients under policies: untouched by the default, counted the
//! same under every other; and what redaction costs beside the rest of intake.
//!
//! `cargo test --release -p search --test captures -- --ignored --nocapture figures` prints the cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::{DataPoint, LogRecord, Metric, Origin, Quarantined, Signal, Sink, Span, Value};
use otlp::{Encoding, Limits};
use redact::{Policy, Settings};
use store::{Entry, Store, Transport};
use testkit::{Problem, scenarios};

fn policy(change: impl FnOnce(&mut Settings)) -> Policy {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
        .policy(&[7; 32])
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Every recorded request that can be read, as protobuf.
fn requests() -> Result<Vec<(Signal, Vec<u8>)>, Problem> {
    let mut all = Vec::new();
    for scenario in scenarios()? {
        for request in scenario.requests {
            let protobuf = match request.encoding {
                Encoding::Protobuf => request.plain_body,
                Encoding::Json => {
                    match otlp::from_json(request.signal, &request.plain_body, &Limits::default()) {
                        Ok(read) => read.protobuf,
                        Err(_) => continue,
                    }
                }
            };
            all.push((request.signal, protobuf));
        }
    }
    assert!(all.len() > 300, "{} requests", all.len());
    Ok(all)
}

fn redacted(policy: &Policy, signal: Signal, request: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
    let mut redactor = policy.redactor(signal, None);
    let done = otlp::rewrite(signal, request, &Limits::default(), &mut redactor);
    let done = done.map_err(|refused| Problem::new(refused.to_string()))?;
    assert_eq!(done.quarantined, []);
    Ok(done.protobuf)
}

#[test]
fn the_default_policy_leaves_recorded_requests_alone() -> Result<(), Problem> {
    let policy = policy(|_| {});
    for (signal, request) in requests()? {
        assert_eq!(redacted(&policy, signal, &request)?, None);
    }
    Ok(())
}

/// What is counted: items, and every number and id by which something is.
#[derive(Debug, Default, PartialEq)]
struct Counted {
    items: u64,
    numbers: Vec<String>,
}

const BY: [&str; 9] = [
    "cost_usd",
    "input_tokens",
    "output_tokens",
    "duration_ms",
    "request_id",
    "session.id",
    "event.name",
    "model",
    "event.sequence",
];

impl Counted {
    fn take(&mut self, attributes: &[(std::borrow::Cow<'_, str>, Value<'_>)]) {
        self.items += 1;
        let counted = attributes.iter().filter(|(key, _)| BY.contains(&&**key));
        self.numbers
            .extend(counted.map(|(key, value)| format!("{key}={value:?}")));
    }
}

impl Sink for Counted {
    fn origin(&mut self, _: &Origin<'_>) {}
    fn log(&mut self, record: &LogRecord<'_>) {
        self.take(&record.attributes);
    }
    fn point(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>) {
        self.take(&point.attributes);
        self.numbers
            .push(format!("{} {:?}", metric.name, point.value));
    }
    fn span(&mut self, span: &Span<'_>) {
        self.take(&span.attributes);
    }
    fn quarantine(&mut self, item: Quarantined) {
        panic!("{item:?}");
    }
}

#[test]
fn no_policy_changes_what_is_counted_and_each_is_done_once() -> Result<(), Problem> {
    let harsh = policy(|settings| {
        settings.content = "drop".to_owned();
        settings.people = "drop".to_owned();
        settings.other = "drop".to_owned();
    });
    let gentle = policy(|settings| {
        settings.content = "truncate:40".to_owned();
        settings.people = "pseudonymise".to_owned();
        settings.other = "hash".to_owned();
    });
    let counted = |signal, request: &[u8]| {
        let mut counted = Counted::default();
        otlp::decode(signal, request, &Limits::default(), &mut counted).map(|_| counted)
    };
    for (signal, request) in requests()? {
        for policy in [&harsh, &gentle] {
            let once = redacted(policy, signal, &request)?.unwrap_or_else(|| request.clone());
            assert_eq!(counted(signal, &request), counted(signal, &once));
            assert_eq!(
                redacted(policy, signal, &request)?,
                Some(once.clone()).filter(|once| *once != request)
            );
            assert_eq!(
                redacted(policy, signal, &once)?,
                None,
                "it is changed a second time"
            );
        }
    }
    Ok(())
}

#[derive(Default)]
struct Items(u64);

impl Sink for Items {
    fn origin(&mut self, _: &Origin<'_>) {}
    fn log(&mut self, _: &LogRecord<'_>) {
        self.0 += 1;
    }
    fn point(&mut self, _: &Metric<'_>, _: &DataPoint<'_>) {
        self.0 += 1;
    }
    fn span(&mut self, _: &Span<'_>) {
        self.0 += 1;
    }
    fn quarantine(&mut self, _: Quarantined) {}
}

#[tokio::test]
#[ignore = "measures; asserts nothing"]
async fn figures() -> Result<(), Problem> {
    let requests = requests()?;
    let dir = tempfile::tempdir()?;
    let clock = Arc::new(base::SystemClock::new());
    let (store, _) = Store::open(store::Config::new(dir.path()), clock)
        .await
        .map_err(|error| Problem::new(error.to_string()))?;
    let (mut items, mut bytes) = (Items::default(), 0);
    for (signal, request) in &requests {
        bytes += request.len();
        let decoded = otlp::decode(*signal, request, &Limits::default(), &mut items);
        decoded.map_err(|refused| Problem::new(refused.to_string()))?;
    }
    let entries: Vec<Entry> = requests
        .iter()
        .map(|(signal, request)| Entry {
            signal: *signal,
            transport: Transport::Http,
            received_ns: 1,
            provenance: None,
            quarantined: Vec::new(),
            protobuf: request.clone().into(),
        })
        .collect();
    let policies = [
        ("the default", policy(|_| {})),
        (
            "content dropped, people pseudonymised",
            policy(|settings| {
                settings.content = "drop".to_owned();
                settings.people = "pseudonymise".to_owned();
            }),
        ),
        (
            "every detector",
            policy(|settings| settings.detectors = redact::GROUPS.map(str::to_owned).to_vec()),
        ),
    ];
    println!("{} items, {bytes} bytes of protobuf, best of 9", items.0);
    for (name, policy) in &policies {
        // In turns, so that what else runs on the machine meets both.
        let (mut without, mut with) = (Duration::MAX, Duration::MAX);
        for _ in 0..9 {
            let started = Instant::now();
            for entry in &entries {
                store
                    .prepare(entry)
                    .map_err(|error| Problem::new(error.to_string()))?;
            }
            without = without.min(started.elapsed());
            let started = Instant::now();
            for (signal, request) in &requests {
                redacted(policy, *signal, request)?;
            }
            with = with.min(started.elapsed());
        }
        println!(
            "{name}: {:.0} ns an item, {:.0} MB/s; decoding and building rows {:.0} ns; share {:.1} %",
            with.as_nanos() as f64 / items.0 as f64,
            bytes as f64 / with.as_secs_f64() / 1e6,
            without.as_nanos() as f64 / items.0 as f64,
            100.0 * with.as_secs_f64() / (with + without).as_secs_f64()
        );
    }
    Ok(())
}
