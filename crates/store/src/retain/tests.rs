//! What is old goes, nothing goes early, what is held stays, and no crash leaves it half done.

mod held_last;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::util::display::array_value_to_string;
use base::Clock;
use base::sim::{Fault, SimDisk, Survival};
use contract::{LogRecord, Origin, Quarantined, RawEncoding, Signal, Value};
use tokio::time::Instant;

use super::*;
use crate::error::StoreError;
use crate::life::{HOUR_NS, Life};
use crate::part::Reader;
use crate::{Entry, Transport};

const CANARY: &str = "canary-of-what-was-said";
const PATH: &str = "/srv/canary-of-a-path";
const KEY: [u8; 32] = [9; 32];

fn key() -> RetentionKey {
    RetentionKey {
        key: KEY,
        named: Named::default(),
    }
}

fn rules(content: Option<u32>, events: Option<u32>, aggregates: Option<u32>) -> Retention {
    Retention {
        days: Days {
            content,
            events,
            aggregates,
        },
        ..Retention::default()
    }
}

fn nobody() -> Arc<dyn Holding> {
    Arc::new(NobodyHeld)
}

/// One request of one session: a prompt, a request to the model, and an item that nobody understands.
async fn send(life: &Life, session: &str, number: i64) {
    let now = life.clock.now_unix_ns();
    let record = |event: &'static str| LogRecord {
        time_unix_nano: now,
        body: Some(Value::Str(format!("{CANARY}-body").into())),
        attributes: [
            ("event.name", event),
            ("session.id", session),
            ("user.email", "ann@example.com"),
            ("prompt", &format!("{CANARY}-prompt")),
            ("unknown.words", &format!("{CANARY}-unknown")),
            ("workspace.host_paths", PATH),
            ("organization.id", "org-a"),
            ("model", "model-a"),
            ("status", "failed"),
        ]
        .map(|(key, value)| (key.into(), Value::Str(value.to_owned().into())))
        .into_iter()
        .chain([
            ("event.sequence".into(), Value::Int(number)),
            ("input_tokens".into(), Value::Int(100)),
        ])
        .collect(),
        ..LogRecord::default()
    };
    let origin = Origin {
        resource: vec![
            ("host.name".into(), Value::Str("host-of-ann".into())),
            ("service.name".into(), Value::Str("agent".into())),
        ],
        ..Origin::default()
    };
    let records = vec![record("user_prompt"), record("api_request")];
    let entry = Entry {
        signal: Signal::Logs,
        transport: Transport::Http,
        provenance: None,
        received_ns: now,
        quarantined: vec![Quarantined {
            reason: "odd".into(),
            encoding: RawEncoding::Json,
            raw: format!("{{\"odd\":\"{CANARY}-odd-{number}\"}}").into_bytes(),
        }],
        protobuf: otlp::encode::logs(&[(origin, records)]).into(),
    };
    let prepared = life.store().prepare(&entry).expect("prepares");
    let sent = life
        .store()
        .append_by(&entry, prepared, Instant::now())
        .await;
    sent.expect("appends");
}

/// Three days; the session `long` lasts over the first two midnights.
async fn three_days(disk: &SimDisk) -> Life {
    let life = Life::on(disk.clone(), |_| {}).await;
    for day in 0..3 {
        if day > 0 {
            life.clock.advance(Duration::from_nanos(24 * HOUR_NS));
        }
        send(&life, &format!("short-{day}"), day).await;
        send(&life, "long", 10 + day).await;
        life.store().flush().await.expect("flushes");
    }
    life
}

async fn run(
    life: &Life,
    retention: &Retention,
    held: &Arc<dyn Holding>,
) -> Result<Done, StoreError> {
    let store = life.store.as_ref().expect("open");
    let mut run = store.begin_retention(retention, key()).await?;
    while run.round(held).await?.is_some() {}
    Ok(run.end(held.as_ref()).await?.last)
}

