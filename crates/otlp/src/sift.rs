//! A request without the items that a [`Sieve`] holds back, the rest byte for byte.
//!
//! Invariant: what is held back leaves no byte behind. With the last item of a group goes the group, for its
//! resource may name who the items are of; a group without items goes as well if its resource is held back.

use contract::{Attribute, Origin, Signal};

use crate::decode::{Context, last_kind_field, points_of, read_resource_group, read_scope_group};
use crate::fault::{Fault, refusal};
use crate::rewrite::next;
use crate::scan::{count, validate};
use crate::schema::{self, Message, Role};
use crate::wire::{Reader, WireField};
use crate::writer::{Size, Writer};
use crate::{Limits, Refused};

/// Decides which items of one request are held back. Calls come in the order of the request.
pub trait Sieve {
    /// Resource and scope of what follows: whether all of it is held back.
    fn origin(&mut self, origin: &Origin<'_>) -> bool;

    /// The attributes of an item under the last origin: whether it is held back.
    fn item(&mut self, attributes: &[Attribute<'_>]) -> bool;

    /// The bytes of an item that cannot be read: whether it is held back.
    fn unreadable(&mut self, raw: &[u8]) -> bool;
}

/// A request as a sieve leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sifted {
    /// The request, `None` when it stays as it is.
    pub protobuf: Option<Vec<u8>>,
    /// Items that were held back, as decoding would have counted them.
    pub held_back: u64,
}

/// Takes out of a request what `sieve` holds back. Refuses what [`crate::decode`] refuses, for the same
/// reason.
///
/// # Errors
/// The request cannot be read, or is too large.
pub fn sift(
    signal: Signal,
    protobuf: &[u8],
    limits: &Limits,
    sieve: &mut dyn Sieve,
) -> Result<Sifted, Refused> {
    count(signal, protobuf, limits)?;
    let mut sifter = Sifter {
        sieve,
        context: Context {
            limits,
            repaired: false,
        },
        writer: Writer::default(),
        held_back: 0,
        is_changed: false,
    };
    sifter
        .request(Reader::new(protobuf), schema::request(signal))
        .map_err(|fault| refusal(fault, protobuf))?;
    Ok(Sifted {
        protobuf: sifter.is_changed.then_some(sifter.writer.out),
        held_back: sifter.held_back,
    })
}

struct Sifter<'s> {
    sieve: &'s mut dyn Sieve,
    context: Context<'s>,
    writer: Writer,
    held_back: u64,
    is_changed: bool,
}

/// What is left of a group.
#[derive(Clone, Copy, Default)]
struct Left {
    /// Items that stay.
    items: u64,
    /// Whether something went.
    is_cut: bool,
}

impl Sifter<'_> {
    fn request(&mut self, request: Reader<'_>, message: &'static Message) -> Result<(), Fault> {
        let mut fields = request;
        while let Some((field, raw)) = next(&mut fields)? {
            let Some(nested) = message.nested(field.number) else {
                self.copy(raw);
                continue;
            };
            let group = field.message()?;
            let mut origin = Origin::default();
            read_resource_group(group, &mut origin, &mut self.context)?;
            let is_held = self.sieve.origin(&origin);
            self.within(&field, raw, is_held, |this| {
                this.resource_group(group, nested, &mut origin)
            })?;
        }
        Ok(())
    }

