//! Counting and validating on the wire, before anything is materialised.
//!
//! Invariant: nothing here allocates, and a scan stops at the first count above its limit. What
//! `count` accepts, `decode` accepts: every fault that refuses a request is found here, so that no
//! item reaches a sink from a request that is then refused.

use std::ptr;

use contract::Signal;

use crate::decode::points_of;
use crate::fault::{Fault, FaultKind, refusal};
use crate::schema::{self, Kind, Message, Presence, Role};
use crate::wire::Reader;
use crate::{Limits, Refused};

/// Counts the items of a request, and refuses it if `decode` would.
///
/// Items that `decode` would quarantine are counted; a metric that cannot be read counts as one.
pub fn count(signal: Signal, protobuf: &[u8], limits: &Limits) -> Result<u64, Refused> {
    let mut scan = Scan {
        limits,
        items: 0,
        nodes: 0,
        unreadable_bytes: 0,
    };
    match scan.message(Reader::new(protobuf), schema::request(signal), 0) {
        Ok(()) => Ok(scan.items as u64),
        Err(Stop::TooMany { what, limit }) => Err(Refused::TooMany { what, limit }),
        Err(Stop::Fault(fault)) => Err(refusal(fault, protobuf)),
    }
}

/// Whether everything in a message can be read: wire types, lengths, nesting, attribute counts.
pub(crate) fn validate(
    reader: Reader<'_>,
    message: &'static Message,
    limits: &Limits,
) -> Result<(), Stop> {
    Scan {
        limits,
        items: 0,
        nodes: 0,
        unreadable_bytes: 0,
    }
    .message(reader, message, 0)
}

/// What there is too much of when the items that cannot be read are too large together.
pub(crate) const UNREADABLE: &str = "bytes of items that cannot be read";

/// Why a scan ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Bytes that cannot be read.
    Fault(Fault),
    /// A limit of the whole request.
    TooMany { what: &'static str, limit: usize },
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

struct Scan<'l> {
    limits: &'l Limits,
    items: usize,
    nodes: usize,
    unreadable_bytes: usize,
}

impl Scan<'_> {
    /// Scans one message. `depth` is how many values enclose it.
    fn message(
        &mut self,
        mut reader: Reader<'_>,
        message: &'static Message,
        depth: usize,
    ) -> Result<(), Stop> {
        let mut attributes = 0;
        while let Some(wire) = reader.next()? {
            let Some(field) = message.field(wire.number) else {
                continue;
            };
            if !wire.fits(field.kind, field.presence == Presence::Repeated) {
                return Err(wire.fault(FaultKind::WireType(wire.number)).into());
            }
            match field.kind {
                Kind::Nested(nested) => {
                    if ptr::eq(nested, &schema::KEY_VALUE)
                        && !ptr::eq(message, &schema::KEY_VALUE_LIST)
                    {
                        attributes += 1;
                        if attributes > self.limits.attributes_per_item {
                            return Err(wire
                                .fault(FaultKind::Attributes(self.limits.attributes_per_item))
                                .into());
                        }
                    }
                    // By parts: the whole field would be copied through memory, which costs more
                    // than reading it.
                    self.nested(wire.message()?, wire.after(), nested, depth)?;
                }
                kind if wire.is_packed(kind) => check_packed(wire.message()?, kind)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Scans what a field holds; `after` is what follows the field.
    fn nested(
        &mut self,
        reader: Reader<'_>,
        after: Reader<'_>,
        nested: &'static Message,
        depth: usize,
    ) -> Result<(), Stop> {
        self.nodes += 1;
        within(
            "nodes (messages, attributes and values)",
            self.nodes,
            self.limits.nodes,
        )?;
        match nested.role {
            Role::Envelope | Role::Shared => self.message(reader, nested, depth),
            Role::Part => {
                let depth = depth + usize::from(ptr::eq(nested, &schema::ANY_VALUE));
                if depth > self.limits.depth() {
                    return Err(after.fault(FaultKind::Depth(self.limits.depth())).into());
                }
                self.message(reader, nested, depth)
            }
            Role::Item => {
                self.items += 1;
                within("items", self.items, self.limits.items)?;
                match self.message(reader, nested, depth) {
                    // The item will be quarantined.
                    Err(Stop::Fault(_)) => self.unreadable(reader),
                    other => other,
                }
            }
            Role::Metric => {
                let before = self.items;
                let items = match self.message(reader, nested, depth) {
                    Ok(()) => points_of(reader)?,
                    Err(Stop::Fault(_)) => {
                        self.unreadable(reader)?;
                        1
                    }
                    Err(stop) => return Err(stop),
                };
                self.items = before + items;
                within("items", self.items, self.limits.items)
            }
        }
    }
}

impl Scan<'_> {
    /// An item will be quarantined with its bytes.
    fn unreadable(&mut self, item: Reader<'_>) -> Result<(), Stop> {
        self.unreadable_bytes += item.bytes().len();
        let limit = self.limits.unreadable_bytes;
        within(UNREADABLE, self.unreadable_bytes, limit)
    }
}

fn within(what: &'static str, count: usize, limit: usize) -> Result<(), Stop> {
    if count > limit {
        Err(Stop::TooMany { what, limit })
    } else {
        Ok(())
    }
}

/// Walks a packed field; any other scalar is whole already.
fn check_packed(mut elements: Reader<'_>, kind: Kind) -> Result<(), Fault> {
    while elements.packed(kind)?.is_some() {}
    Ok(())
}
