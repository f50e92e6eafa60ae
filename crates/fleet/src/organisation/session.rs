//! One session of one client: what is planned, what waits for the next flush, when that is due.
//!
//! Invariant: events leave in time order, with sequence numbers without gaps, and none of them is
//! later than the end of the simulated days.

use std::collections::VecDeque;
use std::sync::Arc;

use super::calendar::{Start, Trigger};
use super::event::{Event, Fact, Own, Prompt};
use super::head::{Head, Setting};
use super::meter::{Meter, Point};
use super::people::{Person, Surface};
use super::price::{Model, session_models};
use super::variety::{Habits, Sessions, Signals};
use super::{ClientVersion, occasional};
use crate::random::Random;

/// How long a client collects log records before it sends them.
pub(super) const LOGS_INTERVAL_MS: u64 = 5000;
/// How long it collects data points.
pub(super) const METRICS_INTERVAL_MS: u64 = 60_000;
/// What one request holds at most.
const RECORDS_PER_REQUEST: usize = 512;

/// What a session needs to know of the organisation.
pub(super) struct Frame<'a> {
    pub(super) sessions: &'a mut Sessions,
    pub(super) habits: &'a Habits,
    pub(super) organisation: &'a str,
    pub(super) content: bool,
    pub(super) end_ms: u64,
}

/// How the prompt cache is written: for 5 minutes, for an hour, or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CacheLife {
    Minutes,
    Hour,
    Mixed,
}

/// One session, as far as one process lives it.
pub(super) struct Session {
    pub(super) head: Arc<Head>,
    pub(super) client: ClientVersion,
    pub(super) surface: Surface,
    pub(super) content: bool,
    pub(super) home: String,
    pub(super) trigger: Trigger,
    /// Somebody sits in front of it and is asked for permission.
    pub(super) is_interactive: bool,
    pub(super) has_hooks: bool,
    pub(super) model: &'static Model,
    pub(super) fast: bool,
    pub(super) effort: &'static str,
    pub(super) cache_life: CacheLife,
    pub(super) random: Random,
    /// When the next thing happens.
    pub(super) now_ms: u64,
    pub(super) prompts_left: u64,
    pub(super) turns_left: u64,
    /// The prompt at work; none before the first one.
    pub(super) prompt: Option<Arc<Prompt>>,
    /// What the conversation holds, in tokens.
    pub(super) context_tokens: u64,
    /// Until when the prompt cache keeps the conversation.
    pub(super) cached_until_ms: u64,
    pub(super) permission_mode: &'static str,
    pub(super) skill: Option<&'static str>,
    /// Tool calls so far.
    pub(super) calls: u64,
    /// Server and tool of the MCP call just made, as the next request names them.
    pub(super) after_mcp: Option<(&'static str, &'static str)>,
    start_ms: u64,
    end_ms: u64,
    /// When the last request was sent.
    sent_ms: u64,
    sequence: i64,
    planned: Vec<Event>,
    waiting: VecDeque<Event>,
    is_over: bool,
    pub(super) meter: Option<Meter>,
}

const FOLDERS: &[&str] = &[
    "Projects",
    "Reports",
    "Contracts",
    "Campaigns",
    "Budget",
    "Minutes",
];

impl Session {
    pub(super) fn new(
        start: Start,
        person: &Person,
        frame: Frame<'_>,
        mut random: Random,
    ) -> Session {
        let first = random.below(FOLDERS.len() as u64 - 1) as usize;
        let mut run = frame
            .sessions
            .run(&start, person, frame.habits, random.uuid());
        let folders = &FOLDERS[first..first + random.between(1, 2) as usize];
        let model = random
            .weighted(&session_models(run.client), |(_, share)| *share)
            .0;
        let by_person = start.trigger == Trigger::Person;
        let cowork = run.surface == Surface::Cowork;
        let is_interactive = by_person && !cowork && random.chance(0.9);
        run.tells_decisions &= run.client.tells_headless_decisions();
        run.tells_decisions |= is_interactive;
        let meter = run.signals != Signals::Logs;
        let meter = meter.then(|| Meter::new(&run, start.at_ms, is_interactive));
        let head = Head::new(Setting {
            person,
            organisation: frame.organisation,
            run,
            folders,
        });
        let mut session = Session {
            client: head.run.client,
            surface: head.run.surface,
            head: Arc::new(head),
            content: frame.content,
            home: person.home(),
            trigger: start.trigger,
            is_interactive,
            has_hooks: random.chance(0.1),
            model,
            fast: model.has_fast_mode() && random.chance(0.1),
            effort: random
                .weighted(&[("medium", 0.6), ("high", 0.3), ("low", 0.1)], |(_, w)| *w)
                .0,
            cache_life: random
                .weighted(
                    &[
                        (CacheLife::Minutes, 0.7),
                        (CacheLife::Hour, 0.2),
                        (CacheLife::Mixed, 0.1),
                    ],
                    |(_, w)| *w,
                )
                .0,
            now_ms: start.at_ms,
            prompts_left: if by_person {
                random.at_least_one(6.0)
            } else {
                1
            },
            turns_left: 0,
            prompt: None,
            context_tokens: 0,
            cached_until_ms: 0,
            permission_mode: "default",
            skill: None,
            calls: 0,
            after_mcp: None,
            start_ms: start.at_ms,
            end_ms: frame.end_ms,
            sent_ms: 0,
            sequence: 0,
            planned: Vec::new(),
            waiting: VecDeque::new(),
            is_over: false,
            meter,
            random,
        };
        session.start_up();
        session
    }

