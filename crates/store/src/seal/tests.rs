//! An encrypted directory shows nothing, costs nothing that was acknowledged, and refuses what was changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::seal::{RootKey, Scope, Vault};
use base::sim::{Fault, SimDisk, Survival};
use base::{Disk, OsDisk};
use contract::{LogRecord, Origin, Signal, Value};
use journal::{Frame, Sequence};
use tokio::time::Instant;

use crate::life::{Life, NOW_NS};
use crate::{Beside, Config, Entry, Provenance, Store, StoreError, Table, Transport};

const CANARY: &str = "canary-that-nobody-may-read-4711";

fn root(byte: u8) -> RootKey {
    RootKey::from_bytes([byte; 32])
}

fn sealed(config: &mut Config) {
    config.root_key = Some(root(1));
}

fn plain(config: &mut Config) {
    config.root_key = None;
}

/// Events of an organisation, each with the canary, everywhere where a text may be.
fn entry(organization: &str, numbers: std::ops::Range<i64>) -> Entry {
    let event = |number| LogRecord {
        time_unix_nano: NOW_NS,
        body: Some(Value::from(CANARY)),
        attributes: vec![
            ("event.name".into(), Value::from("user_prompt")),
            ("event.sequence".into(), Value::Int(number)),
            (
                "session.id".into(),
                Value::Str(format!("{organization}-{CANARY}").into()),
            ),
            ("prompt".into(), Value::from(CANARY)),
            (CANARY.into(), Value::from(CANARY)),
        ],
        ..LogRecord::default()
    };
    // Under two resources, so that manifests tell of the session.
    let of = |copy| Origin {
        resource: vec![("collector".into(), Value::Int(copy))],
        ..Origin::default()
    };
    let records = [0, 1].map(|copy| (of(copy), numbers.clone().map(event).collect()));
    let provenance = Provenance {
        token: "t".into(),
        organization: organization.into(),
        ..Provenance::default()
    };
    Entry {
        signal: Signal::Logs,
        transport: Transport::Http,
        received_ns: NOW_NS,
        quarantined: Vec::new(),
        provenance: Some(Arc::new(provenance)),
        protobuf: otlp::encode::logs(&records).into(),
    }
}

async fn send(life: &Life, organization: &str, numbers: std::ops::Range<i64>) {
    let entry = entry(organization, numbers);
    let prepared = life.store().prepare(&entry).expect("prepares");
    let sent = life
        .store()
        .append_by(&entry, prepared, Instant::now())
        .await;
    assert!(sent.expect("appends").accepted > 0);
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("readable").path();
            match path.is_dir() {
                true => dirs.push(path),
                false => drop(found.insert(path.clone(), std::fs::read(&path).expect("reads"))),
            }
        }
    }
    found
}

/// Files in which the canary is, as it is or in a compressed frame.
fn showing(dir: &Path) -> Vec<PathBuf> {
    let has = |bytes: &[u8]| {
        bytes
            .windows(CANARY.len())
            .any(|at| at == CANARY.as_bytes())
    };
    let inflated = |bytes: &[u8]| {
        let mut starts = bytes.windows(4).enumerate();
        starts.any(|(at, magic)| {
            magic == [0x28, 0xb5, 0x2f, 0xfd]
                && zstd::bulk::decompress(&bytes[at..], 64 << 20).is_ok_and(|inner| has(&inner))
        })
    };
    let shows = |bytes: &[u8]| has(bytes) || inflated(bytes);
    let files = files(dir).into_iter();
    files
        .filter(|(_, bytes)| shows(bytes))
        .map(|(path, _)| path)
        .collect()
}

async fn restart_sealed(life: &mut Life) {
    let mut replay = life.restart_for_intake(sealed).await;
    replay.run().await.expect("replays");
}

