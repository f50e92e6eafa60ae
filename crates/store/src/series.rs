//! Metric points to increments: delta values count as they are, cumulative ones by what they grew.
//!
//! Invariant: the sum of a series' increments is its true total whatever the order of arrival.
//! A series is everything that names it (resource, scope, metric, attributes) with its start time;
//! a new start time is a reset. Without one, a value that falls while time goes on is a reset too,
//! and an older point that arrives late adds only what exceeds the largest value seen.

use std::collections::HashMap;

use contract::{PointValue, Temporality};
use serde::{Deserialize, Serialize};

use crate::document;
use crate::error::{StoreError, Unreadable};

/// The version of the file that is written.
const VERSION: u32 = 2;
/// Series that said nothing for this long are forgotten: 8 days, more than the oldest credible claim.
const FORGET_AFTER_NS: u64 = 8 * 24 * 3600 * 1_000_000_000;

/// What names a series and says where one of its points stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeriesPoint {
    /// Hash of everything that names the series.
    pub(crate) series: u128,
    pub(crate) start_ns: u64,
    pub(crate) time_ns: u64,
    pub(crate) value: PointValue,
    pub(crate) temporality: Temporality,
    /// Gauges and non-monotonic sums have no increments.
    pub(crate) counts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Last {
    start_ns: u64,
    time_ns: u64,
    /// The largest value since the last reset.
    highest: f64,
    /// The data directory's age when the series was last heard of: clocks may be days off.
    #[serde(default)]
    seen_age_ns: u64,
}

/// The file of the state.
#[derive(Serialize, Deserialize)]
struct SeriesFile {
    version: u32,
    /// Hash of what names the series, in hexadecimal digits, and its last point.
    series: Vec<(String, Last)>,
}

/// The state of cumulative series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    last: HashMap<(u128, u64), Last>,
}

impl Series {
    /// The increment of a point that comes at this age of the data directory; `None` where there is
    /// none to count.
    pub(crate) fn increment(&mut self, point: &SeriesPoint, age_ns: u64) -> Option<f64> {
        let value = number(point.value)?;
        if !point.counts {
            return None;
        }
        match point.temporality {
            Temporality::Cumulative => self.grown(point, value, age_ns),
            Temporality::Delta | Temporality::Unspecified => (value >= 0.0).then_some(value),
        }
    }

    fn grown(&mut self, point: &SeriesPoint, value: f64, age_ns: u64) -> Option<f64> {
        if value < 0.0 {
            return None;
        }
        let fresh = Last {
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            highest: value,
            seen_age_ns: age_ns,
        };
        let Some(last) = self.last.get_mut(&(point.series, point.start_ns)) else {
            self.last.insert((point.series, point.start_ns), fresh);
            return Some(value);
        };
        last.seen_age_ns = last.seen_age_ns.max(age_ns);
        let newer = point.time_ns > last.time_ns;
        if newer && value < last.highest {
            *last = fresh;
            return Some(value);
        }
        let grown = (value - last.highest).max(0.0);
        last.highest = last.highest.max(value);
        last.time_ns = last.time_ns.max(point.time_ns);
        Some(grown)
    }

    /// Forgets series that have been silent for long; `age_ns` is the data directory's age.
    pub(crate) fn forget(&mut self, age_ns: u64) {
        let horizon = age_ns.saturating_sub(FORGET_AFTER_NS);
        self.last.retain(|_, last| last.seen_age_ns >= horizon);
    }