    fn resource_group<'a>(
        &mut self,
        group: Reader<'a>,
        message: &'static Message,
        origin: &mut Origin<'a>,
    ) -> Result<Left, Fault> {
        let (mut left, mut fields) = (Left::default(), group);
        while let Some((field, raw)) = next(&mut fields)? {
            let nested = message.nested(2).filter(|_| field.number == 2);
            let Some(nested) = nested else {
                self.copy(raw);
                continue;
            };
            let group = field.message()?;
            read_scope_group(group, origin, &mut self.context)?;
            let is_held = self.sieve.origin(origin);
            let of_scope = self.within(&field, raw, is_held, |this| {
                this.scope_group(group, nested, is_held)
            })?;
            left.items += of_scope.items;
            left.is_cut |= of_scope.is_cut;
        }
        Ok(left)
    }

    fn scope_group(
        &mut self,
        group: Reader<'_>,
        message: &'static Message,
        is_held: bool,
    ) -> Result<Left, Fault> {
        let (mut left, mut fields) = (Left::default(), group);
        while let Some((field, raw)) = next(&mut fields)? {
            let of_field = match message.nested(2).filter(|_| field.number == 2) {
                Some(nested) if nested.role == Role::Metric => self.metric(&field, raw, is_held)?,
                Some(nested) => self.item(&field, raw, nested, is_held, true)?,
                None => {
                    self.copy(raw);
                    Left::default()
                }
            };
            left.items += of_field.items;
            left.is_cut |= of_field.is_cut;
        }
        Ok(left)
    }

    fn metric(&mut self, field: &WireField<'_>, raw: &[u8], is_held: bool) -> Result<Left, Fault> {
        let metric = field.message()?;
        if validate(metric, &schema::METRIC, self.context.limits).is_err() {
            let is_held = is_held || self.sieve.unreadable(metric.bytes());
            return Ok(self.keep_or_drop(raw, is_held, 1));
        }
        if is_held {
            let points = points_of(metric)? as u64;
            return Ok(self.keep_or_drop(raw, true, points));
        }
        let last = last_kind_field(metric)?;
        self.within(field, raw, false, |this| {
            let (mut left, mut fields) = (Left::default(), metric);
            while let Some((field, raw)) = next(&mut fields)? {
                let data = schema::METRIC.nested(field.number);
                let point = data.and_then(|data| data.nested(1));
                let Some(point) = point.filter(|point| point.role == Role::Item) else {
                    this.copy(raw);
                    continue;
                };
                // Points of a kind that another overwrote are no items, and may name somebody as well.
                let is_counted = last == Some(field.number);
                let of_kind = this.points(&field, raw, point, is_counted)?;
                left.items += of_kind.items;
                left.is_cut |= of_kind.is_cut;
            }
            Ok(left)
        })
    }

    fn points(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        point: &'static Message,
        is_counted: bool,
    ) -> Result<Left, Fault> {
        let data = field.message()?;
        self.within(field, raw, false, |this| {
            let (mut left, mut fields) = (Left::default(), data);
            while let Some((field, raw)) = next(&mut fields)? {
                if field.number != 1 {
                    this.copy(raw);
                    continue;
                }
                let one = this.item(&field, raw, point, false, is_counted)?;
                left.items += one.items;
                left.is_cut |= one.is_cut;
            }
            Ok(left)
        })
    }

    /// A log record, data point or span.
    fn item(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        message: &'static Message,
        is_held: bool,
        is_counted: bool,
    ) -> Result<Left, Fault> {
        let item = field.message()?;
        let is_held = is_held
            || match validate(item, message, self.context.limits) {
                Err(_) => self.sieve.unreadable(item.bytes()),
                Ok(()) => {
                    let attributes = self.attributes(item, message)?;
                    self.sieve.item(&attributes)
                }
            };
        Ok(self.keep_or_drop(raw, is_held, u64::from(is_counted)))
    }

    fn attributes<'a>(
        &mut self,
        item: Reader<'a>,
        message: &'static Message,
    ) -> Result<Vec<Attribute<'a>>, Fault> {
        let mut attributes = Vec::new();
        let mut fields = item;
        while let Some(field) = fields.next()? {
            if Some(field.number) == message.attributes() {
                self.context
                    .push_attribute(field.message()?, field.after(), &mut attributes)?;
            }
        }
        Ok(attributes)
    }

    fn keep_or_drop(&mut self, raw: &[u8], is_held: bool, items: u64) -> Left {
        if is_held {
            self.held_back += items;
            self.is_changed = true;
            let is_cut = true;
            return Left { items: 0, is_cut };
        }
        self.copy(raw);
        Left {
            items,
            is_cut: false,
        }
    }

    /// A field that holds a group: as it came, or without what went from it, or not at all.
    fn within(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        is_held: bool,
        sift: impl FnOnce(&mut Self) -> Result<Left, Fault>,
    ) -> Result<Left, Fault> {
        let start = self.writer.out.len();
        let open = self.writer.open(field.number, Size::Large);
        let mut left = sift(self)?;
        if left.items == 0 && (left.is_cut || is_held) {
            self.writer.out.truncate(start);
            self.is_changed = true;
            left.is_cut = true;
        } else if left.is_cut {
            self.writer.close(open);
        } else {
            self.writer.out.truncate(start);
            self.copy(raw);
        }
        Ok(left)
    }

    fn copy(&mut self, raw: &[u8]) {
        self.writer.out.extend_from_slice(raw);
    }
}
