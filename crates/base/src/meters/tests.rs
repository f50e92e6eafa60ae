//! What a board shows, and that it refuses what would be two things of one name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

fn lines(board: &Board) -> Vec<String> {
    let text = board.text();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn readings_are_taken_when_asked_and_keep_their_type() {
    let value = Arc::new(AtomicU64::new(3));
    let read = Arc::clone(&value);
    let readings = Readings::new(move || read.load(Ordering::Relaxed))
        .gauge("depth_bytes", "How deep.", &[], |now| *now as f64)
        .counter("seen_total", "Seen.", &[("kind", "a")], |now| {
            *now as f64 * 2.0
        })
        .counter("seen_total", "Seen.", &[("kind", "b")], |_| 1.0);
    let board = Board::new();
    board.add(vec![Box::new(readings)]).unwrap();
    for (now, depth, seen) in [(3, "depth_bytes 3", 6), (5, "depth_bytes 5", 10)] {
        value.store(now, Ordering::Relaxed);
        let expect = [
            "# HELP depth_bytes How deep.",
            "# TYPE depth_bytes gauge",
            depth,
            "# HELP seen_total Seen.",
            "# TYPE seen_total counter",
            &format!("seen_total{{kind=\"a\"}} {seen}"),
            "seen_total{kind=\"b\"} 1",
        ];
        assert_eq!(lines(&board), expect);
    }
}

#[test]
fn histograms_count_what_is_at_most_a_bound() {
    let waits = histogram("wait_seconds", "Waits.", &[0.1, 1.0]);
    let board = Board::new();
    board.add(vec![Box::new(waits.clone())]).unwrap();
    for seconds in [0.1, 0.5, 7.0] {
        waits.observe(seconds);
    }
    let expect = [
        "# HELP wait_seconds Waits.",
        "# TYPE wait_seconds histogram",
        "wait_seconds_bucket{le=\"0.1\"} 1",
        "wait_seconds_bucket{le=\"1\"} 2",
        "wait_seconds_bucket{le=\"+Inf\"} 3",
        "wait_seconds_sum 7.6",
        "wait_seconds_count 3",
    ];
    assert_eq!(lines(&board), expect);
}

#[test]
fn one_name_has_one_meaning() {
    let board = Board::new();
    board.add(vec![Box::new(counter("a_total", "A."))]).unwrap();
    for again in [counter("a_total", "A."), counter("a_total", "Another.")] {
        let refused = board.add(vec![Box::new(again)]).unwrap_err();
        assert!(
            refused.to_string().starts_with("a meter cannot be shown"),
            "{refused}"
        );
    }
}
