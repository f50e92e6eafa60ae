//! What is wrong with some bytes, and what it costs.
//!
//! Invariant: every fault knows where it is, relative to any slice that it lies in: the request that
//! is refused for it, or the item that is quarantined for it.

use std::fmt;

use crate::Refused;

/// What is wrong with some bytes, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// The address of the byte: readers then need not carry where they are in the request.
    address: usize,
}

impl Fault {
    /// A fault where `rest` begins.
    pub(crate) fn at(kind: FaultKind, rest: &[u8]) -> Fault {
        Fault {
            kind,
            address: rest.as_ptr() as usize,
        }
    }

    /// The fault's distance from the start of `bytes`, in which it was found.
    pub(crate) fn offset_in(&self, bytes: &[u8]) -> usize {
        self.address.saturating_sub(bytes.as_ptr() as usize)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Truncated,
    LengthBeyondEnd,
    VarintTooLong,
    FieldNumber,
    Group,
    WireType(u32),
    Depth(usize),
    Attributes(usize),
}

impl fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Truncated => formatter.write_str("the message ends inside a field"),
            FaultKind::LengthBeyondEnd => {
                formatter.write_str("a length reaches beyond the end of its message")
            }
            FaultKind::VarintTooLong => formatter.write_str("a varint is longer than 64 bits"),
            FaultKind::FieldNumber => formatter.write_str("a field has a number that cannot be"),
            FaultKind::Group => {
                formatter.write_str("a field is a group or has an unknown wire type")
            }
            FaultKind::WireType(number) => {
                write!(formatter, "field {number} has the wrong wire type")
            }
            FaultKind::Depth(limit) => {
                write!(formatter, "a value is nested more than {limit} deep")
            }
            FaultKind::Attributes(limit) => {
                write!(formatter, "there are more than {limit} attributes")
            }
        }
    }
}

/// What a fault outside of items costs: the request.
pub(crate) fn refusal(fault: Fault, request: &[u8]) -> Refused {
    match fault.kind {
        FaultKind::Depth(limit) => Refused::TooMany {
            what: "levels of nested values",
            limit,
        },
        FaultKind::Attributes(limit) => Refused::TooMany {
            what: "attributes on one resource or scope",
            limit,
        },
        kind => Refused::Malformed {
            reason: kind.to_string(),
            offset: Some(fault.offset_in(request)),
        },
    }
}