/// All values of a column in the parts, by day.
async fn values(life: &Life, table: Table, column: &str) -> Vec<Option<String>> {
    let snapshot = life.store().snapshot().await;
    let mut parts: Vec<_> = snapshot.parts(table).cloned().collect();
    parts.sort_by_key(|part| part.day);
    let mut values = Vec::new();
    for part in parts {
        let file = life.store().objects.get(&part.path).await.expect("reads");
        for batch in Reader::open(table, file.into(), None).expect("a part") {
            let batch = batch.expect("rows");
            let column = batch.column_by_name(column).expect("a column");
            values.extend((0..column.len()).map(|row| {
                let is_there = column.is_valid(row);
                is_there.then(|| array_value_to_string(column, row).expect("a text"))
            }));
        }
    }
    values
}

async fn texts(life: &Life, column: &str) -> Vec<String> {
    values(life, Table::Events, column)
        .await
        .into_iter()
        .flatten()
        .collect()
}

/// Files that hold a text, parts unpacked.
async fn places(life: &Life, disk: &SimDisk, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (path, bytes) in disk.files() {
        let mut places = bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes());
        if path.extension().is_some_and(|of| of == "parquet") {
            let name = path.strip_prefix(life.dir.path()).expect("ours");
            let table = name.iter().nth(1).expect("a table").to_str();
            let table = Table::ALL.into_iter().find(|of| Some(of.name()) == table);
            let rows = Reader::open(table.expect("a table"), bytes.into(), None).expect("a part");
            for batch in rows {
                let batch = batch.expect("rows");
                places |= batch.columns().iter().any(|column| {
                    (0..column.len()).any(|row| {
                        column.is_valid(row)
                            && array_value_to_string(column, row)
                                .expect("a text")
                                .contains(text)
                    })
                });
            }
        }
        if places {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn content_goes_from_every_byte_and_nothing_early() {
    let disk = SimDisk::new();
    let life = three_days(&disk).await;
    for early in [rules(None, None, None), rules(Some(2), Some(3), Some(4))] {
        let done = run(&life, &early, &nobody()).await.expect("runs");
        assert_eq!(done, Done::default(), "{early:?}");
    }
    let plan = life
        .store()
        .retention_plan(&rules(Some(1), None, None), &nobody(), &key())
        .await;
    let plan = plan.expect("plans");
    let done = run(&life, &rules(Some(1), None, None), &nobody())
        .await
        .expect("runs");
    assert_eq!(done, plan.total, "what was announced is what went");
    assert_eq!(done.items(Class::Content), 6, "of the first day");
    let prompts = values(&life, Table::Events, "prompt").await;
    assert_eq!(prompts.iter().filter(|text| text.is_some()).count(), 8);
    assert_eq!(
        texts(&life, "workspace_host_paths").await.len(),
        12,
        "a path is no content"
    );
    let again = run(&life, &rules(Some(1), None, None), &nobody())
        .await
        .expect("runs");
    assert_eq!(again, Done::default(), "once is enough");
    life.clock.advance(Duration::from_nanos(3 * 24 * HOUR_NS));
    let done = run(&life, &rules(Some(1), None, None), &nobody())
        .await
        .expect("runs");
    assert_eq!(done.items(Class::Content), 12);
    life.store().flush().await.expect("flushes");
    assert_eq!(places(&life, &disk, CANARY).await, Vec::<PathBuf>::new());
    assert_eq!(texts(&life, "session_id").await.len(), 12);
    let attributes = texts(&life, "attributes").await;
    assert!(
        attributes
            .iter()
            .all(|text| text == "{\"status\":\"failed\"}"),
        "{attributes:?}"
    );
}

#[tokio::test]
async fn figures_stay_and_a_session_is_one_session_on_both_sides() {
    let disk = SimDisk::new();
    let life = three_days(&disk).await;
    let tokens = values(&life, Table::Events, "input_tokens").await;
    let reduced = rules(None, Some(1), None);
    let done = run(&life, &reduced, &nobody()).await.expect("runs");
    assert_eq!((done.items(Class::Events), done.ids_kept), (6, 2));
    assert_eq!(values(&life, Table::Events, "input_tokens").await, tokens);
    let sessions = texts(&life, "session_id").await;
    assert_eq!(
        sessions.iter().filter(|id| *id == "long").count(),
        6,
        "it goes on: {sessions:?}"
    );
    assert!(!sessions.contains(&"short-0".to_owned()), "{sessions:?}");
    let resources = texts(&life, "resource").await;
    assert_eq!(
        resources
            .iter()
            .filter(|text| text.contains("host-of-ann"))
            .count(),
        8
    );
    assert!(
        resources[0].contains("\"service.name\":\"agent\""),
        "{resources:?}"
    );
    life.clock.advance(Duration::from_nanos(24 * HOUR_NS));
    let done = run(&life, &reduced, &nobody()).await.expect("runs");
    assert_eq!(
        (done.items(Class::Events), done.ids_kept),
        (6, 4),
        "ids of the first day stay"
    );
    life.clock.advance(Duration::from_nanos(24 * HOUR_NS));
    let done = run(&life, &reduced, &nobody()).await.expect("runs");
    assert_eq!(
        (done.items(Class::Events), done.ids_kept),
        (6, 0),
        "it has ended"
    );
    let mut sessions = texts(&life, "session_id").await;
    assert!(
        sessions.iter().all(|id| crate::treatment::is_hashed(id)),
        "{sessions:?}"
    );
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), 4, "three short ones and one long");
    for gone in [CANARY, PATH, "short-", "\"long\"", "host-of-ann"] {
        assert_eq!(
            places(&life, &disk, gone).await,
            Vec::<PathBuf>::new(),
            "{gone}"
        );
    }
    assert_eq!(
        texts(&life, "user_email").await.len(),
        12,
        "whose it was stays"
    );
    life.clock.advance(Duration::from_nanos(24 * HOUR_NS));
    assert_eq!(
        run(&life, &reduced, &nobody()).await.expect("runs"),
        Done::default()
    );
    let gone = rules(None, None, Some(3));
    let done = run(&life, &gone, &nobody()).await.expect("runs");
    assert_eq!(
        done.items(Class::Aggregates),
        12,
        "two days with what nobody understood"
    );
    assert_eq!(life.rows(Table::Events).await, 4);
}

