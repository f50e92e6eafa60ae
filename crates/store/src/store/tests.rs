//! The life of a store: append, flush, restart, repetition, in every order that matters.

use base::ManualClock;
use contract::Signal;

use super::*;
use crate::Table;
use crate::life::{HOUR_NS, Life, NOW_NS};

#[tokio::test]
async fn a_kill_loses_nothing_and_doubles_nothing() {
    let mut life = Life::begin().await;
    assert_eq!(life.events(0..10).await, 10);
    let opened = life.restart().await;
    assert_eq!((opened.frames, opened.rows), (1, 10));
    assert_eq!(
        life.events(5..15).await,
        5,
        "five are known from before the kill"
    );
    assert_eq!(life.rows(Table::Events).await, 15);
    life.store().flush().await.expect("flushes");
    assert_eq!(
        (
            life.rows(Table::Events).await,
            life.store().stats().buffer_rows
        ),
        (15, 0)
    );
    let opened = life.restart().await;
    assert_eq!(
        (opened.frames, opened.rows),
        (0, 0),
        "the parts have it all"
    );
    assert_eq!(life.events(0..16).await, 1, "parts are remembered too");
    assert_eq!(life.rows(Table::Events).await, 16);
}

#[tokio::test]
async fn identical_items_of_one_request_are_all_kept_and_known_when_repeated() {
    let life = Life::begin().await;
    assert_eq!(life.events([1, 1, 1]).await, 3);
    assert_eq!(life.events([1, 1, 1]).await, 0);
    assert_eq!(life.events([1, 1]).await, 0);
    let fate = life.store().fates().of(Signal::Logs);
    assert!(fate.is_settled());
    assert_eq!((fate.received, fate.accepted, fate.deduplicated), (8, 3, 5));
}

#[tokio::test]
async fn a_repetition_is_known_for_a_day_across_flush_and_restart() {
    let mut life = Life::begin().await;
    life.events(0..10).await;
    life.store().flush().await.expect("flushes");
    life.clock.advance(Duration::from_nanos(23 * HOUR_NS));
    life.restart().await;
    assert_eq!(life.events(0..10).await, 0);
    life.events(100..101).await;
    life.clock.advance(Duration::from_nanos(37 * HOUR_NS));
    life.events(200..201).await;
    life.store().flush().await.expect("flushes");
    let files = life
        .store()
        .objects
        .list("identities")
        .await
        .expect("lists");
    assert_eq!(
        files.len(),
        2,
        "both copies of the last; identities older than the horizon are deleted"
    );
}

#[tokio::test]
async fn what_a_crash_left_of_a_flush_is_removed() {
    let mut life = Life::begin().await;
    life.events(0..10).await;
    life.store()
        .objects
        .replace("parts/events/2026-11-21/77.parquet", b"half".to_vec())
        .await
        .expect("writes");
    let opened = life.restart().await;
    assert_eq!((opened.orphans, opened.rows), (1, 10));
    assert!(
        life.store()
            .objects
            .list("parts")
            .await
            .expect("lists")
            .is_empty()
    );
}

#[tokio::test]
async fn a_flush_that_cannot_write_keeps_everything_and_a_later_one_succeeds() {
    let mut life = Life::begin().await;
    life.events(0..10).await;
    // A file where the folder of parts should be: every write of a part fails.
    let blocker = life.dir.path().join("parts");
    std::fs::write(&blocker, b"").expect("writes");
    assert!(life.store().flush().await.is_err());
    assert_eq!(life.rows(Table::Events).await, 10);
    assert_eq!(life.events(5..15).await, 5);
    std::fs::remove_file(&blocker).expect("removes");
    let flushed = life.store().flush().await.expect("flushes");
    assert_eq!(flushed.rows, 15);
    life.restart().await;
    assert_eq!(
        life.events(0..15).await,
        0,
        "the identities of the failed flush are kept as well"
    );
    assert_eq!(life.rows(Table::Events).await, 15);
}

#[tokio::test]
async fn only_the_owner_may_enter_the_data_directory() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("new/data");
    let opened = Store::open(Config::new(&data), Arc::new(ManualClock::at(NOW_NS))).await;
    assert!(opened.is_ok());
    let mode = std::fs::metadata(&data)
        .expect("is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let life = Life::begin().await;
    let second = Store::open(Config::new(life.dir.path()), life.clock()).await;
    assert!(matches!(second.err(), Some(crate::StoreError::Lock(_))));
}

