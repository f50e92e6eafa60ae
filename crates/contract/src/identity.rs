//! The content hash by which a repeated delivery is known.
//!
//! Invariant: two items have the same hash exactly when all their content is the same (up to the
//! collision chance of 128 bits): resource and scope, times, body, every attribute with its type and
//! order. It does not depend on the transport's encoding, nor on how items were batched.
//! `session.id` with `event.sequence` would not do: the sequence restarts on resume.

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::item::{Attribute, LogRecord, Origin};
use crate::value::Value;

/// The hash of one item's content.
pub type ContentHash = u128;

/// A data directory's own secret: nobody outside can aim for a collision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityKey(pub u64);

/// The hash of resource and scope, which every item under them starts from.
pub fn hash_origin(key: IdentityKey, origin: &Origin<'_>, scratch: &mut Vec<u8>) -> ContentHash {
    scratch.clear();
    put_attributes(scratch, &origin.resource);
    put_number(scratch, u64::from(origin.resource_dropped));
    put_text(scratch, &origin.resource_schema_url);
    put_text(scratch, &origin.scope_name);
    put_text(scratch, &origin.scope_version);
    put_attributes(scratch, &origin.scope_attributes);
    put_number(scratch, u64::from(origin.scope_dropped));
    put_text(scratch, &origin.scope_schema_url);
    xxh3_128_with_seed(scratch, key.0)
}

/// The hash of a log record under `origin`. `scratch` is overwritten.
pub fn hash_log(
    key: IdentityKey,
    origin: ContentHash,
    record: &LogRecord<'_>,
    scratch: &mut Vec<u8>,
) -> ContentHash {
    scratch.clear();
    scratch.extend_from_slice(&origin.to_le_bytes());
    for number in [record.time_unix_nano, record.observed_time_unix_nano] {
        put_number(scratch, number);
    }
    for number in [
        record.severity_number as u32,
        record.dropped_attributes_count,
        record.flags,
    ] {
        scratch.extend_from_slice(&number.to_le_bytes());
    }
    put_text(scratch, &record.severity_text);
    put_text(scratch, &record.event_name);
    scratch.extend_from_slice(&record.trace_id.unwrap_or_default());
    scratch.extend_from_slice(&record.span_id.unwrap_or_default());
    match &record.body {
        None => scratch.push(b'-'),
        Some(body) => put_value(scratch, body),
    }
    put_attributes(scratch, &record.attributes);
    xxh3_128_with_seed(scratch, key.0)
}

/// The hash of an item that is known by its bytes: a span, a data point, a quarantined item.
/// `parts` are delimited, so that moving a byte from one to the next changes the hash.
pub fn hash_raw(
    key: IdentityKey,
    origin: ContentHash,
    parts: &[&[u8]],
    scratch: &mut Vec<u8>,
) -> ContentHash {
    scratch.clear();
    scratch.extend_from_slice(&origin.to_le_bytes());
    for part in parts {
        put_bytes(scratch, part);
    }
    xxh3_128_with_seed(scratch, key.0)
}

fn put_attributes(out: &mut Vec<u8>, attributes: &[Attribute<'_>]) {
    put_number(out, attributes.len() as u64);
    for (key, value) in attributes {
        put_text(out, key);
        put_value(out, value);
    }
}

fn put_value(out: &mut Vec<u8>, value: &Value<'_>) {
    out.push(value.letter() as u8);
    match value {
        Value::Empty => {}
        Value::Str(text) | Value::Array(text) | Value::Map(text) => put_text(out, text),
        Value::Bool(flag) => out.push(u8::from(*flag)),
        Value::Int(number) => put_number(out, *number as u64),
        Value::Double(number) => put_number(out, number.to_bits()),
        Value::Bytes(bytes) => put_bytes(out, bytes),
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = Box<dyn FnOnce(&mut LogRecord<'static>)>;

    fn hash(change: impl FnOnce(&mut LogRecord<'static>)) -> ContentHash {
        let mut record = LogRecord {
            time_unix_nano: 5,
            attributes: vec![("a".into(), Value::from("1")), ("b".into(), Value::Int(2))],
            ..LogRecord::default()
        };
        change(&mut record);
        hash_log(IdentityKey(7), 1, &record, &mut Vec::new())
    }

    #[test]
    fn any_difference_in_content_changes_the_hash() {
        let base = hash(|_| {});
        assert_eq!(base, hash(|_| {}));
        let changes: Vec<Change> = vec![
            Box::new(|r| r.time_unix_nano = 6),
            Box::new(|r| r.observed_time_unix_nano = 6),
            Box::new(|r| r.attributes[0].1 = Value::Int(1)),
            Box::new(|r| r.attributes.swap(0, 1)),
            Box::new(|r| r.attributes[0].0 = "aa".into()),
            Box::new(|r| r.body = Some(Value::from(""))),
            Box::new(|r| r.flags = 1),
            Box::new(|r| r.span_id = Some([1; 8])),
            Box::new(|r| r.event_name = "x".into()),
        ];
        for change in changes {
            assert_ne!(base, hash(change));
        }
    }

    #[test]
    fn the_origin_and_the_key_count() {
        let record = LogRecord::default();
        let mut scratch = Vec::new();
        let base = hash_log(IdentityKey(7), 1, &record, &mut scratch);
        assert_ne!(base, hash_log(IdentityKey(8), 1, &record, &mut scratch));
        assert_ne!(base, hash_log(IdentityKey(7), 2, &record, &mut scratch));
    }
}