#[tokio::test]
async fn a_rule_of_an_organisation_holds_for_its_items_alone() {
    let disk = SimDisk::new();
    let life = three_days(&disk).await;
    let of_b = RetentionRule {
        organization: Some("org-b".into()),
        product: None,
        days: Days {
            content: Some(1),
            ..Days::default()
        },
    };
    let mut retention = Retention {
        rules: vec![of_b],
        ..Retention::default()
    };
    let done = run(&life, &retention, &nobody()).await.expect("runs");
    assert_eq!(done.items(Class::Content), 0);
    retention.rules[0].organization = Some("org-a".into());
    let done = run(&life, &retention, &nobody()).await.expect("runs");
    assert_eq!(
        done.items(Class::Content),
        4,
        "what names no organisation stays"
    );
}

#[tokio::test]
async fn what_names_no_organisation_is_of_the_usual_one() {
    let disk = SimDisk::new();
    let life = three_days(&disk).await;
    let mut retention = rules(None, None, None);
    retention.rules = vec![RetentionRule {
        organization: Some("usual".into()),
        product: None,
        days: Days {
            content: Some(1),
            ..Days::default()
        },
    }];
    retention.usual = "usual".into();
    let done = run(&life, &retention, &nobody()).await.expect("runs");
    assert_eq!(
        done.items(Class::Content),
        0,
        "items that claim another, and unread ones of whom nobody knows, stay"
    );
}

