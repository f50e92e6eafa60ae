//! Client time is a claim: where it goes wrong, the time of receipt decides.

/// How far a client's clock may lag behind before its time is not used for partitions: 7 days.
const CLAIM_PAST_NS: u64 = 7 * 24 * 3600 * 1_000_000_000;
/// How far it may run ahead: 10 minutes.
const CLAIM_FUTURE_NS: u64 = 10 * 60 * 1_000_000_000;

/// The time of an item, and the time by which it is filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeClaim {
    /// What the item says, or the time of receipt when it says nothing. Nanoseconds.
    pub time_ns: u64,
    /// The time that decides partition and retention: the claim when it is believable, else the
    /// time of receipt. Nanoseconds.
    pub filed_ns: u64,
}

/// Time, else observed time, else time of receipt; all in nanoseconds since the Unix epoch, 0 = unset.
pub fn claim_time(time_ns: u64, observed_ns: u64, received_ns: u64) -> TimeClaim {
    let time_ns = [time_ns, observed_ns]
        .into_iter()
        .find(|ns| *ns != 0)
        .unwrap_or(received_ns);
    // Beyond the range of a signed count of nanoseconds (year 2262) no column could hold it.
    let time_ns = if time_ns > i64::MAX as u64 {
        received_ns
    } else {
        time_ns
    };
    let earliest = received_ns.saturating_sub(CLAIM_PAST_NS);
    let latest = received_ns.saturating_add(CLAIM_FUTURE_NS);
    let filed_ns = if (earliest..=latest).contains(&time_ns) {
        time_ns
    } else {
        received_ns
    };
    TimeClaim { time_ns, filed_ns }
}

/// The text that clients write into `event.timestamp`: `2026-11-21T00:00:06.986Z`.
///
/// `None` when the year does not have four digits.
pub fn iso_millis(unix_ms: u64) -> Option<[u8; 24]> {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    let (year, month, day) = civil(days);
    if year > 9999 {
        return None;
    }
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |at: usize, width: usize, mut number: u64| {
        for index in (at..at + width).rev() {
            text[index] = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, ms / 3_600_000);
    put(14, 2, ms / 60_000 % 60);
    put(17, 2, ms / 1000 % 60);
    put(20, 3, ms % 1000);
    Some(text)
}

/// Midnight (UTC) of a day, milliseconds since the Unix epoch.
pub(crate) const fn day_ms(year: u64, month: u64, day: u64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let year_of_cycle = year % 400;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    let days = year / 400 * 146_097 + day_of_cycle;
    (days as i64 - DAYS_TO_EPOCH_FROM_YEAR_0 as i64) * 86_400_000
}

/// Midnight (UTC) of a day written `2026-12-01`; `None` when there is no such day from 1970 on.
pub fn parse_day_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse::<u64>().ok())?
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let ms = day_ms(year, month, day);
    (civil(ms as u64 / 86_400_000) == (year, month, day)).then_some(ms)
}

const DAYS_TO_EPOCH_FROM_YEAR_0: u64 = 719_468;

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March in cycles of 400 years (146,097 days), so that the leap day is last.
fn civil(days_since_epoch: u64) -> (u64, u64, u64) {
    let days = days_since_epoch + DAYS_TO_EPOCH_FROM_YEAR_0;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (
        cycle * 400 + year_of_cycle + u64::from(month <= 2),
        month,
        day,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_as_clients_write_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_219_206_986, "2026-11-21T00:00:06.986Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        ] {
            assert_eq!(
                std::str::from_utf8(&iso_millis(ms).expect("a year of four digits")),
                Ok(text)
            );
        }
        assert_eq!(iso_millis(u64::MAX), None);
    }

    #[test]
    fn days_as_people_write_them() {
        for (text, ms) in [
            ("1970-01-01", Some(0)),
            ("2026-10-07", Some(1_791_331_200_000)),
            ("2000-02-29", Some(951_782_400_000)),
            ("2100-02-28", Some(4_107_456_000_000)),
            ("2100-02-29", None),
            ("2026-13-01", None),
            ("2026-1-1", None),
            ("2026-10-07T00:00", None),
            ("1969-12-31", None),
            ("2026-+1-07", None),
            ("tomorrow..", None),
        ] {
            assert_eq!(parse_day_ms(text), ms, "{text}");
        }
    }

    #[test]
    fn a_wild_clock_does_not_decide_where_an_item_is_filed() {
        const NOW: u64 = 1_795_219_206_986_000_000;
        const DAY: u64 = 86_400_000_000_000;
        let check = |time, observed, expect_time, expect_filed| {
            let claim = claim_time(time, observed, NOW);
            assert_eq!(
                (claim.time_ns, claim.filed_ns),
                (expect_time, expect_filed),
                "{time} {observed}"
            );
        };
        check(NOW - DAY, 0, NOW - DAY, NOW - DAY);
        check(0, NOW - DAY, NOW - DAY, NOW - DAY);
        check(0, 0, NOW, NOW);
        check(NOW - 8 * DAY, 0, NOW - 8 * DAY, NOW);
        check(NOW + DAY, 0, NOW + DAY, NOW);
        check(u64::MAX, 0, NOW, NOW);
    }
}
