//! How people and their clients differ: versions, signals, temporality, accounts, labels, absences.
//!
//! Invariant: variety draws from a source of its own, so that without any the organisation sends byte
//! for byte what it sent before there was any. Shares are of people and are kept to the nearest whole
//! person, so that thirty people already show every kind.

use chrono_tz::Tz;
use contract::Temporality;

use super::calendar::{DAY_MS, Start, Trigger};
use super::life::Life;
use super::people::{Person, Surface};
use super::{ClientVersion, Config, life};
use crate::random::Random;

/// How people and their clients differ. Shares are from 0 to 1; the default is that nobody differs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Variety {
    /// Share of the people with Claude Code whose client is of the other version than the
    /// organisation's.
    pub other_version: f64,
    /// Share of the people with Claude Code who send logs and no metrics.
    pub logs_only: f64,
    /// Share of the people with Claude Code who send metrics and no logs.
    pub metrics_only: f64,
    /// Share of the people with Claude Code whose metrics are cumulative.
    pub cumulative: f64,
    /// Share of the people with Claude Code who use an API key: no account, only an installation id.
    pub api_key: f64,
    /// Share of the people with Claude Code who use Cowork, too.
    pub both_products: f64,
    /// Share of all people who fall silent for good in the second half of the simulated days.
    pub leavers: f64,
    /// Share of the sessions of Claude Code that a new process continues: same id, new sequence.
    pub continued: f64,
    /// Share of the sessions whose first items lack the account, because the login comes later; in
    /// one of four it never comes.
    pub late_login: f64,
    /// Share of the sessions without team, department and cost centre.
    pub unlabelled: f64,
    /// Share of the sessions without a person in front whose client tells no decisions on tool calls.
    pub undecided: f64,
    /// How people live.
    pub life: Life,
}

impl Variety {
    /// Some of everything that sets clients apart, in an organisation of the plainest life.
    pub const FULL: Variety = Variety {
        other_version: 0.3,
        logs_only: 0.2,
        metrics_only: 0.2,
        cumulative: 0.4,
        api_key: 0.12,
        both_products: 0.25,
        leavers: 0.2,
        continued: 0.15,
        late_login: 0.2,
        unlabelled: 0.25,
        undecided: 0.5,
        life: Life {
            roles: false,
            time_zones: false,
            holidays: false,
            joiners: 0.0,
            nightly: 0.0,
            heaviest: 0.0,
            old_client: 0.0,
            runaways: 0,
        },
    };
    /// The same, and some of everything in how people live. Hardly anybody sets cumulative metrics.
    pub const LIFELIKE: Variety = Variety {
        cumulative: 0.05,
        life: Life::FULL,
        ..Variety::FULL
    };
}

/// Which signals a person's client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signals {
    /// Log records only.
    Logs,
    /// Data points only.
    Metrics,
    /// Both.
    Both,
}

/// What sets one person's client apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Habits {
    /// The version of Claude Code.
    pub client: ClientVersion,
    /// What Claude Code sends. Cowork sends logs only.
    pub signals: Signals,
    /// How Claude Code counts its metrics.
    pub temporality: Temporality,
    /// Whether there is an account that items can name.
    pub has_account: bool,
    /// The installation id of the Cowork that the person uses beside Claude Code, if there is one.
    pub second_installation: Option<String>,
    /// When the person falls silent: no session starts from then on. Milliseconds since the Unix
    /// epoch, a midnight (UTC).
    pub leaves_ms: Option<u64>,
    /// When the person joins: no session starts before. Milliseconds since the Unix epoch, a midnight
    /// (UTC).
    pub joins_ms: Option<u64>,
    /// From when until when the person is on holiday, the same way.
    pub away_ms: Option<(u64, u64)>,
    /// By which the person's hours are.
    pub zone: Tz,
    /// What the person is, where people have roles.
    pub role: Option<&'static str>,
    /// How many times as many sessions as usual the person starts.
    pub pace: f64,
    /// Whether a task of the person runs by itself at three in the morning.
    pub has_nightly_task: bool,
}

