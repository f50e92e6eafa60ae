//! The messages of OTLP as tables: field numbers, JSON names and types.
//!
//! Invariant: one table serves counting, validation and both directions of JSON, so that they
//! cannot disagree about what a field is. Only the hot paths of protobuf decoding name field
//! numbers themselves.
//!
//! Source: `opentelemetry/proto/{common,resource,logs,metrics,trace}/v1/*.proto` of
//! opentelemetry-proto 1.10.0. Fields of unlisted numbers or names are unknown and ignored.

mod messages;

pub(crate) use messages::*;

/// A message type.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) fields: &'static [Field],
    /// Field number to position in `fields`; 0 where there is none, else the position plus one.
    index: [u8; FIELD_NUMBER_END],
}

/// What a fault inside a message costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The request and its groups: a fault costs the request.
    Envelope,
    /// Resource and scope. In protobuf a fault costs the request; in JSON the bad attribute.
    Shared,
    /// A metric: holds items; a fault in its own fields costs the metric, which counts as one item.
    Metric,
    /// An item: a fault costs the item.
    Item,
    /// Part of one of the above, which bears the cost.
    Part,
}

/// One field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    /// The name in OTLP/JSON.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) presence: Presence,
}

/// When a field's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Only when it is not the default.
    Implicit,
    /// Whenever it is set.
    Optional,
    /// Whenever it is set; setting it unsets the other members. No message has two such groups.
    OneOf,
    /// Any number of times, in order.
    Repeated,
}

/// The type of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text,
    Bytes,
    /// Bytes of this length, hexadecimal in JSON.
    Id(usize),
    Bool,
    Uint32,
    Uint64,
    Int32,
    Sint32,
    Int64,
    /// An integer; in JSON a number that is none goes to the double field of this number.
    SFixed64(u32),
    /// A number whose names are listed in order of value.
    Enum(&'static [&'static str]),
    Fixed32,
    Fixed64,
    /// Nanoseconds since the Unix epoch in eight bytes, a string in JSON.
    Time,
    Double,
    Nested(&'static Message),
}

/// How a value lies on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint,
    Eight,
    Length,
    Four,
}

impl Kind {
    pub(crate) fn wire_type(self) -> WireType {
        match self {
            Kind::Text | Kind::Bytes | Kind::Id(_) | Kind::Nested(_) => WireType::Length,
            Kind::SFixed64(_) | Kind::Fixed64 | Kind::Time | Kind::Double => WireType::Eight,
            Kind::Fixed32 => WireType::Four,
            _ => WireType::Varint,
        }
    }
}

impl Kind {
    /// Whether a list of these is one field of the values end to end.
    pub(crate) fn is_packable(self) -> bool {
        self.wire_type() != WireType::Length
    }
}

/// No message here has a field of this number or above.
pub(crate) const FIELD_NUMBER_END: usize = 17;

impl Message {
    pub(crate) fn field(&self, number: u32) -> Option<&'static Field> {
        let position = *self.index.get(number as usize)?;
        self.fields.get(usize::from(position).wrapping_sub(1))
    }

    /// The message in the field of that number, if it holds one.
    pub(crate) fn nested(&self, number: u32) -> Option<&'static Message> {
        match self.field(number)?.kind {
            Kind::Nested(nested) => Some(nested),
            _ => None,
        }
    }

    /// The field of a message's own attributes.
    pub(crate) fn attributes(&self) -> Option<u32> {
        let mut fields = self.fields.iter();
        let field = fields.find(|field| match field.kind {
            Kind::Nested(nested) => std::ptr::eq(nested, &KEY_VALUE),
            _ => false,
        })?;
        Some(field.number)
    }

    pub(crate) fn field_named(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

const fn index(fields: &[Field]) -> [u8; FIELD_NUMBER_END] {
    let mut index = [0; FIELD_NUMBER_END];
    let mut position = 0;
    while position < fields.len() {
        index[fields[position].number as usize] = position as u8 + 1;
        position += 1;
    }
    index
}
