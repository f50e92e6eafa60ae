//! How the people of an organisation live: roles, time zones, holidays, growth, nightly tasks, the
//! heavy user, old clients, a task that runs away.
//!
//! Invariant: it draws from a source of its own, so that without it everything is as it was.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Weekday};
use chrono_tz::Tz;

use super::calendar::{DAY_MS, HOUR_MS};
use super::people::{Person, Surface};
use super::variety::Habits;
use super::{ClientVersion, Config};
use crate::random::Random;

/// How people live, beside how their clients differ. The default: everybody lives in UTC, has no
/// role and no holidays, and is there from the first day; one person has a nightly task.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Life {
    /// Whether people have roles: named by `role` among the resource attributes, and deciding how
    /// often they start sessions.
    pub roles: bool,
    /// Whether people live in several time zones, by which their hours and weekends are.
    pub time_zones: bool,
    /// Whether there are public holidays, by country, and a holiday of each person's own.
    pub holidays: bool,
    /// Share of all people who join on a day of the first half: growth.
    pub joiners: f64,
    /// Share of the people with Claude Code whose nightly task runs at three in the morning. One
    /// person has such a task whatever is said here.
    pub nightly: f64,
    /// How many times as many sessions as others the heavy user starts; 0 for the usual six.
    pub heaviest: f64,
    /// Share of the people with Claude Code whose client is 2.0.76.
    pub old_client: f64,
    /// How many nightly tasks run away: hundreds of requests for one prompt.
    pub runaways: u64,
}

impl Life {
    /// Some of everything.
    pub const FULL: Life = Life {
        roles: true,
        time_zones: true,
        holidays: true,
        joiners: 0.25,
        nightly: 0.1,
        heaviest: 12.0,
        old_client: 0.08,
        runaways: 1,
    };
}

