//! From a description to the bytes of a message, on one way.

use std::collections::BTreeMap;

use testkit::Problem;
use toml::Value as Described;

use super::Case;
use super::expected::Answer;
use super::notation::{self, Given};
use crate::telemetry::{Item, Value, of_instance, request};
use crate::way::{Encoding, Signal, Way};
use crate::wire::protobuf;

impl Case {
    /// The ways on which the case is sent.
    pub fn sent_on(&self) -> Vec<Way> {
        if let Some(ways) = &self.ways {
            return ways.clone();
        }
        if self.raw.is_some() {
            return vec![Way::Json];
        }
        if self.frames.is_some() {
            return vec![Way::Grpc];
        }
        let has_protobuf = self.protobuf.is_some() || self.record_protobuf.is_some();
        let has_json = self.json.is_some() || self.record_json.is_some();
        let is_any = !has_protobuf && !has_json;
        let ways = [
            (Way::Protobuf, has_protobuf || is_any),
            (Way::Json, has_json || is_any),
            (Way::Grpc, has_protobuf || is_any),
        ];
        let described = ways.into_iter().filter(|(_, is_described)| *is_described);
        described.map(|(way, _)| way).collect()
    }

    /// How many items are accepted, and how many quarantined.
    pub fn kept(&self) -> (u64, u64) {
        let is_record = self.record_protobuf.is_some() || self.record_json.is_some();
        let is_message = self.protobuf.is_some() || self.json.is_some();
        let is_bytes = self.packed.is_some() || self.frames.is_some();
        let (accepted, quarantined) = match self.answer {
            Answer::Partial => (2, 1),
            Answer::Taken if is_record => (3, 0),
            Answer::Taken if is_message || is_bytes => (0, 0),
            Answer::Taken => (1 + u64::from(self.then_set.is_some()), 0),
            _ => (0, 0),
        };
        (
            self.accepted.unwrap_or(accepted),
            self.quarantined.unwrap_or(quarantined),
        )
    }

    /// The messages that are sent one after the other, not compressed.
    ///
    /// # Errors
    ///
    /// Says what of the description cannot be understood.
    pub fn messages(&self, way: Way, marker: &str) -> Result<Vec<Vec<u8>>, Problem> {
        let encoding = way.encoding();
        let given = given(self.signal, encoding, marker);
        let first = match (encoding, &self.set) {
            (_, Some(set)) => self.record_of(set, encoding, marker)?,
            (Encoding::Protobuf, None) => match (&self.protobuf, &self.record_protobuf) {
                (Some(message), _) => notation::bytes(message, &given)?,
                (None, Some(record)) => {
                    let record = notation::bytes(record, &given)?;
                    self.between_good_ones(encoding, record, marker)
                }
                (None, None) => self.good(encoding, marker),
            },
            (Encoding::Json, None) => match (&self.json, &self.record_json) {
                (Some(message), _) => notation::text(message, &given)?,
                (None, Some(record)) => {
                    let record = notation::text(record, &given)?;
                    self.between_good_ones(encoding, record, marker)
                }
                (None, None) => self.good(encoding, marker),
            },
        };
        let mut messages = vec![first; self.times];
        if let Some(set) = &self.then_set {
            messages.push(self.record_of(set, encoding, marker)?);
        }
        Ok(messages)
    }

    /// What is sent in place of `message` once it is compressed.
    ///
    /// # Errors
    ///
    /// Says what of the description cannot be understood.
    pub fn packed(&self, message: &[u8], given: &Given) -> Result<Vec<u8>, Problem> {
        let mut packed = match &self.packed {
            Some(described) => notation::bytes(described, given)?,
            None => self.coding.squeeze(message)?,
        };
        packed.truncate(packed.len().saturating_sub(self.cut.unwrap_or(0)));
        if let Some(byte) = self.flip.and_then(|at| packed.get_mut(at)) {
            *byte = !*byte;
        }
        if let Some(more) = &self.append {
            packed.extend(notation::bytes(more, given)?);
        }
        Ok(packed)
    }

    /// A client's record with these attributes set. Where it is text, `time`, `observed`, `trace_id` and
    /// `span_id` set those fields instead, and `body` always does.
    fn record_of(
        &self,
        set: &BTreeMap<String, Described>,
        encoding: Encoding,
        marker: &str,
    ) -> Result<Vec<u8>, Problem> {
        let mut item = item(marker);
        for (key, described) in set {
            match (key.as_str(), described.as_str()) {
                ("time", Some(_)) => item.time_ns = nanoseconds(described)?,
                ("observed", Some(_)) => item.observed_ns = nanoseconds(described)?,
                ("trace_id", Some(_)) => item.trace_id = described_bytes(described)?,
                ("span_id", Some(_)) => item.span_id = described_bytes(described)?,
                ("body", _) => item.body = Some(value(described)?),
                _ => item = item.with(key, value(described)?),
            }
        }
        Ok(request(self.signal, encoding, &[item]))
    }

