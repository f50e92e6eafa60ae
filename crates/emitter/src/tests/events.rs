//! Every recorded request of events, rebuilt from the calls that caused it, byte for byte: both
//! encodings, every gate, every identity.
//!
//! The calls are read from the records themselves; what the emitter must work out by itself (lengths,
//! micros, the tool's source, redaction) is taken out of them first, and content that a shut gate must
//! hold back is put in.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use contract::{Attribute, LogRecord};

use super::captures::{Scenario, assert_same, scenarios, text};
use crate::content::{Content, REDACTED};
use crate::event::kinds;
use crate::session::{Prompt, Session};
use crate::shared::{Shared, lock};
use crate::trace::{Active, TraceContext};

type Pairs = Vec<(String, String)>;

fn value<'a>(pairs: &'a Pairs, key: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(name, _)| name == key);
    found.map(|(_, text)| text.as_str())
}

fn set(pairs: &mut Pairs, key: &str, text: String) {
    pairs.retain(|(name, _)| name != key);
    pairs.push((key.to_owned(), text));
}

/// The pairs that a caller would have said for a record, `name` being its event.
fn said(name: &str, own: &[Attribute<'_>], content: &Content) -> Pairs {
    let pairs = own
        .iter()
        .map(|(key, value)| (key.to_string(), text(value)));
    let mut pairs: Pairs = pairs.collect();
    for key in kinds()
        .iter()
        .find(|kind| kind.name == name)
        .expect("known")
        .keys
    {
        if key.kind == "name" {
            let named = |(known, text): &(String, String)| {
                (known == key.name).then(|| format!("builtin:{text}"))
            };
            if let Some(text) = pairs.iter().find_map(named) {
                set(&mut pairs, key.name, text);
            }
        }
    }
    for (content_key, length_key) in [("prompt", "prompt_length"), ("response", "response_length")]
    {
        if value(&pairs, content_key) == Some(REDACTED) {
            let length = value(&pairs, length_key).expect("a length");
            let secret = "s".repeat(length.parse().expect("a number"));
            set(&mut pairs, content_key, secret);
        }
        pairs.retain(|(key, _)| key != length_key);
    }
    if value(&pairs, "speed") == Some("normal") {
        pairs.retain(|(key, _)| key != "speed");
    }
    pairs.retain(|(key, _)| {
        !["prompt_text", "cost_usd_micros", "tool_source"].contains(&key.as_str())
    });
    if value(&pairs, "tool_input").is_some() {
        pairs.retain(|(key, _)| key != "tool_input_size_bytes");
    }
    if let Some((server, tool)) = mcp_tool(&pairs) {
        set(&mut pairs, "tool_name", format!("mcp__{server}__{tool}"));
        pairs.retain(|(key, _)| key != "tool_parameters");
    }
    if name == "tool_result" && !content.tool_details {
        for key in [
            "tool_input",
            "tool_parameters",
            "error",
            "vcs.ref.head.name",
        ] {
            set(&mut pairs, key, "{\"secret\":1}".to_owned());
        }
    }
    pairs
}

fn mcp_tool(pairs: &Pairs) -> Option<(String, String)> {
    if value(pairs, "tool_name") != Some("mcp_tool") {
        return None;
    }
    let parameters: serde_json::Value =
        serde_json::from_str(value(pairs, "tool_parameters")?).ok()?;
    let name = |key: &str| parameters[key].as_str().map(str::to_owned);
    Some((name("mcp_server_name")?, name("mcp_tool_name")?))
}

/// Says again what led to a record.
fn say(session: &Session, record: &LogRecord<'_>, content: &Content) -> &'static str {
    let find = |key: &str| {
        let found = record.attributes.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| text(value))
    };
    let name = find("event.name").expect("a name");
    let own = record
        .attributes
        .iter()
        .position(|(key, _)| key == "event.sequence");
    let own = &record.attributes[own.expect("a sequence") + 1..];
    let head = own
        .iter()
        .take_while(|(key, _)| key == "prompt.id" || key == "workspace.host_paths");
    let own = &own[head.count()..];
    let kind = kinds()
        .iter()
        .find(|kind| kind.name == name)
        .expect("a known event");
    let event = kind.parse(said(&name, own, content)).expect("well-formed");
    match find("prompt.id") {
        Some(prompt) => within(session.prompt_with_id(prompt), record).emit_parsed(event),
        None => session.emit_parsed(event),
    }
    kind.name
}

/// The prompt within the span that a record names.
fn within(prompt: Prompt, record: &LogRecord<'_>) -> Prompt {
    let (Some(trace_id), Some(span_id)) = (record.trace_id, record.span_id) else {
        return prompt;
    };
    let context = TraceContext {
        trace_id,
        span_id,
        is_sampled: record.flags == 1,
        state: None,
    };
    prompt.within(&Active::new(context, None))
}

pub(super) fn session_of(
    shared: &Arc<Shared>,
    sessions: &mut HashMap<String, Session>,
    attributes: &[Attribute<'_>],
) -> Session {
    let id = attributes.iter().find(|(key, _)| key == "session.id");
    let id = id.map_or_else(|| "not sent".to_owned(), |(_, value)| text(value));
    let session = sessions
        .entry(id.clone())
        .or_insert_with(|| Session::new(shared, id));
    session.clone()
}

/// Rebuilds every request of events, and gives the names of the events in it.
fn rebuild(scenario: &Scenario) -> Vec<&'static str> {
    let (shared, clock) = scenario.telemetry();
    let mut sessions = HashMap::new();
    let mut names = Vec::new();
    for request in scenario
        .requests
        .iter()
        .filter(|request| request.file.contains("-logs."))
    {
        for record in &request.items().logs {
            let session = session_of(&shared, &mut sessions, &record.attributes);
            clock.store(record.time_unix_nano, Ordering::Relaxed);
            names.push(say(&session, record, &shared.settings.content));
        }
        let batch = lock(&shared.queue).waiting.take_batch();
        let rebuilt = shared.encode_events(&batch, request.encoding);
        assert_same(&request.file, &rebuilt, &request.settled());
    }
    names
}

#[test]
fn every_recorded_event_is_rebuilt_byte_for_byte() {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for scenario in &scenarios() {
        for name in rebuild(scenario) {
            *seen.entry(name).or_default() += 1;
        }
    }
    assert_eq!(seen.values().sum::<usize>(), 931, "{seen:?}");
    assert_eq!(seen.len(), 19, "{seen:?}");
}
