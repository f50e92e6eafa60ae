//! Events from `key=value` text, and the list of all events for people.

use std::fmt;

use super::field::{Field, Wire};
use super::{
    ApiError, ApiRefusal, ApiRequest, ApiRequestBody, ApiResponseBody, ApiRetriesExhausted,
    AssistantResponse, AtMention, Auth, Compaction, Event, FeedbackSurvey, HookExecutionComplete,
    HookExecutionStart, HookPluginMetrics, HookRegistered, InternalError, ManagedSettingsResolved,
    McpServerConnection, PermissionModeChanged, PluginInstalled, PluginLoaded, RetentionSweep,
    SkillActivated, SubagentCompleted, ToolDecision, ToolResult, UserPrompt, sealed,
};
use crate::bodies::{BodyFile, Place};
use crate::content::Content;
use crate::meter::Measure;
use contract::Attribute;

/// One kind of event, described.
#[derive(Clone, Copy)]
pub struct EventKind {
    /// The bare name: `api_request`.
    pub name: &'static str,
    /// What it tells, in a sentence.
    pub help: &'static str,
    /// Its keys, in wire order.
    pub keys: &'static [Key],
    parse: Parse,
}

type Parse = fn(Vec<(String, String)>) -> Result<Parsed, Malformed>;

impl EventKind {
    /// The event that these pairs say.
    ///
    /// # Errors
    ///
    /// Names every key that is unknown, missing, given twice or not of its kind.
    pub fn parse(&self, pairs: Vec<(String, String)>) -> Result<Parsed, Malformed> {
        (self.parse)(pairs)
    }
}

impl fmt::Debug for EventKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EventKind")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// One key of an event, described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The attribute's key.
    pub name: &'static str,
    /// What its value is: `text`, `whole number`, …
    pub kind: &'static str,
    /// The setting without which the value is left out, redacted or replaced; empty when none is
    /// needed.
    pub gate: &'static str,
    /// Whether the event cannot be without it.
    pub is_required: bool,
    /// What it tells, in a sentence.
    pub help: &'static str,
}

/// All kinds of events, the five of Claude Cowork first.
pub fn kinds() -> &'static [EventKind] {
    const KINDS: &[EventKind] = &[
        kind::<UserPrompt>(),
        kind::<ApiRequest>(),
        kind::<ApiError>(),
        kind::<ToolDecision>(),
        kind::<ToolResult>(),
        kind::<AssistantResponse>(),
        kind::<ApiRefusal>(),
        kind::<ApiRetriesExhausted>(),
        kind::<ApiRequestBody>(),
        kind::<ApiResponseBody>(),
        kind::<PermissionModeChanged>(),
        kind::<Auth>(),
        kind::<McpServerConnection>(),
        kind::<InternalError>(),
        kind::<PluginInstalled>(),
        kind::<PluginLoaded>(),
        kind::<SkillActivated>(),
        kind::<AtMention>(),
        kind::<HookRegistered>(),
        kind::<HookExecutionStart>(),
        kind::<HookExecutionComplete>(),
        kind::<HookPluginMetrics>(),
        kind::<Compaction>(),
        kind::<SubagentCompleted>(),
        kind::<FeedbackSurvey>(),
        kind::<RetentionSweep>(),
        kind::<ManagedSettingsResolved>(),
    ];
    KINDS
}

const fn kind<E: Event + FromText + 'static>() -> EventKind {
    EventKind {
        name: E::NAME,
        help: E::HELP,
        keys: E::KEYS,
        parse: parse::<E>,
    }
}

/// Written by the macro that defines an event.
pub(crate) trait FromText {
    const HELP: &'static str;
    const KEYS: &'static [Key];
    /// Reads the event; what is wrong stays in `pairs`.
    fn from_text(pairs: &mut Pairs) -> Self;
}

fn parse<E: Event + FromText + 'static>(pairs: Vec<(String, String)>) -> Result<Parsed, Malformed> {
    let mut pairs = Pairs {
        rest: pairs,
        wrong: Vec::new(),
    };
    let event = E::from_text(&mut pairs);
    let mut wrong = pairs.wrong;
    for (key, _) in pairs.rest {
        wrong.push(if E::KEYS.iter().any(|known| known.name == key) {
            format!("`{key}` is given twice")
        } else {
            format!("`{key}` is not a key of {}", E::NAME)
        });
    }
    if wrong.is_empty() {
        Ok(Parsed(Box::new(event)))
    } else {
        Err(Malformed { wrong })
    }
}

