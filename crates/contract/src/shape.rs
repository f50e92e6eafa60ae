//! The wire shape of a log record, and the record rebuilt from its row.
//!
//! A row holds typed values; the shape holds what typing forgets: which attributes there were, in
//! which order, with which wire type. Records of one event and client version share one shape, so a
//! dictionary makes it nearly free. Format: one letter for the body, then per attribute the
//! separator U+001E, a letter, and the key. The letter is
//!
//! | letter | where the value is |
//! |---|---|
//! | `s i d b a k` | in the key's column, as that wire type (string, int, double, bool, array, map) |
//! | `S I D B A K Y E` | in `attributes` under the key, as that wire type (`Y` bytes, `E` empty) |
//! | `n` `t` `m` | the event's name; the time as text; the cost in millionths |
//! | `r` | the resource's attribute of the same key |
//! | `Z` | the next entry of `attributes`, whatever its key (only for keys with a separator in them) |
//!
//! Invariant: `rebuild` of a normalised record is that record.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::coerce::Cell;
use crate::columns::{Col, column_of};
use crate::item::{Attribute, LogRecord};
use crate::time::iso_millis;
use crate::value::{Value, write_json_string};

const SEPARATOR: char = '\u{1e}';
pub(crate) const EVENT_NAME: char = 'n';
pub(crate) const EVENT_TIMESTAMP: char = 't';
pub(crate) const DERIVED_MICROS: char = 'm';
pub(crate) const OF_RESOURCE: char = 'r';
const ANY_KEY: char = 'Z';

/// How the body follows from the event's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyForm {
    /// No body.
    Absent,
    /// `claude_code.` and the event's name.
    Prefixed,
    /// The event's name.
    Bare,
    /// Anything else: in the envelope.
    Stored,
}

impl BodyForm {
    pub(crate) fn of(body: Option<&Value<'_>>, raw_event: &str, event: &str) -> BodyForm {
        match body {
            None => BodyForm::Absent,
            Some(Value::Str(text))
                if text.strip_prefix("claude_code.") == Some(event) && !event.is_empty() =>
            {
                BodyForm::Prefixed
            }
            Some(Value::Str(text)) if text == event && raw_event == event => BodyForm::Bare,
            Some(_) => BodyForm::Stored,
        }
    }

    pub(crate) fn letter(self) -> char {
        match self {
            BodyForm::Absent => '-',
            BodyForm::Prefixed => 'P',
            BodyForm::Bare => 'E',
            BodyForm::Stored => 'B',
        }
    }
}

/// The letter of a value that is kept in the overflow.
pub(crate) fn stored(value: &Value<'_>) -> char {
    value.letter().to_ascii_uppercase()
}

pub(crate) fn is_stored(letter: char) -> bool {
    letter.is_ascii_uppercase()
}

/// Whether a key has the separator in it: then a shape cannot name it.
pub(crate) fn splits(key: &str) -> bool {
    key.contains(SEPARATOR)
}

pub(crate) fn push_entry(shape: &mut String, letter: char, key: &str) {
    shape.push(SEPARATOR);
    if is_stored(letter) && splits(key) {
        shape.push(ANY_KEY);
    } else {
        shape.push(letter);
        shape.push_str(key);
    }
}

/// The client's own rounding of a cost to millionths of a dollar.
pub(crate) fn micros(cost_usd: f64) -> i64 {
    (cost_usd * 1e6).round() as i64
}

/// Writes what a usual record does not have; leaves `out` empty for a usual one.
pub(crate) fn write_envelope(
    out: &mut String,
    record: &LogRecord<'_>,
    time_ns: u64,
    body: BodyForm,
) {
    out.clear();
    let mut put = |key: &str, value: &dyn Fn(&mut String)| {
        out.push(if out.is_empty() { '{' } else { ',' });
        write_json_string(key, out);
        out.push(':');
        value(out);
    };
    let mut number = |key: &str, unusual: bool, number: i128| {
        if unusual {
            put(key, &|out| out.push_str(&number.to_string()));
        }
    };
    // Columns of time hold milliseconds; the rest of a finer or absent time is kept here.
    let whole_ms = time_ns - time_ns % 1_000_000;
    number(
        "time_unix_nano",
        record.time_unix_nano != whole_ms,
        i128::from(record.time_unix_nano),
    );
    let observed = record.observed_time_unix_nano;
    number(
        "observed_time_unix_nano",
        observed != record.time_unix_nano,
        i128::from(observed),
    );
    number(
        "severity_number",
        record.severity_number != 0,
        i128::from(record.severity_number),
    );
    number("flags", record.flags != 0, i128::from(record.flags));
    let dropped = record.dropped_attributes_count;
    number(
        "dropped_attributes_count",
        dropped != 0,
        i128::from(dropped),
    );
    for (key, text) in [
        ("severity_text", &record.severity_text),
        ("event_name", &record.event_name),
    ] {
        if !text.is_empty() {
            put(key, &|out| write_json_string(text, out));
        }
    }
    if let (BodyForm::Stored, Some(body)) = (body, &record.body) {
        put("body_type", &|out| {
            write_json_string(&body.letter().to_string(), out)
        });
        put("body", &|out| body.write_json(out));
    }
    if !out.is_empty() {
        out.push('}');
    }
}

