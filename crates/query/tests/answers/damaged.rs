//! A damaged part costs its own rows, is named, and nothing else: no other answer, no panic, no server.

use std::fs;
use std::path::PathBuf;

use contract::{LogRecord, Origin, Signal, Value};

use crate::support::{Bench, DAY_MS, NOW_MS};

/// Five events of yesterday and three of today, in a part each; the path of yesterday's.
async fn two_days() -> (Bench, String) {
    let bench = Bench::with(&[]).await;
    for (day, count) in [(1, 5), (0, 3)] {
        let received_ms = (NOW_MS - day * DAY_MS) as u64;
        let event = |sequence: i64| LogRecord {
            time_unix_nano: received_ms * 1_000_000,
            attributes: vec![
                ("event.name".into(), Value::from("api_request")),
                ("event.sequence".into(), Value::Int(sequence)),
            ],
            ..LogRecord::default()
        };
        let records = (0..count).map(event).collect();
        let protobuf = otlp::encode::logs(&[(Origin::default(), records)]);
        bench
            .append(Signal::Logs, protobuf.into(), received_ms)
            .await;
    }
    bench.store.flush().await.expect("flushes");
    let snapshot = bench.store.snapshot().await;
    let mut parts: Vec<_> = snapshot.parts(store::Table::Events).cloned().collect();
    parts.sort_by_key(|part| part.day);
    assert_eq!(parts.len(), 2);
    (bench, parts[0].path.clone())
}

async fn count(bench: &Bench, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) AS events FROM events {condition}");
    bench.row(&sql).await["events"].as_i64().expect("a number")
}

fn today() -> String {
    format!("WHERE time >= to_timestamp_millis({})", NOW_MS - DAY_MS / 2)
}

fn damaged(bench: &Bench) -> Vec<String> {
    let damaged = bench.store.damaged().into_iter();
    damaged.map(|file| file.path).collect()
}

fn file(bench: &Bench, path: &str) -> PathBuf {
    bench.dir.path().join(path)
}

/// What happens to a file.
type Harm = fn(&PathBuf);

#[tokio::test]
async fn a_damaged_or_missing_part_is_left_out_by_name_where_it_is_wanted() {
    let ways: [(&str, Harm); 4] = [
        ("flipped", |path| {
            let mut bytes = fs::read(path).expect("readable");
            bytes[1_000] ^= 1;
            fs::write(path, bytes).expect("writable");
        }),
        ("cut", |path| {
            let bytes = fs::read(path).expect("readable");
            fs::write(path, &bytes[..bytes.len() / 2]).expect("writable");
        }),
        ("emptied", |path| fs::write(path, b"").expect("writable")),
        ("removed", |path| fs::remove_file(path).expect("removable")),
    ];
    for (way, damage) in ways {
        let (bench, path) = two_days().await;
        damage(&file(&bench, &path));
        assert_eq!(count(&bench, &today()).await, 3, "{way}");
        assert!(
            damaged(&bench).is_empty(),
            "{way}: not wanted, so not looked at"
        );
        assert_eq!(count(&bench, "").await, 3, "{way}");
        assert_eq!(damaged(&bench), [path], "{way}");
        assert_eq!(count(&bench, &today()).await, 3, "{way}");
    }
}

#[tokio::test]
async fn what_is_found_sound_is_not_read_again() {
    let (bench, path) = two_days().await;
    assert_eq!(count(&bench, "").await, 8);
    assert_eq!(count(&bench, "").await, 8);
    assert!(damaged(&bench).is_empty(), "{path}");
}

/// Rubbish whose checksum the manifest names: what no writer of ours makes. The reader of Parquet may
/// panic on it; that is one query's error.
#[tokio::test]
async fn rubbish_with_the_right_checksum_ends_its_query_alone() {
    let (bench, path) = two_days().await;
    let manifest = file(&bench, "manifest/00000000000000000001.json");
    let text = fs::read_to_string(&manifest).expect("readable");
    let part = fs::read(file(&bench, &path)).expect("readable");
    for seed in 0..40_usize {
        let mut rubbish = part.clone();
        for step in 0..64 {
            // Everywhere but in the footer's own length and magic.
            let at = 4 + (seed * 7_919 + step * 104_729) % (rubbish.len() - 12);
            rubbish[at] ^= (seed + step) as u8 | 1;
        }
        let checksums = [&part, &rubbish].map(|bytes| crc32c::crc32c(bytes).to_string());
        assert!(text.contains(&checksums[0]));
        let body = text.replace(&checksums[0], &checksums[1]);
        let (body, _) = body
            .trim_end()
            .rsplit_once('\n')
            .expect("a checksum's line");
        let dir = tempfile::tempdir().expect("a folder");
        let at = |path: &str| {
            let target = dir.path().join(path);
            fs::create_dir_all(target.parent().expect("a folder")).expect("creates");
            target
        };
        for kept in bench.store.snapshot().await.parts(store::Table::Events) {
            fs::copy(file(&bench, &kept.path), at(&kept.path)).expect("copies");
        }
        fs::write(at(&path), &rubbish).expect("writes");
        let sealed = format!("{body}\ncrc32c {:08x}\n", crc32c::crc32c(body.as_bytes()));
        fs::write(at("manifest/00000000000000000001.json"), sealed).expect("writes");
        let identities = "identities/00000000000000000001.ids";
        fs::copy(file(&bench, identities), at(identities)).expect("copies");

        let other = Bench::over(dir).await;
        let everything = "SELECT * FROM events";
        let answer = other.all().query(everything, None).await;
        let rows = answer.map(|answer| answer.rows()).unwrap_or_default();
        assert!(rows <= 8, "seed {seed}: {rows} rows");
        assert_eq!(count(&other, &today()).await, 3, "seed {seed}");
    }
}
