//! The truth file: what is true of a simulated organisation, as JSON for whoever checks answers.
//!
//! Invariant: everything is counted from what the simulated clients count (`Facts`), of the exports
//! that arrive, each once. The format is described in `docs/simulate.md`; its version rises when a
//! reader of the former one would be misled.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::organisation::{
    Call, Facts, Habits, Nanos, Organisation, Person, SessionFacts, Spent, Surface, Tokens,
    day_name,
};
use names::Names;

/// The format that this program writes.
const VERSION: u32 = 1;

/// What is true, ready to be written.
#[derive(Debug, Serialize)]
pub struct TruthFile {
    format: &'static str,
    version: u32,
    /// Of everything that arrives.
    pub totals: Totals,
    /// Of what never arrives.
    pub lost: Lost,
    cost_by_person_day_model: Vec<CostOf>,
    cost_by_model: BTreeMap<&'static str, Amount>,
    cost_by_day: BTreeMap<String, Amount>,
    /// With the roster: of whoever is known by an e-mail, what sessions do not name comes from there.
    /// What has no cost centre is under "".
    cost_by_cost_center: BTreeMap<&'static str, Amount>,
    people: Vec<PersonTruth>,
    tools: BTreeMap<&'static str, Outcomes>,
    /// Sessions with events missing in their sequences.
    gaps: Vec<Gap>,
    /// Who falls silent for good within the simulated days.
    silent: Vec<Silent>,
}

/// What was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Amount {
    /// US dollars; exact to a billionth.
    pub cost_usd: f64,
    /// Requests; of clients that send metrics only none are known.
    pub requests: u64,
    /// The four token counts.
    #[serde(flatten, serialize_with = "named_tokens")]
    pub tokens: Tokens,
}

/// What all of it comes to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Cost, requests and tokens.
    #[serde(flatten)]
    pub spent: Amount,
    /// Log records.
    pub events: u64,
    /// Data points of metrics, as they are sent.
    pub data_points: u64,
    /// Sessions of which an event or a data point arrives.
    pub sessions: u64,
    /// Of these, the ones of which an event arrives.
    pub sessions_with_events: u64,
    /// `user_prompt` events.
    pub prompts: u64,
    /// `api_error` events.
    pub api_errors: u64,
    /// Tool calls by outcome.
    pub tool_calls: Outcomes,
    /// Events missing in sequences.
    pub missing_events: u64,
    /// People of whom an item arrives.
    pub people: u64,
}

/// What never arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Lost {
    /// Log records.
    pub events: u64,
    /// What their requests had cost.
    pub cost_usd: f64,
}

/// Tool calls by outcome, of those of which an event tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// All of them.
    pub calls: u64,
    /// They said that they succeeded.
    pub succeeded: u64,
    /// They said that they failed.
    pub failed: u64,
    /// They were refused.
    pub refused: u64,
    /// They were accepted and no result is told.
    pub pending: u64,
}

#[derive(Debug, Serialize)]
struct CostOf {
    person: String,
    day: String,
    model: &'static str,
    #[serde(flatten)]
    spent: Amount,
}

#[derive(Debug, Default, Serialize)]
struct PersonTruth {
    person: String,
    /// Of its sessions; under these names goes what no account is known of.
    installations: BTreeSet<String>,
    role: Option<&'static str>,
    team: &'static str,
    department: &'static str,
    cost_center: &'static str,
    time_zone: String,
    products: BTreeSet<&'static str>,
    clients: BTreeSet<&'static str>,
    joins: Option<String>,
    away_from: Option<String>,
    away_to: Option<String>,
    has_nightly_task: bool,
    #[serde(flatten)]
    spent: Amount,
    events: u64,
    events_without_account: u64,
    sessions: u64,
    prompts: u64,
    api_errors: u64,
    tool_calls: Outcomes,
    missing_events: u64,
    first_seen: Option<String>,
    last_seen: Option<String>,
    active_days: u64,
}

#[derive(Debug, Serialize)]
struct Gap {
    session: String,
    person: String,
    missing_events: u64,
}

#[derive(Debug, Serialize)]
struct Silent {
    person: String,
    /// The day (UTC) from which on no session starts.
    since: String,
    last_seen: String,
}

