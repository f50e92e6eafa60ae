//! One event before it is a log record: its own attributes, and what it counts for.
//!
//! Everything a session repeats on each record stays in its `Head`; `log_record` puts the two
//! together by borrowing, in the attribute order of the real client.

use std::borrow::Cow;
use std::sync::Arc;

use contract::{Attribute, LogRecord, Value};

use super::head::Head;
use super::price::{Model, Usage};
use crate::random::Random;

/// Everything with one `prompt.id`.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) id: String,
    /// Whether the events of this prompt are counted one by one.
    pub(super) is_sample: bool,
}

/// What an event counts for, so that nothing has to be read back from its attributes.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    Other,
    Prompt,
    Request(Request),
    ApiError,
    Decision {
        /// Which call of the process.
        call: u64,
        tool: &'static str,
        accepted: bool,
        source: &'static str,
        language: Option<&'static str>,
    },
    Result {
        /// Which call of the process.
        call: u64,
        tool: &'static str,
        /// Who decided, where the result, too, says so.
        decided_by: Option<&'static str>,
        succeeded: bool,
        duration_ms: u64,
        work: Work,
    },
}

/// One answered request to the model.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) model: &'static Model,
    pub(super) usage: Usage,
    pub(super) cost_usd: f64,
    pub(super) duration_ms: u64,
    pub(super) fast: bool,
    pub(super) effort: &'static str,
    /// The subagent that asked, if one did.
    pub(super) agent: Option<&'static str>,
    /// Asked for compaction rather than for the person.
    pub(super) is_auxiliary: bool,
}

/// What a tool call left behind, for the metrics.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Work {
    pub(super) lines_added: u64,
    pub(super) lines_removed: u64,
    pub(super) commits: u64,
    pub(super) pull_requests: u64,
}

/// One event.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) at_ms: u64,
    /// `claude_code.` and the event's name.
    body: &'static str,
    timestamp: String,
    pub(super) sequence: i64,
    pub(super) prompt: Option<Arc<Prompt>>,
    /// Whether the client knows whose account it works with; given with the sequence.
    pub(super) has_account: bool,
    own: Vec<Attribute<'static>>,
    pub(super) fact: Fact,
}

const BODY_PREFIX: &str = "claude_code.";

impl Event {
    /// `body` starts with `claude_code.`; the sequence is given when the event takes its place.
    pub(super) fn new(at_ms: u64, body: &'static str, own: Own, fact: Fact) -> Event {
        let timestamp = contract::iso_millis(at_ms)
            .and_then(|text| String::from_utf8(text.to_vec()).ok())
            .unwrap_or_default();
        Event {
            at_ms,
            body,
            timestamp,
            sequence: 0,
            prompt: None,
            has_account: true,
            own: own.attributes,
            fact,
        }
    }

    /// The bare name: `api_request`.
    pub(super) fn name(&self) -> &'static str {
        self.body.strip_prefix(BODY_PREFIX).unwrap_or(self.body)
    }

    /// The record as its client sends it.
    pub(super) fn log_record<'a>(&'a self, head: &'a Head) -> LogRecord<'a> {
        let standard = head.attributes(self.has_account);
        let mut attributes = Vec::with_capacity(standard.len() + self.own.len() + 5);
        attributes.extend(standard.iter().map(borrow));
        attributes.push((Cow::Borrowed("event.name"), Value::from(self.name())));
        attributes.push((
            Cow::Borrowed("event.timestamp"),
            Value::from(self.timestamp.as_str()),
        ));
        let has_sequence = head.run.client.has_sequences();
        if has_sequence {
            attributes.push((Cow::Borrowed("event.sequence"), Value::Int(self.sequence)));
        }
        if let Some(prompt) = self.prompt.as_ref().filter(|_| has_sequence) {
            attributes.push((Cow::Borrowed("prompt.id"), Value::from(prompt.id.as_str())));
        }
        if let Some(paths) = &head.host_paths {
            attributes.push((Cow::Borrowed("workspace.host_paths"), borrow_value(paths)));
        }
        attributes.extend(self.own.iter().map(borrow));
        let nanos = self.at_ms * 1_000_000;
        LogRecord {
            time_unix_nano: nanos,
            observed_time_unix_nano: nanos,
            body: Some(Value::from(self.body)),
            attributes,
            ..LogRecord::default()
        }
    }
}

/// The same attribute without a copy of its text.
pub(super) fn borrow<'a>((key, value): &'a Attribute<'static>) -> Attribute<'a> {
    (Cow::Borrowed(&**key), borrow_value(value))
}

fn borrow_value<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Empty => Value::Empty,
        Value::Str(text) => Value::Str(Cow::Borrowed(text)),
        Value::Bool(flag) => Value::Bool(*flag),
        Value::Int(number) => Value::Int(*number),
        Value::Double(number) => Value::Double(*number),
        Value::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        Value::Array(json) => Value::Array(Cow::Borrowed(json)),
        Value::Map(json) => Value::Map(Cow::Borrowed(json)),
    }
}

/// The event's own attributes, written down in wire order.
#[derive(Default)]
pub(super) struct Own {
    attributes: Vec<Attribute<'static>>,
}

impl Own {
    pub(super) fn with_room_for(count: usize) -> Own {
        Own {
            attributes: Vec::with_capacity(count),
        }
    }

    pub(super) fn text(mut self, key: &'static str, text: impl Into<Cow<'static, str>>) -> Own {
        self.attributes
            .push((Cow::Borrowed(key), Value::Str(text.into())));
        self
    }

    pub(super) fn maybe(
        self,
        key: &'static str,
        text: Option<impl Into<Cow<'static, str>>>,
    ) -> Own {
        match text {
            Some(text) => self.text(key, text),
            None => self,
        }
    }

    pub(super) fn int(mut self, key: &'static str, number: u64) -> Own {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.attributes
            .push((Cow::Borrowed(key), Value::Int(number)));
        self
    }

    pub(super) fn flag(mut self, key: &'static str, flag: bool) -> Own {
        self.attributes
            .push((Cow::Borrowed(key), Value::Bool(flag)));
        self
    }

    pub(super) fn array(mut self, key: &'static str, json: &'static str) -> Own {
        self.attributes
            .push((Cow::Borrowed(key), Value::Array(Cow::Borrowed(json))));
        self
    }

    /// A JavaScript number: a whole one goes out as an integer.
    pub(super) fn number(mut self, key: &'static str, number: f64) -> Own {
        let value = if number.fract() == 0.0 && number.abs() < 9e15 {
            Value::Int(number as i64)
        } else {
            Value::Double(number)
        };
        self.attributes.push((Cow::Borrowed(key), value));
        self
    }

    /// A number that the client sends as text.
    pub(super) fn digits(self, key: &'static str, number: u64) -> Own {
        self.text(key, number.to_string())
    }

    /// A truth value that the client sends as text.
    pub(super) fn yes_no(self, key: &'static str, flag: bool) -> Own {
        self.text(key, if flag { "true" } else { "false" })
    }
}

/// A new request id, as the real API gives them out.
pub(super) fn request_id(random: &mut Random) -> String {
    random.hex("req_011C", 20)
}

/// A new tool use id.
pub(super) fn tool_use_id(random: &mut Random) -> String {
    random.hex("toolu_01", 24)
}
