//! Responses: success, partial success, and `google.rpc.Status` for refusals.
//!
//! Invariant: full success leaves `partial_success` unset, and no response exceeds about 1 KiB,
//! far below the 4 MiB that OTLP allows: messages are shortened, counts never are.
//!
//! Source: the OTLP specification ("Full Success", "Partial Success", "Failures"),
//! `google/rpc/{status,error_details}.proto`, and protobuf's JSON mapping for the JSON forms.

use contract::{Signal, Value};

use crate::Encoding;
use crate::writer::{Size, Writer};

mod read;

pub use read::{PartialSuccess, read_partial, read_refusal};

const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
pub(crate) const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// How many bytes of a response a text may take, escapes included.
const TEXT_MAX: usize = 400;

/// What a status says beyond its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail<'a> {
    /// What is wrong with the request; repeating it is useless.
    BadRequest(&'a str),
    /// When to try again.
    RetryInfo {
        /// Seconds from now.
        seconds: u64,
    },
}

/// Everything was accepted.
pub fn success(encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => Vec::new(),
        Encoding::Json => b"{}".to_vec(),
    }
}

/// Some items were rejected, or there is something to say: `rejected` may be 0.
pub fn partial(signal: Signal, encoding: Encoding, rejected: u64, message: &str) -> Vec<u8> {
    if rejected == 0 && message.is_empty() {
        return success(encoding);
    }
    let message = shorten(message);
    match encoding {
        Encoding::Protobuf => {
            let mut writer = Writer::default();
            let partial_success = writer.open(1, Size::Medium);
            writer.varint(1, rejected);
            writer.bytes(2, message.as_bytes());
            writer.close(partial_success);
            writer.out
        }
        Encoding::Json => {
            let rejected_name = rejected_name(signal);
            // A 64-bit integer is a string in protobuf's JSON.
            let mut json = format!("{{\"partialSuccess\":{{\"{rejected_name}\":\"{rejected}\"");
            if !message.is_empty() {
                json.push_str(",\"errorMessage\":");
                Value::from(message).write_json(&mut json);
            }
            json.push_str("}}");
            json.into_bytes()
        }
    }
}

/// The member of a JSON answer that counts the items that were not taken.
fn rejected_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
        Signal::Traces => "rejectedSpans",
    }
}

/// The body of a refusal. `code` is a gRPC status code, such as 3 for `INVALID_ARGUMENT`.
pub fn status(encoding: Encoding, code: u32, message: &str, detail: Option<Detail<'_>>) -> Vec<u8> {
    let message = shorten(message);
    match encoding {
        Encoding::Protobuf => {
            let mut writer = Writer::default();
            writer.varint(1, u64::from(code));
            writer.bytes(2, message.as_bytes());
            if let Some(detail) = detail {
                write_detail(&mut writer, detail);
            }
            writer.out
        }
        Encoding::Json => {
            let mut json = format!("{{\"code\":{code},\"message\":");
            Value::from(message).write_json(&mut json);
            match detail {
                Some(Detail::BadRequest(description)) => {
                    json.push_str(",\"details\":[{\"@type\":\"");
                    json.push_str(BAD_REQUEST);
                    json.push_str("\",\"fieldViolations\":[{\"description\":");
                    Value::from(shorten(description)).write_json(&mut json);
                    json.push_str("}]}]");
                }
                Some(Detail::RetryInfo { seconds }) => {
                    json.push_str(",\"details\":[{\"@type\":\"");
                    json.push_str(RETRY_INFO);
                    json.push_str(&format!("\",\"retryDelay\":\"{seconds}s\"}}]"));
                }
                None => {}
            }
            json.push('}');
            json.into_bytes()
        }
    }
}

/// `details`, as a `google.protobuf.Any`.
fn write_detail(writer: &mut Writer, detail: Detail<'_>) {
    let any = writer.open(3, Size::Medium);
    match detail {
        Detail::BadRequest(description) => {
            writer.bytes(1, BAD_REQUEST.as_bytes());
            let value = writer.open(2, Size::Medium);
            let violation = writer.open(1, Size::Medium);
            writer.bytes(2, shorten(description).as_bytes());
            writer.close(violation);
            writer.close(value);
        }
        Detail::RetryInfo { seconds } => {
            writer.bytes(1, RETRY_INFO.as_bytes());
            let value = writer.open(2, Size::Small);
            let delay = writer.open(1, Size::Small);
            writer.varint(1, seconds);
            writer.close(delay);
            writer.close(value);
        }
    }
    writer.close(any);
}

/// The beginning of a text that takes at most `TEXT_MAX` bytes in either encoding.
fn shorten(text: &str) -> &str {
    let mut taken = 0;
    for (index, character) in text.char_indices() {
        taken += match character {
            '"' | '\\' => 2,
            '\0'..='\u{1f}' => 6,
            other => other.len_utf8(),
        };
        if taken > TEXT_MAX {
            return &text[..index];
        }
    }
    text
}
