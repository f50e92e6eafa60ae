//! Somebody is erased: nothing of them is left in any byte, nothing of others is missing, and no crash
//! and no failing disk leaves it half done.

mod encrypted;
mod options;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryViewArray, StringViewArray};
use arrow::record_batch::RecordBatch;
use base::sim::{Fault, SimDisk, Survival};
use contract::{
    DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Quarantined, RawEncoding, Signal,
    Span, Temporality, Value,
};
use tokio::time::Instant;

use super::*;
use crate::life::{Life, NOW_NS};
use crate::part::Reader;
use crate::split::Split;
use crate::{Entry, Table, Transport};

const ANN: &str = "ann.canary@example.com";
const BEN: &str = "ben.stays@example.com";
const KEY: [u8; 32] = [7; 32];

/// Who has this address, or a session of theirs.
#[derive(Debug)]
struct ByAddress(&'static str);

impl Choice for ByAddress {
    fn chosen(&self, _: Table, rows: &RecordBatch) -> Result<Vec<bool>, String> {
        let emails = rows.column_by_name("user_email").ok_or("no addresses")?;
        let emails = emails.as_string_view().iter();
        Ok(emails.map(|email| email == Some(self.0)).collect())
    }
}

fn may() -> May {
    Arc::new(|| Ok(()))
}

fn choice() -> Arc<dyn Choice> {
    Arc::new(ByAddress(ANN))
}

fn order() -> Order {
    Order {
        id: "0123456789abcdef".into(),
        whom: Whom {
            asked_for: ANN.into(),
            ids: [ANN.to_owned()].into(),
            ..Whom::default()
        },
        asked_by: "officer".into(),
        asked_at_ms: NOW_NS / 1_000_000,
    }
}

/// A text of which every stretch is of this person, field and number.
fn text(who: &str, field: &str, number: u32) -> String {
    let who = who.split('.').next().unwrap_or_default();
    format!("{who}-{field}-{number}-is-written-here-and-nowhere-else-by-{who}")
}

fn attributes(who: &str, number: u32) -> Vec<(std::borrow::Cow<'static, str>, Value<'static>)> {
    let pairs = [
        ("event.name", "user_prompt".to_owned()),
        ("user.email", who.to_owned()),
        ("session.id", format!("session-of-{who}")),
        ("user.id", format!("installation-of-{who}")),
        ("prompt.id", text(who, "prompt-id", number)),
        ("prompt", text(who, "prompt", number)),
        ("odd.key", text(who, "attribute", number)),
        (
            "shared",
            "the same words of everybody, longer than a stretch".to_owned(),
        ),
    ];
    let pairs = pairs
        .into_iter()
        .map(|(key, value)| (key.into(), Value::Str(value.into())));
    pairs.collect()
}

fn origin(who: &str, copy: u32) -> Origin<'static> {
    Origin {
        resource: vec![
            ("host.name".into(), Value::Str(text(who, "host", 0).into())),
            ("collector".into(), Value::Int(i64::from(copy))),
        ],
        scope_name: text(who, "scope", 0).into(),
        ..Origin::default()
    }
}

/// One request of each signal, and an item that nobody understands.
async fn send(life: &Life, who: &str, number: u32) {
    send_of(life, who, number, &Signal::ALL).await;
}

async fn send_of(life: &Life, who: &str, number: u32, signals: &[Signal]) {
    let record = LogRecord {
        time_unix_nano: NOW_NS + u64::from(number),
        body: Some(Value::Str(text(who, "body", number).into())),
        attributes: attributes(who, number),
        ..LogRecord::default()
    };
    // By two collectors, so that the session is among those that came twice.
    let copies = [0, 1].map(|copy| (origin(who, copy), vec![record.clone()]));
    let metric = Metric {
        name: "claude_code.token.usage".into(),
        kind: MetricKind::Sum,
        temporality: Temporality::Cumulative,
        is_monotonic: true,
        ..Metric::default()
    };
    let point = DataPoint {
        start_time_unix_nano: 1,
        time_unix_nano: NOW_NS + u64::from(number),
        value: PointValue::Int(5),
        attributes: attributes(who, number),
        ..DataPoint::default()
    };
    let span = Span {
        trace_id: Some([1; 16]),
        span_id: Some([2; 8]),
        parent_span_id: None,
        name: text(who, "span", number).into(),
        kind: 1,
        start_time_unix_nano: NOW_NS + u64::from(number),
        end_time_unix_nano: NOW_NS + u64::from(number) + 5,
        attributes: attributes(who, number),
        status_code: 0,
        status_message: text(who, "status", number).into(),
        events_json: None,
        links_json: None,
        raw: &[],
    };
    let requests = [
        (Signal::Logs, otlp::encode::logs(&copies)),
        (
            Signal::Metrics,
            otlp::encode::metrics(&[(origin(who, 0), vec![(metric, vec![point])])]),
        ),
        (
            Signal::Traces,
            otlp::encode::spans(&[(origin(who, 0), vec![span])]),
        ),
    ];
    for (signal, protobuf) in requests
        .into_iter()
        .filter(|(signal, _)| signals.contains(signal))
    {
        let odd = |encoding, raw| Quarantined {
            reason: "odd".into(),
            encoding,
            raw,
        };
        let raw = format!(
            "{{\"user.email\":\"{who}\",\"text\":\"{}\"}}",
            text(who, "odd", number)
        );
        let entry = Entry {
            signal,
            transport: Transport::Http,
            provenance: None,
            received_ns: NOW_NS,
            quarantined: vec![
                odd(RawEncoding::Json, raw.clone().into_bytes()),
                odd(RawEncoding::Protobuf, raw.into_bytes()),
            ],
            protobuf: protobuf.into(),
        };
        let prepared = life.store().prepare(&entry).expect("prepares");
        let sent = life
            .store()
            .append_by(&entry, prepared, Instant::now())
            .await;
        sent.expect("appends");
    }
}

