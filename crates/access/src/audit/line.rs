//! A record as a line, and the chain.
//!
//! `{"hash":"<hex>","record":<record>}\n`, where hash = SHA-256(previous hash ‖ bytes of the record as
//! written). The record holds the previous hash once more, so that a line says itself what it follows.

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::record::Record;

/// Longer lines are none of ours, as they are kept: a sealed one is a third longer.
pub(super) const KEPT_BYTES_MAX: usize = 96 << 10;

/// The hash of a record, or of nothing before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Link(pub(super) [u8; 32]);

impl Link {
    pub(super) fn hex(self) -> String {
        HEXLOWER.encode(&self.0)
    }

    pub(super) fn read(text: &str) -> Option<Link> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Link)
    }

    fn then(self, record: &[u8]) -> Link {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        context.update(record);
        let mut link = Link::default();
        link.0.copy_from_slice(context.finish().as_ref());
        link
    }
}

/// Appends a record's line; the link that the next one follows.
pub(super) fn write(
    record: &Record,
    previous: Link,
    out: &mut Vec<u8>,
) -> serde_json::Result<Link> {
    let record = serde_json::to_string(record)?;
    let link = previous.then(record.as_bytes());
    let line = format!("{{\"hash\":\"{}\",\"record\":{record}}}\n", link.hex());
    out.extend_from_slice(line.as_bytes());
    Ok(link)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    hash: &'a str,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// A line that was read: the record, the hash it claims, and what is wrong with it, if it does not follow.
pub(super) struct Read {
    pub(super) record: Record,
    pub(super) link: Link,
    pub(super) wrong: Option<String>,
}

/// Reads a line without its end, and holds it to what it should follow.
pub(super) fn read(line: &[u8], sequence: u64, previous: Link) -> Result<Read, String> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|_| "it is no record".to_owned())?;
    let link = Link::read(line.hash).ok_or("its hash is none")?;
    let record: Record =
        serde_json::from_str(line.record.get()).map_err(|_| "it is no record".to_owned())?;
    let wrong = if record.sequence != sequence {
        Some(format!(
            "it is number {} where {sequence} belongs",
            record.sequence
        ))
    } else if record.previous != previous.hex() {
        Some("it does not follow the one before".to_owned())
    } else if previous.then(line.record.get().as_bytes()) != link {
        Some("its content does not have its hash".to_owned())
    } else {
        None
    };
    Ok(Read {
        record,
        link,
        wrong,
    })
}

#[cfg(test)]
mod tests {
    //! A line is held to its place by each of three things; the other two being right does not excuse it.
    use super::*;
    use crate::audit::{Act, Action};

    fn line(sequence: u64, previous: Link, follows: Link) -> Vec<u8> {
        let act = Act::of_stranger("", Action::SignIn, "");
        let record = act.on_record(sequence, previous.hex(), 7, 0);
        let mut line = Vec::new();
        write(&record, follows, &mut line).unwrap();
        line.pop();
        line
    }

    #[test]
    fn number_link_and_hash_each_count() {
        let (before, other) = (Link([1; 32]), Link([2; 32]));
        let wrong = |line: &[u8]| read(line, 5, before).unwrap().wrong;
        assert_eq!(wrong(&line(5, before, before)), None);
        for (odd, says) in [
            (line(6, before, before), "number 6 where 5 belongs"),
            (line(5, other, before), "does not follow"),
            (line(5, before, other), "does not have its hash"),
        ] {
            let said = wrong(&odd).unwrap_or_default();
            assert!(said.contains(says), "{says}: {said}");
        }
    }
}
