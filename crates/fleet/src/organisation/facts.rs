//! What is true of any exports, session by session: of those that arrived, of those that were lost.
//!
//! Invariant: facts are counted from what a client counts (`Fact`, the values of its meter), never
//! read back from what it sends; the order in which exports are observed changes nothing, and money
//! is exact.

mod metered;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Sum;
use std::ops::AddAssign;

use super::calendar::DAY_MS;
use super::event::{Event, Fact, Request};
use super::variety::Run;
use super::{ClientVersion, Export, Items, Surface, Tokens};
use metered::Metered;

/// US dollars in billionths. All list prices are multiples of a thousandth of a dollar for a million
/// tokens, so what tokens cost is a whole number of these, and sums are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos(pub u64);

impl Nanos {
    pub(super) fn of_usd(usd: f64) -> Nanos {
        Nanos((usd * 1e9).round() as u64)
    }

    /// As US dollars, to the nearest number that there is.
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// What was spent: money, tokens, and the requests that are known of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Cost.
    pub cost: Nanos,
    /// Tokens.
    pub tokens: Tokens,
    /// Requests; metrics do not tell of them.
    pub requests: u64,
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Spent) {
        self.cost.0 += other.cost.0;
        self.tokens.input += other.tokens.input;
        self.tokens.output += other.tokens.output;
        self.tokens.cache_read += other.tokens.cache_read;
        self.tokens.cache_creation += other.tokens.cache_creation;
        self.requests += other.requests;
    }
}

impl Sum for Spent {
    fn sum<I: Iterator<Item = Spent>>(all: I) -> Spent {
        all.fold(Spent::default(), |mut sum, spent| {
            sum += spent;
            sum
        })
    }
}

/// What was spent by day since the Unix epoch (UTC) and model.
pub type SpentByDayModel = BTreeMap<(u64, &'static str), Spent>;

/// One tool call, as far as events tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The tool by the name that events carry.
    pub tool: &'static str,
    /// Whether it was accepted, and who decided; `None` where no decision is told.
    pub decision: Option<(bool, &'static str)>,
    /// Whether it succeeded; `None` where no result is told.
    pub succeeded: Option<bool>,
    /// Who decided, as the result tells it.
    pub decided_by: Option<&'static str>,
}

/// What is true of one session.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// Whose it is: an index into `Organisation::people`.
    pub person: usize,
    /// The product.
    pub surface: Surface,
    /// The client.
    pub client: ClientVersion,
    /// The id of the installation.
    pub installation: String,
    /// Whether there is an account.
    has_account: bool,
    /// Whether an item names the account.
    pub names_account: bool,
    /// Whether an item names the team.
    pub names_team: bool,
    /// Log records.
    pub events: u64,
    /// Log records without the account though the person has one.
    pub events_before_login: u64,
    /// `user_prompt` events.
    pub prompts: u64,
    /// `api_error` events.
    pub api_errors: u64,
    /// Tool calls of which an event tells, by process and number.
    pub calls: BTreeMap<(u32, u64), Call>,
    /// Days since the Unix epoch (UTC) with an event.
    pub event_days: BTreeSet<u64>,
    /// The earliest and the latest event or data point, milliseconds since the Unix epoch.
    pub seen_ms: (u64, u64),
    /// What the events tell of.
    requested: SpentByDayModel,
    metered: Metered,
    /// What came of each process.
    processes: BTreeMap<u32, Process>,
}

/// Events of one process. Each has a sequence of its own, and is observed once.
#[derive(Clone, Copy, Debug, Default)]
struct Process {
    events: u64,
    /// One more than the greatest sequence.
    upto: u64,
}

/// What is true of the exports that were observed.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Sessions by id.
    pub sessions: BTreeMap<String, SessionFacts>,
    /// Data points, as they are sent.
    pub data_points: u64,
}

impl Facts {
    /// Takes note of an export; each is observed once, however often it is sent.
    pub fn observe(&mut self, export: &Export) {
        let run = &export.head.run;
        let facts = self
            .sessions
            .entry(run.session.clone())
            .or_insert_with(|| SessionFacts::new(run, export.at_ms));
        facts.names_team |= run.is_labelled;
        match &export.items {
            Items::Events(events) => events.iter().for_each(|event| facts.add(event, run)),
            Items::Points(points) => {
                self.data_points += points.len() as u64;
                for point in points {
                    facts.names_account |= run.has_account && point.has_account;
                    facts.metered.add(point, run, export.at_ms);
                }
                facts.see(export.at_ms);
            }
        }
    }
}

