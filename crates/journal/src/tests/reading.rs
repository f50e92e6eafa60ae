//! A live journal can be read from any frame on, and shows only what is durable.

use super::*;

/// Thirty frames of 100 bytes in segments of eight, some of them from before a restart.
fn journal_of_thirty(disk: &SimDisk) -> Journal {
    let config = || Config {
        segment_target_bytes: 64 + 8 * 124,
        ..config()
    };
    let fill = |journal: &Journal, from, to| {
        for seed in from..=to {
            run(journal.append(payload(seed, 100).into())).unwrap();
        }
    };
    let journal = open(disk, config());
    fill(&journal, 1, 20);
    drop(journal);
    let journal = open(disk, config());
    fill(&journal, 21, 30);
    journal
}

fn check_read(
    journal: &Journal,
    from: u64,
    bytes_max: usize,
    expect: std::ops::RangeInclusive<u64>,
) {
    let frames = journal.read_from(Sequence::new(from), bytes_max).unwrap();
    assert_eq!(
        numbers(&frames),
        expect.collect::<Vec<_>>(),
        "{bytes_max} bytes from {from}"
    );
    assert!(
        frames
            .iter()
            .all(|frame| frame.payload == payload(frame.sequence.get(), 100))
    );
}

#[test]
fn reads_from_any_frame_within_the_limit() {
    let journal = journal_of_thirty(&SimDisk::new());
    for from in 1..=30 {
        check_read(&journal, from, usize::MAX, from..=30);
        check_read(&journal, from, 0, from..=from);
        check_read(&journal, from, 100, from..=from);
        check_read(&journal, from, 1_050, from..=(from + 9).min(30));
    }
    check_read(&journal, 0, 250, 1..=2);
    assert_eq!(journal.read_from(Sequence::new(31), 100).unwrap(), []);
}

#[test]
fn begins_with_what_is_left_after_deletion() {
    let journal = journal_of_thirty(&SimDisk::new());
    journal.delete_through(Sequence::new(16)).unwrap();
    check_read(&journal, 3, 300, 17..=19);
}

#[test]
fn file_deleted_meanwhile_is_passed_over() {
    let disk = SimDisk::new();
    let journal = journal_of_thirty(&disk);
    disk.remove(&segment_path(9)).unwrap();
    check_read(&journal, 9, 300, 17..=19);
    check_read(&journal, 7, usize::MAX, 7..=8);
}

#[test]
fn long_segments_are_entered_in_the_middle() {
    let disk = SimDisk::new();
    let len = 300_000;
    let journal = open(&disk, config());
    for seed in 1..=20 {
        run(journal.append(payload(seed, len).into())).unwrap();
    }
    let check = |journal: &Journal| {
        for from in [20, 1, 7, 8, 13, 19] {
            let frames = journal.read_from(Sequence::new(from), len).unwrap();
            assert_eq!(numbers(&frames), [from]);
            assert_eq!(frames[0].payload, payload(from, len));
        }
        let frames = journal.read_from(Sequence::ZERO, usize::MAX).unwrap();
        assert_eq!(numbers(&frames), (1..=20).collect::<Vec<_>>());
    };
    check(&journal);
    drop(journal);
    let reopened = open(&disk, config());
    check(&reopened);
    check(&reopened);
}

#[test]
fn shows_nothing_that_is_not_synced() {
    let gated = SimDisk::new();
    let journal = Journal::open(config(), Arc::new(gated.clone()), Sequence::ZERO)
        .unwrap()
        .0;
    let journal = Arc::new(journal);
    run(async {
        journal
            .append(Bytes::from_static(b"durable"))
            .await
            .unwrap();
        gated.hold_syncs();
        let append = tokio::spawn({
            let journal = Arc::clone(&journal);
            async move { journal.append(Bytes::from_static(b"on its way")).await }
        });
        tokio::task::yield_now().await;
        gated.wait_for_sync();
        assert_eq!(
            numbers(&journal.read_from(Sequence::ZERO, usize::MAX).unwrap()),
            [1]
        );
        gated.let_syncs_through();
        append.await.unwrap().unwrap();
        assert_eq!(
            numbers(&journal.read_from(Sequence::ZERO, usize::MAX).unwrap()),
            [1, 2]
        );
    });
}
