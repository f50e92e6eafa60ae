//! The course over time: steps of a length that people count in, none of them left out.

use serde::Serialize;
use utoipa::ToSchema;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The lengths of steps, in rising order.
const STEPS_MS: &[i64] = &[
    MINUTE_MS,
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    HOUR_MS,
    6 * HOUR_MS,
    DAY_MS,
    7 * DAY_MS,
    30 * DAY_MS,
];
/// More points than this are too fine to see.
const POINTS_MAX: i64 = 200;
/// Steps are counted from a Monday, so that weeks begin on one.
const MONDAY_MS: i64 = 4 * DAY_MS;

/// Sums by step. All columns are equally long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Series {
    /// Where each step begins, milliseconds since the Unix epoch.
    pub time_ms: Vec<i64>,
    /// Cost of the requests, US dollars.
    pub cost_usd: Vec<f64>,
    /// Requests.
    pub requests: Vec<u64>,
    /// Requests that failed for good.
    pub errors: Vec<u64>,
}

/// The steps of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    /// The length of one.
    pub(super) step_ms: i64,
    /// Where the first begins, which may be before the range.
    pub(super) first_ms: i64,
    count: usize,
}

impl Steps {
    /// The finest steps that are not too many.
    pub(super) fn of(from_ms: i64, to_ms: i64) -> Steps {
        let length_ms = to_ms - from_ms;
        let usual = STEPS_MS
            .iter()
            .copied()
            .find(|step_ms| length_ms <= step_ms * POINTS_MAX);
        let step_ms = usual.unwrap_or_else(|| (length_ms / POINTS_MAX / DAY_MS + 1) * DAY_MS);
        let first_ms = (from_ms - MONDAY_MS).div_euclid(step_ms) * step_ms + MONDAY_MS;
        let count = (to_ms - first_ms + step_ms - 1) / step_ms;
        Steps {
            step_ms,
            first_ms,
            count: count as usize,
        }
    }

    /// The number of the step that a time is in, from 0.
    pub(super) fn step(&self, time_ms: i64) -> usize {
        ((time_ms - self.first_ms) / self.step_ms).max(0) as usize
    }

    /// A series without events: every step is there, and zero.
    pub(super) fn zeros(&self) -> Series {
        let times = (0..self.count).map(|step| self.first_ms + step as i64 * self.step_ms);
        Series {
            time_ms: times.collect(),
            cost_usd: vec![0.0; self.count],
            requests: vec![0; self.count],
            errors: vec![0; self.count],
        }
    }
}

impl Series {
    /// Counts what happened in one step.
    pub(super) fn count(&mut self, step: usize, cost_usd: f64, requests: u64, errors: u64) {
        if step < self.time_ms.len() {
            self.cost_usd[step] += cost_usd;
            self.requests[step] += requests;
            self.errors[step] += errors;
        }
    }

    /// Adds another series of the same steps.
    pub(super) fn add(&mut self, other: &Series) {
        for step in 0..other.time_ms.len() {
            self.count(
                step,
                other.cost_usd[step],
                other.requests[step],
                other.errors[step],
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_cover_the_range_and_are_never_too_many() {
        let start_ms = 1_763_683_200_123;
        for (length_ms, step_ms) in [
            (1, MINUTE_MS),
            (HOUR_MS, MINUTE_MS),
            (6 * HOUR_MS, 5 * MINUTE_MS),
            (DAY_MS, 15 * MINUTE_MS),
            (7 * DAY_MS, HOUR_MS),
            (30 * DAY_MS, 6 * HOUR_MS),
            (90 * DAY_MS, DAY_MS),
            (365 * DAY_MS, 7 * DAY_MS),
            (start_ms, 103 * DAY_MS),
        ] {
            let (from_ms, to_ms) = (start_ms - length_ms, start_ms);
            let steps = Steps::of(from_ms, to_ms);
            assert_eq!(steps.step_ms, step_ms, "{length_ms}");
            assert!(
                steps.first_ms <= from_ms && from_ms < steps.first_ms + step_ms,
                "{steps:?}"
            );
            let end_ms = steps.first_ms + steps.count as i64 * step_ms;
            assert!(end_ms >= to_ms && end_ms - step_ms < to_ms, "{steps:?}");
            assert!(steps.count as i64 <= POINTS_MAX + 1, "{steps:?}");
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        // 2026-11-16 was a Monday.
        let steps = Steps::of(1_763_683_200_000, 1_763_683_200_000 + 365 * DAY_MS);
        assert_eq!((steps.first_ms - 1_794_787_200_000) % (7 * DAY_MS), 0);
    }

    #[test]
    fn missing_steps_are_zero() {
        let steps = Steps::of(0, 3 * MINUTE_MS);
        let mut series = steps.zeros();
        series.count(steps.step(2 * MINUTE_MS - 1), 0.5, 2, 1);
        series.add(&series.clone());
        assert_eq!(series.time_ms, [0, MINUTE_MS, 2 * MINUTE_MS]);
        assert_eq!(series.cost_usd, [0.0, 1.0, 0.0]);
        assert_eq!(
            (series.requests, series.errors),
            (vec![0, 4, 0], vec![0, 2, 0])
        );
    }
}