    fn start_up(&mut self) {
        if self.client.is_modern() {
            let servers: &[&str] = match (self.random.chance(0.3), self.content) {
                (true, true) => &["tickets", "wiki"],
                (true, false) => &["", ""],
                (false, _) => &[],
            };
            for (body, own) in occasional::startup(self.has_hooks, servers, &mut self.random) {
                self.now_ms += self.random.between(0, 60);
                self.plan(self.now_ms, body, own, Fact::Other);
            }
            self.settle();
        }
        self.now_ms += self.random.between(200, 9000);
        self.plan_ahead();
    }

    /// Notes an event of the step that is being planned.
    pub(super) fn plan(&mut self, at_ms: u64, body: &'static str, own: Own, fact: Fact) {
        let mut event = Event::new(at_ms, body, own, fact);
        event.prompt = self.prompt.clone();
        self.planned.push(event);
    }

    /// Ends a step: its events take their places in time order.
    fn settle(&mut self) {
        self.planned.sort_by_key(|event| event.at_ms);
        for mut event in self.planned.drain(..) {
            if event.at_ms > self.end_ms {
                self.is_over = true;
                break;
            }
            event.has_account = self.head.run.has_account_at(event.at_ms);
            event.sequence = self.sequence;
            self.sequence += 1;
            self.waiting.push_back(event);
        }
    }

    /// Plans until something waits or nothing is left to plan.
    fn plan_ahead(&mut self) {
        while self.waiting.is_empty() && !self.is_over {
            if self.turns_left > 0 {
                self.plan_turn();
            } else if self.prompts_left > 0 {
                self.plan_prompt();
            } else {
                self.is_over = true;
            }
            self.settle();
        }
    }

    /// When the client next sends something; `None` when it has ended.
    pub(super) fn due_ms(&self) -> Option<u64> {
        let logs = self
            .waiting
            .front()
            .map(|event| self.boundary_after(event.at_ms, LOGS_INTERVAL_MS));
        let points = self
            .meter
            .as_ref()
            .and_then(Meter::oldest_ms)
            .map(|oldest_ms| match logs {
                Some(_) => self.boundary_after(oldest_ms, METRICS_INTERVAL_MS),
                // A client that ends sends what it has.
                None => self.sent_ms.max(oldest_ms),
            });
        [logs, points]
            .into_iter()
            .flatten()
            .min()
            .map(|due_ms| due_ms.min(self.end_ms))
    }

    fn boundary_after(&self, at_ms: u64, interval_ms: u64) -> u64 {
        self.start_ms + ((at_ms - self.start_ms) / interval_ms + 1) * interval_ms
    }

    /// The log records to send at `due_ms`, else the data points; call with what `due_ms()` said.
    pub(super) fn flush(&mut self, due_ms: u64) -> Flushed {
        let mut events = Vec::new();
        let is_last = due_ms == self.end_ms;
        self.sent_ms = due_ms;
        while events.len() < RECORDS_PER_REQUEST {
            match self.waiting.front() {
                Some(event) if event.at_ms < due_ms || is_last => {
                    if let Some(meter) = &mut self.meter {
                        meter.record(event);
                    }
                    events.extend(self.waiting.pop_front());
                    self.plan_ahead();
                }
                _ => break,
            }
        }
        if events.is_empty() {
            return Flushed::Points(self.meter.as_mut().map(Meter::collect).unwrap_or_default());
        }
        match self.head.run.signals {
            Signals::Metrics => Flushed::Nothing,
            Signals::Logs | Signals::Both => Flushed::Events(events),
        }
    }
}

/// What a session sends in one request.
pub(super) enum Flushed {
    Events(Vec<Event>),
    Points(Vec<Point>),
    /// The events went into the metrics alone.
    Nothing,
}
