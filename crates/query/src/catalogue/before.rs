//! The period that a range is compared with.
//!
//! Invariant: what is of days is compared with the same weekdays, whole weeks earlier: a week that has
//! a Saturday more is no measure of anything. The UI compares by the same rule (`web/src/lib/compare.ts`).

use super::range::{Range, TimeZone};

const DAY_MS: i64 = 86_400_000;
const WEEK_DAYS: i64 = 7;
/// A day of which an hour is given to summer time is a day.
const SLACK_MS: i64 = 2 * 3_600_000;

/// The period before: as long, and of the same weekdays where it is of days.
pub(super) fn before(range: Range, zone: TimeZone) -> Range {
    let length_ms = range.to_ms - range.from_ms;
    match days_back(range, zone) {
        0 => Range {
            from_ms: range.from_ms - length_ms,
            to_ms: range.from_ms,
        },
        days => Range {
            from_ms: zone.days_earlier(range.from_ms, days),
            to_ms: zone.days_earlier(range.to_ms, days),
        },
    }
}

/// How many days back it lies; 0 where it simply ends where the range begins.
fn days_back(range: Range, zone: TimeZone) -> i64 {
    let length_ms = range.to_ms - range.from_ms;
    let (first, _) = zone.days(&range);
    let begins_with_day = zone.midnight_of(first) == range.from_ms;
    if length_ms < DAY_MS - SLACK_MS && !begins_with_day {
        return 0;
    }
    let week_ms = WEEK_DAYS * DAY_MS;
    let weeks = (length_ms - SLACK_MS + week_ms - 1).div_euclid(week_ms);
    let days = WEEK_DAYS * weeks.max(1);
    // A few minutes more than whole weeks would lie in both periods.
    match zone.days_earlier(range.to_ms, days) > range.from_ms {
        true => days + WEEK_DAYS,
        false => days,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(range: (&str, &str), zone: &str, expect: (&str, &str)) {
        let zone: TimeZone = zone.parse().expect("a zone");
        let read =
            |(from, to): (&str, &str)| Range::read(Some(from), Some(to), zone, 0).expect("a range");
        assert_eq!(before(read(range), zone), read(expect), "{range:?} {zone}");
    }

    #[test]
    fn days_stand_beside_the_same_weekdays() {
        is(
            ("2026-11-20", "2026-11-27"),
            "UTC",
            ("2026-11-13", "2026-11-20"),
        );
        is(
            ("2026-11-24", "2026-11-25"),
            "UTC",
            ("2026-11-17", "2026-11-18"),
        );
        is(
            ("2026-10-20", "2026-11-19"),
            "UTC",
            ("2026-09-15", "2026-10-15"),
        );
        // A day that has only begun stands beside the same part of that weekday.
        is(
            ("2026-11-27", "2026-11-27T09:30"),
            "UTC",
            ("2026-11-20", "2026-11-20T09:30"),
        );
    }

    #[test]
    fn what_is_longer_than_whole_weeks_does_not_overlap() {
        is(
            ("2026-11-20", "2026-11-27T00:10"),
            "UTC",
            ("2026-11-06", "2026-11-13T00:10"),
        );
    }

    #[test]
    fn clocks_that_change_take_no_hour_away() {
        // In Berlin the clocks went back on 2026-10-25.
        is(
            ("2026-10-25", "2026-10-26"),
            "Europe/Berlin",
            ("2026-10-18", "2026-10-19"),
        );
        is(
            ("2026-10-26", "2026-11-02"),
            "Europe/Berlin",
            ("2026-10-19", "2026-10-26"),
        );
    }

    #[test]
    fn hours_go_back_by_their_own_length() {
        is(
            ("2026-11-27T14:00", "2026-11-27T17:00"),
            "UTC",
            ("2026-11-27T11:00", "2026-11-27T14:00"),
        );
    }
}