/// A log record's row, as far as rebuilding needs it.
pub struct StoredLog<'a> {
    /// The event's bare name.
    pub event: &'a str,
    /// The time column, milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The wire shape.
    pub shape: &'a str,
    /// The envelope column.
    pub envelope: Option<&'a str>,
    /// The overflow.
    pub attributes: Option<&'a str>,
    /// The resource's attributes as a JSON object.
    pub resource: &'a str,
    /// The trace id.
    pub trace_id: Option<[u8; 16]>,
    /// The span id.
    pub span_id: Option<[u8; 8]>,
    /// The cell of a promoted column.
    pub cell: &'a dyn Fn(Col) -> Cell<'a>,
}

/// The record as it came. Fails with the reason when the row does not fit its shape.
pub fn rebuild(stored: &StoredLog<'_>) -> Result<LogRecord<'static>, String> {
    let envelope: HashMap<String, Box<RawValue>> = match stored.envelope {
        Some(text) => serde_json::from_str(text).map_err(|error| format!("envelope: {error}"))?,
        None => HashMap::new(),
    };
    let number = |key: &str| read::<u64>(envelope.get(key)?);
    let text = |key: &str| envelope.get(key).and_then(|json| read::<String>(json));
    let text = |key: &str| text(key).unwrap_or_default();
    let severity_number = envelope.get("severity_number").and_then(|json| read(json));
    let time_unix_nano = number("time_unix_nano").unwrap_or(stored.time_ms * 1_000_000);
    let mut entries = stored.shape.split(SEPARATOR);
    let body = match entries.next() {
        Some("P") => Some(Value::Str(Cow::Owned(format!(
            "claude_code.{}",
            stored.event
        )))),
        Some("E") => Some(Value::Str(Cow::Owned(stored.event.to_owned()))),
        Some("B") => Some(from_json(
            &text("body_type"),
            envelope.get("body").map_or("null", |body| body.get()),
        )),
        _ => None,
    };
    let mut overflow = Overflow::parse(stored.attributes)?;
    let resource = Overflow::parse(Some(stored.resource))?;
    let attributes = entries
        .map(|entry| rebuild_attribute(stored, entry, &mut overflow, &resource))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(LogRecord {
        time_unix_nano,
        observed_time_unix_nano: number("observed_time_unix_nano").unwrap_or(time_unix_nano),
        severity_number: severity_number.unwrap_or_default(),
        severity_text: Cow::Owned(text("severity_text")),
        body,
        attributes,
        dropped_attributes_count: number("dropped_attributes_count").unwrap_or_default() as u32,
        flags: number("flags").unwrap_or_default() as u32,
        trace_id: stored.trace_id,
        span_id: stored.span_id,
        event_name: Cow::Owned(text("event_name")),
    })
}

fn rebuild_attribute(
    stored: &StoredLog<'_>,
    entry: &str,
    overflow: &mut Overflow,
    resource: &Overflow,
) -> Result<Attribute<'static>, String> {
    let letter = entry.chars().next().ok_or("an empty entry in the shape")?;
    let key = &entry[letter.len_utf8()..];
    if letter == ANY_KEY {
        let (key, value) = overflow
            .take_first()
            .ok_or("the shape names more entries than there are")?;
        return Ok((Cow::Owned(key), from_json("", value.get())));
    }
    let missing = || format!("no value for {key} ({letter})");
    let value = match letter {
        EVENT_NAME => Value::Str(Cow::Owned(stored.event.to_owned())),
        EVENT_TIMESTAMP => {
            let iso = iso_millis(stored.time_ms).ok_or_else(missing)?;
            Value::Str(Cow::Owned(String::from_utf8_lossy(&iso).into_owned()))
        }
        DERIVED_MICROS => match (stored.cell)(Col::CostUsd) {
            Cell::Float(cost) => Value::Int(micros(cost)),
            _ => return Err(missing()),
        },
        OF_RESOURCE => from_json("", resource.last(key).ok_or_else(missing)?.get()),
        letter if is_stored(letter) => {
            let json = overflow.take(key).ok_or_else(missing)?;
            from_json(&letter.to_ascii_lowercase().to_string(), json.get())
        }
        letter => {
            let (col, _) = column_of(key).ok_or_else(missing)?;
            from_cell(letter, (stored.cell)(col)).ok_or_else(missing)?
        }
    };
    Ok((Cow::Owned(key.to_owned()), value))
}

