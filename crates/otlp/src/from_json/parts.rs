//! The parts of a request: fields read apart, bodies, nested messages, elements of lists.
//!
//! Invariant: every message is counted, and every value's depth checked, before it is opened.

use std::fmt;
use std::ptr;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::field::{NameSeed, Target};
use super::slot::Slot;
use super::transcoder::{Step, Transcoder};
use crate::encode::{Plain, PlainBudget};
use crate::schema::{self, Kind, Message, Role};
use crate::writer::Size;

impl Transcoder<'_> {
    /// The value of a field, read apart if it can be given up by itself.
    pub(super) fn carefully<'de, D: Deserializer<'de>>(
        &mut self,
        target: Target,
        deserializer: D,
    ) -> Result<(), D::Error> {
        // Nothing that an envelope says of itself may cost the items in it.
        let is_beside_items = match target.field.kind {
            Kind::Nested(nested) => nested.role == Role::Shared,
            _ => target.message.role == Role::Envelope,
        };
        if is_beside_items {
            let raw = <&RawValue>::deserialize(deserializer)?;
            let was_lenient = std::mem::replace(&mut self.is_lenient, true);
            self.leniently(raw, target)?;
            self.is_lenient = was_lenient;
            Ok(())
        } else if target.is_body() {
            let raw = <&RawValue>::deserialize(deserializer)?;
            self.body(raw.get(), target)
        } else {
            Slot {
                transcoder: self,
                target,
            }
            .deserialize(deserializer)
        }
    }

    /// A body: an `AnyValue`, or any JSON at all, which then is the value itself.
    fn body<E: Error>(&mut self, raw: &str, target: Target) -> Result<(), E> {
        let is_plain = raw.starts_with('{') && {
            let mut reader = serde_json::Deserializer::from_str(raw);
            reader
                .deserialize_map(IsPlain)
                .map_err(|error| self.fail(error))?
        };
        if !is_plain {
            return self.apart(raw, target);
        }
        let mut reader = serde_json::Deserializer::from_str(raw);
        reader.disable_recursion_limit();
        self.plain(target, |plain| plain.deserialize(&mut reader))
    }

    /// JSON that stands where an `AnyValue` should.
    pub(super) fn plain<E: Error, F: Error>(
        &mut self,
        target: Target,
        read: impl FnOnce(Plain<'_>) -> Result<(), F>,
    ) -> Result<(), E> {
        let mut budget = PlainBudget {
            depth: self.limits.depth().saturating_sub(self.depth),
            nodes: self.limits.nodes - self.nodes,
        };
        let number = target.field.number;
        let result = read(Plain {
            writer: &mut self.writer,
            number,
            budget: &mut budget,
            is_marked: false,
        });
        self.nodes = self.limits.nodes - budget.nodes;
        match result {
            Ok(()) => Ok(()),
            Err(_) if budget.nodes == 0 => {
                Err(self.refuse("nodes (messages, attributes and values)", self.limits.nodes))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// A nested message, its content still to come.
    pub(super) fn nested<E: Error>(
        &mut self,
        target: Target,
        nested: &'static Message,
        content: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.count_node()?;
        if nested.role == Role::Item && !self.is_careful {
            self.count_item()?;
        }
        let level = usize::from(ptr::eq(nested, &schema::ANY_VALUE));
        if self.depth + level > self.limits.depth() {
            let limit = self.limits.depth();
            return Err(self.fail(format_args!("values are nested more than {limit} deep")));
        }
        self.depth += level;
        let size = match nested.role {
            Role::Envelope => Size::Large,
            Role::Item | Role::Metric | Role::Shared => Size::Medium,
            Role::Part => Size::Small,
        };
        let open = self.writer.open(target.field.number, size);
        content(self)?;
        self.writer.close(open);
        self.depth -= level;
        Ok(())
    }

    /// The elements of a repeated field.
    pub(super) fn elements<'de, A: SeqAccess<'de>>(
        &mut self,
        list: Target,
        mut elements: A,
    ) -> Result<(), A::Error> {
        let target = Target {
            is_element: true,
            ..list
        };
        let limit = self.limits.attributes_per_item;
        let nested = match list.field.kind {
            Kind::Nested(nested) => Some(nested),
            _ => None,
        };
        let is_attributes = nested.is_some_and(|nested| ptr::eq(nested, &schema::KEY_VALUE))
            && !ptr::eq(list.message, &schema::KEY_VALUE_LIST);
        let item = nested.filter(|nested| matches!(nested.role, Role::Item | Role::Metric));
        for index in 0.. {
            let read = if !self.is_careful {
                elements.next_element_seed(Slot {
                    transcoder: self,
                    target,
                })
            } else if let Some(nested) = item {
                self.element_apart(&mut elements, |this, raw| this.item(raw, target, nested))
            } else if self.is_lenient {
                self.is_lenient = false;
                let read =
                    self.element_apart(&mut elements, |this, raw| this.leniently(raw, target));
                self.is_lenient = true;
                read
            } else {
                elements.next_element_seed(Slot {
                    transcoder: self,
                    target,
                })
            };
            let is_more = read
                .inspect_err(|_| self.path.push(Step::Index(index)))?
                .is_some();
            if !is_more {
                break;
            }
            self.check_written()?;
            if is_attributes && index >= limit {
                return Err(match self.is_lenient {
                    true => self.refuse("attributes on one resource or scope", limit),
                    false => self.fail(format_args!("there are more than {limit} attributes")),
                });
            }
        }
        Ok(())
    }
}

impl Transcoder<'_> {
    fn element_apart<'de, A: SeqAccess<'de>>(
        &mut self,
        elements: &mut A,
        read: impl FnOnce(&mut Self, &RawValue) -> Result<(), A::Error>,
    ) -> Result<Option<()>, A::Error> {
        elements
            .next_element::<&RawValue>()?
            .map(|raw| read(self, raw))
            .transpose()
    }
}

/// Whether an object has names, and none of an `AnyValue`'s.
struct IsPlain;

impl<'de> Visitor<'de> for IsPlain {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let (mut names, mut members) = (0, 0);
        while let Some(field) = map.next_key_seed(NameSeed(&schema::ANY_VALUE))? {
            map.next_value::<IgnoredAny>()?;
            names += 1;
            members += usize::from(field.is_some());
        }
        Ok(names > 0 && members == 0)
    }
}
