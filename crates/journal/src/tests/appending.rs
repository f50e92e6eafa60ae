//! Appends: durable when they return, many to a sync, bounded, in segments.

use std::time::Duration;

use tokio::task::{JoinHandle, yield_now};

use super::*;
use crate::{AppendError, PAYLOAD_BYTES_MAX};

/// Appends `payloads`, loses everything that was not durable, and expects them back.
fn check_round_trip(config: Config, payloads: &[Vec<u8>]) {
    let disk = SimDisk::new();
    let journal = open(&disk, config);
    for (number, payload) in (1..).zip(payloads) {
        let sequence = run(journal.append(Bytes::from(payload.clone())));
        assert_eq!(sequence.expect("the disk works").get(), number);
        assert_eq!(journal.last_synced().get(), number);
    }
    disk.crash(base::sim::Survival::Nothing);
    drop(journal);
    let (frames, report) = replay(&disk, 0);
    let found: Vec<_> = frames.iter().map(|frame| frame.payload.to_vec()).collect();
    assert_eq!(found, payloads);
    assert_eq!(
        numbers(&frames),
        (1..=payloads.len() as u64).collect::<Vec<_>>()
    );
    assert!(report.is_clean() && report.torn.is_empty(), "{report:?}");
}

#[test]
fn what_was_appended_comes_back() {
    let payloads: Vec<_> = [0, 1, 24, 300, 0, 70_000, 1 << 20]
        .map(|len| payload(len as u64, len))
        .to_vec();
    check_round_trip(config(), &payloads);
    for segment_target_bytes in [1, 200, 100_000] {
        check_round_trip(
            Config {
                segment_target_bytes,
                ..config()
            },
            &payloads,
        );
    }
}

#[test]
fn extra_gathering_changes_no_answer() {
    let config = Config {
        gather_window: Duration::from_millis(1),
        ..config()
    };
    check_round_trip(config, &[payload(1, 10), payload(2, 10)]);
}

#[test]
fn what_was_appended_comes_back_from_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config::new(dir.path().join("journal"));
    let (journal, _) = Journal::open(config(), Arc::new(OsDisk), Sequence::ZERO).unwrap();
    run(async {
        for number in 0..20 {
            journal.append(payload(number, 5_000).into()).await.unwrap();
        }
    });
    drop(journal);
    let (journal, recovery) = Journal::open(config(), Arc::new(OsDisk), Sequence::new(5)).unwrap();
    let frames: Vec<_> = recovery.map(Result::unwrap).collect();
    assert_eq!(numbers(&frames), (6..=20).collect::<Vec<_>>());
    assert!(
        frames
            .iter()
            .all(|f| f.payload == payload(f.sequence.get() - 1, 5_000))
    );
    assert_eq!(
        run(journal.append(Bytes::new())).unwrap(),
        Sequence::new(21)
    );
}

type Append = JoinHandle<Result<Sequence, AppendError>>;

/// Starts one append per payload and lets each run until it waits.
async fn start_appends(journal: &Arc<Journal>, payloads: &[Vec<u8>]) -> Vec<Append> {
    let before = journal.queued_frames();
    let appends = payloads.iter().map(|payload| {
        let (journal, payload) = (Arc::clone(journal), Bytes::from(payload.clone()));
        tokio::spawn(async move { journal.append(payload).await })
    });
    let appends = appends.collect();
    while journal.queued_frames() < before + payloads.len() {
        yield_now().await;
    }
    appends
}

/// A journal with one frame, and a second one that stands at the closed gate.
async fn journal_at_the_gate(config: Config) -> (SimDisk, Arc<Journal>, Append) {
    let gated = SimDisk::new();
    let opened = Journal::open(config, Arc::new(gated.clone()), Sequence::ZERO);
    let journal = Arc::new(opened.unwrap().0);
    journal.append(Bytes::from_static(b"first")).await.unwrap();
    gated.hold_syncs();
    let second = start_appends(&journal, &[b"second".to_vec()])
        .await
        .remove(0);
    gated.wait_for_sync();
    (gated, journal, second)
}

#[test]
fn what_waits_together_shares_one_sync() {
    run(async {
        let (gated, journal, second) = journal_at_the_gate(config()).await;
        let payloads: Vec<_> = (0..50).map(|seed| payload(seed, 100)).collect();
        let appends = start_appends(&journal, &payloads).await;
        assert_eq!(
            (journal.queued_frames(), journal.queued_bytes()),
            (51, 5_006)
        );
        assert_eq!(journal.last_synced(), Sequence::new(1));
        let syncs_before = gated.data_syncs();
        gated.let_syncs_through();
        assert_eq!(second.await.unwrap().unwrap(), Sequence::new(2));
        for (number, append) in (3..).zip(appends) {
            assert_eq!(append.await.unwrap().unwrap(), Sequence::new(number));
        }
        assert_eq!(gated.data_syncs() - syncs_before, 2);
        assert_eq!((journal.queued_frames(), journal.queued_bytes()), (0, 0));
    });
}

