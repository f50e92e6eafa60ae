//! When people start sessions: working hours on weekdays, little at night and at weekends, never
//! nothing; and tasks that run by themselves at three in the morning. All by each person's own clock.

use std::collections::VecDeque;

use super::life::{Hour, Life};
use super::people::Person;
use super::variety::Habits;
use crate::random::Random;

pub(super) const HOUR_MS: u64 = 3_600_000;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;

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
    /// A nightly task.
    Schedule,
    /// A nightly task that runs away.
    Runaway,
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
    habits: Vec<Habits>,
    has_holidays: bool,
    /// How many nightly tasks have still to run away, from when on the next one does, and how long
    /// it is from one to the next.
    runaways: u64,
    runs_away_from_ms: u64,
    runs_away_every_ms: u64,
    hour_ms: u64,
    start_ms: u64,
    end_ms: u64,
    pending: VecDeque<Start>,
}

impl Calendar {
    pub(super) fn new(
        people: &[Person],
        habits: &[Habits],
        life: &Life,
        random: Random,
        (start_ms, end_ms): (u64, u64),
    ) -> Calendar {
        let every_ms = (end_ms - start_ms) / (life.runaways + 1);
        Calendar {
            random,
            sessions_per_day: people
                .iter()
                .map(|person| person.sessions_per_day)
                .collect(),
            habits: habits.to_vec(),
            has_holidays: life.holidays,
            runaways: life.runaways,
            runs_away_from_ms: start_ms + every_ms,
            runs_away_every_ms: every_ms,
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
        let mut starts = Vec::new();
        for (person, rate) in self.sessions_per_day.iter().enumerate() {
            let share = self.habits[person].hour(self.hour_ms, self.has_holidays);
            for _ in 0..self.random.poisson(rate * share_of(&share)) {
                let at_ms = self.hour_ms + self.random.below(HOUR_MS);
                starts.push(Start {
                    at_ms,
                    person,
                    trigger: Trigger::Person,
                });
            }
        }
        self.start_nightly_tasks(&mut starts);
        starts.retain(|start| (self.start_ms..self.end_ms).contains(&start.at_ms));
        starts.sort_by_key(|start| (start.at_ms, start.person));
        self.pending.extend(starts);
    }

    fn start_nightly_tasks(&mut self, starts: &mut Vec<Start>) {
        for person in 0..self.habits.len() {
            let habits = &self.habits[person];
            let is_there = habits
                .joins_ms
                .is_none_or(|joins_ms| self.hour_ms >= joins_ms);
            if !habits.has_nightly_task || !is_there {
                continue;
            }
            let Some(into_ms) = habits.nightly_in(self.hour_ms) else {
                continue;
            };
            let at_ms = self.hour_ms + into_ms + self.random.below(2000);
            let runs_away = self.runaways > 0 && at_ms >= self.runs_away_from_ms;
            if runs_away {
                self.runaways -= 1;
                self.runs_away_from_ms += self.runs_away_every_ms;
            }
            starts.push(Start {
                at_ms,
                person,
                trigger: if runs_away {
                    Trigger::Runaway
                } else {
                    Trigger::Schedule
                },
            });
        }
    }
}

fn share_of(hour: &Hour) -> f64 {
    let share = WEEKDAY[hour.of_day] * hour.share;
    if hour.is_weekend {
        share * WEEKEND_SHARE
    } else {
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organisation::{ClientVersion, Config};

    #[test]
    fn a_week_has_its_rhythm() {
        let mut random = Random::new(4);
        let people: Vec<Person> = (0..200)
            .map(|index| Person::new(index, &mut random))
            .collect();
        // 2026-11-02 was a Monday.
        let start_ms = 1_793_577_600_000;
        let config = Config {
            people: 200,
            end_unix_ms: start_ms + 7 * DAY_MS,
            ..crate::organisation::tests::config(ClientVersion::V2_1_329, false)
        };
        let habits = Habits::of_all(&people, &config, &mut Random::new(5));
        let life = Life::default();
        let days = (start_ms, config.end_unix_ms);
        let mut calendar = Calendar::new(&people, &habits, &life, random, days);
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