    /// The state as a file, for the flush; the same state gives the same bytes.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut sorted: Vec<_> = self.last.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| **key);
        document::seal(&SeriesFile {
            version: VERSION,
            series: sorted
                .into_iter()
                .map(|((series, _), last)| (format!("{series:032x}"), *last))
                .collect(),
        })
    }

    /// The state of an earlier flush.
    pub(crate) fn decode(file: &[u8]) -> Result<Series, Unreadable> {
        // Version 1 was the list alone, without version and checksum.
        let rows = if file.first() == Some(&b'[') {
            serde_json::from_slice(file).map_err(|error| error.to_string())?
        } else {
            document::unseal::<SeriesFile>(file, VERSION)?.series
        };
        let parse = |(series, last): (String, Last)| {
            let series = u128::from_str_radix(&series, 16).map_err(|error| error.to_string())?;
            Ok(((series, last.start_ns), last))
        };
        Ok(Series {
            last: rows.into_iter().map(parse).collect::<Result<_, String>>()?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_empty()
    }
}

fn number(value: PointValue) -> Option<f64> {
    let number = match value {
        PointValue::Empty => return None,
        PointValue::Int(number) => number as f64,
        PointValue::Double(number) => number,
        PointValue::Distribution { sum, .. } => sum?,
    };
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(points: &[(u64, u64, f64)]) -> f64 {
        let mut series = Series::default();
        let point = |&(start_ns, time_ns, value)| SeriesPoint {
            series: 1,
            start_ns,
            time_ns,
            value: PointValue::Double(value),
            temporality: Temporality::Cumulative,
            counts: true,
        };
        points
            .iter()
            .map(point)
            .filter_map(|point| series.increment(&point, 1))
            .sum()
    }

    #[test]
    fn a_cumulative_series_totals_its_last_value_in_any_order() {
        let points = [(1, 10, 5.0), (1, 20, 9.0), (1, 30, 12.0)];
        assert_eq!(total(&points), 12.0);
        assert_eq!(total(&[points[0], points[2], points[1]]), 12.0);
        assert_eq!(total(&[points[2], points[0], points[1]]), 12.0);
    }

    #[test]
    fn resets_start_anew() {
        assert_eq!(total(&[(1, 10, 5.0), (2, 20, 3.0), (2, 30, 4.0)]), 9.0);
        assert_eq!(total(&[(0, 10, 5.0), (0, 20, 3.0)]), 8.0);
        assert_eq!(total(&[(1, 10, 5.0), (2, 20, 3.0), (1, 15, 6.0)]), 9.0);
    }

    #[test]
    fn delta_counts_as_it_is_and_gauges_do_not_count() {
        let mut series = Series::default();
        let mut point = SeriesPoint {
            series: 1,
            start_ns: 1,
            time_ns: 2,
            value: PointValue::Int(5),
            temporality: Temporality::Delta,
            counts: true,
        };
        assert_eq!(
            (series.increment(&point, 2), series.increment(&point, 2)),
            (Some(5.0), Some(5.0))
        );
        point.value = PointValue::Double(f64::NAN);
        assert_eq!(series.increment(&point, 2), None);
        point.value = PointValue::Int(5);
        point.counts = false;
        assert_eq!(series.increment(&point, 2), None);
        assert!(series.is_empty());
    }

    #[test]
    fn a_clock_that_is_days_off_does_not_make_a_series_forgotten() {
        let mut series = Series::default();
        let mut point = SeriesPoint {
            series: 1,
            start_ns: 1,
            time_ns: 2,
            value: PointValue::Double(1e6),
            temporality: Temporality::Cumulative,
            counts: true,
        };
        series.increment(&point, 2 * FORGET_AFTER_NS);
        series.forget(2 * FORGET_AFTER_NS);
        point.time_ns = 3;
        assert_eq!(series.increment(&point, 2 * FORGET_AFTER_NS), Some(0.0));
        series.forget(4 * FORGET_AFTER_NS);
        assert!(series.is_empty());
    }

    #[test]
    fn the_state_survives_a_restart() {
        let mut series = Series::default();
        let mut point = SeriesPoint {
            series: u128::MAX,
            start_ns: u64::MAX - 1,
            time_ns: 2,
            value: PointValue::Double(5.0),
            temporality: Temporality::Cumulative,
            counts: true,
        };
        series.increment(&point, 2);
        let mut back = Series::decode(&series.encode().expect("encodes")).expect("decodes");
        point.value = PointValue::Double(7.0);
        point.time_ns = 3;
        assert_eq!(back.increment(&point, 3), Some(2.0));
    }
}