impl TruthFile {
    /// What is true of the exports of `organisation` that arrived, and of those that were lost.
    pub fn new(organisation: &Organisation, arrived: &Facts, lost: &Facts) -> TruthFile {
        let names = Names::new(organisation, arrived);
        let mut file = TruthFile {
            format: "tallybook-truth",
            version: VERSION,
            totals: Totals::default(),
            lost: Lost::of(lost),
            cost_by_person_day_model: Vec::new(),
            cost_by_model: BTreeMap::new(),
            cost_by_day: BTreeMap::new(),
            cost_by_cost_center: BTreeMap::new(),
            people: Vec::new(),
            tools: BTreeMap::new(),
            gaps: Vec::new(),
            silent: Vec::new(),
        };
        file.add_spent(organisation, arrived, &names);
        file.add_people(organisation, arrived, &names);
        file.add_sessions(arrived, &names);
        file
    }

    fn add_spent(&mut self, organisation: &Organisation, arrived: &Facts, names: &Names<'_>) {
        let mut by_all: BTreeMap<(String, u64, &'static str), Spent> = BTreeMap::new();
        let mut by_cost_center: BTreeMap<&'static str, Spent> = BTreeMap::new();
        for session in arrived.sessions.values() {
            let name = names.of(session);
            let person = &organisation.people()[session.person];
            // A roster tells nothing of what is known by its installation alone.
            let has_units = session.names_team || name == person.email;
            let cost_center = if has_units { person.cost_center } else { "" };
            for ((day, model), spent) in session.spent() {
                *by_all.entry((name.to_owned(), day, model)).or_default() += spent;
                *by_cost_center.entry(cost_center).or_default() += spent;
            }
        }
        let sum_by = |of: &dyn Fn(&(String, u64, &'static str)) -> String| {
            let mut sums: BTreeMap<String, Spent> = BTreeMap::new();
            for (key, spent) in &by_all {
                *sums.entry(of(key)).or_default() += *spent;
            }
            amounts(sums)
        };
        self.totals.spent = by_all.values().copied().sum::<Spent>().into();
        self.cost_by_day = sum_by(&|(_, day, _)| day_name(*day));
        let mut by_model: BTreeMap<&'static str, Spent> = BTreeMap::new();
        for ((_, _, model), spent) in &by_all {
            *by_model.entry(model).or_default() += *spent;
        }
        self.cost_by_model = amounts(by_model);
        self.cost_by_cost_center = amounts(by_cost_center);
        let row = |((person, day, model), spent): ((String, u64, _), Spent)| CostOf {
            person,
            day: day_name(day),
            model,
            spent: spent.into(),
        };
        self.cost_by_person_day_model = by_all.into_iter().map(row).collect();
    }

    fn add_people(&mut self, organisation: &Organisation, arrived: &Facts, names: &Names<'_>) {
        let mut sessions: BTreeMap<usize, Vec<&SessionFacts>> = BTreeMap::new();
        for session in arrived.sessions.values() {
            sessions.entry(session.person).or_default().push(session);
        }
        let both = organisation.people().iter().zip(organisation.habits());
        for (index, (person, habits)) in both.enumerate() {
            let of_person = sessions.remove(&index).unwrap_or_default();
            let name = names.roster[index].clone();
            let truth = PersonTruth::new(name.clone(), person, habits, &of_person);
            if let (Some(since), Some(last_seen)) = (habits.leaves_ms, &truth.last_seen) {
                self.silent.push(Silent {
                    person: name,
                    since: day_name(since / DAY_MS),
                    last_seen: last_seen.clone(),
                });
            }
            self.totals.people += u64::from(!of_person.is_empty());
            self.people.push(truth);
        }
    }

    fn add_sessions(&mut self, arrived: &Facts, names: &Names<'_>) {
        let totals = &mut self.totals;
        totals.data_points = arrived.data_points;
        for (id, session) in &arrived.sessions {
            totals.sessions += 1;
            totals.events += session.events;
            totals.sessions_with_events += u64::from(session.events > 0);
            totals.prompts += session.prompts;
            totals.api_errors += session.api_errors;
            for call in session.calls.values() {
                totals.tool_calls.add(call);
                self.tools.entry(call.tool).or_default().add(call);
            }
            let missing_events = session.sequence_gaps();
            totals.missing_events += missing_events;
            if missing_events > 0 {
                self.gaps.push(Gap {
                    session: id.clone(),
                    person: names.of(session).to_owned(),
                    missing_events,
                });
            }
        }
    }
}

const DAY_MS: u64 = 24 * 3600 * 1000;

impl PersonTruth {
    fn new(
        name: String,
        person: &Person,
        habits: &Habits,
        sessions: &[&SessionFacts],
    ) -> PersonTruth {
        let day = |ms: u64| day_name(ms / DAY_MS);
        let mut truth = PersonTruth {
            person: name,
            role: habits.role,
            team: person.team,
            department: person.department,
            cost_center: person.cost_center,
            time_zone: habits.zone.name().to_owned(),
            joins: habits.joins_ms.map(day),
            away_from: habits.away_ms.map(|(from, _)| day(from)),
            away_to: habits.away_ms.map(|(_, to)| day(to)),
            has_nightly_task: habits.has_nightly_task,
            ..PersonTruth::default()
        };
        let (mut spent, mut days) = (Spent::default(), BTreeSet::new());
        let mut seen: Option<(u64, u64)> = None;
        for session in sessions {
            spent += session.spent().values().copied().sum();
            days.extend(session.event_days.iter().copied());
            days.extend(session.metered_days());
            let (first, last) = session.seen_ms;
            seen = Some(seen.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
            truth.products.insert(product(session.surface));
            truth.installations.insert(session.installation.clone());
            truth.clients.insert(session.client.cli());
            truth.events += session.events;
            truth.events_without_account += session.events_without_account();
            truth.sessions += 1;
            truth.prompts += session.prompts;
            truth.api_errors += session.api_errors;
            truth.missing_events += session.sequence_gaps();
            let calls = session.calls.values();
            calls.for_each(|call| truth.tool_calls.add(call));
        }
        truth.spent = spent.into();
        truth.active_days = days.len() as u64;
        truth.first_seen = seen.and_then(|(first, _)| moment(first));
        truth.last_seen = seen.and_then(|(_, last)| moment(last));
        truth
    }
}

impl Outcomes {
    fn add(&mut self, call: &Call) {
        self.calls += 1;
        match (call.succeeded, call.decision) {
            (Some(true), _) => self.succeeded += 1,
            (Some(false), _) => self.failed += 1,
            (None, Some((false, _))) => self.refused += 1,
            (None, _) => self.pending += 1,
        }
    }
}

impl Lost {
    fn of(lost: &Facts) -> Lost {
        let sessions = lost.sessions.values();
        let cost: u64 = sessions
            .clone()
            .filter_map(SessionFacts::requested)
            .map(|spent| spent.cost.0)
            .sum();
        Lost {
            events: sessions.map(|session| session.events).sum(),
            cost_usd: Nanos(cost).usd(),
        }
    }
}

impl From<Spent> for Amount {
    fn from(spent: Spent) -> Amount {
        Amount {
            cost_usd: spent.cost.usd(),
            requests: spent.requests,
            tokens: spent.tokens,
        }
    }
}

fn amounts<K: Ord>(sums: BTreeMap<K, Spent>) -> BTreeMap<K, Amount> {
    let sums = sums.into_iter();
    sums.map(|(key, spent)| (key, spent.into())).collect()
}

pub(crate) fn product(surface: Surface) -> &'static str {
    match surface {
        Surface::Code => "claude-code",
        Surface::Cowork => "cowork",
    }
}

fn moment(unix_ms: u64) -> Option<String> {
    let text = contract::iso_millis(unix_ms)?;
    Some(text.iter().copied().map(char::from).collect())
}

/// Under the names of the reports' columns.
fn named_tokens<S: serde::Serializer>(tokens: &Tokens, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map([
        ("input_tokens", tokens.input),
        ("output_tokens", tokens.output),
        ("cache_read_tokens", tokens.cache_read),
        ("cache_creation_tokens", tokens.cache_creation),
    ])
}