    fn between_good_ones(&self, encoding: Encoding, record: Vec<u8>, marker: &str) -> Vec<u8> {
        let neighbour = |side: &str| good_item(self.signal, encoding, &format!("{marker}-{side}"));
        // What cannot be read is known apart by its bytes alone: an unknown field makes them different.
        let record = match encoding {
            Encoding::Protobuf => [protobuf::bytes(2000, marker.as_bytes()), record].concat(),
            Encoding::Json => record,
        };
        let items = vec![neighbour("before"), record, neighbour("after")];
        of_instance(marker, self.signal, encoding, items)
    }

    fn good(&self, encoding: Encoding, marker: &str) -> Vec<u8> {
        request(self.signal, encoding, &[item(marker)])
    }
}

/// A marked item of fixed times, so that the same case is the same bytes.
fn item(marker: &str) -> Item {
    Item::new(marker)
}

/// What descriptions may name.
pub fn given(signal: Signal, encoding: Encoding, marker: &str) -> Given {
    let good = good_item(signal, encoding, &format!("{marker}-good"));
    let message = request(signal, encoding, &[item(marker)]);
    let session = match encoding {
        Encoding::Protobuf => [
            protobuf::bytes(1, b"session.id"),
            protobuf::bytes(2, &protobuf::bytes(1, marker.as_bytes())),
        ]
        .concat(),
        Encoding::Json => {
            format!(r#"{{"key":"session.id","value":{{"stringValue":"{marker}"}}}}"#).into_bytes()
        }
    };
    BTreeMap::from([
        ("good", good),
        ("message", message),
        ("session", session),
        ("marker", marker.as_bytes().to_vec()),
        ("deep", too_deep()),
    ])
}

/// A value one level deeper than values may nest, as protobuf.
fn too_deep() -> Vec<u8> {
    let plain = protobuf::number(3, 1);
    (0..32).fold(plain, |inner, _| {
        protobuf::bytes(5, &protobuf::bytes(1, &inner))
    })
}

/// One item alone, as it stands in a list of items.
fn good_item(signal: Signal, encoding: Encoding, marker: &str) -> Vec<u8> {
    item(marker).written(signal, encoding)
}

/// `{ text = "x" }`, `{ int = 7 }`, `{ double = "nan" }`, `{ bool = "true" }`, `{ bytes = "00ff" }`,
/// `{ empty = true }`, `{ array = [...] }`, `{ map = [["key", {...}], ...] }`.
fn value(described: &Described) -> Result<Value, Problem> {
    let fault = || Problem::new(format!("{described} is no value"));
    let table = described.as_table().ok_or_else(fault)?;
    let (kind, inner) = table.iter().next().ok_or_else(fault)?;
    let text = || inner.as_str().map(str::to_owned);
    Ok(match (kind.as_str(), inner) {
        ("text", Described::String(_)) => {
            let bytes = notation::text(&text().unwrap_or_default(), &Given::new())?;
            Value::Text(String::from_utf8(bytes)?)
        }
        ("int", Described::Integer(int)) => Value::Int(*int),
        ("int", Described::String(text)) => Value::Int(text.parse()?),
        ("double", Described::String(text)) => Value::Double(text.parse()?),
        ("bool", Described::String(text)) => Value::Bool(text.parse()?),
        ("bytes", Described::String(_)) => Value::Bytes(described_bytes(inner)?),
        ("empty", _) => Value::Empty,
        ("array", Described::Array(values)) => {
            Value::Array(values.iter().map(value).collect::<Result<_, _>>()?)
        }
        ("map", Described::Array(entries)) => {
            let entry = |entry: &Described| match entry.as_array().map(Vec::as_slice) {
                Some([Described::String(key), inner]) => Ok((key.clone(), value(inner)?)),
                _ => Err(fault()),
            };
            Value::Map(entries.iter().map(entry).collect::<Result<_, _>>()?)
        }
        ("deep", Described::String(depth)) => {
            let levels = 1..depth.parse::<usize>()?;
            levels.fold(Value::Int(1), |inner, _| Value::Array(vec![inner]))
        }
        _ => return Err(fault()),
    })
}

/// Bytes by notation.
fn described_bytes(described: &Described) -> Result<Vec<u8>, Problem> {
    let text = described.as_str();
    notation::bytes(text.unwrap_or_default(), &Given::new())
}

/// Nanoseconds since the Unix epoch, or `now`, with a number of seconds added or taken away.
fn nanoseconds(described: &Described) -> Result<u64, Problem> {
    let text = described.as_str().unwrap_or_default();
    let Some(offset) = text.strip_prefix("now") else {
        return Ok(text.parse()?);
    };
    let seconds: i64 = if offset.is_empty() {
        0
    } else {
        offset.parse()?
    };
    let now = crate::telemetry::now_ns() as i64;
    Ok((now + seconds * 1_000_000_000) as u64)
}
