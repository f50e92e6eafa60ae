//! Which decision and which result are of one tool call, and which answer of the model asked for it.
//!
//! `tool_use_id` tells. Where one of the two lacks it (clients before 2.1.119 send none), a result
//! belongs to the accepted decision of the same installation, prompt and tool that is nearest to the
//! start of the call, which is the time of its result less how long it took; without a duration, to the
//! earliest that waits.
//!
//! Invariant: a refused decision is never matched by order, no decision and no result is in two calls,
//! and the work grows with the number of events.

use std::collections::{HashMap, HashSet};

/// Calls of one tool in one prompt that wait for a result at a time; the oldest is given up first.
/// That many are lost results, not calls that run side by side.
const WAITING_MAX: usize = 256;

/// What an event is to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// An answer of the model. `false`: known to be none that asks for tools, but by its request id.
    Answer {
        /// Whether it may have asked for a tool.
        is_agent: bool,
    },
    Decision {
        is_refused: bool,
    },
    Result,
}

/// An id or a name that is only compared, as a number.
pub(super) type Key = i64;

/// One event of a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    pub(super) part: Part,
    pub(super) time_ms: i64,
    pub(super) duration_ms: Option<i64>,
    pub(super) tool_use_id: Option<Key>,
    pub(super) request_id: Option<Key>,
    pub(super) installation: Option<Key>,
    pub(super) prompt: Option<Key>,
    pub(super) tool: Option<Key>,
    pub(super) agent_id: Option<Key>,
    pub(super) agent_name: Option<&'a str>,
    pub(super) model: Option<&'a str>,
}

/// What is found out about an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark<'a> {
    /// The number of its call in the session; `None` for answers, and for what was sent twice.
    pub(super) call: Option<i64>,
    /// Whether its call was put together by order.
    pub(super) is_by_order: bool,
    /// When the answer that asked for the call was complete.
    pub(super) asked_ms: Option<i64>,
    /// Whether that answer is the last one before, and not known to be the right one.
    pub(super) is_ask_inferred: bool,
    /// The model that asked, and the subagent that it worked for, where the answer is known.
    pub(super) model: Option<&'a str>,
    pub(super) agent_name: Option<&'a str>,
    /// Whether this installation sent any decision in the session.
    pub(super) has_decisions: bool,
}

/// Marks the events of one session, in their order.
pub(super) fn mark<'a>(events: &[Event<'a>]) -> Vec<Mark<'a>> {
    let mut order: Vec<usize> = (0..events.len()).collect();
    // Of one millisecond: first what asks, then what decides, then what ends.
    order.sort_by_key(|at| (events[*at].time_ms, events[*at].part));
    let mut joining = Joining::over(events);
    for at in order {
        joining.take(at);
    }
    joining.marks
}

/// What calls of the same kind have in common, for those without an id.
type Kind = (Option<Key>, Option<Key>, Option<Key>);

struct Joining<'e, 'a> {
    events: &'e [Event<'a>],
    marks: Vec<Mark<'a>>,
    calls: i64,
    /// The decision and the result that count, by id.
    by_id: HashMap<Key, Call>,
    decided_ids: HashSet<Key>,
    deciding: HashSet<Option<Key>>,
    waiting: HashMap<Kind, Vec<usize>>,
    answers: HashMap<Key, usize>,
    last_answers: HashMap<Option<Key>, usize>,
}

#[derive(Clone, Copy)]
struct Call {
    number: i64,
    decision: Option<usize>,
    has_result: bool,
}