impl SessionFacts {
    fn new(run: &Run, at_ms: u64) -> SessionFacts {
        SessionFacts {
            person: run.person,
            surface: run.surface,
            client: run.client,
            installation: run.installation.clone(),
            has_account: run.has_account,
            names_account: false,
            names_team: false,
            events: 0,
            events_before_login: 0,
            prompts: 0,
            api_errors: 0,
            calls: BTreeMap::new(),
            event_days: BTreeSet::new(),
            seen_ms: (at_ms, 0),
            requested: BTreeMap::new(),
            metered: Metered::default(),
            processes: BTreeMap::new(),
        }
    }

    fn see(&mut self, at_ms: u64) {
        self.seen_ms = (self.seen_ms.0.min(at_ms), self.seen_ms.1.max(at_ms));
    }

    fn add(&mut self, event: &Event, run: &Run) {
        self.events += 1;
        self.events_before_login += u64::from(run.has_account && !event.has_account);
        self.names_account |= event.has_account;
        self.see(event.at_ms);
        let day = event.at_ms / DAY_MS;
        self.event_days.insert(day);
        let process = self.processes.entry(run.number).or_default();
        process.events += 1;
        process.upto = process.upto.max(event.sequence as u64 + 1);
        match &event.fact {
            Fact::Prompt => self.prompts += 1,
            Fact::ApiError => self.api_errors += 1,
            Fact::Request(request) => {
                *self.requested.entry((day, request.model.name)).or_default() += spent(request);
            }
            Fact::Decision {
                call,
                tool,
                accepted,
                source,
                ..
            } => self.call(run, *call, tool).decision = Some((*accepted, source)),
            Fact::Result {
                call,
                tool,
                succeeded,
                decided_by,
                ..
            } => {
                let call = self.call(run, *call, tool);
                call.succeeded = Some(*succeeded);
                call.decided_by = *decided_by;
            }
            Fact::Other => {}
        }
    }

    fn call(&mut self, run: &Run, call: u64, tool: &'static str) -> &mut Call {
        self.calls.entry((run.number, call)).or_insert(Call {
            tool,
            decision: None,
            succeeded: None,
            decided_by: None,
        })
    }

    /// What the session is known to have spent: by its request events, and only where there are none
    /// of these by its metrics.
    pub fn spent(&self) -> SpentByDayModel {
        if self.requested.is_empty() {
            self.metered.spent()
        } else {
            self.requested.clone()
        }
    }

    /// Log records that do not name the account: it is not known yet, or there is none.
    pub fn events_without_account(&self) -> u64 {
        if self.has_account {
            self.events_before_login
        } else {
            self.events
        }
    }

    /// What its events alone tell of; `None` without request events.
    pub fn requested(&self) -> Option<Spent> {
        (!self.requested.is_empty()).then(|| self.requested.values().copied().sum())
    }

    /// What its metrics alone tell of; `None` without metrics of cost and tokens.
    pub fn metered(&self) -> Option<Spent> {
        let spent = self.metered.spent();
        (!spent.is_empty()).then(|| spent.values().copied().sum())
    }

    /// Days since the Unix epoch (UTC) on which its metrics grew.
    pub fn metered_days(&self) -> BTreeSet<u64> {
        self.metered.days()
    }

    /// The sums of its metrics by name.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        self.metered.totals()
    }

    /// Events that must have been before the last one of each process, and are not there: none where
    /// the client counts no sequence.
    pub fn sequence_gaps(&self) -> u64 {
        let missing = |process: &Process| process.upto - process.events;
        if !self.client.has_sequences() {
            return 0;
        }
        self.processes.values().map(missing).sum()
    }

    /// How many processes of it sent events.
    pub fn processes(&self) -> usize {
        self.processes.len()
    }
}

fn spent(request: &Request) -> Spent {
    Spent {
        cost: Nanos::of_usd(request.cost_usd),
        tokens: Tokens {
            input: request.usage.input,
            output: request.usage.output,
            cache_read: request.usage.cache_read,
            cache_creation: request.usage.cache_creation(),
        },
        requests: 1,
    }
}