#[tokio::test]
async fn a_wall_clock_that_jumps_lets_nothing_go() {
    let disk = SimDisk::new();
    let life = three_days(&disk).await;
    let year = 365 * 24 * HOUR_NS;
    life.clock.set_unix_ns(life.clock.now_unix_ns() + year);
    let due = rules(None, None, Some(3));
    assert_eq!(
        run(&life, &due, &nobody()).await.expect("runs"),
        Done::default()
    );
    life.clock.advance(Duration::from_nanos(2 * 24 * HOUR_NS));
    let done = run(&life, &due, &nobody()).await.expect("runs");
    assert_eq!(
        done.items(Class::Aggregates),
        6,
        "two days have passed, a year has not"
    );
}

/// Whoever has a session that begins so; another hold comes after some rounds were asked.
#[derive(Debug, Default)]
struct Held {
    session: &'static str,
    asked: AtomicU64,
    comes_after: u64,
}

impl Holding for Held {
    fn is_any(&self) -> bool {
        true
    }

    fn held(&self, table: Table, rows: &RecordBatch) -> Result<Vec<bool>, String> {
        if table == Table::Quarantine {
            return Ok(vec![true; rows.num_rows()]);
        }
        let ids = rows.column_by_name("session_id").ok_or("no sessions")?;
        let ids = ids.as_string_view().iter();
        Ok(ids
            .map(|id| id.is_some_and(|id| id.starts_with(self.session)))
            .collect())
    }

    fn revision(&self) -> u64 {
        1
    }

    fn is_current(&self) -> bool {
        self.comes_after == 0 || self.asked.fetch_add(1, Ordering::SeqCst) < self.comes_after
    }
}

#[tokio::test]
async fn what_is_held_stays_until_it_is_released() {
    let disk = SimDisk::new();
    let life = three_days(&disk).await;
    life.clock.advance(Duration::from_nanos(9 * 24 * HOUR_NS));
    let held: Arc<dyn Holding> = Arc::new(Held {
        session: "short-1",
        ..Held::default()
    });
    let all = rules(Some(1), Some(2), Some(3));
    let done = run(&life, &all, &held).await.expect("runs");
    assert_eq!((done.items(Class::Aggregates), done.held), (10, 2 + 6));
    assert_eq!(texts(&life, "session_id").await, ["short-1", "short-1"]);
    assert_eq!(texts(&life, "prompt").await.len(), 2);
    let done = run(&life, &all, &nobody()).await.expect("runs");
    assert_eq!((done.items(Class::Aggregates), done.held), (8, 0));
    assert_eq!(life.rows(Table::Events).await, 0);
}

#[tokio::test]
async fn a_hold_that_comes_meanwhile_keeps_what_was_not_gone() {
    for comes_after in 1..8 {
        let disk = SimDisk::new();
        let life = three_days(&disk).await;
        life.clock.advance(Duration::from_nanos(9 * 24 * HOUR_NS));
        let held: Arc<dyn Holding> = Arc::new(Held {
            comes_after,
            session: "none",
            ..Held::default()
        });
        let before = life.rows(Table::Events).await;
        let outcome = run(&life, &rules(None, None, Some(3)), &held).await;
        let left = life.rows(Table::Events).await;
        match outcome {
            // Each day is a round: asked for each of its two parts, and before it counts.
            Err(StoreError::Busy(_)) => {
                assert_eq!(left, before - comes_after / 3 * 4, "{comes_after}")
            }
            other => panic!("{other:?}"),
        }
        let store = life.store.as_ref().expect("open");
        assert!(
            state::Intent::load(&store.objects)
                .await
                .expect("reads")
                .is_none()
        );
        run(&life, &rules(None, None, Some(3)), &nobody())
            .await
            .expect("runs");
        assert_eq!(life.rows(Table::Events).await, 0);
    }
}