/// In what people differ.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Version,
    Signals,
    Temporality,
    Account,
    Products,
    Leaving,
}

const KINDS: [Kind; 6] = [
    Kind::Version,
    Kind::Signals,
    Kind::Temporality,
    Kind::Account,
    Kind::Products,
    Kind::Leaving,
];

/// A place for each kind.
type Standing = [f64; KINDS.len()];

/// Where each person stands among those whom a kind concerns, from 0 to below 1, in an order of its
/// own for each kind: a share of them is those who stand below it, to the nearest whole person.
/// Standing at 1 means not to be concerned.
fn standings(people: &[Person], random: &mut Random) -> Vec<Standing> {
    let mut standings = vec![[1.0; KINDS.len()]; people.len()];
    for kind in KINDS {
        let is_of_all = kind == Kind::Leaving;
        let mut concerned: Vec<usize> = (0..people.len())
            .filter(|index| is_of_all || people[*index].surface == Surface::Code)
            .collect();
        random.shuffle(&mut concerned);
        for (rank, index) in concerned.iter().enumerate() {
            standings[*index][kind as usize] = (rank as f64 + 0.5) / concerned.len() as f64;
        }
    }
    standings
}

impl Habits {
    pub(super) fn of_all(people: &[Person], config: &Config, random: &mut Random) -> Vec<Habits> {
        let standings = standings(people, random);
        let each = standings
            .iter()
            .map(|standing| Habits::at(standing, config, random));
        let mut habits: Vec<Habits> = each.collect();
        // The first after the heavy user who works with Claude Code.
        let code = |index: &usize| people[*index].surface == Surface::Code;
        let scheduler = (1..people.len()).find(code);
        if let Some(index) = scheduler.or_else(|| (0..people.len()).find(code)) {
            habits[index].has_nightly_task = true;
        }
        life::settle(people, &mut habits, config);
        habits
    }

    fn at(standing: &Standing, config: &Config, random: &mut Random) -> Habits {
        let variety = &config.variety;
        let differs = |kind: Kind, share: f64| standing[kind as usize] < share;
        let signals = if !config.metrics || differs(Kind::Signals, variety.logs_only) {
            Signals::Logs
        } else if differs(Kind::Signals, variety.logs_only + variety.metrics_only) {
            Signals::Metrics
        } else {
            Signals::Both
        };
        let has_account = !differs(Kind::Account, variety.api_key);
        let second_installation = random.hex("", 64);
        let leaves_on = config.days / 2 + random.below((config.days / 3).max(1));
        let start_day = (config.end_unix_ms / DAY_MS).saturating_sub(config.days);
        Habits {
            client: match differs(Kind::Version, variety.other_version) {
                true => config.client.other(),
                false => config.client,
            },
            signals,
            temporality: match differs(Kind::Temporality, variety.cumulative) {
                true => Temporality::Cumulative,
                false => Temporality::Delta,
            },
            has_account,
            // Without an account nothing would tell that both are of one person.
            second_installation: (has_account && differs(Kind::Products, variety.both_products))
                .then_some(second_installation),
            leaves_ms: differs(Kind::Leaving, variety.leavers)
                .then_some((start_day + leaves_on) * DAY_MS),
            joins_ms: None,
            away_ms: None,
            zone: Tz::UTC,
            role: None,
            pace: 1.0,
            has_nightly_task: false,
        }
    }

    /// The best name that items of this person carry: the address, without an account the
    /// installation.
    pub fn name<'a>(&self, person: &'a Person) -> &'a str {
        if self.has_account {
            &person.email
        } else {
            &person.installation
        }
    }
}