/// With the queue bounded by `config`, five more appends need at least `syncs_min` syncs.
fn check_bounded(config: Config, syncs_min: u64) {
    run(async {
        let (gated, journal, second) = journal_at_the_gate(config).await;
        let payloads: Vec<_> = (0..5).map(|seed| payload(seed, 100)).collect();
        let appends = start_appends(&journal, &payloads).await;
        let syncs_before = gated.data_syncs();
        gated.let_syncs_through();
        second.await.unwrap().unwrap();
        for append in appends {
            append.await.unwrap().unwrap();
        }
        let syncs = gated.data_syncs() - syncs_before;
        assert!(syncs >= syncs_min, "{syncs} syncs");
    });
}

#[test]
fn full_queue_makes_appends_wait() {
    check_bounded(
        Config {
            queue_frames_max: 2,
            ..config()
        },
        4,
    );
    check_bounded(
        Config {
            queued_bytes_max: 106,
            ..config()
        },
        6,
    );
}

#[test]
fn payload_larger_than_the_queue_passes_alone() {
    let config = Config {
        queued_bytes_max: 10,
        ..config()
    };
    check_round_trip(config, &[payload(1, 100), payload(2, 5)]);
}

#[test]
fn abandoned_append_is_not_written() {
    run(async {
        let (gated, journal, second) = journal_at_the_gate(config()).await;
        let abandoned = start_appends(&journal, &[b"abandoned".to_vec()])
            .await
            .remove(0);
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        gated.let_syncs_through();
        second.await.unwrap().unwrap();
        journal.append(Bytes::from_static(b"third")).await.unwrap();
        drop(journal);
        let payloads: Vec<_> = replay(&gated, 0).0.into_iter().map(|f| f.payload).collect();
        assert_eq!(payloads, [&b"first"[..], b"second", b"third"]);
    });
}

#[test]
fn payload_that_fits_no_frame_is_refused_for_good() {
    let journal = open(&SimDisk::new(), config());
    let refused = run(journal.append(vec![0; PAYLOAD_BYTES_MAX + 1].into())).unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { .. }) && !refused.is_retryable());
    assert_eq!(run(journal.append(Bytes::new())).unwrap(), Sequence::new(1));
}

#[test]
fn segments_end_at_their_target_and_are_deleted_when_flushed() {
    let disk = SimDisk::new();
    let target = 1_000;
    let journal = open(
        &disk,
        Config {
            segment_target_bytes: target,
            ..config()
        },
    );
    let append = |len| run(journal.append(payload(1, len).into())).unwrap();
    for _ in 0..9 {
        append(276);
    }
    let segments = || {
        let mut names = disk.list(Path::new(DIR)).unwrap();
        names.sort();
        names
    };
    let named = |firsts: &[u64]| -> Vec<_> {
        firsts
            .iter()
            .map(|first| segment_name(Sequence::new(*first)))
            .collect()
    };
    // A header of 64 and three frames of 300 bytes make 964.
    assert_eq!(segments(), named(&[1, 4, 7]));
    assert_eq!(
        (journal.stats().segments, journal.stats().bytes),
        (3, 3 * 964)
    );

    assert_eq!(journal.delete_through(Sequence::new(5)).unwrap(), 964);
    assert_eq!(segments(), named(&[4, 7]));
    assert_eq!(journal.delete_through(Sequence::new(5)).unwrap(), 0);
    assert_eq!(journal.delete_through(Sequence::new(99)).unwrap(), 964);
    assert_eq!(segments(), named(&[7]));
    run(journal.rotate()).unwrap();
    run(journal.rotate()).unwrap();
    assert_eq!(journal.delete_through(Sequence::new(9)).unwrap(), 964);
    assert_eq!((segments(), journal.stats().first), (vec![], None));

    assert_eq!(append(5_000), Sequence::new(10));
    append(1);
    assert_eq!(segments(), named(&[10, 11]));
    drop(journal);
    assert_eq!(numbers(&replay(&disk, 9).0), [10, 11]);
}

#[test]
fn numbers_go_on_after_what_the_caller_has_elsewhere() {
    let disk = SimDisk::new();
    let journal = open_after(&disk, config(), Sequence::new(41));
    assert_eq!(journal.last_synced(), Sequence::new(41));
    assert_eq!(
        run(journal.append(Bytes::new())).unwrap(),
        Sequence::new(42)
    );
    drop(journal);
    let journal = open_after(&disk, config(), Sequence::new(7));
    assert_eq!(
        run(journal.append(Bytes::new())).unwrap(),
        Sequence::new(43)
    );
}

#[test]
fn wrong_configuration_is_refused_with_all_its_problems() {
    let config = Config {
        segment_target_bytes: 0,
        queue_frames_max: 0,
        queued_bytes_max: 1 << 40,
        gather_window: Duration::from_secs(9),
        ..config()
    };
    assert_eq!(config.validate().len(), 4);
    let refused = Journal::open(config, Arc::new(SimDisk::new()), Sequence::ZERO).unwrap_err();
    let text = refused.to_string();
    for field in [
        "segment_target_bytes",
        "queue_frames_max",
        "queued_bytes_max",
        "gather_window",
    ] {
        assert!(text.contains(field), "{text}");
    }
}
