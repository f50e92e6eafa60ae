//! A JSON request to protobuf, leniently.
//!
//! Invariant: the request is read once, as it streams by, and written as protobuf; items, nodes and
//! nesting are counted as they are met. What can be understood in some way is; an item that cannot
//! is quarantined with its JSON, and its neighbours are kept.
//!
//! Source: the OTLP specification ("JSON Protobuf Encoding") and protobuf's JSON mapping. Beyond
//! them, what clients have been seen to send: numbers where strings belong and the reverse,
//! `{"doubleValue":{}}`, bare values, names of enum values.
//!
//! | file | what is in it |
//! |---|---|
//! | `transcoder.rs` | the state of one request: counts, path, what to do with a bad part |
//! | `field.rs` | names to fields |
//! | `slot.rs` | one JSON value to one field, by the field's type |
//! | `parts.rs` | nested messages, lists, and what is read apart |
//! | `scalar.rs` | numbers, texts, ids and bytes, whichever way they are written |
//! | `arrange.rs` | fields into ascending order, the last of duplicates kept |
//! | `repair.rs` | what is no Unicode |
//! | `nesting.rs` | how deep brackets stand in each other |

mod arrange;
mod field;
mod nesting;
mod parts;
mod repair;
mod scalar;
mod slot;
mod transcoder;

use contract::{Quarantined, Signal};

use self::field::Target;
use self::transcoder::Transcoder;
use crate::schema;
use crate::writer::Writer;
use crate::{Limits, Refused};

pub(crate) use self::scalar::hex;

/// A JSON request as protobuf.
#[derive(Debug, Clone, PartialEq)]
pub struct FromJson {
    /// The request without what was quarantined.
    pub protobuf: Vec<u8>,
    /// Items that could not be read, as JSON.
    pub quarantined: Vec<Quarantined>,
    /// How often something outside of quarantine was repaired or left out.
    pub warnings: u64,
}

/// Writes a JSON request as protobuf.
///
/// Refuses a request that is not JSON, whose envelopes are not of OTLP's form, or that exceeds the
/// limits. A byte order mark is skipped; bytes that are not UTF-8 and lone surrogates become U+FFFD.
pub fn from_json(signal: Signal, body: &[u8], limits: &Limits) -> Result<FromJson, Refused> {
    let (text, repairs) = repair::text(body)?;
    nesting::check(&text)?;
    let message = schema::request(signal);
    let mut transcoder = Transcoder::new(limits, text.len(), false);
    let mut read = transcoder.read(&text, message);
    if read.is_err() && !transcoder.is_refused() {
        transcoder = Transcoder::new(limits, text.len(), true);
        read = transcoder.read(&text, message);
    }
    match read {
        Ok(()) => Ok(FromJson {
            protobuf: transcoder.writer.out,
            quarantined: transcoder.quarantined,
            warnings: transcoder.warnings + repairs,
        }),
        Err(error) => Err(transcoder.refusal(&error)),
    }
}

/// Writes span events or links from their OTLP/JSON; those that cannot be read are left out.
pub(crate) fn write_span_elements(writer: &mut Writer, name: &str, json: Option<&str>) {
    let (Some(json), Some(field)) = (json, schema::SPAN.field_named(name)) else {
        return;
    };
    let limits = Limits {
        nodes: usize::MAX,
        written_bytes: usize::MAX,
        depth: usize::MAX,
        ..Limits::default()
    };
    let mut transcoder = Transcoder::new(&limits, json.len(), true);
    transcoder.is_lenient = true;
    let target = Target {
        message: &schema::SPAN,
        field,
        is_element: false,
    };
    if transcoder
        .apart::<serde::de::value::Error>(json, target)
        .is_ok()
    {
        writer.out.extend_from_slice(&transcoder.writer.out);
    }
}
