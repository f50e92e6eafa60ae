//! One JSON value to one field, by the field's type.
//!
//! Invariant: null leaves a field unset, whatever its type. A value of a type that the field cannot
//! take fails the part it stands in, except for scalars of the wrong kind: see `scalar.rs`.

use std::fmt;
use std::ptr;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::scalar::Scalar;
use super::transcoder::{Step, Target, Transcoder};
use crate::encode::{Plain, PlainBudget, write_plain};
use crate::schema::{self, Field, Kind, Message, Presence, Role};
use crate::writer::Size;

/// The fields of a JSON object, as the content of the message in hand.
pub(super) struct FieldsSeed<'t, 'l> {
    pub(super) transcoder: &'t mut Transcoder<'l>,
    pub(super) message: &'static Message,
}

impl<'de> DeserializeSeed<'de> for FieldsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FieldsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let FieldsSeed { transcoder, message } = self;
        let arranging = transcoder.arranger.begin(transcoder.writer.out.len());
        while let Some(known) = map.next_key_seed(NameSeed(message))? {
            let Some(field) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let start = transcoder.writer.out.len();
            map.next_value_seed(FieldSeed { transcoder, message, field })?;
            let end = transcoder.writer.out.len();
            transcoder.arranger.written(arranging, message, field, (start, end));
        }
        transcoder.arranger.finish(arranging, &mut transcoder.writer.out);
        Ok(())
    }
}

/// A name to the field that has it; unknown names are nobody's.
struct NameSeed(&'static Message);

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Option<&'static Field>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field_named(name))
    }
}

/// The value of one field.
pub(super) struct FieldSeed<'t, 'l> {
    pub(super) transcoder: &'t mut Transcoder<'l>,
    pub(super) message: &'static Message,
    pub(super) field: &'static Field,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let FieldSeed { transcoder, message, field } = self;
        let transcoder = &mut *transcoder;
        let target = Target { message, field, is_element: false };
        let read = match transcoder.is_careful {
            true => transcoder.carefully(target, deserializer),
            false => Slot { transcoder, target }.deserialize(deserializer),
        };
        read.inspect_err(|_| transcoder.path.push(Step::Name(field.name)))
    }
}

impl Target {
    /// Whether an `AnyValue` goes here.
    fn is_value(self) -> bool {
        matches!(self.field.kind, Kind::Nested(nested) if ptr::eq(nested, &schema::ANY_VALUE))
    }

    /// Whether any JSON at all may stand here.
    fn is_body(self) -> bool {
        ptr::eq(self.message, &schema::LOG_RECORD) && self.is_value()
    }

    fn is_list(self) -> bool {
        self.field.presence == Presence::Repeated && !self.is_element
    }

    /// What JSON is expected here.
    fn expected(self) -> &'static str {
        match self.field.kind {
            _ if self.is_list() => "an array",
            Kind::Nested(_) => "an object",
            Kind::Text | Kind::Bytes | Kind::Id(_) => "a string",
            Kind::Bool => "true or false",
            _ => "a number",
        }
    }
}

