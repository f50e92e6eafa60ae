//! What a journal says of itself: syncs, failures, frames, and what is durable nowhere else.

use std::io::ErrorKind;
use std::time::Duration;

use base::meters::Board;
use base::sim::Fault;

use super::*;
use crate::Lag;

/// The value of one line of the exposition.
fn value(board: &Board, series: &str) -> f64 {
    let text = board.text();
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let found = found.unwrap_or_else(|| panic!("no {series} in\n{text}"));
    found.parse().unwrap()
}

#[test]
fn every_sync_is_timed_and_every_failure_counted() {
    let disk = SimDisk::new();
    let journal = open(&disk, config());
    let board = Board::new();
    board.add(journal.meters()).unwrap();
    assert_eq!(journal.stats().last_sync, None);
    let append = |seed| run(journal.append(payload(seed, 100).into()));
    append(1).unwrap();
    append(2).unwrap();
    assert!(journal.stats().last_sync > Some(Duration::ZERO));
    // The write, then the sync.
    disk.fail_at(disk.operations() + 2, Fault::Error(ErrorKind::Other));
    append(3).unwrap_err();
    append(4).unwrap();
    for (series, expect) in [
        ("tallybook_journal_sync_duration_seconds_count", 4.0),
        ("tallybook_journal_write_failures_total", 1.0),
        ("tallybook_journal_frames_total", 3.0),
        (
            "tallybook_journal_written_bytes_total",
            3.0 * frame_bytes(1, &payload(1, 100)).len() as f64,
        ),
    ] {
        assert_eq!(value(&board, series), expect, "{series}");
    }
}

#[test]
fn the_lag_is_what_lies_behind_a_frame() {
    let small = Config {
        segment_target_bytes: 1_000,
        ..config()
    };
    let journal = open(&SimDisk::new(), small);
    let frame = frame_bytes(1, &payload(1, 400)).len() as u64;
    for seed in 1..=5 {
        run(journal.append(payload(seed, 400).into())).unwrap();
    }
    // Two frames in a segment; within one, the lag begins at its first frame.
    for (after, frames, segments_frames) in [(0, 5, 5), (1, 4, 5), (2, 3, 3), (4, 1, 1), (5, 0, 0)]
    {
        let expect = Lag {
            frames,
            bytes: segments_frames * frame,
        };
        assert_eq!(journal.lag(Sequence::new(after)), expect, "after {after}");
    }
}
