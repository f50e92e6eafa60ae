//! The framing of a gRPC message: one byte, 1 if it is compressed; its length in 4 bytes, big-endian;
//! the message.
//!
//! Invariant: a length over the limit is refused as soon as it is read, before its message is.
//!
//! Source: `doc/PROTOCOL-HTTP2.md` and `doc/statuscodes.md` of gRPC. A unary call has exactly one
//! message; another number of them is `UNIMPLEMENTED`, and what is no frame at all is `INTERNAL`.

use bytes::Bytes;

use crate::fault::Fault;

/// The length of what precedes a message.
pub(crate) const PREFIX_BYTES: usize = 5;

#[derive(Debug, Clone, Copy)]
struct Prefix {
    compressed: bool,
    length: usize,
}

/// One message as it was sent.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) compressed: bool,
    pub(crate) payload: Bytes,
}

/// The prefix at the start of `bytes`, if all of it is there.
fn prefix(bytes: &[u8]) -> Result<Option<Prefix>, Fault> {
    let Some(&[flag, a, b, c, d]) = bytes.first_chunk() else {
        return Ok(None);
    };
    if flag > 1 {
        return Err(Fault::Framing {
            reason: "The compressed flag of a gRPC message must be 0 or 1",
        });
    }
    Ok(Some(Prefix {
        compressed: flag == 1,
        length: u32::from_be_bytes([a, b, c, d]) as usize,
    }))
}

/// Whether what has arrived of a body can still become one message of at most `limit_bytes`.
pub(crate) fn check(arrived: &[u8], limit_bytes: usize) -> Result<(), Fault> {
    match prefix(arrived)? {
        Some(prefix) if prefix.length > limit_bytes => Err(Fault::TooLarge {
            what: "message",
            limit_bytes,
        }),
        _ => Ok(()),
    }
}

/// The one message that `body` is.
pub(crate) fn only_message(body: &Bytes) -> Result<Message, Fault> {
    let mut count = 0_usize;
    let mut first = None;
    let mut start = 0;
    while start < body.len() {
        let broken = if count == 0 {
            "The gRPC message is cut short"
        } else {
            "There is something behind the gRPC message"
        };
        let broken = || Fault::Framing { reason: broken };
        let prefix = prefix(&body[start..])?.ok_or_else(broken)?;
        let end = start + PREFIX_BYTES + prefix.length;
        if end > body.len() {
            return Err(broken());
        }
        first.get_or_insert_with(|| Message {
            compressed: prefix.compressed,
            payload: body.slice(start + PREFIX_BYTES..end),
        });
        count += 1;
        start = end;
    }
    match (first, count) {
        (Some(message), 1) => Ok(message),
        _ => Err(Fault::Messages { count }),
    }
}

/// `payload` as one uncompressed message.
pub(crate) fn framed(payload: &[u8]) -> Bytes {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut framed = Vec::with_capacity(PREFIX_BYTES + payload.len());
    framed.push(0);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(payload);
    framed.into()
}

#[cfg(test)]
mod tests {
    use super::{check, framed};

    #[test]
    fn the_limit_is_of_the_message_alone_and_known_by_its_prefix() {
        for (length, fits) in [(0, true), (100, true), (101, false), (1000, false)] {
            let frame = framed(&vec![0; length]);
            assert_eq!(check(&frame, 100).is_ok(), fits, "{length}");
            assert_eq!(
                check(&frame[..5], 100).is_ok(),
                fits,
                "the prefix of {length}"
            );
            assert!(
                check(&frame[..4], 100).is_ok(),
                "nothing is known of {length} yet"
            );
        }
    }
}