/// Ann and Ben, in parts, in the journal alone, and in both.
async fn filled(disk: &SimDisk) -> Life {
    filled_with(disk, &Signal::ALL).await
}

async fn filled_with(disk: &SimDisk, signals: &[Signal]) -> Life {
    let life = Life::on(disk.clone(), |_| {}).await;
    for number in 0..2 {
        for who in [ANN, BEN] {
            send_of(&life, who, number, signals).await;
        }
        if number == 0 {
            life.store().flush().await.expect("flushes");
        }
    }
    life
}

async fn erase(life: &Life) -> Result<Certificate, StoreError> {
    let store = life.store.as_ref().expect("open");
    let erasure = store.begin_erasure(order()).await?;
    erasure.run(choice(), &KEY, may()).await
}

/// Everything that is on a disk, as it lies there and unpacked.
fn unpacked(disk: &SimDisk) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for (path, bytes) in disk.files() {
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            let table = path
                .ancestors()
                .nth(2)
                .and_then(Path::file_name)
                .expect("a table");
            let table = Table::ALL
                .into_iter()
                .find(|own| *own.name() == *table)
                .expect("a table");
            for batch in Reader::open(table, bytes.into(), None).expect("a part") {
                for column in batch.expect("rows").columns() {
                    let any = column.as_any();
                    let texts: Option<&StringViewArray> = any.downcast_ref();
                    let bytes: Option<&BinaryViewArray> = any.downcast_ref();
                    for value in texts.into_iter().flatten().flatten() {
                        text.push_str(value);
                    }
                    for value in bytes.into_iter().flatten().flatten() {
                        text.push_str(&String::from_utf8_lossy(value));
                    }
                }
            }
        }
        all.push((path, text));
    }
    all
}

fn places_of(disk: &SimDisk, who: &str) -> Vec<PathBuf> {
    let short = who.split('.').next().unwrap_or_default();
    let hex: String = who.bytes().map(|byte| format!("{byte:02x}")).collect();
    let needles = [who.to_owned(), format!("-by-{short}"), hex];
    let all = unpacked(disk).into_iter();
    all.filter(|(_, text)| needles.iter().any(|needle| text.contains(needle)))
        .map(|(path, _)| path)
        .collect()
}

/// What a person has in the answers.
async fn rows_of(life: &Life, who: &str) -> usize {
    let snapshot = life.store().snapshot().await;
    let mut count = 0;
    for table in [Table::Events, Table::Metrics, Table::Spans] {
        let mut batches: Vec<RecordBatch> = snapshot.batches(table).cloned().collect();
        for part in snapshot.parts(table) {
            let file = life.store().objects.get(&part.path).await.expect("reads");
            let reader = Reader::open(table, file.into(), None).expect("a part");
            batches.extend(reader.map(|batch| batch.expect("rows")));
        }
        for batch in batches {
            let emails = batch
                .column_by_name("user_email")
                .expect("a column")
                .as_string_view();
            count += emails.iter().filter(|email| *email == Some(who)).count();
        }
    }
    count
}

