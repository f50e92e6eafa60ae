//! Sessions and their prompts: what a program calls while it works.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::event::{Event, Parsed, UserPrompt};
use crate::head::Head;
use crate::meter::{Instrument, Measure};
use crate::record::Record;
use crate::shared::{Shared, lock};
use crate::trace::{Active, Interaction, LlmCall, LlmRequest, Scene, TraceContext};

/// How a session started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Anew.
    Fresh,
    /// An earlier one that somebody chose.
    Resume,
    /// The last one.
    Continue,
    /// One that was chosen in the view of agents.
    AgentsView,
}

impl Start {
    fn name(self) -> &'static str {
        match self {
            Start::Fresh => "fresh",
            Start::Resume => "resume",
            Start::Continue => "continue",
            Start::AgentsView => "agents_view",
        }
    }
}

/// One session. Clones are the same session.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) head: Arc<Head>,
    pub(crate) id: String,
    /// The turn within which events are emitted, while spans are on.
    turn: Arc<Mutex<Option<Arc<Active>>>>,
}

/// A decision about a change to a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditDecision {
    /// accept or reject.
    pub decision: String,
    /// Who decided: config, hook, user_permanent, user_temporary, user_abort, user_reject.
    pub source: String,
    /// Edit, Write or NotebookEdit.
    pub tool_name: String,
    /// The file's language: Rust, TypeScript, …
    pub language: String,
}

impl Session {
    pub(crate) fn new(shared: &Arc<Shared>, id: String) -> Session {
        let head = Head::new(&shared.agent, &shared.settings, &shared.repository, &id);
        Session {
            shared: Arc::clone(shared),
            head: Arc::new(head),
            id,
            turn: Arc::default(),
        }
    }

    /// `session.id`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// An event outside a prompt.
    pub fn emit(&self, event: impl Event + 'static) {
        self.record(None, Parsed::from_event(event));
    }

    /// The same of an event that was read from text.
    pub fn emit_parsed(&self, event: Parsed) {
        self.record(None, event);
    }

    /// A prompt of this text: emits `user_prompt`, and belongs to it from then on.
    pub fn prompt(&self, text: impl Into<String>) -> Prompt {
        let message_uuid = Some((self.shared.surroundings.new_id)());
        self.prompt_as(UserPrompt {
            message_uuid,
            ..UserPrompt::new(text)
        })
    }

    /// The same with all that a `user_prompt` can say.
    pub fn prompt_as(&self, event: UserPrompt) -> Prompt {
        let prompt = self.new_prompt();
        prompt.emit(event);
        prompt
    }

    /// A prompt with a new id; emits nothing.
    pub fn new_prompt(&self) -> Prompt {
        self.prompt_with_id((self.shared.surroundings.new_id)())
    }

    /// A prompt that exists already; emits nothing.
    pub fn prompt_with_id(&self, id: impl Into<String>) -> Prompt {
        Prompt {
            session: self.clone(),
            id: id.into().into(),
            within: None,
        }
    }

    /// A turn: a prompt of this text, which is emitted, and the span around all that it causes.
    pub fn interaction(&self, text: impl Into<String>) -> Interaction {
        let text = text.into();
        let turn = self.new_prompt().interaction(&text);
        turn.prompt().emit(UserPrompt {
            message_uuid: Some((self.shared.surroundings.new_id)()),
            ..UserPrompt::new(text)
        });
        turn
    }

    pub(crate) fn scene(&self) -> Scene {
        let settings = &self.shared.settings;
        Scene {
            conversation: settings.include.session_id.then(|| self.id.clone()),
            is_detailed: settings.tracing.is_detailed,
        }
    }

    pub(crate) fn set_turn(&self, turn: &Arc<Active>) {
        *lock(&self.turn) = Some(Arc::clone(turn));
    }

    /// The span that an event belongs to: the innermost that is open, or that of another process.
    fn trace(&self, prompt: Option<&Prompt>) -> Option<TraceContext> {
        let within = prompt.and_then(|prompt| prompt.within.as_ref()?.innermost().cloned());
        let turn = || lock(&self.turn).as_ref()?.innermost().cloned();
        match within.or_else(turn) {
            Some(active) => Some(active.context.clone()),
            None => self.shared.settings.tracing.parent.clone(),
        }
    }

