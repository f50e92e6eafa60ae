//! When people start sessions: working hours on weekdays, little at night and at weekends, never
//! nothing; and one task that runs by itself at three in the morning. All times are UTC.

use std::collections::VecDeque;

use super::people::{Person, Surface};
use crate::random::Random;

pub(super) const HOUR_MS: u64 = 3_600_000;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;
const SCHEDULED_HOUR: u64 = 3;

/// How much of a working day's sessions falls into each hour of it.
const WEEKDAY: [f64; 24] = [
    0.004, 0.002, 0.002, 0.001, 0.001, 0.003, 0.008, 0.025, 0.065, 0.105, 0.115, 0.100, 0.055,
    0.085, 0.110, 0.105, 0.085, 0.055, 0.025, 0.016, 0.014, 0.010, 0.006, 0.003,
];
/// What a weekend day has of a working day.
const WEEKEND_SHARE: f64 = 0.08;

/// What makes a session start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A person sits down.
    Person,
    /// The nightly task.
    Schedule,
}

/// A session that is to start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) at_ms: u64,
    pub(super) person: usize,
    pub(super) trigger: Trigger,
}

/// All session starts of the simulated days in time order, worked out one hour ahead.
pub(super) struct Calendar {
    random: Random,
    sessions_per_day: Vec<f64>,
    /// Who owns the nightly task: the first person after the heavy user who works with Claude Code.
    scheduler: Option<usize>,
    hour_ms: u64,
    start_ms: u64,
    end_ms: u64,
    pending: VecDeque<Start>,
}

impl Calendar {
    pub(super) fn new(people: &[Person], random: Random, start_ms: u64, end_ms: u64) -> Calendar {
        let code = |index: &usize| people[*index].surface == Surface::Code;
        Calendar {
            random,
            sessions_per_day: people
                .iter()
                .map(|person| person.sessions_per_day)
                .collect(),
            scheduler: (1..people.len())
                .find(code)
                .or_else(|| (0..people.len()).find(code)),
            hour_ms: start_ms / HOUR_MS * HOUR_MS,
            start_ms,
            end_ms,
            pending: VecDeque::new(),
        }
    }

    /// The next start, which stays the next until `pop`.
    pub(super) fn peek(&mut self) -> Option<Start> {
        while self.pending.is_empty() && self.hour_ms < self.end_ms {
            self.fill_hour();
            self.hour_ms += HOUR_MS;
        }
        self.pending.front().copied()
    }

    pub(super) fn pop(&mut self) {
        self.pending.pop_front();
    }

    fn fill_hour(&mut self) {
        let share = share_of_hour(self.hour_ms);
        let mut starts = Vec::new();
        for (person, rate) in self.sessions_per_day.iter().enumerate() {
            for _ in 0..self.random.poisson(rate * share) {
                let at_ms = self.hour_ms + self.random.below(HOUR_MS);
                starts.push(Start {
                    at_ms,
                    person,
                    trigger: Trigger::Person,
                });
            }
        }
        if let Some(person) = self.scheduler
            && self.hour_ms % DAY_MS / HOUR_MS == SCHEDULED_HOUR
        {
            let at_ms = self.hour_ms + self.random.below(2000);
            starts.push(Start {
                at_ms,
                person,
                trigger: Trigger::Schedule,
            });
        }
        starts.retain(|start| (self.start_ms..self.end_ms).contains(&start.at_ms));
        starts.sort_by_key(|start| (start.at_ms, start.person));
        self.pending.extend(starts);
    }
}

fn share_of_hour(hour_ms: u64) -> f64 {
    let share = WEEKDAY[(hour_ms % DAY_MS / HOUR_MS) as usize];
    // 1970-01-01 was a Thursday; 0 stands for Sunday.
    let weekend = matches!((hour_ms / DAY_MS + 4) % 7, 0 | 6);
    if weekend {
        share * WEEKEND_SHARE
    } else {
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_its_rhythm() {
        let mut random = Random::new(4);
        let people: Vec<Person> = (0..200)
            .map(|index| Person::new(index, &mut random))
            .collect();
        // 2026-11-02 was a Monday.
        let start_ms = 1_793_577_600_000;
        let mut calendar = Calendar::new(&people, random, start_ms, start_ms + 7 * DAY_MS);
        let (mut by_day, mut night, mut scheduled, mut last_ms) = ([0; 7], 0, 0, 0);
        while let Some(start) = calendar.peek() {
            calendar.pop();
            assert!(start.at_ms >= last_ms, "starts are in time order");
            last_ms = start.at_ms;
            by_day[((start.at_ms - start_ms) / DAY_MS) as usize] += 1;
            night += usize::from(start.at_ms % DAY_MS < 6 * HOUR_MS);
            scheduled += usize::from(start.trigger == Trigger::Schedule);
        }
        assert_eq!(scheduled, 7);
        assert!(
            by_day[..5]
                .iter()
                .all(|count| *count > 8 * by_day[5].max(by_day[6])),
            "{by_day:?}"
        );
        assert!(
            by_day[5] > 0 && by_day[6] > 0 && night > scheduled,
            "{by_day:?}, {night} by night"
        );
    }
}