/// What a role is called, how often those in it start sessions, and how common it is.
type Role = (&'static str, f64, f64);

const CODE_ROLES: &[Role] = &[
    ("engineer", 1.0, 0.6),
    ("data-scientist", 1.2, 0.15),
    ("reliability-engineer", 0.8, 0.15),
    ("engineering-manager", 0.35, 0.1),
];
const COWORK_ROLES: &[Role] = &[
    ("analyst", 1.0, 0.4),
    ("assistant", 1.2, 0.3),
    ("counsel", 0.7, 0.15),
    ("manager", 0.5, 0.15),
];

/// Where people live, and how many of them.
const ZONES: &[(Tz, f64)] = &[
    (Tz::Europe__Berlin, 0.35),
    (Tz::America__New_York, 0.25),
    (Tz::Europe__London, 0.15),
    (Tz::America__Los_Angeles, 0.1),
    (Tz::Asia__Kolkata, 0.1),
    (Tz::Asia__Tokyo, 0.05),
];

/// Public holidays of a fixed date that all or most of the country has, month and day.
fn fixed_holidays(zone: Tz) -> &'static [(u32, u32)] {
    match zone {
        Tz::Europe__Berlin => &[(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)],
        Tz::America__New_York | Tz::America__Los_Angeles => {
            &[(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
        }
        Tz::Europe__London => &[(1, 1), (12, 25), (12, 26)],
        Tz::Asia__Kolkata => &[(1, 26), (8, 15), (10, 2)],
        Tz::Asia__Tokyo => &[(1, 1), (1, 2), (1, 3), (2, 11), (11, 3), (11, 23)],
        _ => &[(1, 1), (12, 25)],
    }
}

/// Whether nobody of that zone works on that day. Of the holidays that move, Thanksgiving alone.
fn is_public_holiday(zone: Tz, day: NaiveDate) -> bool {
    let is_american = matches!(zone, Tz::America__New_York | Tz::America__Los_Angeles);
    let thanksgiving = is_american
        && day.month() == 11
        && day.weekday() == Weekday::Thu
        && (22..=28).contains(&day.day());
    thanksgiving || fixed_holidays(zone).contains(&(day.month(), day.day()))
}

/// A person's own holidays last so many days.
const OWN_HOLIDAY_DAYS: (u64, u64) = (3, 10);
/// In shorter times there are none.
const OWN_HOLIDAY_FROM_DAYS: u64 = 14;
/// What is started on a public holiday, of what would be started on another weekday.
const PUBLIC_HOLIDAY_SHARE: f64 = 0.05;
/// The heavy user starts this many times as many sessions already.
const USUAL_HEAVY_FACTOR: f64 = 6.0;
/// Mixed into the seed for all that life draws.
const LIFE_SALT: u64 = 0x6c69_6665_6c69_6b65;

/// Lets people live: fills in what `Habits` say of it.
pub(super) fn settle(people: &[Person], habits: &mut [Habits], config: &Config) {
    let life = &config.variety.life;
    let mut random = Random::new(config.seed ^ LIFE_SALT);
    let is_code = |index: &usize| people[*index].surface == Surface::Code;
    let mut draw = |share: f64, of: &dyn Fn(&usize) -> bool| -> Vec<bool> {
        let mut concerned: Vec<usize> = (0..people.len()).filter(of).collect();
        random.shuffle(&mut concerned);
        let count = (concerned.len() as f64 * share).round() as usize;
        let mut drawn = vec![false; people.len()];
        concerned[..count]
            .iter()
            .for_each(|index| drawn[*index] = true);
        drawn
    };
    // The heavy user is there from the first day, with the organisation's client.
    let joins = draw(life.joiners, &|index| *index > 0);
    let nightly = draw(life.nightly, &is_code);
    let old = draw(life.old_client, &|index| *index > 0 && is_code(index));
    let start_day = (config.end_unix_ms / DAY_MS).saturating_sub(config.days);
    for (index, habits) in habits.iter_mut().enumerate() {
        let joins_on = start_day + 1 + random.below((config.days / 2).max(1));
        let away_on = start_day + random.below(config.days.max(1));
        let away_days = random.between(OWN_HOLIDAY_DAYS.0, OWN_HOLIDAY_DAYS.1);
        let zone = random.weighted(ZONES, |(_, share)| *share).0;
        let roles = match people[index].surface {
            Surface::Code => CODE_ROLES,
            Surface::Cowork => COWORK_ROLES,
        };
        let role = random.weighted(roles, |(.., share)| *share);
        if joins[index] {
            habits.joins_ms = Some(joins_on * DAY_MS);
        }
        habits.has_nightly_task |= nightly[index];
        if old[index] {
            habits.client = ClientVersion::V2_0_76;
        }
        if life.time_zones {
            habits.zone = zone;
        }
        if life.holidays && index > 0 && config.days >= OWN_HOLIDAY_FROM_DAYS {
            habits.away_ms = Some((away_on * DAY_MS, (away_on + away_days) * DAY_MS));
        }
        if life.roles {
            habits.role = Some(role.0);
            habits.pace *= role.1;
        }
        if index == 0 && life.heaviest > 0.0 {
            // Whatever the role: that one is meant to stand out.
            habits.pace = life.heaviest / USUAL_HEAVY_FACTOR;
        }
    }
}

/// One hour of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hour {
    /// Hour of the person's day, 0 to 23.
    pub(super) of_day: usize,
    pub(super) is_weekend: bool,
    /// What is done in it, of what would be done in the same hour of an ordinary day.
    pub(super) share: f64,
}

impl Habits {
    /// The hour that begins at `hour_ms`.
    pub(super) fn hour(&self, hour_ms: u64, has_holidays: bool) -> Hour {
        let utc = i64::try_from(hour_ms).unwrap_or(0);
        let utc = DateTime::from_timestamp_millis(utc).unwrap_or_default();
        let local = utc.with_timezone(&self.zone);
        let is_there = self.joins_ms.is_none_or(|joins_ms| hour_ms >= joins_ms)
            && self
                .away_ms
                .is_none_or(|(from, to)| !(from..to).contains(&hour_ms));
        let share = match is_there {
            false => 0.0,
            true if has_holidays && is_public_holiday(self.zone, local.date_naive()) => {
                self.pace * PUBLIC_HOLIDAY_SHARE
            }
            true => self.pace,
        };
        Hour {
            of_day: local.hour() as usize,
            is_weekend: matches!(local.weekday(), Weekday::Sat | Weekday::Sun),
            share,
        }
    }

    /// How far the local three o'clock in the hour that begins at `hour_ms` is into it, where it is in it.
    pub(super) fn nightly_in(&self, hour_ms: u64) -> Option<u64> {
        (0..2).map(|half| half * HOUR_MS / 2).find(|into_ms| {
            let at = i64::try_from(hour_ms + into_ms).unwrap_or(0);
            let at = DateTime::from_timestamp_millis(at).unwrap_or_default();
            let local = at.with_timezone(&self.zone);
            local.hour() == 3 && local.minute() == 0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_works_when_nobody_works() {
        let check = |zone: Tz, day: (i32, u32, u32), expected: bool| {
            let date = NaiveDate::from_ymd_opt(day.0, day.1, day.2).expect("a day");
            assert_eq!(is_public_holiday(zone, date), expected, "{zone} {date}");
        };
        check(Tz::Europe__Berlin, (2026, 10, 3), true);
        check(Tz::America__New_York, (2026, 10, 3), false);
        check(Tz::America__New_York, (2026, 11, 26), true);
        check(Tz::America__New_York, (2026, 11, 19), false);
        check(Tz::Europe__London, (2026, 11, 26), false);
        check(Tz::Asia__Tokyo, (2026, 11, 23), true);
    }
}