#[tokio::test]
async fn increments_survive_a_flush_and_a_restart() {
    let mut life = Life::begin().await;
    life.total(1, 5.0).await;
    life.store().flush().await.expect("flushes");
    life.restart().await;
    life.total(2, 7.0).await;
    life.restart().await;
    life.total(2, 7.0).await;
    life.total(3, 12.0).await;
    assert_eq!(
        life.increments().await,
        [2.0, 5.0],
        "the first five are in a part"
    );
}

#[tokio::test]
async fn concurrent_requests_meet_flushes_without_loss() {
    let life = Life::begin().await;
    let store = life.store.as_ref().map(Arc::clone).expect("open");
    let flushing = tokio::spawn(async move {
        for _ in 0..20 {
            store.flush().await.expect("flushes");
            tokio::task::yield_now().await;
        }
    });
    let sent = futures::future::join_all(
        (0..50).map(|request| life.events(request * 10..request * 10 + 10)),
    )
    .await;
    flushing.await.expect("no panic");
    assert_eq!(sent.iter().sum::<u64>(), 500);
    assert_eq!(life.rows(Table::Events).await, 500);
}

#[tokio::test]
async fn data_without_a_manifest_is_never_taken_for_empty() {
    let mut life = Life::begin().await;
    life.events(0..10).await;
    life.store().flush().await.expect("flushes");
    life.store = None;
    for dir in ["manifest", "manifest-copies"] {
        std::fs::remove_dir_all(life.dir.path().join(dir)).expect("removes");
    }
    let opened = Store::open(Config::new(life.dir.path()), life.clock()).await;
    assert!(matches!(
        opened.err(),
        Some(crate::StoreError::DamagedManifest(_))
    ));
    assert!(
        life.dir.path().join("parts/events").is_dir(),
        "nothing is deleted"
    );
}

#[tokio::test]
async fn asking_does_not_make_a_data_directory() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("series")).expect("creates");
    std::fs::write(dir.path().join("series/one.mkv"), b"mine").expect("writes");
    let config = Config {
        create: false,
        ..Config::new(dir.path())
    };
    let opened = Store::open(config, Arc::new(ManualClock::at(NOW_NS))).await;
    assert!(matches!(opened.err(), Some(crate::StoreError::NotAStore)));
    assert!(dir.path().join("series/one.mkv").is_file());
}

#[tokio::test]
async fn a_rotten_manifest_is_refused_once_the_journal_has_moved_on() {
    let mut life = Life::begin().await;
    life.events(0..10).await;
    life.store().flush().await.expect("flushes");
    life.store = None;
    let rot = |dir: &str| {
        let newest = life.dir.path().join(dir).join("00000000000000000001.json");
        let mut text = std::fs::read(&newest).expect("reads");
        text[40] ^= 1;
        std::fs::write(&newest, &text).expect("writes");
    };
    rot("manifest");
    let opened = Store::open(Config::new(life.dir.path()), life.clock()).await;
    let (store, _) = opened.expect("the copy is read instead");
    let parts = store.snapshot().await;
    let rows: u64 = parts.parts(Table::Events).map(|part| part.rows).sum();
    assert_eq!(rows, 10);
    drop((parts, store));
    rot("manifest-copies");
    let opened = Store::open(Config::new(life.dir.path()), life.clock()).await;
    assert!(matches!(
        opened.err(),
        Some(crate::StoreError::DamagedManifest(_))
    ));
    assert!(
        life.dir.path().join("parts/events").is_dir(),
        "nothing is deleted"
    );
}

#[tokio::test]
async fn a_repetition_in_the_journal_stays_one_however_long_the_server_was_down() {
    let mut life = Life::begin().await;
    life.events(0..10).await;
    life.store().flush().await.expect("flushes");
    life.clock.set_unix_ns(NOW_NS + 23 * HOUR_NS);
    assert_eq!(life.events(0..10).await, 0);
    life.clock.set_unix_ns(NOW_NS + 90 * HOUR_NS);
    life.restart().await;
    assert_eq!(life.rows(Table::Events).await, 10);
}

#[tokio::test]
async fn a_number_of_a_flush_is_used_once() {
    let life = Life::begin().await;
    life.events(0..10).await;
    // Another manifest of the next number, as a flush leaves it that fails after writing it.
    life.store()
        .objects
        .create("manifest/00000000000000000001.json", b"{}".to_vec())
        .await
        .expect("writes");
    assert!(life.store().flush().await.is_err());
    let flushed = life.store().flush().await.expect("the next number is free");
    assert_eq!((flushed.rows, life.rows(Table::Events).await), (10, 10));
}

#[tokio::test]
async fn what_was_admitted_is_replayed_under_smaller_limits() {
    let mut life = Life::begin().await;
    life.events(0..10).await;
    life.store = None;
    let mut config = Config::new(life.dir.path());
    config.limits.items = 5;
    let (_store, opened) = Store::open(config, life.clock()).await.expect("opens");
    assert_eq!((opened.rows, opened.damaged.len()), (10, 0));
}