    /// Counts the session as one that started in this way.
    pub fn count_start(&self, start: Start) {
        let own = vec![("start_type", start.name().to_owned())];
        self.measure(Instrument::Sessions, own, 1.0);
    }

    /// Counts lines that a model's change added and removed.
    pub fn count_lines(&self, added: u64, removed: u64, model: &str) {
        for (kind, lines) in [("added", added), ("removed", removed)] {
            let own = vec![("type", kind.to_owned()), ("model", model.to_owned())];
            self.measure(Instrument::Lines, own, lines as f64);
        }
    }

    /// Counts a commit.
    pub fn count_commit(&self) {
        self.measure(Instrument::Commits, Vec::new(), 1.0);
    }

    /// Counts a pull request.
    pub fn count_pull_request(&self) {
        self.measure(Instrument::PullRequests, Vec::new(), 1.0);
    }

    /// Counts a decision about a change to a file.
    pub fn count_edit_decision(&self, decision: EditDecision) {
        let own = vec![
            ("decision", decision.decision),
            ("source", decision.source),
            ("tool_name", decision.tool_name),
            ("language", decision.language),
        ];
        self.measure(Instrument::EditDecisions, own, 1.0);
    }

    /// Counts time in which a person typed or read.
    pub fn count_user_time(&self, time: Duration) {
        self.measure_time("user", time);
    }

    /// Counts time in which the agent worked.
    pub fn count_agent_time(&self, time: Duration) {
        self.measure_time("cli", time);
    }

    fn measure_time(&self, kind: &str, time: Duration) {
        let own = vec![("type", kind.to_owned())];
        self.measure(Instrument::ActiveTime, own, time.as_secs_f64());
    }

    pub(crate) fn measure(
        &self,
        instrument: Instrument,
        own: Vec<(&'static str, String)>,
        value: f64,
    ) {
        let measure = Measure::new(instrument, own, value);
        self.shared.count(&self.head, vec![measure]);
    }

    fn record(&self, prompt: Option<&Prompt>, event: Parsed) {
        let (shared, content) = (&self.shared, &self.shared.settings.content);
        let mut event = event.into_any();
        shared.count(&self.head, event.sums(content));
        if !shared.has_events() {
            return;
        }
        if let Some(dir) = content.body_dir.as_ref().filter(|_| content.raw_bodies) {
            shared.file(dir, &self.id, &mut *event);
        }
        let name = event.name();
        if let Some(own) = event.own(content) {
            let trace = self.trace(prompt);
            let id = prompt.map(|prompt| &prompt.id);
            shared.put(Record::new(&self.head, name, id, trace, own));
        }
    }
}

/// Everything with one `prompt.id`.
#[derive(Clone, Debug)]
pub struct Prompt {
    session: Session,
    id: Arc<str>,
    /// The span that its events name.
    within: Option<Arc<Active>>,
}

impl Prompt {
    /// `prompt.id`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The session that it is in.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// An event that the prompt caused.
    pub fn emit(&self, event: impl Event + 'static) {
        self.emit_parsed(Parsed::from_event(event));
    }

    /// The same of an event that was read from text.
    pub fn emit_parsed(&self, event: Parsed) {
        self.session.record(Some(self), event);
    }

    /// The turn as a span, from now on until it is dropped; events of the session name it. `text` is
    /// what was asked; nothing is emitted.
    pub fn interaction(&self, text: &str) -> Interaction {
        Interaction::start(self, text)
    }

    /// A request to the model that is no part of a turn, such as one for a title.
    pub fn llm_request(&self, request: LlmRequest) -> LlmCall {
        LlmCall::standalone(self, request)
    }

    /// The same prompt with events that name this span.
    pub(crate) fn within(&self, active: &Arc<Active>) -> Prompt {
        Prompt {
            within: Some(Arc::clone(active)),
            ..self.clone()
        }
    }
}
