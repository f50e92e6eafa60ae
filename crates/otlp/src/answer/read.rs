//! What a receiver says beside its success.

use contract::Signal;

use crate::Encoding;
use crate::fault::Fault;
use crate::wire::Reader;

/// A receiver's partial success, or a warning beside a full one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialSuccess {
    /// How many items it did not take.
    pub rejected: u64,
    /// Why, or what else it has to say; may be empty.
    pub message: String,
}

/// The partial success in a success's body; `None` when everything was taken and there is nothing to
/// say, and when the body is no answer of OTLP.
pub fn read_partial(signal: Signal, encoding: Encoding, body: &[u8]) -> Option<PartialSuccess> {
    let found = match encoding {
        Encoding::Protobuf => from_protobuf(body).ok()?,
        Encoding::Json => from_json(signal, body)?,
    };
    (found.rejected > 0 || !found.message.is_empty()).then_some(found)
}

fn from_protobuf(body: &[u8]) -> Result<PartialSuccess, Fault> {
    let mut found = PartialSuccess {
        rejected: 0,
        message: String::new(),
    };
    let mut answer = Reader::new(body);
    while let Some(field) = answer.next()? {
        if field.number != 1 {
            continue;
        }
        let mut partial = field.message()?;
        while let Some(part) = partial.next()? {
            match part.number {
                1 => found.rejected = u64::try_from(part.varint()? as i64).unwrap_or(0),
                2 => found.message = part.text(&mut false)?.into_owned(),
                _ => {}
            }
        }
    }
    Ok(found)
}

fn from_json(signal: Signal, body: &[u8]) -> Option<PartialSuccess> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let partial = answer.get("partialSuccess")?;
    let rejected = match partial.get(super::rejected_name(signal)) {
        Some(serde_json::Value::String(digits)) => digits.parse().unwrap_or(0),
        Some(number) => number.as_u64().unwrap_or(0),
        None => 0,
    };
    let message = partial.get("errorMessage").and_then(|text| text.as_str());
    Some(PartialSuccess {
        rejected,
        message: message.unwrap_or_default().to_owned(),
    })
}

/// The message of the `google.rpc.Status` in the body of a refusal; `None` when there is none.
pub fn read_refusal(encoding: Encoding, body: &[u8]) -> Option<String> {
    let message = match encoding {
        Encoding::Protobuf => status_message(body).ok()?,
        Encoding::Json => {
            let status: serde_json::Value = serde_json::from_slice(body).ok()?;
            status.get("message")?.as_str()?.to_owned()
        }
    };
    (!message.is_empty()).then_some(message)
}

fn status_message(body: &[u8]) -> Result<String, Fault> {
    let mut message = String::new();
    let mut status = Reader::new(body);
    while let Some(field) = status.next()? {
        if field.number == 2 {
            message = field.text(&mut false)?.into_owned();
        }
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Detail, partial, status, success};

    #[test]
    fn the_reason_of_a_refusal_is_read() {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            for detail in [None, Some(Detail::BadRequest("the third"))] {
                let body = status(encoding, 3, "it is odd", detail);
                let read = read_refusal(encoding, &body);
                assert_eq!(read.as_deref(), Some("it is odd"));
            }
            assert_eq!(read_refusal(encoding, b"<html>no</html>"), None);
            assert_eq!(read_refusal(encoding, b""), None);
        }
    }

    #[test]
    fn what_the_receiver_writes_is_read() {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            for signal in Signal::ALL {
                let body = partial(signal, encoding, 3, "three were odd");
                let read = read_partial(signal, encoding, &body);
                let expected = PartialSuccess {
                    rejected: 3,
                    message: "three were odd".to_owned(),
                };
                assert_eq!(read, Some(expected));
                assert_eq!(read_partial(signal, encoding, &success(encoding)), None);
                assert_eq!(
                    read_partial(signal, encoding, b"<html>moved</html>"),
                    None,
                    "no answer of OTLP"
                );
            }
        }
    }
}