impl Transcoder<'_> {
    /// The value of a field, read apart if it can be given up by itself.
    fn carefully<'de, D: Deserializer<'de>>(&mut self, target: Target, deserializer: D) -> Result<(), D::Error> {
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
            Slot { transcoder: self, target }.deserialize(deserializer)
        }
    }

    /// A body: an `AnyValue`, or any JSON at all, which then is the value itself.
    fn body<E: Error>(&mut self, raw: &str, target: Target) -> Result<(), E> {
        let is_plain = raw.starts_with('{') && {
            let mut reader = serde_json::Deserializer::from_str(raw);
            reader.deserialize_map(IsPlain).map_err(|error| self.fail(error))?
        };
        if !is_plain {
            return self.apart(raw, target);
        }
        let mut reader = serde_json::Deserializer::from_str(raw);
        reader.disable_recursion_limit();
        self.plain(target, |plain| plain.deserialize(&mut reader))
    }

    /// JSON that stands where an `AnyValue` should.
    fn plain<E: Error, F: Error>(
        &mut self,
        target: Target,
        read: impl FnOnce(Plain<'_>) -> Result<(), F>,
    ) -> Result<(), E> {
        let mut budget = PlainBudget {
            depth: self.limits.depth().saturating_sub(self.depth),
            nodes: self.limits.nodes - self.nodes,
        };
        let number = target.field.number;
        let result =
            read(Plain { writer: &mut self.writer, number, budget: &mut budget, is_marked: false });
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
    fn nested<E: Error>(
        &mut self,
        target: Target,
        nested: &'static Message,
        content: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.count_node()?;
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
    fn elements<'de, A: SeqAccess<'de>>(
        &mut self,
        list: Target,
        mut elements: A,
    ) -> Result<(), A::Error> {
        let target = Target { is_element: true, ..list };
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
                // Counted here, as `item` does.
                if item.is_some_and(|nested| nested.role == Role::Item) {
                    self.count_item()?;
                }
                elements.next_element_seed(Slot { transcoder: self, target })
            } else if let Some(nested) = item {
                self.element_apart(&mut elements, |this, raw| this.item(raw, target, nested))
            } else if self.is_lenient {
                self.is_lenient = false;
                let read = self.element_apart(&mut elements, |this, raw| this.leniently(raw, target));
                self.is_lenient = true;
                read
            } else {
                elements.next_element_seed(Slot { transcoder: self, target })
            };
            let is_more = read.inspect_err(|_| self.path.push(Step::Index(index)))?.is_some();
            if !is_more {
                break;
            }
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
        elements.next_element::<&RawValue>()?.map(|raw| read(self, raw)).transpose()
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

/// Whatever JSON there is, for one target.
pub(super) struct Slot<'t, 'l> {
    pub(super) transcoder: &'t mut Transcoder<'l>,
    pub(super) target: Target,
}

impl Slot<'_, '_> {
    fn scalar<E: Error>(self, scalar: &Scalar<'_>) -> Result<(), E> {
        let Slot { transcoder, target } = self;
        if target.is_value() && !target.is_list() {
            let number = target.field.number;
            let value = scalar.value();
            // One node and one level, as if it had been written out.
            return transcoder.plain(target, |plain| {
                plain.budget.take::<serde::de::value::Error>()?;
                write_plain(plain.writer, number, &value);
                Ok::<(), serde::de::value::Error>(())
            });
        }
        if target.is_list() || matches!(target.field.kind, Kind::Nested(_)) {
            let (expected, found) = (target.expected(), scalar.described());
            return Err(transcoder.fail(format_args!("expected {expected}, found {found}")));
        }
        transcoder.write_scalar(target, scalar);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Slot<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Slot<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.target.expected())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        let Slot { transcoder, target } = self;
        match target.field.kind {
            _ if !target.is_element => Ok(()),
            // In a list of values, null has a place.
            Kind::Nested(nested) if target.is_value() => transcoder.nested(target, nested, |_| Ok(())),
            Kind::Nested(nested) if matches!(nested.role, Role::Item | Role::Metric) => {
                Err(transcoder.fail("expected an object, found null"))
            }
            Kind::Nested(_) => {
                transcoder.warnings += 1;
                Ok(())
            }
            _ => {
                transcoder.write_scalar(target, &Scalar::Text(""));
                Ok(())
            }
        }
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.scalar(&Scalar::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.scalar(&Scalar::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.scalar(&i64::try_from(number).map_or(Scalar::Big(number), Scalar::Int))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.scalar(&Scalar::Double(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.scalar(&Scalar::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Slot { transcoder, target } = self;
        let field = target.field;
        if target.is_list() {
            if field.kind.is_packable() {
                let packed = transcoder.writer.open(field.number, Size::Small);
                transcoder.elements(target, elements)?;
                transcoder.writer.close(packed);
                return Ok(());
            }
            return transcoder.elements(target, elements);
        }
        if target.is_value() {
            return transcoder.plain(target, |plain| plain.visit_seq(elements));
        }
        // An empty array says no more than null where a scalar belongs.
        if !matches!(field.kind, Kind::Nested(_)) && elements.next_element::<IgnoredAny>()?.is_none() {
            return Ok(());
        }
        let expected = target.expected();
        Err(transcoder.fail(format_args!("expected {expected}, found an array")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Slot { transcoder, target } = self;
        match target.field.kind {
            Kind::Nested(nested) if !target.is_list() => transcoder.nested(target, nested, |transcoder| {
                let start = transcoder.writer.out.len();
                FieldsSeed { transcoder, message: nested }.visit_map(map)?;
                // A body that says nothing may be a value itself: read carefully to know.
                if transcoder.writer.out.len() == start && target.is_body() && !transcoder.is_careful {
                    return Err(transcoder.fail("a body without a value"));
                }
                Ok(())
            }),
            // `{"doubleValue":{}}` has been seen: no value.
            kind if !matches!(kind, Kind::Nested(_)) && map.next_key::<IgnoredAny>()?.is_none() => Ok(()),
            _ => {
                let expected = target.expected();
                Err(transcoder.fail(format_args!("expected {expected}, found an object")))
            }
        }
    }
}