impl<'e, 'a> Joining<'e, 'a> {
    fn over(events: &'e [Event<'a>]) -> Joining<'e, 'a> {
        let decisions = || {
            let is_decision = |event: &&Event<'_>| matches!(event.part, Part::Decision { .. });
            events.iter().filter(is_decision)
        };
        let mut answers = HashMap::new();
        for (at, event) in events.iter().enumerate() {
            if let (Part::Answer { .. }, Some(id)) = (event.part, event.request_id) {
                answers.entry(id).or_insert(at);
            }
        }
        Joining {
            events,
            marks: vec![Mark::default(); events.len()],
            calls: 0,
            by_id: HashMap::new(),
            decided_ids: decisions().filter_map(|event| event.tool_use_id).collect(),
            deciding: decisions().map(|event| event.installation).collect(),
            waiting: HashMap::new(),
            answers,
            last_answers: HashMap::new(),
        }
    }

    fn take(&mut self, at: usize) {
        let event = &self.events[at];
        match event.part {
            Part::Answer { is_agent } => {
                if is_agent {
                    self.last_answers.insert(event.agent_id, at);
                }
                return;
            }
            Part::Decision { is_refused } => self.decide(at, is_refused),
            Part::Result => self.finish(at),
        }
        self.find_answer(at);
        self.marks[at].has_decisions = self.deciding.contains(&event.installation);
    }

    fn decide(&mut self, at: usize, is_refused: bool) {
        let event = &self.events[at];
        let Some(id) = event.tool_use_id else {
            self.marks[at].call = Some(self.next());
            return self.wait(at, is_refused);
        };
        let number = self.number_of(id);
        let call = self.by_id.entry(id).or_insert(Call::new(number));
        // Of several decisions about one call the last one counts.
        if let Some(earlier) = call.decision.replace(at) {
            self.marks[earlier].call = None;
            let kind = self.events[earlier].kind();
            let waiting = self.waiting.entry(kind).or_default();
            waiting.retain(|other| *other != earlier);
        }
        let has_result = call.has_result;
        self.marks[at].call = Some(number);
        self.wait(at, is_refused || has_result);
    }

    fn wait(&mut self, at: usize, is_over: bool) {
        if is_over {
            return;
        }
        let waiting = self.waiting.entry(self.events[at].kind()).or_default();
        if waiting.len() == WAITING_MAX {
            waiting.remove(0);
        }
        waiting.push(at);
    }

    fn finish(&mut self, at: usize) {
        let event = &self.events[at];
        let known = event.tool_use_id.map(|id| {
            let number = self.number_of(id);
            *self.by_id.entry(id).or_insert(Call::new(number))
        });
        let Some((id, call)) = event.tool_use_id.zip(known) else {
            let decision = self.nearest(at);
            return self.join(at, decision);
        };
        if call.has_result {
            return;
        }
        if let Some(call) = self.by_id.get_mut(&id) {
            call.has_result = true;
        }
        if self.decided_ids.contains(&id) {
            self.marks[at].call = Some(call.number);
            let waiting = self.waiting.entry(event.kind()).or_default();
            waiting.retain(|other| Some(*other) != call.decision);
        } else {
            let decision = self.nearest(at);
            self.join(at, decision);
        }
    }

    /// The decision that waits and is nearest to the start of a call.
    fn nearest(&mut self, at: usize) -> Option<usize> {
        let event = &self.events[at];
        let waiting = self.waiting.get_mut(&event.kind())?;
        let has_id = event.tool_use_id.is_some();
        let started = event.duration_ms.map(|ms| event.time_ms.saturating_sub(ms));
        let fits = waiting
            .iter()
            .enumerate()
            .filter(|(_, decision)| !(has_id && self.events[**decision].tool_use_id.is_some()));
        let distance = |(_, decision): &(usize, &usize)| {
            let decided = self.events[**decision].time_ms;
            started.map(|started| started.abs_diff(decided))
        };
        let (place, _) = fits.min_by_key(distance)?;
        Some(waiting.remove(place))
    }

    fn join(&mut self, at: usize, decision: Option<usize>) {
        match decision {
            Some(decision) => {
                self.marks[at].call = self.marks[decision].call;
                self.marks[at].is_by_order = true;
            }
            None => self.marks[at].call = Some(self.next()),
        }
    }

    fn find_answer(&mut self, at: usize) {
        let event = &self.events[at];
        let exact = event.request_id.and_then(|id| self.answers.get(&id));
        let answer = exact.or_else(|| self.last_answers.get(&event.agent_id));
        let Some(answer) = answer.map(|answer| &self.events[*answer]) else {
            return;
        };
        let mark = &mut self.marks[at];
        mark.asked_ms = Some(answer.time_ms);
        mark.is_ask_inferred = exact.is_none();
        if exact.is_some() {
            (mark.model, mark.agent_name) = (answer.model, answer.agent_name);
        }
    }

    fn number_of(&mut self, id: Key) -> i64 {
        match self.by_id.get(&id) {
            Some(call) => call.number,
            None => self.next(),
        }
    }

    fn next(&mut self) -> i64 {
        self.calls += 1;
        self.calls
    }
}

impl Call {
    fn new(number: i64) -> Call {
        Call {
            number,
            decision: None,
            has_result: false,
        }
    }
}

impl Event<'_> {
    fn kind(&self) -> Kind {
        (self.installation, self.prompt, self.tool)
    }
}

#[cfg(test)]
mod tests;