#[tokio::test]
async fn nothing_of_the_person_is_left_and_nothing_of_others_is_missing() {
    let disk = SimDisk::new();
    let mut life = filled(&disk).await;
    assert!(!places_of(&disk, ANN).is_empty());
    let plan = life
        .store()
        .plan_erasure(&order().whom, &choice())
        .await
        .expect("plans");
    assert_eq!(rows_of(&life, ANN).await, 8);
    let certificate = erase(&life).await.expect("erases");
    assert_eq!(places_of(&disk, ANN), Vec::<PathBuf>::new());
    assert!(certificate.is_verified(), "{}", certificate.text());
    assert!(certificate.is_whole());
    assert_eq!(certificate.removed, plan, "what was announced is what went");
    let removed = &certificate.removed.items;
    assert_eq!(removed["events"], 4, "{removed:?}");
    assert_eq!(
        (removed["metrics"], removed["spans"], removed["quarantine"]),
        (2, 2, 4 * 3)
    );
    assert_eq!(
        (rows_of(&life, ANN).await, rows_of(&life, BEN).await),
        (0, 8)
    );
    send(&life, ANN, 0).await;
    assert_eq!(
        rows_of(&life, ANN).await,
        0,
        "a repeated delivery brings nothing back"
    );
    life.restart().await;
    send(&life, ANN, 0).await;
    assert_eq!(
        (rows_of(&life, ANN).await, rows_of(&life, BEN).await),
        (0, 8)
    );
    send(&life, ANN, 9).await;
    assert_eq!(rows_of(&life, ANN).await, 4, "what is new is taken in");
    assert!(
        life.store()
            .unfinished_erasure()
            .await
            .expect("reads")
            .is_none()
    );
}

#[tokio::test]
async fn what_was_left_behind_is_found() {
    let disk = SimDisk::new();
    let life = filled(&disk).await;
    life.store().flush().await.expect("flushes");
    send(&life, ANN, 7).await;
    let before = disk.files();
    let store = Arc::clone(life.store.as_ref().expect("open"));
    let is_split = |who: &str, split: &Split| {
        let events = split.of(Table::Events).expect("a table of copies");
        events.may_be(&format!("session-of-{who}"))
    };
    let split = || Split::clone(store.state().origins.split());
    assert!(is_split(ANN, &split()) && is_split(BEN, &split()));
    let erasure = store.begin_erasure(order()).await.expect("begins");
    let mut erasure = erasure;
    let found = erasure.rewrite(&choice(), &may()).await.expect("rewrites");
    store.clean_up(&found).await.expect("cleans");
    assert!(!is_split(ANN, &split()) && is_split(BEN, &split()));
    let written = store.state().manifest.split.clone();
    assert!(!is_split(ANN, &written) && is_split(BEN, &written));
    let clean = store.search(&found, false).await.expect("searches");
    assert!(clean.verified, "{clean:?}");
    assert!(
        clean.stretches_of_others > 0 && clean.stretches > 50,
        "{clean:?}"
    );
    // Each file that is gone, put back as a fault would have left it.
    let after = disk.files();
    let gone = before.iter().filter(|(path, _)| !after.contains_key(*path));
    let mut kinds = std::collections::BTreeSet::new();
    for (path, bytes) in gone {
        let under = path
            .strip_prefix(life.dir.path())
            .expect("ours")
            .display()
            .to_string();
        if bytes.len() < 65 || !places_of_bytes(&under, bytes) {
            continue;
        }
        kinds.insert(under.split('/').next().expect("a folder").to_owned());
        disk.install(path, bytes);
        let search = store.search(&found, false).await.expect("searches");
        assert!(!search.verified, "{under} is not noticed");
        assert!(
            search.findings.iter().all(|finding| finding.path == under),
            "{search:?}"
        );
        base::Disk::remove(&disk, path).expect("removes");
    }
    let kinds: Vec<String> = kinds.into_iter().collect();
    // Manifests name nobody: sessions that came twice stand in them as hashes.
    assert_eq!(kinds, ["journal", "parts"]);
}

/// Whether a file told of Ann.
fn places_of_bytes(under: &str, bytes: &[u8]) -> bool {
    let disk = SimDisk::new();
    disk.install(&Path::new("/data").join(under), bytes);
    !places_of(&disk, ANN).is_empty()
}

#[tokio::test]
async fn a_removed_text_without_any_name_is_found() {
    let disk = SimDisk::new();
    let life = filled(&disk).await;
    let store = Arc::clone(life.store.as_ref().expect("open"));
    let mut erasure = store.begin_erasure(order()).await.expect("begins");
    let found = erasure.rewrite(&choice(), &may()).await.expect("rewrites");
    store.clean_up(&found).await.expect("cleans");
    let leak = life.dir.path().join("scratch/spill");
    disk.install(
        &leak,
        format!("....{}....", text(ANN, "prompt", 1)).as_bytes(),
    );
    let search = store.search(&found, false).await.expect("searches");
    let expected = Finding {
        path: "scratch/spill".into(),
        what: "content".into(),
        count: search.findings.first().map_or(0, |finding| finding.count),
    };
    assert_eq!(search.findings, [expected], "{search:?}");
    disk.install(
        &leak,
        b"....the same words of everybody, longer than a stretch....",
    );
    let search = store.search(&found, false).await.expect("searches");
    assert!(
        search.verified && search.stretches_of_others > 0,
        "{search:?}"
    );
}