fn from_cell(letter: char, cell: Cell<'_>) -> Option<Value<'static>> {
    Some(match (letter, cell) {
        ('s', Cell::Str(text)) => Value::Str(Cow::Owned(text.into_owned())),
        ('a', Cell::Str(text)) => Value::Array(Cow::Owned(text.into_owned())),
        ('k', Cell::Str(text)) => Value::Map(Cow::Owned(text.into_owned())),
        ('i', Cell::Str(text)) => Value::Int(text.parse().ok()?),
        ('d', Cell::Str(text)) => Value::Double(text.parse().ok()?),
        ('b', Cell::Str(text)) => Value::Bool(text == "true"),
        ('s', Cell::Int(number)) => Value::Str(Cow::Owned(number.to_string())),
        ('i', Cell::Int(number)) => Value::Int(number),
        ('d', Cell::Int(number)) => Value::Double(number as f64),
        ('s', Cell::Float(number)) => Value::Str(Cow::Owned(number.to_string())),
        ('i', Cell::Float(number)) => Value::Int(number as i64),
        ('d', Cell::Float(number)) => Value::Double(number),
        ('s', Cell::Bool(flag)) => Value::Str(Cow::Owned(flag.to_string())),
        ('b', Cell::Bool(flag)) => Value::Bool(flag),
        _ => return None,
    })
}

fn read<T: serde::de::DeserializeOwned>(json: &RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}

/// A value from its JSON form; `letter` is its wire type, or empty to take the JSON's own.
///
/// A list is its text as it was stored: read and written again, its keys would change their order and
/// its numbers their form.
fn from_json(letter: &str, text: &str) -> Value<'static> {
    match letter {
        "a" => return Value::Array(Cow::Owned(text.to_owned())),
        "k" => return Value::Map(Cow::Owned(text.to_owned())),
        _ => {}
    }
    let json = serde_json::from_str(text).unwrap_or_default();
    if let (Some(tagged), "d" | "y" | "") = (tagged(&json), letter) {
        return tagged;
    }
    match (letter, &json) {
        ("e", _) | (_, Json::Null) => Value::Empty,
        (_, Json::String(text)) => Value::Str(Cow::Owned(text.clone())),
        (_, Json::Bool(flag)) => Value::Bool(*flag),
        ("d", Json::Number(number)) => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        (_, Json::Number(number)) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        (_, Json::Array(_)) => Value::Array(Cow::Owned(text.to_owned())),
        (_, Json::Object(_)) => Value::Map(Cow::Owned(text.to_owned())),
    }
}

fn tagged(json: &Json) -> Option<Value<'static>> {
    let object = json.as_object().filter(|object| object.len() == 1)?;
    if let Some(text) = object.get("$double").and_then(Json::as_str) {
        return Some(Value::Double(text.parse().ok()?));
    }
    let hex = object.get("$bytes")?.as_str()?;
    let bytes: Result<Vec<u8>, _> = (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(hex.get(index * 2..index * 2 + 2).unwrap_or("?"), 16))
        .collect();
    Some(Value::Bytes(Cow::Owned(bytes.ok()?)))
}

/// The entries of a JSON object in order, duplicates included.
struct Overflow(Vec<Option<(String, Box<RawValue>)>>);

impl Overflow {
    fn parse(text: Option<&str>) -> Result<Overflow, String> {
        let Some(text) = text else {
            return Ok(Overflow(Vec::new()));
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let entries = serde::Deserializer::deserialize_map(&mut reader, EntryVisitor)
            .map_err(|error| format!("attributes: {error}"))?;
        Ok(Overflow(entries.into_iter().map(Some).collect()))
    }

    fn take(&mut self, key: &str) -> Option<Box<RawValue>> {
        let slot = self
            .0
            .iter_mut()
            .find(|slot| slot.as_ref().is_some_and(|(own, _)| own == key))?;
        slot.take().map(|(_, value)| value)
    }

    fn take_first(&mut self) -> Option<(String, Box<RawValue>)> {
        self.0.iter_mut().find(|slot| slot.is_some())?.take()
    }

    fn last(&self, key: &str) -> Option<&RawValue> {
        self.0
            .iter()
            .rev()
            .flatten()
            .find(|(own, _)| own == key)
            .map(|(_, value)| &**value)
    }
}

struct EntryVisitor;

impl<'de> serde::de::Visitor<'de> for EntryVisitor {
    type Value = Vec<(String, Box<RawValue>)>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}
