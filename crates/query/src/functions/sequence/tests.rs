//! What is missing in the sequences of a machine, and what only looks so.

use super::{Found, Stretch, Stretches, found};

use proptest::collection::vec;
use proptest::prelude::*;

type Event = (i64, i64);

fn stretches<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<Stretch> {
    let mut stretches = Stretches::default();
    events.for_each(|(at, number)| stretches.0.add(*at, *number));
    stretches.in_order()
}

/// Events of one session by time and number: what is missing, and restarts.
#[track_caller]
fn check(events: &[Event], expect: (i64, i64), what: &str) {
    for turn in 0..events.len() {
        // Whatever the order of arrival.
        let turned = events[turn..].iter().chain(&events[..turn]);
        let of_session = found(&[stretches(turned)]);
        let (missing, restarts) = expect;
        assert_eq!(
            of_session,
            [Found { missing, restarts }],
            "{what}, from {turn} on"
        );
    }
}

#[test]
fn gaps_are_what_a_run_leaves_out() {
    check(&[(0, 0), (1, 1), (1, 2), (5, 3)], (0, 0), "whole");
    check(&[(0, 2), (1, 3)], (2, 0), "a lost head");
    check(&[(0, 0), (1, 3), (2, 4), (3, 9)], (6, 0), "lost in between");
}

#[test]
fn a_continued_session_counts_from_the_start_again() {
    check(&[(0, 0), (1, 1), (2, 0), (3, 1)], (0, 1), "whole runs");
    check(
        &[(0, 0), (1, 1), (2, 1), (3, 2)],
        (1, 1),
        "a lost head of the second",
    );
    check(
        &[(0, 5), (1, 6), (9, 2), (10, 4)],
        (8, 1),
        "lost heads and a gap",
    );
    check(&[(0, 0), (1, 0), (2, 0)], (0, 2), "runs of one event");
    check(
        &[(0, 0), (1, 1), (2, 2), (3, 0), (4, 1), (5, 3), (6, 4)],
        (1, 1),
        "the second lost the number with which the first ended",
    );
}

#[test]
fn copies_and_late_deliveries_are_no_gaps() {
    check(
        &[(0, 0), (1, 1), (2, 2), (0, 0), (1, 1), (2, 2)],
        (0, 0),
        "copies",
    );
    check(&[(0, 0), (0, 0), (1, 1), (1, 1)], (0, 0), "each twice");
    check(
        &[(0, 0), (10, 1), (9, 2), (11, 3)],
        (0, 0),
        "a clock that was set back",
    );
}

#[test]
fn nonsense_does_not_overflow() {
    check(
        &[(0, i64::MAX), (1, 0), (2, i64::MAX)],
        (i64::MAX, 1),
        "the largest number",
    );
}

/// Sessions of one installation.
#[track_caller]
fn check_all(sessions: &[&[Event]], expect: &[(i64, i64)], what: &str) {
    let sessions = sessions.iter().map(|events| stretches(events.iter()));
    let found = found(&sessions.collect::<Vec<_>>());
    let got: Vec<_> = found
        .iter()
        .map(|found| (found.missing, found.restarts))
        .collect();
    assert_eq!(got, expect, "{what}");
}

#[test]
fn a_process_goes_on_counting_in_its_next_session() {
    let first: &[Event] = &[(0, 0), (1, 1), (2, 2)];
    check_all(&[first, &[(9, 3), (10, 4)]], &[(0, 0), (0, 0)], "cleared");
    // `--continue`: some events in a session of its own, then in the one before.
    check_all(
        &[
            &[(0, 0), (1, 1), (30, 3), (31, 4)],
            &[(20, 0), (21, 1), (22, 2)],
        ],
        &[(0, 1), (0, 0)],
        "continued after fewer events",
    );
    check_all(
        &[
            &[(0, 0), (1, 1), (2, 2), (3, 3), (30, 3), (31, 4)],
            &[(20, 0), (21, 1), (22, 2)],
        ],
        &[(0, 1), (0, 0)],
        "continued after more",
    );
}

#[test]
fn an_end_excuses_one_head_soon_after_it() {
    let first: &[Event] = &[(100, 0), (101, 1)];
    check_all(&[first, &[(50, 2)]], &[(0, 0), (2, 0)], "before its end");
    check_all(
        &[first, &[(86_500_102, 2)]],
        &[(0, 0), (2, 0)],
        "a day later",
    );
    check_all(&[first, &[(200, 3)]], &[(0, 0), (3, 0)], "another number");
    check_all(
        &[first, &[(200, 2)], &[(201, 2)]],
        &[(0, 0), (0, 0), (2, 0)],
        "twice",
    );
    // A gap in a session is one though an older session ended there.
    let gap: &[Event] = &[(200, 0), (203, 2)];
    check_all(&[first, gap], &[(0, 0), (1, 0)], "an older end");
}

proptest! {
    /// Two processes in one session, whose numbers follow each other by chance, in any order of arrival.
    #[test]
    fn the_order_of_arrival_changes_nothing(
        (sent, arrived) in vec((0..60_i64, 0..12_i64), 0..60)
            .prop_flat_map(|sent| (Just(sent.clone()), Just(sent).prop_shuffle())),
    ) {
        prop_assert_eq!(stretches(sent.iter()), stretches(arrived.iter()));
    }
}

/// As they arrive; where two windows do not overlap, one looks like a restart of the other.
#[test]
fn two_windows_on_one_session_fill_each_other_up() {
    let events: &[Event] = &[
        (0, 0),
        (1, 1),
        (5, 2),
        (9, 3),
        (3, 0),
        (4, 1),
        (6, 2),
        (10, 3),
    ];
    check_all(&[events], &[(0, 0)], "two windows");
}

/// Rows come in any order: an end in the middle of what came whole is none. And a session that lost
/// events has not gone elsewhere for them.
#[test]
fn only_a_real_end_excuses_a_head() {
    let whole: &[Event] = &[(3, 3), (4, 4), (0, 0), (1, 1), (2, 2)];
    let expect = [(0, 0), (3, 0)];
    check_all(
        &[whole, &[(10, 3), (11, 4)]],
        &expect,
        "parts of one stretch",
    );
    let lost: &[Event] = &[(0, 0), (1, 1), (2, 2), (9, 5)];
    let more: &[Event] = &[(4, 3), (5, 4), (6, 5), (7, 6)];
    check_all(&[lost, more], &[(2, 0), (3, 0)], "too small a hole");
    check_all(&[lost, &more[..2]], &[(0, 1), (0, 0)], "filled elsewhere");
}
