//! Protobuf's wire format, read in place.
//!
//! Invariant: a `Reader` never reads outside its message, never allocates, and always moves on, so
//! that a walk ends after at most as many fields as there are bytes. Every fault knows its offset
//! in the request.
//!
//! Source: "Encoding" of the Protocol Buffers documentation. Groups are refused: OTLP has none.

use std::borrow::Cow;

use crate::fault::{Fault, FaultKind};
use crate::schema::{Kind, WireType};

/// The value of one field as it lies on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    Eight(u64),
    Length(&'a [u8]),
    Four(u32),
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WireField<'a> {
    pub(crate) number: u32,
    pub(crate) payload: Payload<'a>,
    /// What follows the field in its message.
    rest: &'a [u8],
}

/// Reads the fields of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of a whole request.
    pub(crate) fn new(request: &'a [u8]) -> Reader<'a> {
        Reader { rest: request }
    }

    /// The bytes not read yet.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field, or `None` at the end of the message.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<WireField<'a>>, Fault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = *self;
        let tag = self.varint()?;
        let payload = match tag & 7 {
            0 => Payload::Varint(self.varint()?),
            1 => Payload::Eight(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                let parts = usize::try_from(length)
                    .ok()
                    .and_then(|length| self.rest.split_at_checked(length));
                let Some((bytes, rest)) = parts else {
                    return Err(start.fault(FaultKind::LengthBeyondEnd));
                };
                self.rest = rest;
                Payload::Length(bytes)
            }
            5 => Payload::Four(u32::from_le_bytes(self.array()?)),
            _ => return Err(start.fault(FaultKind::Group)),
        };
        // Field numbers have 29 bits and start at 1.
        match tag >> 3 {
            number @ 1..=0x1fff_ffff => Ok(Some(WireField {
                number: number as u32,
                payload,
                rest: self.rest,
            })),
            _ => Err(start.fault(FaultKind::FieldNumber)),
        }
    }

    /// A fault where the reader stands.
    #[cold]
    pub(crate) fn fault(&self, kind: FaultKind) -> Fault {
        Fault::at(kind, self.rest)
    }

    #[inline(always)]
    pub(crate) fn varint(&mut self) -> Result<u64, Fault> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (index * 7);
            if byte & 0x80 == 0 {
                // The tenth byte has room for one bit.
                if index == 9 && *byte > 1 {
                    break;
                }
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        let kind = if self.rest.len() < 10 {
            FaultKind::Truncated
        } else {
            FaultKind::VarintTooLong
        };
        Err(self.fault(kind))
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        match self.rest.split_first_chunk::<N>() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(*bytes)
            }
            None => Err(self.fault(FaultKind::Truncated)),
        }
    }

    /// The next packed element of this kind; the reader stands inside a packed field.
    pub(crate) fn packed(&mut self, kind: Kind) -> Result<Option<Payload<'a>>, Fault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        Ok(Some(match kind.wire_type() {
            WireType::Varint => Payload::Varint(self.varint()?),
            WireType::Eight => Payload::Eight(u64::from_le_bytes(self.array()?)),
            WireType::Four => Payload::Four(u32::from_le_bytes(self.array()?)),
            WireType::Length => return Err(self.fault(FaultKind::Group)),
        }))
    }
}

impl<'a> WireField<'a> {
    /// What follows the field in its message.
    #[inline(always)]
    pub(crate) fn after(&self) -> Reader<'a> {
        Reader { rest: self.rest }
    }

    /// A fault in this field.
    #[inline(always)]
    pub(crate) fn fault(&self, kind: FaultKind) -> Fault {
        self.after().fault(kind)
    }

    #[inline(always)]
    fn wrong_type<T>(&self) -> Result<T, Fault> {
        Err(self.fault(FaultKind::WireType(self.number)))
    }

    #[inline(always)]
    pub(crate) fn varint(&self) -> Result<u64, Fault> {
        if let Payload::Varint(value) = self.payload {
            Ok(value)
        } else {
            self.wrong_type()
        }
    }

    #[inline(always)]
    pub(crate) fn eight(&self) -> Result<u64, Fault> {
        if let Payload::Eight(value) = self.payload {
            Ok(value)
        } else {
            self.wrong_type()
        }
    }

    pub(crate) fn double(&self) -> Result<f64, Fault> {
        self.eight().map(f64::from_bits)
    }

    #[inline(always)]
    pub(crate) fn four(&self) -> Result<u32, Fault> {
        if let Payload::Four(value) = self.payload {
            Ok(value)
        } else {
            self.wrong_type()
        }
    }

    #[inline(always)]
    pub(crate) fn bytes(&self) -> Result<&'a [u8], Fault> {
        if let Payload::Length(bytes) = self.payload {
            Ok(bytes)
        } else {
            self.wrong_type()
        }
    }

    /// The field as text. Bytes that are not UTF-8 are replaced by U+FFFD and reported.
    #[inline(always)]
    pub(crate) fn text(&self, repaired: &mut bool) -> Result<Cow<'a, str>, Fault> {
        let bytes = self.bytes()?;
        Ok(match str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => repair(bytes, repaired),
        })
    }

    /// The field as a message.
    #[inline(always)]
    pub(crate) fn message(&self) -> Result<Reader<'a>, Fault> {
        self.bytes().map(|rest| Reader { rest })
    }

    /// An id of the length that ids have, unless it is all zeros.
    pub(crate) fn id<const N: usize>(&self) -> Result<Option<[u8; N]>, Fault> {
        Ok(<[u8; N]>::try_from(self.bytes()?)
            .ok()
            .filter(|id| *id != [0; N]))
    }

    /// Whether the field holds packed elements of this kind.
    #[inline(always)]
    pub(crate) fn is_packed(&self, kind: Kind) -> bool {
        matches!(self.payload, Payload::Length(_)) && kind.is_packable()
    }

    /// Whether the wire type is one that the kind can have; packed scalars included.
    #[inline(always)]
    pub(crate) fn fits(&self, kind: Kind, repeated: bool) -> bool {
        match (self.payload, kind.wire_type()) {
            (Payload::Varint(_), WireType::Varint)
            | (Payload::Eight(_), WireType::Eight)
            | (Payload::Four(_), WireType::Four)
            | (Payload::Length(_), WireType::Length) => true,
            (Payload::Length(_), _) => repeated,
            _ => false,
        }
    }
}

#[cold]
fn repair<'a>(bytes: &'a [u8], repaired: &mut bool) -> Cow<'a, str> {
    *repaired = true;
    String::from_utf8_lossy(bytes)
}
