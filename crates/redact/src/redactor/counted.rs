//! What prompts and tool parameters are counted by stays, whatever becomes of the rest of them.

use contract::{Edit, TASK_NOTIFICATION, TOOL_NAMES};
use serde_json::{Map, Value as Json};

use super::Redactor;
use crate::policy::{Action, Decision};

impl Redactor<'_> {
    /// What prompts and tool parameters are counted by stays, whatever becomes of the rest.
    pub(super) fn counted_in(&mut self, name: &str, text: &str) -> Option<Edit> {
        if let Some(rest) = text.strip_prefix(TASK_NOTIFICATION) {
            if rest.is_empty() {
                return Some(Edit::Keep);
            }
            let edit = self.acted(name, rest);
            let rest = match &edit {
                Edit::Keep => return Some(Edit::Keep),
                Edit::Replace(rest) => rest.as_str(),
                Edit::Remove => "",
            };
            if rest.is_empty() {
                self.removed(text.as_bytes());
            }
            return Some(Edit::Replace(format!("{TASK_NOTIFICATION}{rest}")));
        }
        if self.decision.action == Action::Keep
            || !TOOL_NAMES.iter().any(|(key, _)| text.contains(key))
        {
            return None;
        }
        let Ok(Json::Object(all)) = serde_json::from_str(text) else {
            return None;
        };
        self.tool_names(name, text, &all)
    }

    /// The names in tool parameters, and what becomes of all of it beside them.
    fn tool_names(&mut self, name: &str, text: &str, all: &Map<String, Json>) -> Option<Edit> {
        const REST: &str = "redacted";
        let is_name = |key: &str| TOOL_NAMES.iter().any(|(known, _)| *known == key);
        let mut kept = Map::new();
        for (key, value) in all
            .iter()
            .filter(|(key, value)| is_name(key) && value.is_string())
        {
            kept.insert(key.clone(), value.clone());
        }
        if kept.is_empty() {
            return None;
        }
        let others: Vec<&String> = all.keys().filter(|key| !kept.contains_key(*key)).collect();
        let is_done = match others.as_slice() {
            [] => true,
            [only] => {
                *only == REST && self.decision.action != Action::Drop && self.is_done(&all[*only])
            }
            _ => false,
        };
        let edit = if is_done {
            Edit::Keep
        } else {
            self.acted(name, text)
        };
        match edit {
            Edit::Keep if is_done => {}
            Edit::Keep => return Some(Edit::Keep),
            Edit::Replace(rest) => {
                kept.insert(REST.to_owned(), Json::String(rest));
            }
            Edit::Remove => self.removed(text.as_bytes()),
        }
        let json = if is_done {
            text.to_owned()
        } else {
            Json::Object(kept).to_string()
        };
        // A name may be a secret too.
        let decision = Decision {
            action: Action::Keep,
            ..self.decision
        };
        Some(match self.masked(name, &json, decision) {
            Edit::Keep if json == text => Edit::Keep,
            Edit::Keep => Edit::Replace(json),
            other => other,
        })
    }

    /// Whether a value is what acting would make of it.
    fn is_done(&self, value: &Json) -> bool {
        let Json::String(text) = value else {
            return false;
        };
        match self.decision.action {
            Action::Hash => crate::keys::is_hash(text),
            Action::Truncate(characters) => text.chars().count() <= characters,
            _ => false,
        }
    }
}