/// What is left of the pairs while an event is read from them, and what was wrong.
pub(crate) struct Pairs {
    rest: Vec<(String, String)>,
    wrong: Vec<String>,
}

impl Pairs {
    pub(crate) fn take<W: Wire, T: Field<W>>(&mut self, key: &'static str) -> T {
        let Some(at) = self.rest.iter().position(|(name, _)| name == key) else {
            if let Some(rest) = T::take_rest(&mut self.rest) {
                return rest;
            }
            if T::IS_REQUIRED {
                self.wrong.push(format!("`{key}` is missing"));
            }
            return T::default();
        };
        let (_, text) = self.rest.remove(at);
        T::parse(&text).unwrap_or_else(|| {
            self.wrong.push(format!("`{key}` is not a {}", W::KIND));
            T::default()
        })
    }
}

/// Why text is not an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Everything that is wrong, one clause each. Values are not repeated: they may be secret.
    pub wrong: Vec<String>,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.wrong.join("; "))
    }
}

impl std::error::Error for Malformed {}

/// An event that was read from text; emitted like any other.
pub struct Parsed(Box<dyn AnyEvent>);

impl fmt::Debug for Parsed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Parsed")
            .field(&self.0.name())
            .finish()
    }
}

/// What a record needs of an event.
pub(crate) trait AnyEvent {
    fn name(&self) -> &'static str;
    fn file(&mut self, place: &Place<'_>) -> Option<BodyFile>;
    fn own(self: Box<Self>, content: &Content) -> Option<Vec<Attribute<'static>>>;
    fn sums(&self, content: &Content) -> Vec<Measure>;
}

impl<E: Event> AnyEvent for E {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn file(&mut self, place: &Place<'_>) -> Option<BodyFile> {
        sealed::Sealed::file(self, place)
    }

    fn own(self: Box<Self>, content: &Content) -> Option<Vec<Attribute<'static>>> {
        self.attributes(content)
    }

    fn sums(&self, content: &Content) -> Vec<Measure> {
        self.measures(content)
    }
}

impl Parsed {
    pub(crate) fn from_event(event: impl Event + 'static) -> Parsed {
        Parsed(Box::new(event))
    }

    pub(crate) fn into_any(self) -> Box<dyn AnyEvent> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        text.iter().map(owned).collect()
    }

    #[track_caller]
    fn check(event: &str, given: &[(&str, &str)], wrong: &[&str]) {
        let kind = kinds()
            .iter()
            .find(|kind| kind.name == event)
            .expect("known");
        match kind.parse(pairs(given)) {
            Ok(_) => assert!(wrong.is_empty(), "should be refused"),
            Err(malformed) => assert_eq!(malformed.wrong, wrong),
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        check(
            "at_mention",
            &[("mention_type", "file"), ("success", "true")],
            &[],
        );
        check(
            "at_mention",
            &[("success", "maybe"), ("colour", "red")],
            &[
                "`mention_type` is missing",
                "`success` is not a true or false",
                "`colour` is not a key of at_mention",
            ],
        );
        check(
            "at_mention",
            &[
                ("mention_type", "file"),
                ("success", "true"),
                ("success", "true"),
            ],
            &["`success` is given twice"],
        );
    }

    #[test]
    fn a_hook_s_metrics_have_keys_of_their_own() {
        let head = [("plugin_id", "p"), ("hook_event", "Stop")];
        check(
            "hook_plugin_metrics",
            &[head[0], head[1], ("files_seen", "3"), ("ok", "true")],
            &[],
        );
        check(
            "hook_plugin_metrics",
            &[head[0], head[1], ("Files", "3"), ("note", "text")],
            &[
                "`Files` is not a key of hook_plugin_metrics",
                "`note` is not a key of hook_plugin_metrics",
            ],
        );
    }

    #[test]
    fn every_event_and_key_is_described_and_named_once() {
        for (index, kind) in kinds().iter().enumerate() {
            assert!(kinds()[..index].iter().all(|other| other.name != kind.name));
            assert!(kind.help.len() > 10, "{}", kind.name);
            for (index, key) in kind.keys.iter().enumerate() {
                assert!(key.help.len() > 5, "{} {}", kind.name, key.name);
                assert!(
                    kind.keys[..index]
                        .iter()
                        .all(|other| other.name != key.name)
                );
            }
        }
    }
}
