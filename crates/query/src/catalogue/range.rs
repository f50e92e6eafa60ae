//! Times as people write them, in a time zone, and the half-open range between two of them.
//!
//! | form | meaning |
//! |---|---|
//! | `2026-11-01` | midnight of that day in the time zone |
//! | `2026-11-01T09:30`, with seconds or without | that time on the wall of the time zone |
//! | `2026-11-01T09:30:00Z`, `…+01:00` | that moment |
//! | `1795225000000` | milliseconds since the Unix epoch |
//! | `now`, `today`, `yesterday` | this moment; midnight |
//! | `7d`, `24h`, `4w` | so long before now; whole days and weeks begin at midnight |

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, Offset as _, SecondsFormat,
    TimeZone as _, Utc,
};
use chrono_tz::Tz;

use crate::error::QueryError;

const HOUR_MS: i64 = 3_600_000;
/// Times beyond the year 9999 are a mistake of the caller's.
const TIME_MAX_MS: i64 = 253_402_300_800_000;
const FORMS: &str =
    "write 2026-11-01, 2026-11-01T09:30:00Z, today, yesterday, now, or 7d for seven days ago";

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(Tz);

impl Default for TimeZone {
    fn default() -> TimeZone {
        TimeZone(Tz::UTC)
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

impl FromStr for TimeZone {
    type Err = QueryError;

    fn from_str(name: &str) -> Result<TimeZone, QueryError> {
        name.parse().map(TimeZone).map_err(|_| {
            QueryError::invalid(
                format!("{name:?} is not a time zone"),
                Some("write a name of the IANA database, like Europe/Berlin or UTC"),
            )
        })
    }
}

impl TimeZone {
    /// Its name in the IANA database.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The time on the wall at a moment, to the minute.
    pub fn wall(self, at_ms: i64) -> String {
        let utc = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap_or_default();
        let local = utc.with_timezone(&self.0);
        local.format("%Y-%m-%d %H:%M").to_string()
    }

    /// The first moment of a day. A midnight that a change of clocks skips is the first moment after it.
    fn midnight(self, day: NaiveDate) -> i64 {
        self.moment(day.and_time(chrono::NaiveTime::MIN))
    }

    fn moment(self, local: NaiveDateTime) -> i64 {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => {
                moment.timestamp_millis()
            }
            // Clocks go forward by at most a few hours: the time that the skipped one would have been.
            LocalResult::None => {
                let before = local - chrono::Duration::hours(3);
                let offset = self.0.from_local_datetime(&before).earliest();
                let moment = offset.map(|moment| moment + chrono::Duration::hours(3));
                moment.map_or_else(
                    || local.and_utc().timestamp_millis(),
                    |moment| moment.timestamp_millis(),
                )
            }
        }
    }

    /// The first and the last day of a range, as days since 1970.
    pub(super) fn days(self, range: &Range) -> (i64, i64) {
        let number = |at_ms| (self.day(at_ms) - NaiveDate::default()).num_days();
        (number(range.from_ms), number(range.to_ms - 1))
    }

    /// The first moment of a day since 1970.
    pub(super) fn midnight_of(self, day: i64) -> i64 {
        let day = NaiveDate::default().checked_add_signed(chrono::Duration::days(day));
        self.midnight(day.unwrap_or_default())
    }

    /// Whether the wall shows whole hours whenever it is a whole hour in UTC, all through a range.
    pub(super) fn has_whole_hours(self, range: &Range) -> bool {
        let (first, last) = self.days(range);
        let is_whole = |at_ms| {
            let utc = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap_or_default();
            utc.with_timezone(&self.0).offset().fix().local_minus_utc() % 3600 == 0
        };
        let midnights = (first..=last + 1).map(|day| self.midnight_of(day));
        midnights.chain([range.from_ms, range.to_ms]).all(is_whole)
    }

    /// The same time on the wall, so many days earlier.
    pub(super) fn days_earlier(self, at_ms: i64, days: i64) -> i64 {
        let utc = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap_or_default();
        let local = utc.with_timezone(&self.0).naive_local();
        self.moment(local - chrono::Duration::days(days))
    }

    /// The day of a moment.
    fn day(self, at_ms: i64) -> NaiveDate {
        let utc = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap_or_default();
        utc.with_timezone(&self.0).date_naive()
    }
}

/// From a moment on, until before another; milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// From this moment on.
    pub from_ms: i64,
    /// Until before this moment.
    pub to_ms: i64,
}

