//! A simulated organisation: people, their sessions, and what their clients would send, in time order.
//!
//! Invariant: the configuration decides every byte. `Truth` is counted from the same events that
//! leave, when they leave.
//!
//! | file | what is in it |
//! |---|---|
//! | `people.rs` | people and teams |
//! | `variety.rs` | how their clients differ: versions, signals, accounts, labels, absences |
//! | `life.rs` | how people live: roles, time zones, holidays, growth, nightly tasks |
//! | `head.rs` | what a client repeats on every record of a session |
//! | `calendar.rs` | when sessions start |
//! | `session.rs` | one session: planned events, and when its client sends them |
//! | `turn.rs`, `request.rs`, `calls.rs` | what happens in a session |
//! | `record.rs`, `occasional.rs` | the attributes of each event, by client version |
//! | `event.rs` | an event, what it counts for, and the log record made of it |
//! | `meter.rs` | a client's metrics |
//! | `price.rs`, `tool.rs`, `text.rs` | models and prices, tools, plausible content |
//! | `truth.rs` | what is true of everything generated |
//! | `facts.rs`, `facts/` | what is true of any exports, session by session |
//! | `batch.rs` | exports packed as a collector would |

mod batch;
mod calendar;
mod calls;
mod event;
mod facts;
mod head;
mod life;
mod meter;
mod occasional;
mod people;
mod price;
mod record;
mod request;
mod session;
mod text;
mod tool;
mod truth;
mod turn;
mod variety;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use contract::{DataPoint, LogRecord, Metric, Origin, Signal};

use crate::random::Random;
use calendar::{Calendar, DAY_MS};
use event::{Event, borrow};
use head::Head;
use meter::Point;
use session::{Flushed, Frame, Session};
use variety::Sessions;

pub use batch::{Batch, Batched, Limited};
pub use facts::{Call, Facts, Nanos, SessionFacts, Spent, SpentByDayModel};
pub use life::Life;
pub use people::{Person, Surface};
pub use truth::{CostRow, Tokens, ToolTruth, Truth, day_name};
pub use variety::{Habits, Signals, Variety};

/// Log records under their resource and scope.
pub type LogGroups<'a> = Vec<(Origin<'a>, Vec<LogRecord<'a>>)>;
/// Data points under their metric, resource and scope.
pub type MetricGroups<'a> = Vec<(Origin<'a>, Vec<(Metric<'a>, Vec<DataPoint<'a>>)>)>;

/// The version of a command-line client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientVersion {
    /// 2.0.76: as 2.1.45, without sequences, prompt ids and speed; MCP tools by their full names; of
    /// sessions without a person in front no decisions, no count and no active time. A failed result
    /// has the tool use's id, as `use_id`.
    V2_0_76,
    /// 2.1.45: five events, all numbers as text, no request ids, no tool use ids.
    V2_1_45,
    /// 2.1.329: all events, numbers as numbers, ids.
    V2_1_329,
}

impl ClientVersion {
    /// The version as records carry it.
    pub fn cli(self) -> &'static str {
        match self {
            ClientVersion::V2_0_76 => "2.0.76",
            ClientVersion::V2_1_45 => "2.1.45",
            ClientVersion::V2_1_329 => "2.1.329",
        }
    }

    fn other(self) -> ClientVersion {
        match self {
            ClientVersion::V2_0_76 | ClientVersion::V2_1_45 => ClientVersion::V2_1_329,
            ClientVersion::V2_1_329 => ClientVersion::V2_1_45,
        }
    }

    /// All events, numbers as numbers, ids of requests and tool uses.
    fn is_modern(self) -> bool {
        self == ClientVersion::V2_1_329
    }

    /// Whether events carry `event.sequence` and `prompt.id`.
    pub fn has_sequences(self) -> bool {
        self != ClientVersion::V2_0_76
    }

    fn tells_speed(self) -> bool {
        self != ClientVersion::V2_0_76
    }

    fn tells_headless_decisions(self) -> bool {
        self != ClientVersion::V2_0_76
    }

    fn counts_headless_activity(self) -> bool {
        self != ClientVersion::V2_0_76
    }
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How many people there are. Each sends about 2,000 events a week (1,400 from 2.1.45), person 0 more.
    pub people: usize,
    /// Decides everything else.
    pub seed: u64,
    /// No event is later. Milliseconds since the Unix epoch.
    pub end_unix_ms: u64,
    /// How many days before the end the simulation starts.
    pub days: u64,
    /// Which client people run; some run the other one where there is variety.
    pub client: ClientVersion,
    /// Whether prompts, responses and tool inputs are sent.
    pub content: bool,
    /// Whether Claude Code sends metrics too. Cowork sends none.
    pub metrics: bool,
    /// How people and their clients differ from one another.
    pub variety: Variety,
}

/// Mixed into the seed for all that variety draws, so that nothing else shifts with it.
const VARIETY_SALT: u64 = 0x7661_7269_6574_7921;

/// What one client sends in one request: log records after 5 s, or data points after 60 s.
pub struct Export {
    /// When it is sent, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Logs or metrics.
    pub signal: Signal,
    /// Whose client it is: an index into `Organisation::people`.
    pub person: usize,
    head: Arc<Head>,
    items: Items,
}

enum Items {
    Events(Vec<Event>),
    Points(Vec<Point>),
}