/// The parts' paths by organisation.
async fn parts(life: &Life, organization: &str) -> Vec<String> {
    let vault = life.store().vault().expect("encrypted");
    let scope = Scope::Named(organization.to_owned());
    let snapshot = life.store().snapshot().await;
    let of = |path: &String| {
        let file = std::fs::read(life.dir.path().join(path)).expect("reads");
        let key = vault.key_of_file(&file, file.len() as u64);
        key.and_then(|(_, info)| info)
            .is_some_and(|info| info.scope == scope)
    };
    let paths = snapshot.parts(Table::Events).map(|part| part.path.clone());
    paths.filter(of).collect()
}

async fn sound_rows(life: &Life) -> u64 {
    let snapshot = life.store().snapshot().await;
    let parts = snapshot.parts(Table::Events).cloned().collect();
    let sound = snapshot.sound(parts).await.expect("readable");
    sound.iter().map(|part| part.rows).sum()
}

#[tokio::test]
async fn nothing_is_shown_and_without_a_key_the_same_search_finds_it() {
    for (limits, is_shown) in [(plain as fn(&mut Config), true), (sealed, false)] {
        let mut life = Life::on(OsDisk, limits).await;
        send(&life, "A", 0..20).await;
        life.store().flush().await.expect("flushes");
        send(&life, "A", 20..30).await;
        let in_memory = showing(life.dir.path());
        life.restart().await;
        assert_eq!(life.rows(Table::Events).await, 60);
        let restarted = showing(life.dir.path());
        for found in [in_memory, restarted] {
            let has = |folder: &str| {
                found
                    .iter()
                    .any(|path| path.to_string_lossy().contains(folder))
            };
            assert_eq!(has("/journal/"), is_shown, "{found:?}");
            assert_eq!(has("/parts/"), is_shown, "{found:?}");
            assert!(
                !has("/manifest/"),
                "they have hashes of sessions: {found:?}"
            );
            assert_eq!(found.is_empty(), !is_shown, "{found:?}");
        }
    }
}

#[tokio::test]
async fn an_organisation_without_its_key_is_unreadable_and_nobody_else() {
    let mut life = Life::on(OsDisk, sealed).await;
    for organization in ["A", "B", ""] {
        send(&life, organization, 0..10).await;
    }
    life.store().flush().await.expect("flushes");
    for organization in ["A", "B"] {
        assert_eq!(parts(&life, organization).await.len(), 1, "{organization}");
    }
    send(&life, "A", 10..15).await;
    send(&life, "B", 10..15).await;
    let lost = parts(&life, "A").await;
    let vault = Arc::clone(life.store().vault().expect("encrypted"));
    vault.destroy(&Scope::Named("A".into())).expect("destroys");
    let opened = life.restart().await;
    assert_eq!(opened.damaged.len(), 1, "its frame: {opened:?}");
    assert!(
        opened.damaged[0].contains("not in the key ring"),
        "{opened:?}"
    );
    assert_eq!(sound_rows(&life).await, 40, "B's, and those of nobody");
    let damaged = life.store().damaged().into_iter().map(|file| file.path);
    let of_parts: Vec<_> = damaged.filter(|path| path.starts_with("parts/")).collect();
    assert_eq!(of_parts, lost);
    // Who comes again under the same name gets another key.
    send(&life, "A", 20..25).await;
    life.store().flush().await.expect("flushes");
    assert_eq!(sound_rows(&life).await, 40 + 10 + 10);
}

