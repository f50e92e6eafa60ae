//! `_expected_by(day)`: until when somebody who was active on these days would be heard of again, by
//! their own rhythm.
//!
//! Between two active days lie working days; a weekend is none. Of these distances the one counts that
//! 95 of 100 stay within, and at least one working day. Who was active on fewer than five days has no
//! rhythm yet: a working week. The answer is the end of the day that lies that far after the last
//! active one. Days are those of UTC; holidays are not known.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, TimestampMillisecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::cast::{as_int64_array, as_list_array};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Accumulator, AggregateUDF, Volatility, create_udaf};
use datafusion::scalar::ScalarValue;

const DAY_MS: i64 = 86_400_000;
/// Active days that make a rhythm.
const ACTIVE_DAYS_MIN: usize = 5;
/// Working days that somebody without a rhythm may be silent.
const WORKING_WEEK: i64 = 5;

pub(super) fn expected_by() -> AggregateUDF {
    create_udaf(
        "_expected_by",
        vec![time()],
        Arc::new(time()),
        Volatility::Immutable,
        Arc::new(|_| Ok(Box::new(ActiveDays::default()))),
        Arc::new(vec![DataType::new_list(DataType::Int64, true)]),
    )
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// Days since 1970.
#[derive(Debug, Default)]
struct ActiveDays(BTreeSet<i64>);

impl Accumulator for ActiveDays {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let times = values.first().and_then(|array| {
            let array = array.as_any();
            array.downcast_ref::<TimestampMillisecondArray>()
        });
        let times = times
            .ok_or_else(|| DataFusionError::Internal("_expected_by takes times".to_owned()))?;
        let days = times.iter().flatten().map(|ms| ms.div_euclid(DAY_MS));
        self.0.extend(days);
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let days: Vec<i64> = self.0.iter().copied().collect();
        Ok(ScalarValue::TimestampMillisecond(
            expected_by_ms(&days),
            Some("UTC".into()),
        ))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.len() * 2 * size_of::<i64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![numbers(self.0.iter().copied())])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for_each_list(states, |days| self.0.extend(days.iter().copied()))
    }
}

/// Numbers as the state of an accumulator.
pub(super) fn numbers(numbers: impl Iterator<Item = i64>) -> ScalarValue {
    let numbers: Vec<ScalarValue> = numbers
        .map(|number| ScalarValue::Int64(Some(number)))
        .collect();
    ScalarValue::List(ScalarValue::new_list_nullable(&numbers, &DataType::Int64))
}

/// Takes such states.
pub(super) fn for_each_list(states: &[ArrayRef], mut take: impl FnMut(&[i64])) -> Result<()> {
    let Some(state) = states.first() else {
        return Ok(());
    };
    let lists = as_list_array(state)?;
    for list in lists.iter().flatten() {
        take(as_int64_array(&list)?.values());
    }
    Ok(())
}

/// `days` are days since 1970, rising.
fn expected_by_ms(days: &[i64]) -> Option<i64> {
    let last = *days.last()?;
    let gap = if days.len() < ACTIVE_DAYS_MIN {
        WORKING_WEEK
    } else {
        usual_gap(days)
    };
    let due = day_of(working_days_to(last) + gap);
    (due + 1).checked_mul(DAY_MS)
}

/// The distance in working days that 95 of 100 stay within.
fn usual_gap(days: &[i64]) -> i64 {
    let ends = days.iter().skip(1);
    let mut gaps: Vec<i64> = days
        .iter()
        .zip(ends)
        .map(|(from, to)| working_days_to(*to) - working_days_to(*from))
        .collect();
    gaps.sort_unstable();
    let within = (gaps.len() * 95).div_ceil(100);
    gaps.get(within.saturating_sub(1))
        .map_or(1, |gap| *gap)
        .max(1)
}

/// How many working days there were up to a day, from the Monday before 1970 on.
fn working_days_to(day: i64) -> i64 {
    let since_monday = day + 3;
    since_monday.div_euclid(7) * 5 + (since_monday.rem_euclid(7) + 1).min(5)
}

/// The day on which there were that many.
fn day_of(working_days: i64) -> i64 {
    let before = working_days - 1;
    before.div_euclid(5) * 7 + before.rem_euclid(5) - 3
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, day_of, expected_by_ms, working_days_to};

    /// 2026-11-02, a Monday.
    const MONDAY: i64 = 20_759;

    #[track_caller]
    fn check(days: &[i64], expect_day: i64, what: &str) {
        let days: Vec<i64> = days.iter().map(|day| MONDAY + day).collect();
        let by = expected_by_ms(&days).expect("a day");
        assert_eq!(by / DAY_MS - 1 - MONDAY, expect_day, "{what}");
    }

    #[test]
    fn a_rhythm_is_counted_in_working_days() {
        check(&[0, 1, 2, 3, 4], 7, "daily, until Friday: Monday");
        check(&[0, 1, 2, 3, 4, 7], 8, "daily, over a weekend");
        check(&[0, 1, 2, 3, 4, 5], 7, "Saturday too: Monday");
        check(&[0, 7, 14, 21, 28], 35, "on Mondays: the next one");
        check(
            &[5, 6, 12, 13, 19, 20],
            25,
            "on weekends: the Friday after, when five working days are over",
        );
        check(&[0, 2, 4, 7, 9], 11, "every other day");
    }

    #[test]
    fn one_long_absence_of_many_is_no_rhythm() {
        let mut days: Vec<i64> = (0..100).filter(|day| day % 7 < 5).collect();
        let with_holiday: Vec<i64> = days
            .iter()
            .copied()
            .filter(|day| !(14..28).contains(day))
            .collect();
        let last = *days.last().expect("a day");
        check(&days, last + 1, "daily");
        check(&with_holiday, last + 1, "with a holiday of two weeks");
        days.truncate(4);
        check(&days, 3 + 7, "four days: a working week");
        check(&[4], 11, "one day");
    }

    #[test]
    fn working_days_and_days_are_each_others_inverse() {
        for day in MONDAY..MONDAY + 5 {
            assert_eq!(day_of(working_days_to(day)), day);
        }
        let friday = working_days_to(MONDAY + 4);
        assert_eq!(
            [5, 6, 7].map(|day| working_days_to(MONDAY + day) - friday),
            [0, 0, 1]
        );
    }

    #[test]
    fn no_day_is_no_rhythm() {
        assert_eq!(expected_by_ms(&[]), None);
    }
}