/// The organisation at work: an iterator over exports in time order.
pub struct Organisation {
    config: Config,
    id: String,
    people: Vec<Person>,
    habits: Vec<Habits>,
    calendar: Calendar,
    random: Random,
    runs: Sessions,
    sessions: Vec<Option<Session>>,
    free: Vec<usize>,
    /// When which session next sends something.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    truth: Truth,
}

impl Organisation {
    /// An organisation that has not sent anything yet.
    pub fn new(config: Config) -> Organisation {
        let mut random = Random::new(config.seed);
        let id = random.uuid();
        let people: Vec<Person> = (0..config.people)
            .map(|index| Person::new(index, &mut random))
            .collect();
        let mut differs = Random::new(config.seed ^ VARIETY_SALT);
        let habits = Habits::of_all(&people, &config, &mut differs);
        let named = |(person, habits): (&Person, &Habits)| habits.name(person).to_owned();
        let names = people.iter().zip(&habits).map(named).collect();
        let start_ms = config.end_unix_ms.saturating_sub(config.days * DAY_MS);
        Organisation {
            calendar: Calendar::new(
                &people,
                &habits,
                &config.variety.life,
                random.fork(),
                (start_ms, config.end_unix_ms),
            ),
            truth: Truth::new(names),
            runs: Sessions::new(&config, differs),
            config,
            id,
            people,
            habits,
            random,
            sessions: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
        }
    }

    /// All people, in the order that `Export::person` counts in.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// What sets each person's client apart, in the same order.
    pub fn habits(&self) -> &[Habits] {
        &self.habits
    }

    /// What is true of the exports that this iterator has given out.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Starts the sessions that may send something before the earliest one that is due.
    fn start_sessions(&mut self) {
        while let Some(start) = self.calendar.peek() {
            if self
                .due
                .peek()
                .is_some_and(|Reverse((due_ms, _))| *due_ms < start.at_ms)
            {
                return;
            }
            self.calendar.pop();
            let habits = &self.habits[start.person];
            let random = self.random.fork();
            if habits
                .leaves_ms
                .is_some_and(|leaves_ms| start.at_ms >= leaves_ms)
            {
                continue;
            }
            let frame = Frame {
                sessions: &mut self.runs,
                habits,
                organisation: &self.id,
                content: self.config.content,
                end_ms: self.config.end_unix_ms,
            };
            let session = Session::new(start, &self.people[start.person], frame, random);
            let Some(due_ms) = session.due_ms() else {
                continue;
            };
            let slot = self.free.pop().unwrap_or(self.sessions.len());
            if slot == self.sessions.len() {
                self.sessions.push(None);
            }
            self.sessions[slot] = Some(session);
            self.due.push(Reverse((due_ms, slot)));
        }
    }
}

impl Iterator for Organisation {
    type Item = Export;

    fn next(&mut self) -> Option<Export> {
        loop {
            self.start_sessions();
            let Reverse((at_ms, slot)) = self.due.pop()?;
            let Some(session) = self.sessions[slot].as_mut() else {
                continue;
            };
            let flushed = session.flush(at_ms);
            let head = Arc::clone(&session.head);
            match session.due_ms() {
                Some(due_ms) => self.due.push(Reverse((due_ms, slot))),
                None => {
                    self.runs.end(&head.run);
                    self.sessions[slot] = None;
                    self.free.push(slot);
                }
            }
            let (signal, items) = match flushed {
                Flushed::Events(events) => (Signal::Logs, Items::Events(events)),
                Flushed::Points(points) => (Signal::Metrics, Items::Points(points)),
                Flushed::Nothing => continue,
            };
            let export = Export {
                at_ms,
                signal,
                person: head.run.person,
                head,
                items,
            };
            self.truth.observe(&export);
            return Some(export);
        }
    }
}

impl Export {
    /// How many log records or data points there are.
    pub fn items(&self) -> usize {
        match &self.items {
            Items::Events(events) => events.len(),
            Items::Points(points) => points.len(),
        }
    }

    /// Whether the process that sends it continues a session, and says so for the first time.
    pub(crate) fn continues(&self) -> bool {
        let Items::Events(events) = &self.items else {
            return false;
        };
        self.head.run.number > 0 && events.first().is_some_and(|event| event.sequence == 0)
    }

    /// The log records; empty for metrics.
    pub fn log_groups(&self) -> LogGroups<'_> {
        let Items::Events(events) = &self.items else {
            return Vec::new();
        };
        let records = events
            .iter()
            .map(|event| event.log_record(&self.head))
            .collect();
        vec![(borrow_origin(&self.head.events), records)]
    }

    /// The data points; empty for logs.
    pub fn metric_groups(&self) -> MetricGroups<'_> {
        let Items::Points(points) = &self.items else {
            return Vec::new();
        };
        let metrics = meter::data_points(points, &self.head, self.at_ms);
        vec![(borrow_origin(&self.head.metrics), metrics)]
    }

    /// The request as OTLP protobuf.
    pub fn protobuf(&self) -> Vec<u8> {
        match &self.items {
            Items::Events(_) => otlp::encode::logs(&self.log_groups()),
            Items::Points(_) => otlp::encode::metrics(&self.metric_groups()),
        }
    }
}

fn borrow_origin<'a>(origin: &'a Origin<'static>) -> Origin<'a> {
    Origin {
        resource: origin.resource.iter().map(borrow).collect(),
        scope_name: (&*origin.scope_name).into(),
        scope_version: (&*origin.scope_version).into(),
        ..Origin::default()
    }
}