#[tokio::test]
async fn without_the_right_key_nothing_is_written() {
    let mut life = Life::on(OsDisk, sealed).await;
    send(&life, "A", 0..10).await;
    life.store().flush().await.expect("flushes");
    life.store = None;
    let before = files(life.dir.path());
    for (key, says) in [
        (None, "there is no key"),
        (Some(root(2)), "the key that is set is"),
    ] {
        let mut config = Config::new(life.dir.path());
        config.root_key = key;
        let opened = Store::open(config, life.clock()).await.map(drop);
        let error = opened.expect_err("refused");
        assert!(matches!(error, StoreError::Encryption(_)), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(files(life.dir.path()), before);
    }
    // Without the ring it is no plain directory either.
    for path in ["keys/ring", "keys/ring.copy"] {
        std::fs::remove_file(life.dir.path().join(path)).expect("removes");
    }
    for key in [None, Some(root(1))] {
        let mut config = Config::new(life.dir.path());
        config.root_key = key;
        let opened = Store::open(config, life.clock()).await.map(drop);
        let error = opened.expect_err("refused").to_string();
        assert!(error.contains("key ring is missing"), "{error}");
    }
}

#[tokio::test]
async fn what_was_changed_or_moved_is_refused_and_costs_only_itself() {
    let mut life = Life::on(OsDisk, sealed).await;
    for organization in ["A", "B", "C"] {
        send(&life, organization, 0..10).await;
    }
    life.store().flush().await.expect("flushes");
    let path = |paths: Vec<String>| life.dir.path().join(&paths[0]);
    let (a, b) = (path(parts(&life, "A").await), path(parts(&life, "B").await));
    let (of_a, of_b) = (
        std::fs::read(&a).expect("reads"),
        std::fs::read(&b).expect("reads"),
    );
    let mut flipped = of_a.clone();
    *flipped.last_mut().expect("a byte") ^= 1;
    let cut = of_a[..of_a.len() - 1].to_vec();
    for (written, says) in [
        (flipped, "altered"),
        (cut, "cut or lengthened"),
        (of_b, "altered"),
    ] {
        std::fs::write(&a, &written).expect("writes");
        life.restart().await;
        assert_eq!(sound_rows(&life).await, 40, "B and C");
        let damaged = life.store().damaged();
        assert_eq!(damaged.len(), 1, "{damaged:?}");
        assert!(damaged[0].reason.contains(says), "{damaged:?}");
    }
    std::fs::write(&a, &of_a).expect("writes");
    life.restart().await;
    assert_eq!(sound_rows(&life).await, 60);
}

#[tokio::test]
async fn a_frame_is_opened_where_it_was_written_only() {
    let life = Life::on(OsDisk, sealed).await;
    send(&life, "A", 0..1).await;
    let frames = life.store().journal.read_from(Sequence::new(1), 1 << 20);
    let frame = frames.expect("reads").remove(0);
    let content = life.store().opened(&frame).expect("opens");
    assert_eq!(content, entry("A", 0..1).encode());
    let moved = Frame {
        sequence: frame.sequence.next(),
        ..frame
    };
    let error = life
        .store()
        .opened(&moved)
        .expect_err("refused")
        .to_string();
    assert!(error.contains("has been moved"), "{error}");
}

#[tokio::test]
async fn a_plain_directory_becomes_encrypted_and_its_parts_are_split() {
    let mut life = Life::on(OsDisk, plain).await;
    for organization in ["A", "B", ""] {
        send(&life, organization, 0..10).await;
    }
    life.store().flush().await.expect("flushes");
    send(&life, "A", 10..12).await;
    restart_sealed(&mut life).await;
    let status = life.store().encryption_status().await.expect("looks");
    assert!(
        status.plain_files > 0 && !status.is_finished(),
        "{status:?}"
    );
    assert!(!showing(life.dir.path()).is_empty());
    let resealed = life
        .store()
        .reseal(Beside::Nobody, |_, _| {})
        .await
        .expect("reseals");
    assert_eq!((resealed.parts, resealed.unreadable), (1, 0));
    let status = life.store().encryption_status().await.expect("looks");
    assert!(status.is_finished(), "{status:?}");
    assert_eq!(showing(life.dir.path()), Vec::<PathBuf>::new());
    assert_eq!(
        parts(&life, "A").await.len(),
        2,
        "one from before, one of the journal"
    );
    assert_eq!(sound_rows(&life).await, 64);
    restart_sealed(&mut life).await;
    assert_eq!(sound_rows(&life).await, 64);
}

#[tokio::test]
async fn new_keys_seal_from_now_on_and_old_ones_go_when_nothing_is_under_them() {
    let mut life = Life::on(OsDisk, sealed).await;
    send(&life, "A", 0..10).await;
    life.store().flush().await.expect("flushes");
    let vault = Arc::clone(life.store().vault().expect("encrypted"));
    let before = vault.keys();
    vault.rotate_keys().expect("rotates");
    life.restart().await;
    send(&life, "A", 10..20).await;
    life.store().flush().await.expect("flushes");
    assert_eq!(sound_rows(&life).await, 40);
    let status = life.store().encryption_status().await.expect("looks");
    let old = status
        .keys
        .iter()
        .filter(|key| !key.is_current && key.files > 0);
    assert!(old.count() > 0 && !status.is_finished(), "{status:?}");
    let resealed = life
        .store()
        .reseal(Beside::Nobody, |_, _| {})
        .await
        .expect("reseals");
    assert_eq!(
        (resealed.parts, resealed.keys_forgotten),
        (1, before.len() as u64)
    );
    let left = life.store().vault().expect("encrypted").keys();
    assert!(
        left.iter()
            .all(|key| key.is_current && !before.contains(key))
    );
    life.restart().await;
    assert_eq!(sound_rows(&life).await, 40);
}

/// Whatever operation the power fails at while a plain directory is encrypted and its keys are renewed,
/// every row is there afterwards, once.
#[tokio::test]
async fn a_power_cut_during_rotation_and_rewriting_costs_nothing() {
    let mut cuts = 0;
    for ordinal in (1..).step_by(3) {
        let survival = match ordinal % 2 {
            0 => Survival::Nothing,
            _ => Survival::Seeded(ordinal),
        };
        let disk = SimDisk::new();
        let mut life = Life::on(disk.clone(), |config| {
            plain(config);
            config.seed = Some(3);
        })
        .await;
        send(&life, "A", 0..5).await;
        send(&life, "B", 0..5).await;
        life.store().flush().await.expect("flushes");
        send(&life, "A", 5..7).await;
        life.store = None;
        disk.fail_at(disk.operations() + ordinal, Fault::PowerCut);
        let is_done = encrypt(&life).await.is_ok();
        disk.plan_no_faults();
        disk.crash(survival);
        let (store, _) = open(&life).await.expect("opens after a power cut");
        let snapshot = store.snapshot().await;
        let buffered: usize = snapshot
            .batches(Table::Events)
            .map(|batch| batch.num_rows())
            .sum();
        let parts: Vec<_> = snapshot.parts(Table::Events).cloned().collect();
        let sound = snapshot.sound(parts.clone()).await.expect("readable");
        assert_eq!(sound, parts, "operation {ordinal}");
        let rows = buffered as u64 + parts.iter().map(|part| part.rows).sum::<u64>();
        assert_eq!(rows, 24, "operation {ordinal}");
        if is_done {
            break;
        }
        cuts += 1;
    }
    assert!(cuts > 10, "{cuts} power cuts");
}

async fn open(life: &Life) -> Result<(Arc<Store>, crate::Opened), StoreError> {
    let mut config = Config::new(life.dir.path());
    config.disk = Arc::clone(&life.disk);
    config.seed = Some(4);
    config.root_key = Some(root(1));
    Store::open(config, life.clock()).await
}

async fn encrypt(life: &Life) -> Result<(), StoreError> {
    let (store, _) = open(life).await?;
    store.reseal(Beside::Nobody, |_, _| {}).await?;
    store.vault().expect("encrypted").rotate_keys()?;
    store.reseal(Beside::Nobody, |_, _| {}).await.map(drop)
}

/// An older program takes a sealed manifest for a newer version's, and so leaves the directory alone.
#[tokio::test]
async fn an_older_program_refuses_the_directory_by_its_version() {
    let disk = Arc::new(SimDisk::new());
    let (dir, root) = (Path::new("/data"), root(1));
    let vault = Vault::create(
        Arc::clone(&disk) as Arc<dyn Disk>,
        dir,
        &root,
        super::randomness(None),
    );
    let file = vault
        .expect("a ring")
        .seal_file(&Scope::Installation, "manifest/1.json", b"{}");
    let read = crate::document::unseal::<serde_json::Value>(&file.expect("seals"), 2);
    assert!(matches!(
        read,
        Err(crate::Unreadable::Newer { found: 1001, .. })
    ));
}
