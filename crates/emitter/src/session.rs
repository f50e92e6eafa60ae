//! Sessions and their prompts: what a program calls while it works.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, Parsed, UserPrompt};
use crate::head::Head;
use crate::meter::{Instrument, Measure};
use crate::record::Record;
use crate::shared::Shared;

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

    fn record(&self, prompt: Option<&Arc<str>>, event: Parsed) {
        let (shared, content) = (&self.shared, &self.shared.settings.content);
        let mut event = event.into_any();
        shared.count(&self.head, event.sums(content));
        if !shared.has_events() {
            return;
        }
        if let Some(dir) = &content.body_dir {
            shared.file(dir, &self.id, &mut *event);
        }
        let name = event.name();
        if let Some(own) = event.own(content) {
            shared.put(Record::new(&self.head, name, prompt, own));
        }
    }
}

/// Everything with one `prompt.id`.
#[derive(Clone, Debug)]
pub struct Prompt {
    session: Session,
    id: Arc<str>,
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
        self.session.record(Some(&self.id), event);
    }
}
