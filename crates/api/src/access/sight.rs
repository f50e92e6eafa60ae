//! What a principal may see in answers: the one place where a principal becomes a sight.

use access::{Permission, Principal};
use axum::http::StatusCode;
use query::catalogue::Ask;
use query::reports::{Overview, Prompt, Replay};

use crate::fault::Fault;

/// What may be in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Who it was.
    pub(crate) names: bool,
    /// Prompts, responses, tool inputs.
    pub(crate) content: bool,
}

/// What somebody may see.
pub(crate) fn sight(principal: &Principal) -> Sight {
    Sight {
        names: principal.may(Permission::Names),
        content: principal.may(Permission::Content),
    }
}

/// Dimensions that say who it was.
const OF_NAMES: &[&str] = &["person", "session_id"];

impl Sight {
    /// Whether a report may be asked like that.
    pub(crate) fn check(self, ask: &Ask) -> Result<(), Fault> {
        let asked = ask.group_by.iter().map(|dimension| dimension.name);
        let mut asked = asked.chain(ask.conditions.iter().map(|condition| condition.dimension));
        match asked.find(|name| OF_NAMES.contains(name)) {
            Some(name) if !self.names => Err(unseen(name)),
            _ => Ok(()),
        }
    }

    /// Whether one person may be asked for.
    pub(crate) fn check_person(self, person: Option<&str>) -> Result<(), Fault> {
        match person {
            Some(_) if !self.names => Err(unseen("person")),
            _ => Ok(()),
        }
    }

    pub(crate) fn of_overview(self, overview: &mut Overview) {
        if !self.names {
            overview.people.clear();
        }
    }

    pub(crate) fn of_prompts(self, prompts: &mut [Prompt]) {
        if !self.content {
            prompts.iter_mut().for_each(|prompt| prompt.prompt = None);
        }
    }

    pub(crate) fn of_replay(self, replay: &mut Replay) {
        if self.content {
            return;
        }
        for event in &mut replay.events {
            event.attributes = None;
            event.error = None;
            event.prompt = None;
            event.response = None;
            event.tool_input = None;
            event.tool_parameters = None;
        }
    }
}

fn unseen(dimension: &str) -> Fault {
    let message = format!("{dimension} says who it was, which needs the permission names");
    let hint = Some("ask by team, department or cost centre");
    Fault::new(StatusCode::FORBIDDEN, message, hint)
}
