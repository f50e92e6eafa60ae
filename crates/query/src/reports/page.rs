//! Where a page ends. Pages go back in time and are asked for by the time before which they begin,
//! so rows that began in the same millisecond must lie on one page.

/// How many rows beyond a page are looked at to find the end of one millisecond.
pub(super) const TIES_MAX: usize = 100;
/// The longest page.
pub(super) const ROWS_MAX: usize = 1_000;

/// Cuts rows, newest first, to a page. Returns where the next one begins, when there are more rows.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: usize, time_ms: impl Fn(&T) -> i64) -> Option<i64> {
    let last_ms = time_ms(rows.get(limit.checked_sub(1)?)?);
    let ties = rows[limit..]
        .iter()
        .take_while(|row| time_ms(row) == last_ms)
        .count();
    let is_more = rows.len() > limit + ties || ties >= TIES_MAX;
    rows.truncate(limit + ties);
    is_more.then_some(last_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_after_a_whole_millisecond() {
        for (times, limit, page, next) in [
            (&[][..], 2, 0, None),
            (&[9], 2, 1, None),
            (&[9, 8], 2, 2, None),
            (&[9, 8, 7], 2, 2, Some(8)),
            (&[9, 8, 8], 2, 3, None),
            (&[9, 8, 8, 7], 2, 3, Some(8)),
        ] {
            let mut rows = times.to_vec();
            assert_eq!(cut(&mut rows, limit, |time| *time), next, "{times:?}");
            assert_eq!(rows.len(), page, "{times:?}");
        }
    }
}