#[tokio::test]
async fn mentions_by_others_are_told_and_go_when_asked() {
    let disk = SimDisk::new();
    let life = filled(&disk).await;
    let mut attributes = attributes(BEN, 50);
    attributes[5].1 = Value::Str(format!("write to {ANN} please").into());
    let record = LogRecord {
        time_unix_nano: NOW_NS + 50,
        attributes,
        ..LogRecord::default()
    };
    life.send(
        Signal::Logs,
        otlp::encode::logs(&[(origin(BEN, 0), vec![record])]),
    )
    .await;
    let certificate = erase(&life).await.expect("erases");
    let findings = &certificate.search.findings;
    assert!(!certificate.is_verified());
    assert!(
        findings.iter().all(|finding| finding.what == "mention"),
        "{findings:?}"
    );
    let mut again = order();
    again.id = "a9a19".into();
    again.whom.with_mentions = true;
    let store = life.store.as_ref().expect("open");
    let erasure = store.begin_erasure(again).await.expect("begins");
    let certificate = erasure.run(choice(), &KEY, may()).await.expect("erases");
    assert!(certificate.is_verified(), "{}", certificate.text());
    assert_eq!(certificate.removed.mentions, 1);
    assert_eq!(places_of(&disk, ANN), Vec::<PathBuf>::new());
}

/// Ends an erasure that a crash or an error left, or erases anew when it was not even begun.
async fn end(life: &Life) -> Certificate {
    let store = life.store.as_ref().expect("open");
    let unfinished = store.unfinished_erasure().await.expect("reads");
    let anew = Order {
        id: "0000aaaa".into(),
        ..order()
    };
    let erasure = store.begin_erasure(unfinished.unwrap_or(anew)).await;
    erasure
        .expect("begins")
        .run(choice(), &KEY, may())
        .await
        .expect("erases")
}

async fn check(life: &Life, disk: &SimDisk, when: &str) {
    let ann = rows_of(life, ANN).await;
    assert!(
        ann == 0 || ann == 4,
        "{when}: {ann} rows are neither all nor none"
    );
    let ended = certificates(disk);
    let certificate = end(life).await;
    assert!(certificate.is_verified(), "{when}: {}", certificate.text());
    // What was removed is on this certificate, or on the one from before.
    assert!(
        certificate.removed.total() > 0 || ended > 0,
        "{when}: {}",
        certificate.text()
    );
    assert_eq!(places_of(disk, ANN), Vec::<PathBuf>::new(), "{when}");
    assert_eq!(
        (rows_of(life, ANN).await, rows_of(life, BEN).await),
        (0, 4),
        "{when}"
    );
}

fn certificates(disk: &SimDisk) -> usize {
    let files = disk.files();
    let is_certificate = |path: &&PathBuf| path.ends_with("erasure/0123456789abcdef.json");
    files.keys().filter(is_certificate).count()
}

#[tokio::test]
async fn a_power_cut_at_any_operation_leaves_it_to_be_ended() {
    for seed in [0, 1] {
        let mut cut_after = 1;
        loop {
            let survival = match (seed, cut_after % 3) {
                (0, _) => Survival::Nothing,
                (_, 0) => Survival::Everything,
                (seed, _) => Survival::Seeded(seed * 1000 + cut_after),
            };
            let disk = SimDisk::new();
            let mut life = filled_with(&disk, &[Signal::Logs]).await;
            disk.fail_at(disk.operations() + cut_after, Fault::PowerCut);
            let outcome = erase(&life).await;
            if !disk.is_powerless() {
                assert!(outcome.is_ok() && cut_after > 30, "{cut_after} operations");
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
            cut_after += 1;
        }
    }
}

#[tokio::test]
async fn an_error_at_any_operation_leaves_it_to_be_ended() {
    let mut failing = 1;
    loop {
        let disk = SimDisk::new();
        let life = filled_with(&disk, &[Signal::Logs]).await;
        disk.fail_at(
            disk.operations() + failing,
            Fault::Error(std::io::ErrorKind::Other),
        );
        let outcome = erase(&life).await;
        if disk.planned_faults() > 0 {
            assert!(outcome.is_ok() && failing > 30, "{failing} operations");
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