#[tokio::test]
async fn what_nobody_could_read_goes_with_content() {
    let disk = SimDisk::new();
    let life = three_days(&disk).await;
    let path = life
        .dir
        .path()
        .join("damaged/frame-00000000000000000007.bin");
    disk.install(&path, CANARY.as_bytes());
    let content = rules(Some(1), None, None);
    assert_eq!(
        run(&life, &content, &nobody())
            .await
            .expect("runs")
            .set_aside,
        0
    );
    life.clock.advance(Duration::from_nanos(2 * 24 * HOUR_NS));
    let held: Arc<dyn Holding> = Arc::new(Held {
        session: "none",
        ..Held::default()
    });
    assert_eq!(
        run(&life, &content, &held).await.expect("runs").set_aside,
        0,
        "whose is it?"
    );
    assert_eq!(
        run(&life, &content, &nobody())
            .await
            .expect("runs")
            .set_aside,
        1
    );
    assert!(!disk.files().contains_key(&path));
}

/// Whatever has happened: nothing is lost that is kept, and the next run does the rest.
async fn check(life: &Life, disk: &SimDisk, when: &str) {
    assert_eq!(life.rows(Table::Events).await, 12, "{when}");
    let tokens = values(life, Table::Events, "input_tokens").await;
    assert!(
        tokens.iter().all(|tokens| tokens.as_deref() == Some("100")),
        "{when}"
    );
    run(life, &due(), &nobody()).await.expect("runs");
    life.store().flush().await.expect("flushes");
    assert_eq!(
        places(life, disk, "canary").await,
        Vec::<PathBuf>::new(),
        "{when}"
    );
    assert_eq!(life.rows(Table::Events).await, 12, "{when}");
    let state = life.store().retention_state().await.expect("reads");
    assert_eq!(
        state.total.items(Class::Events),
        18,
        "{when}: each is counted once"
    );
    assert!(life.store().damaged().is_empty(), "{when}");
}

fn due() -> Retention {
    rules(Some(1), Some(1), None)
}

async fn old(disk: &SimDisk) -> Life {
    let life = three_days(disk).await;
    life.clock.advance(Duration::from_nanos(4 * 24 * HOUR_NS));
    life
}

#[tokio::test]
async fn a_power_cut_at_any_operation_costs_nothing_that_is_kept() {
    for seed in [0, 3] {
        let mut cut_after = 1;
        loop {
            let survival = match (seed, cut_after % 3) {
                (0, _) => Survival::Nothing,
                (_, 0) => Survival::Everything,
                (seed, _) => Survival::Seeded(seed * 1000 + cut_after),
            };
            let disk = SimDisk::new();
            let mut life = old(&disk).await;
            disk.fail_at(disk.operations() + cut_after, Fault::PowerCut);
            let outcome = run(&life, &due(), &nobody()).await;
            if !disk.is_powerless() {
                assert!(outcome.is_ok() && cut_after > 60, "{cut_after} operations");
                break;
            }
            life.store = None;
            disk.crash(survival);
            life.restart().await;
            check(
                &life,
                &disk,
                &format!("{survival:?}, operation {cut_after}"),
            )
            .await;
            cut_after += 3;
        }
    }
}

#[tokio::test]
async fn an_error_at_any_operation_leaves_it_to_the_next_run() {
    let mut failing = 1;
    loop {
        let disk = SimDisk::new();
        let life = old(&disk).await;
        let fault = Fault::Error(std::io::ErrorKind::Other);
        disk.fail_at(disk.operations() + failing, fault);
        let outcome = run(&life, &due(), &nobody()).await;
        if disk.planned_faults() > 0 {
            assert!(outcome.is_ok() && failing > 60, "{failing} operations");
            break;
        }
        check(
            &life,
            &disk,
            &format!("operation {failing}, {:?}", outcome.err()),
        )
        .await;
        failing += 1;
    }
}
