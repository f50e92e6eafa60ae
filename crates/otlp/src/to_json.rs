//! Protobuf to canonical OTLP/JSON, as the OpenTelemetry JavaScript exporter writes it.
//!
//! Invariant: written from the tables of `schema`, so every field of every signal is there, and
//! `from_json` of what is written is the same request. Ids are hexadecimal, times are strings,
//! other integers bare numbers; what is not set is not written.

use std::fmt::Write;
use std::ptr;

use contract::{Signal, Value};

use crate::fault::{Fault, FaultKind, refusal};
use crate::schema::{self, FIELD_NUMBER_END, Field, Kind, Message, Presence};
use crate::wire::{Payload, Reader, WireField};
use crate::writer::unzigzag;
use crate::{DEPTH_MAX, Refused};

/// A protobuf request as OTLP/JSON. Text that is not UTF-8 is repaired; unknown fields are left out.
///
/// Fails if anything in the request, items included, cannot be read.
pub fn to_json(signal: Signal, protobuf: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut json = Json {
        out: String::with_capacity(protobuf.len() * 2),
        repaired: false,
        depth: 0,
    };
    json.message(Reader::new(protobuf), schema::request(signal))
        .map_err(|fault| refusal(fault, protobuf))?;
    Ok(json.out.into_bytes())
}

/// One repeated field of a message as a JSON array.
pub(crate) fn write_elements(
    reader: Reader<'_>,
    message: &'static Message,
    number: u32,
    repaired: &mut bool,
) -> Result<String, Fault> {
    let mut json = Json {
        out: String::new(),
        repaired: false,
        depth: 0,
    };
    if let Some(field) = message.field(number) {
        json.elements(reader, field)?;
    }
    *repaired |= json.repaired;
    Ok(json.out)
}

struct Json {
    out: String,
    repaired: bool,
    depth: usize,
}

impl Json {
    fn message(&mut self, reader: Reader<'_>, message: &'static Message) -> Result<(), Fault> {
        let set = last_of_each(reader, message)?;
        let mut separator = '{';
        for field in message.fields {
            let Some(wire) = &set[field.number as usize] else {
                continue;
            };
            self.out.push(separator);
            separator = ',';
            self.out.push('"');
            self.out.push_str(field.name);
            self.out.push_str("\":");
            if field.presence == Presence::Repeated {
                self.elements(reader, field)?;
            } else {
                self.value(wire, field.kind)?;
            }
        }
        self.out.push_str(if separator == '{' { "{}" } else { "}" });
        Ok(())
    }

    fn elements(&mut self, mut reader: Reader<'_>, field: &Field) -> Result<(), Fault> {
        let mut separator = '[';
        while let Some(wire) = reader.next()? {
            if wire.number != field.number {
                continue;
            }
            if wire.is_packed(field.kind) {
                let mut packed = wire.message()?;
                while let Some(payload) = packed.packed(field.kind)? {
                    self.out.push(std::mem::replace(&mut separator, ','));
                    self.scalar(payload, field.kind);
                }
            } else {
                self.out.push(std::mem::replace(&mut separator, ','));
                self.value(&wire, field.kind)?;
            }
        }
        self.out.push_str(if separator == '[' { "[]" } else { "]" });
        Ok(())
    }

    fn value(&mut self, wire: &WireField<'_>, kind: Kind) -> Result<(), Fault> {
        match kind {
            Kind::Nested(nested) => {
                let level = usize::from(ptr::eq(nested, &schema::ANY_VALUE));
                self.depth += level;
                if self.depth > DEPTH_MAX {
                    return Err(wire.fault(FaultKind::Depth(DEPTH_MAX)));
                }
                self.message(wire.message()?, nested)?;
                self.depth -= level;
            }
            Kind::Text => Value::Str(wire.text(&mut self.repaired)?).write_json(&mut self.out),
            Kind::Id(_) => {
                self.out.push('"');
                for byte in wire.bytes()? {
                    let _ = write!(self.out, "{byte:02x}");
                }
                self.out.push('"');
            }
            Kind::Bytes => write_base64(wire.bytes()?, &mut self.out),
            kind => self.scalar(wire.payload, kind),
        }
        Ok(())
    }

    fn scalar(&mut self, payload: Payload<'_>, kind: Kind) {
        let bits = match payload {
            Payload::Varint(bits) | Payload::Eight(bits) => bits,
            Payload::Four(bits) => u64::from(bits),
            Payload::Length(_) => 0,
        };
        let out = &mut self.out;
        let _ = match kind {
            Kind::Bool => write!(out, "{}", bits != 0),
            Kind::Time => write!(out, "\"{bits}\""),
            Kind::Int64 | Kind::SFixed64(_) => write!(out, "{}", bits as i64),
            Kind::Int32 | Kind::Enum(_) => write!(out, "{}", bits as i32),
            Kind::Sint32 => write!(out, "{}", unzigzag(bits)),
            Kind::Uint32 => write!(out, "{}", bits as u32),
            Kind::Double => match f64::from_bits(bits) {
                number if number.is_finite() => write!(out, "{number:?}"),
                number if number.is_nan() => write!(out, "\"NaN\""),
                number => write!(out, "\"{}Infinity\"", if number < 0.0 { "-" } else { "" }),
            },
            _ => write!(out, "{bits}"),
        };
    }
}

type LastOfEach<'a> = [Option<WireField<'a>>; FIELD_NUMBER_END];

/// The last occurrence of each known field; of a oneof only the last member.
fn last_of_each<'a>(mut reader: Reader<'a>, message: &Message) -> Result<LastOfEach<'a>, Fault> {
    let mut set = [None; FIELD_NUMBER_END];
    while let Some(wire) = reader.next()? {
        let Some(field) = message.field(wire.number) else {
            continue;
        };
        if !wire.fits(field.kind, field.presence == Presence::Repeated) {
            return Err(wire.fault(FaultKind::WireType(wire.number)));
        }
        if field.presence == Presence::OneOf {
            for member in message
                .fields
                .iter()
                .filter(|field| field.presence == Presence::OneOf)
            {
                set[member.number as usize] = None;
            }
        }
        set[field.number as usize] = Some(wire);
    }
    Ok(set)
}

pub(crate) fn write_base64(bytes: &[u8], out: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.push('"');
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                out.push(char::from(
                    ALPHABET[(group >> (18 - 6 * place) & 63) as usize],
                ));
            } else {
                out.push('=');
            }
        }
    }
    out.push('"');
}
