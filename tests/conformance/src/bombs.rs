//! Structural bombs: much in memory, little on the wire.
//!
//! Each is a body of 64 MiB that compresses to some kilobytes and, materialised, would take gigabytes.

use crate::telemetry::of_written;
use crate::way::{Encoding, Signal};
use crate::wire::protobuf::{bytes, varint};

/// How long each is, inflated: the longest body that is taken.
pub const INFLATED_BYTES: usize = 64 << 20;

/// A bomb.
#[derive(Debug)]
pub struct Bomb {
    /// What it is full of.
    pub name: &'static str,
    /// How it is written.
    pub encoding: Encoding,
    /// Its bytes, of about [`INFLATED_BYTES`] and not more.
    pub body: fn() -> Vec<u8>,
}

/// All of them.
pub const BOMBS: &[Bomb] = &[
    protobuf("empty log records", || in_record_list(repeat(b"\x12\x00"))),
    protobuf("empty groups of a resource", || repeat(b"\x0a\x00")),
    protobuf("empty groups of a scope", || bytes(1, &repeat(b"\x12\x00"))),
    protobuf("empty attributes of a resource", || {
        bytes(1, &bytes(1, &repeat(b"\x0a\x00")))
    }),
    protobuf("empty attributes of a record", || {
        in_record_list(bytes(2, &repeat(b"\x32\x00")))
    }),
    protobuf("empty values in a list", || {
        in_record_list(bytes(2, &bytes(5, &bytes(5, &repeat(b"\x0a\x00")))))
    }),
    protobuf("lists in lists", || {
        in_record_list(bytes(2, &bytes(5, &nested_lists())))
    }),
    protobuf("unknown fields", || repeat(b"\x78\x01")),
    json("empty log records", || in_records("{}")),
    json("empty groups of a resource", || {
        in_list(r#"{"resourceLogs":["#, "{}", "]}")
    }),
    json("empty attributes of a record", || {
        in_record(r#""attributes":["#, "{}", "]")
    }),
    json("empty values in a list", || {
        in_record(r#""body":{"arrayValue":{"values":["#, "{}", "]}}")
    }),
    json("nulls in a list", || in_record(r#""body":["#, "null", "]")),
    json("numbers where records belong", || in_records("7")),
    json("lists in lists in a body", || nest("[", "]", r#""body":"#)),
    json("lists in lists in an unknown member", || {
        nest("[", "]", r#""unknown":"#)
    }),
    json("objects in objects in an unknown member", || {
        nest(r#"{"a":"#, "}", r#""unknown":"#)
    }),
    json("bytes that are not UTF-8", || {
        [br#"{"unknown":""#, &repeat(b"\xff")[..], br#""}"#].concat()
    }),
    json("lone surrogates", || {
        [br#"{"unknown":""#, &repeat(br"\ud800")[..], br#""}"#].concat()
    }),
    json("lists that never end", || {
        "[".repeat(INFLATED_BYTES).into_bytes()
    }),
    json("an unknown list that never ends", || {
        let open = r#"{"unknown":"#;
        format!("{open}{}", "[".repeat(INFLATED_BYTES - open.len())).into_bytes()
    }),
];

const fn protobuf(name: &'static str, body: fn() -> Vec<u8>) -> Bomb {
    Bomb {
        name,
        encoding: Encoding::Protobuf,
        body,
    }
}

const fn json(name: &'static str, body: fn() -> Vec<u8>) -> Bomb {
    Bomb {
        name,
        encoding: Encoding::Json,
        body,
    }
}

/// Room for what encloses the content.
const AROUND_BYTES: usize = 1024;

fn repeat(unit: &[u8]) -> Vec<u8> {
    unit.repeat((INFLATED_BYTES - AROUND_BYTES) / unit.len())
}

fn in_record_list(records: Vec<u8>) -> Vec<u8> {
    bytes(1, &bytes(2, &records))
}

/// Lists in lists, as deep as the length of a body allows, written from the inside out.
fn nested_lists() -> Vec<u8> {
    let mut backwards = Vec::new();
    while backwards.len() < INFLATED_BYTES - AROUND_BYTES {
        for tag in [0x0a, 0x2a] {
            let length = varint(backwards.len() as u64);
            backwards.extend(length.into_iter().rev());
            backwards.push(tag);
        }
    }
    backwards.reverse();
    backwards
}

fn in_list(open: &str, unit: &str, close: &str) -> Vec<u8> {
    let times = (INFLATED_BYTES - AROUND_BYTES) / (unit.len() + 1);
    let mut all = format!("{unit},").repeat(times);
    all.pop();
    format!("{open}{all}{close}").into_bytes()
}

fn in_records(unit: &str) -> Vec<u8> {
    of_written(Signal::Logs, Encoding::Json, vec![in_list("", unit, "")])
}

fn in_record(open: &str, unit: &str, close: &str) -> Vec<u8> {
    let record = in_list(&format!("{{{open}"), unit, &format!("{close}}}"));
    of_written(Signal::Logs, Encoding::Json, vec![record])
}

/// A record with a member as deep as the length of a body allows.
fn nest(open: &str, close: &str, member: &str) -> Vec<u8> {
    let times = (INFLATED_BYTES - AROUND_BYTES) / (open.len() + close.len());
    let value = format!("{}1{}", open.repeat(times), close.repeat(times));
    let record = format!("{{{member}{value}}}").into_bytes();
    of_written(Signal::Logs, Encoding::Json, vec![record])
}
