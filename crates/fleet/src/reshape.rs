//! Request bodies in other shapes with the same content: split, merged, shuffled.
//!
//! Invariant: every item of the input is in the output exactly once, byte for byte, under a copy of
//! its own resource and scope.

use std::collections::BTreeMap;

use contract::Signal;
use otlp::Encoding;
use serde_json::value::RawValue;

use crate::layout::{Level, MalformedBody, fields, is_step, levels, put_message};
use crate::random::Random;

/// A JSON object whose values are kept as their text.
type Object<'a> = BTreeMap<String, &'a RawValue>;

/// One request body for each log record, data point or span in `body`.
///
/// # Errors
///
/// When the body cannot be taken apart.
pub fn split(
    signal: Signal,
    encoding: Encoding,
    body: &[u8],
) -> Result<Vec<Vec<u8>>, MalformedBody> {
    match encoding {
        Encoding::Protobuf => split_message(body, levels(signal)),
        Encoding::Json => {
            let text: &RawValue = serde_json::from_slice(body)?;
            let bodies = split_object(text, levels(signal))?;
            Ok(bodies.into_iter().map(String::into_bytes).collect())
        }
    }
}

/// One request body with the content of all of them, in their order.
///
/// # Errors
///
/// When a JSON body cannot be read.
pub fn merge(
    signal: Signal,
    encoding: Encoding,
    bodies: &[&[u8]],
) -> Result<Vec<u8>, MalformedBody> {
    match encoding {
        // Repeated fields of concatenated messages add up.
        Encoding::Protobuf => Ok(bodies.concat()),
        Encoding::Json => merge_objects(signal, bodies),
    }
}

/// Puts the elements into an order that the seed decides.
pub fn shuffle<T>(elements: &mut [T], seed: u64) {
    Random::new(seed).shuffle(elements);
}

fn split_message(message: &[u8], levels: &[Level]) -> Result<Vec<Vec<u8>>, MalformedBody> {
    let Some((level, deeper)) = levels.split_first() else {
        return Ok(vec![message.to_vec()]);
    };
    let mut envelope = Vec::new();
    let mut pieces = Vec::new();
    for field in fields(message, 0..message.len())? {
        if is_step(&field, level) {
            let inner = split_message(&message[field.payload], deeper)?;
            pieces.extend(inner.into_iter().map(|piece| (field.number, piece)));
        } else {
            envelope.extend_from_slice(&message[field.whole]);
        }
    }
    let wrap = |(number, piece): (u32, Vec<u8>)| {
        let mut body = envelope.clone();
        put_message(&mut body, number, &piece);
        body
    };
    Ok(pieces.into_iter().map(wrap).collect())
}

fn split_object(object: &RawValue, levels: &[Level]) -> Result<Vec<String>, MalformedBody> {
    let Some((level, deeper)) = levels.split_first() else {
        return Ok(vec![object.get().to_owned()]);
    };
    let mut envelope: Object<'_> = serde_json::from_str(object.get())?;
    let mut pieces = Vec::new();
    for (_, key) in *level {
        let Some(held) = envelope.remove(*key) else {
            continue;
        };
        // Only the kind of a metric's data is a single object.
        let is_array = held.get().starts_with('[');
        let elements = if is_array {
            serde_json::from_str(held.get())?
        } else {
            vec![held]
        };
        for element in elements {
            for piece in split_object(element, deeper)? {
                pieces.push((
                    *key,
                    if is_array {
                        format!("[{piece}]")
                    } else {
                        piece
                    },
                ));
            }
        }
    }
    pieces
        .into_iter()
        .map(|(key, piece)| {
            let piece = RawValue::from_string(piece)?;
            let mut object = envelope.clone();
            object.insert(key.to_owned(), &piece);
            Ok(serde_json::to_string(&object)?)
        })
        .collect()
}

fn merge_objects(signal: Signal, bodies: &[&[u8]]) -> Result<Vec<u8>, MalformedBody> {
    let key = levels(signal)[0][0].1;
    let mut merged: Vec<&RawValue> = Vec::new();
    for body in bodies {
        let object: Object<'_> = serde_json::from_slice(body)?;
        if let Some(held) = object.get(key) {
            merged.extend(serde_json::from_str::<Vec<&RawValue>>(held.get())?);
        }
    }
    Ok(serde_json::to_vec(&BTreeMap::from([(key, merged)]))?)
}

#[cfg(test)]
mod tests;