impl Range {
    /// A range from its two ends as they were written; absent ends are 30 days ago and now.
    ///
    /// # Errors
    /// An end that is not understood, or a range without any time in it.
    pub fn read(
        from: Option<&str>,
        to: Option<&str>,
        zone: TimeZone,
        now_ms: i64,
    ) -> Result<Range, QueryError> {
        let to_ms = read_time("to", to.unwrap_or("now"), zone, now_ms)?;
        let from_ms = read_time("from", from.unwrap_or("30d"), zone, now_ms)?;
        if from_ms >= to_ms {
            return Err(QueryError::invalid(
                format!(
                    "the range ends ({}) before it begins ({})",
                    moment(to_ms),
                    moment(from_ms)
                ),
                Some("give a from that is before to"),
            ));
        }
        Ok(Range { from_ms, to_ms })
    }
}

/// A moment as text that [`Range::read`] understands.
pub(super) fn moment(at_ms: i64) -> String {
    let at = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap_or_default();
    let whole = if at_ms % 1000 == 0 {
        SecondsFormat::Secs
    } else {
        SecondsFormat::Millis
    };
    at.to_rfc3339_opts(whole, true)
}

/// A moment as people write it, milliseconds since the Unix epoch; `which` is what it is for.
///
/// # Errors
/// It is no time.
pub fn read_time(which: &str, text: &str, zone: TimeZone, now_ms: i64) -> Result<i64, QueryError> {
    let read =
        known_time(text.trim(), zone, now_ms).filter(|at_ms| (0..=TIME_MAX_MS).contains(at_ms));
    read.ok_or_else(|| {
        QueryError::invalid(
            format!("{which} is {text:?}, which is no time"),
            Some(FORMS),
        )
    })
}

fn known_time(text: &str, zone: TimeZone, now_ms: i64) -> Option<i64> {
    let today = zone.day(now_ms);
    match text {
        "now" => return Some(now_ms),
        "today" => return Some(zone.midnight(today)),
        "yesterday" => return Some(zone.midnight(today.checked_sub_days(Days::new(1))?)),
        _ => {}
    }
    if let Ok(ms) = text.parse::<i64>() {
        return Some(ms);
    }
    if let Some(before) = before_now(text, zone, now_ms) {
        return Some(before);
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some(zone.midnight(day));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp_millis());
    }
    let forms = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
    ];
    let local = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some(zone.moment(local))
}

/// `7d` and the like.
fn before_now(text: &str, zone: TimeZone, now_ms: i64) -> Option<i64> {
    let text = text.trim_start_matches('-');
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    let days = |days: u64| Some(zone.midnight(zone.day(now_ms).checked_sub_days(Days::new(days))?));
    match unit {
        "h" => Some(now_ms - i64::from(number) * HOUR_MS),
        "d" => days(u64::from(number)),
        "w" => days(u64::from(number) * 7),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28T10:15:00Z.
    const NOW_MS: i64 = 1_795_860_900_000;

    #[track_caller]
    fn is(text: &str, zone: &str, expect: &str) {
        let zone: TimeZone = zone.parse().expect("a zone");
        let at_ms =
            known_time(text, zone, NOW_MS).unwrap_or_else(|| panic!("{text} is understood"));
        assert_eq!(moment(at_ms), expect, "{text} in {zone}");
    }

    #[test]
    fn times_as_people_write_them() {
        is("now", "UTC", "2026-11-28T10:15:00Z");
        is("today", "Europe/Berlin", "2026-11-27T23:00:00Z");
        is("yesterday", "UTC", "2026-11-27T00:00:00Z");
        is("2026-07-01", "Europe/Berlin", "2026-06-30T22:00:00Z");
        is(
            "2026-11-01T09:30",
            "America/New_York",
            "2026-11-01T14:30:00Z",
        );
        is("2026-11-01T09:30:00+02:00", "UTC", "2026-11-01T07:30:00Z");
        is("7d", "UTC", "2026-11-21T00:00:00Z");
        is("-24h", "UTC", "2026-11-27T10:15:00Z");
        is("2w", "Asia/Tokyo", "2026-11-13T15:00:00Z");
        is("1795860900000", "UTC", "2026-11-28T10:15:00Z");
    }

    #[test]
    fn a_midnight_that_does_not_exist_is_the_moment_after_it() {
        // In Santiago clocks went from 2026-09-05T23:59:59-04:00 to 2026-09-06T01:00:00-03:00.
        is("2026-09-06", "America/Santiago", "2026-09-06T04:00:00Z");
    }

    #[test]
    fn nonsense_is_refused_with_the_forms_there_are() {
        for (from, to) in [
            ("soon", "now"),
            ("2026-13-01", "now"),
            ("now", "7d"),
            ("99999999d", "now"),
            ("", "now"),
        ] {
            let refused = Range::read(Some(from), Some(to), TimeZone::default(), NOW_MS);
            let error = refused.expect_err(from);
            assert!(error.hint.is_some(), "{from}: {error}");
        }
        assert!("Berlin".parse::<TimeZone>().is_err());
    }
}