#[tokio::test]
async fn a_journal_larger_than_the_buffer_is_replayed_in_pieces() {
    let mut life = Life::begin().await;
    for request in 0..20 {
        life.events(request * 10..request * 10 + 10).await;
    }
    life.store = None;
    let config = Config {
        flush_rows: 30,
        ..Config::new(life.dir.path())
    };
    let (store, opened) = Store::open(config, life.clock()).await.expect("opens");
    assert_eq!((opened.frames, opened.rows), (20, 200));
    assert!(store.stats().buffer_rows <= 30);
    life.store = Some(store);
    assert_eq!(life.rows(Table::Events).await, 200);
    life.restart().await;
    assert_eq!(
        (life.events(0..200).await, life.rows(Table::Events).await),
        (0, 200)
    );
}

#[tokio::test]
async fn many_bytes_in_few_rows_are_bounded_too() {
    let life = Life::begin().await;
    life.events(0..10).await;
    let store = life.store();
    let mut small = Config::new(life.dir.path());
    small.flush_bytes = 1;
    assert!(store.state().unflushed_bytes() > small.flush_bytes);
    store.flush().await.expect("flushes");
    assert_eq!(store.state().bytes(), 0);
}

/// A store that refuses more than ten rows in memory.
async fn small() -> Life {
    let mut life = Life::begin().await;
    let mut replay = life
        .restart_for_intake(|config| {
            config.flush_rows = 10;
            config.buffer_rows_max = 10;
        })
        .await;
    replay.run().await.expect("replays");
    life
}

#[tokio::test]
async fn what_is_refused_after_it_was_understood_is_rejected() {
    let life = small().await;
    life.events(0..10).await;
    let refused = life.try_events(0..7, Instant::now()).await;
    refused.expect_err("the buffer is full");
    let fate = life.store().fates().of(Signal::Logs);
    assert_eq!((fate.received, fate.accepted, fate.rejected), (17, 10, 7));
    life.store().flush().await.expect("flushes");
    life.events(0..7).await;
    let fate = life.store().fates().of(Signal::Logs);
    assert_eq!((fate.received, fate.deduplicated), (24, 7));
    assert!(fate.is_settled());
}

#[tokio::test]
async fn stats_say_what_waits_for_a_flush_and_for_how_long() {
    let life = small().await;
    let store = life.store.clone().expect("open");
    let board = base::meters::Board::new();
    board.add(store.meters()).expect("names are one of a kind");
    life.events(0..4).await;
    life.events(4..6).await;
    life.clock.advance(Duration::from_secs(90));
    let before = store.stats();
    assert_eq!((before.buffer_rows, before.journal_lag_frames), (6, 2));
    assert_eq!(before.oldest_unflushed, Duration::from_secs(90));
    assert!(before.buffer_bytes > 0 && before.journal_lag_bytes > before.buffer_bytes);
    assert!(before.last_sync.is_some());
    store.flush().await.expect("flushes");
    let after = store.stats();
    assert_eq!((after.buffer_rows, after.journal_lag_frames), (0, 0));
    assert_eq!(
        (after.journal_lag_bytes, after.oldest_unflushed),
        (0, Duration::ZERO)
    );
    assert_eq!(
        (after.parts, after.manifest_number),
        (1, before.manifest_number + 1)
    );
    let text = board.text();
    for line in [
        "tallybook_items_total{fate=\"accepted\",signal=\"logs\"} 6",
        "tallybook_items_received_total{signal=\"logs\"} 6",
        "tallybook_flush_duration_seconds_count{outcome=\"ok\"} 1",
        "tallybook_flush_duration_seconds_count{outcome=\"failed\"} 0",
        "tallybook_flushed_rows_total 6",
        "tallybook_buffer_rows_limit 10",
        "tallybook_journal_lag_frames 0",
        "tallybook_journal_sync_duration_seconds_count 2",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "no {line} in\n{text}"
        );
    }
}

#[tokio::test]
async fn rows_that_could_not_be_stored_are_not_taken_for_known() {
    let life = Life::begin().await;
    life.events([1]).await;
    let entry = life.entry_of([1, 2, 3]);
    let mut prepared = life.store().prepare(&entry).expect("decodes");
    // Nothing makes such rows; whatever goes wrong in the middle must leave no trace.
    prepared.rows[0].batch = prepared.rows[0].batch.slice(0, 1);
    assert!(life.store().state().apply(prepared, 0).is_err());
    assert_eq!(life.events([1, 2, 3]).await, 2);
}
