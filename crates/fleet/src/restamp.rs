//! Moves the times of a request body and changes nothing else.
//!
//! All times of OTLP have a fixed width (8 bytes in protobuf, 19 digits in JSON until the year 2286)
//! and so does `event.timestamp`: they are overwritten in place.

use contract::Signal;
use otlp::Encoding;

use crate::layout::{FIXED64, MalformedBody, fields, items, levels};

/// The times of a log record, data point or span: numbers of its fixed-width fields.
fn time_fields(signal: Signal) -> &'static [u32] {
    match signal {
        Signal::Logs => &[1, 11],
        Signal::Metrics => &[2, 3],
        Signal::Traces => &[7, 8],
    }
}

const LOG_ATTRIBUTES: u32 = 6;
const SPAN_EVENTS: u32 = 11;
const SPAN_EVENT_TIME: u32 = 1;
const TIME_KEYS: &[&str] = &[
    "timeUnixNano",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "observedTimeUnixNano",
];
const TIMESTAMP_KEY: &str = "event.timestamp";
const TIMESTAMP_WIDTH: usize = 24;

/// The body with all its times moved by `shift_ms`; a time of 0 means none and stays.
///
/// # Errors
///
/// When the body cannot be taken apart.
pub fn restamp(
    signal: Signal,
    encoding: Encoding,
    body: &[u8],
    shift_ms: i64,
) -> Result<Vec<u8>, MalformedBody> {
    let mut body = body.to_vec();
    match encoding {
        Encoding::Protobuf => restamp_protobuf(signal, &mut body, shift_ms)?,
        Encoding::Json => restamp_json(&mut body, shift_ms)?,
    }
    Ok(body)
}

fn restamp_protobuf(signal: Signal, body: &mut [u8], shift_ms: i64) -> Result<(), MalformedBody> {
    for item in items(body, 0..body.len(), levels(signal))? {
        for field in fields(body, item)? {
            if field.wire_type == FIXED64 && time_fields(signal).contains(&field.number) {
                shift_fixed(&mut body[field.payload], shift_ms);
            } else if signal == Signal::Traces && field.number == SPAN_EVENTS {
                for inner in fields(body, field.payload)? {
                    if inner.wire_type == FIXED64 && inner.number == SPAN_EVENT_TIME {
                        shift_fixed(&mut body[inner.payload], shift_ms);
                    }
                }
            } else if signal == Signal::Logs && field.number == LOG_ATTRIBUTES {
                restamp_attribute(&mut body[field.payload], shift_ms)?;
            }
        }
    }
    Ok(())
}

/// Key in field 1; in field 2 a value with its text in field 1.
fn restamp_attribute(attribute: &mut [u8], shift_ms: i64) -> Result<(), MalformedBody> {
    let parts = fields(attribute, 0..attribute.len())?;
    let is_timestamp = parts.iter().any(|part| {
        part.number == 1 && attribute[part.payload.clone()] == *TIMESTAMP_KEY.as_bytes()
    });
    if !is_timestamp {
        return Ok(());
    }
    for value in parts.into_iter().filter(|part| part.number == 2) {
        for text in fields(attribute, value.payload)? {
            if text.number == 1 {
                shift_iso(&mut attribute[text.payload], shift_ms);
            }
        }
    }
    Ok(())
}

/// In valid JSON, `"name"` followed by a colon can only be a key: inside a string its quotes would
/// be escaped.
fn restamp_json(body: &mut [u8], shift_ms: i64) -> Result<(), MalformedBody> {
    serde_json::from_slice::<serde::de::IgnoredAny>(body)?;
    let mut at = 0;
    while let Some(quote) = body[at..].iter().position(|byte| *byte == b'"') {
        let start = at + quote + 1;
        let end = end_of_string(body, start);
        let text = &body[start..end];
        let next = end + 1;
        if TIME_KEYS.iter().any(|key| key.as_bytes() == text) {
            if let Some(value) = skip(body, next, ":") {
                let from = skip(body, value, "\"").unwrap_or(value);
                shift_digits(body, from, shift_ms);
            }
        } else if text == TIMESTAMP_KEY.as_bytes()
            && let Some(from) = skip(body, next, ",\"value\":{\"stringValue\":\"")
            && let Some(iso) = body.get_mut(from..from + TIMESTAMP_WIDTH)
        {
            shift_iso(iso, shift_ms);
        }
        at = next;
    }
    Ok(())
}

/// The position of the closing quote of the string whose content starts at `at`.
fn end_of_string(body: &[u8], mut at: usize) -> usize {
    while at < body.len() && body[at] != b'"' {
        at += if body[at] == b'\\' { 2 } else { 1 };
    }
    at.min(body.len().saturating_sub(1))
}

/// The position after `expected`, white space between its bytes ignored; none if it is not there.
fn skip(body: &[u8], mut at: usize, expected: &str) -> Option<usize> {
    for byte in expected.bytes() {
        while body.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        if body.get(at) != Some(&byte) {
            return None;
        }
        at += 1;
    }
    // White space before the value itself.
    if !expected.ends_with('"') {
        while body.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
    }
    Some(at)
}

fn shift_fixed(bytes: &mut [u8], shift_ms: i64) {
    let mut fixed = [0; 8];
    fixed.copy_from_slice(bytes);
    bytes.copy_from_slice(&shifted_nanos(u64::from_le_bytes(fixed), shift_ms).to_le_bytes());
}

fn shift_digits(body: &mut [u8], from: usize, shift_ms: i64) {
    let width = body[from..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let digits = &mut body[from..from + width];
    let nanos = std::str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok());
    let shifted = nanos.map(|nanos: u64| format!("{:0width$}", shifted_nanos(nanos, shift_ms)));
    if let Some(shifted) = shifted.filter(|text| text.len() == width) {
        digits.copy_from_slice(shifted.as_bytes());
    }
}

fn shifted_nanos(nanos: u64, shift_ms: i64) -> u64 {
    match nanos {
        0 => 0,
        _ => nanos.saturating_add_signed(shift_ms.saturating_mul(1_000_000)),
    }
}

/// `2026-11-21T00:00:06.986Z`; anything else stays as it is.
fn shift_iso(text: &mut [u8], shift_ms: i64) {
    let Some(unix_ms) = unix_ms(text) else { return };
    if let Some(shifted) = contract::iso_millis(unix_ms.saturating_add_signed(shift_ms)) {
        text.copy_from_slice(&shifted);
    }
}

fn unix_ms(text: &[u8]) -> Option<u64> {
    let number = |from: usize, to: usize| -> Option<u64> {
        std::str::from_utf8(text.get(from..to)?).ok()?.parse().ok()
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Years from March, so that the leap day is last: days before a month are a straight line.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year.checked_sub(1)?, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    let days = days.checked_sub(719_469)?;
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let unix_ms = (days * 86_400 + seconds) * 1000 + number(20, 23)?;
    (contract::iso_millis(unix_ms)?.as_slice() == text).then_some(unix_ms)
}

#[cfg(test)]
mod tests;