/// One process of a client: what all of its items share.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) person: usize,
    pub(super) session: String,
    /// Which process of the session: 0, and more when it was continued.
    pub(super) number: u32,
    pub(super) surface: Surface,
    pub(super) client: ClientVersion,
    pub(super) signals: Signals,
    pub(super) temporality: Temporality,
    pub(super) installation: String,
    /// Whether the account is ever known.
    pub(super) has_account: bool,
    /// Until when it is not known yet.
    pub(super) login_ms: Option<u64>,
    pub(super) is_labelled: bool,
    pub(super) tells_decisions: bool,
    pub(super) role: Option<&'static str>,
}

impl Run {
    pub(super) fn has_account_at(&self, at_ms: u64) -> bool {
        self.has_account && self.login_ms.is_none_or(|login_ms| at_ms >= login_ms)
    }
}

/// What the sessions of the organisation are like.
pub(super) struct Sessions {
    variety: Variety,
    client: ClientVersion,
    random: Random,
    /// The session of Claude Code that each person ended last, and the number of its last process.
    ended: Vec<Option<(String, u32)>>,
}

impl Sessions {
    pub(super) fn new(config: &Config, random: Random) -> Sessions {
        Sessions {
            variety: config.variety,
            client: config.client,
            random,
            ended: vec![None; config.people],
        }
    }

    /// The process that a start makes; `fresh` is the id that a new session gets.
    pub(super) fn run(
        &mut self,
        start: &Start,
        person: &Person,
        habits: &Habits,
        fresh: String,
    ) -> Run {
        let (variety, random) = (&self.variety, &mut self.random);
        let [second, continues, late, unlabelled, undecided] =
            std::array::from_fn(|_| random.unit());
        let by_person = start.trigger == Trigger::Person;
        let other = habits.second_installation.as_ref();
        let other = other.filter(|_| by_person && second < 0.4);
        let surface = match other {
            Some(_) => Surface::Cowork,
            None => person.surface,
        };
        let is_code = surface == Surface::Code;
        let ended = &mut self.ended[start.person];
        let (session, number) =
            match ended.take_if(|_| by_person && is_code && continues < variety.continued) {
                Some((session, number)) => (session, number + 1),
                None => (fresh, 0),
            };
        let logs_in_late = habits.has_account && late < variety.late_login;
        Run {
            person: start.person,
            session,
            number,
            surface,
            client: if is_code { habits.client } else { self.client },
            signals: if is_code {
                habits.signals
            } else {
                Signals::Logs
            },
            temporality: habits.temporality,
            installation: other.unwrap_or(&person.installation).clone(),
            has_account: habits.has_account,
            // One in four never does.
            login_ms: logs_in_late.then(|| match random.chance(0.25) {
                true => u64::MAX,
                false => start.at_ms + random.between(1_000, 40_000),
            }),
            is_labelled: unlabelled >= variety.unlabelled,
            tells_decisions: undecided >= variety.undecided,
            role: habits.role,
        }
    }

    /// Takes note of a process that has ended.
    pub(super) fn end(&mut self, run: &Run) {
        if run.surface == Surface::Code {
            self.ended[run.person] = Some((run.session.clone(), run.number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_and_kinds_are_not_tied_to_each_other() {
        let mut random = Random::new(6);
        let people: Vec<Person> = (0..400)
            .map(|index| Person::new(index, &mut random))
            .collect();
        let standings = standings(&people, &mut random);
        let below =
            |kind: Kind, share: f64| move |standing: &&Standing| standing[kind as usize] < share;
        for (place, kind) in KINDS.into_iter().enumerate() {
            let concerned = if kind == Kind::Leaving { 400 } else { 280 };
            assert_eq!(standings.iter().filter(below(kind, 1.0)).count(), concerned);
            let half = || standings.iter().filter(below(kind, 0.5));
            assert_eq!(half().count(), concerned / 2);
            let both = half()
                .filter(below(KINDS[(place + 1) % KINDS.len()], 0.5))
                .count();
            assert!((45..100).contains(&both), "{both}, {kind:?}");
        }
    }
}
