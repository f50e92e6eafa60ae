//! JSON names to fields.
//!
//! Invariant: a name that the schema does not know is skipped with its value, whatever that is.

use std::fmt;
use std::ptr;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::slot::Slot;
use super::transcoder::{Step, Transcoder};
use crate::schema::{self, Field, Kind, Message, Presence};

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
        let FieldsSeed {
            transcoder,
            message,
        } = self;
        let arranging = transcoder.arranger.begin(transcoder.writer.out.len());
        while let Some(known) = map.next_key_seed(NameSeed(message))? {
            let Some(field) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let start = transcoder.writer.out.len();
            map.next_value_seed(FieldSeed {
                transcoder,
                message,
                field,
            })?;
            let end = transcoder.writer.out.len();
            let place = (start, end);
            let is_overruling = transcoder
                .arranger
                .written(arranging, message, field, place);
            transcoder.warnings += u64::from(is_overruling);
        }
        transcoder
            .arranger
            .finish(arranging, &mut transcoder.writer.out);
        Ok(())
    }
}

/// A name to the field that has it; unknown names are nobody's.
pub(super) struct NameSeed(pub(super) &'static Message);

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
        let FieldSeed {
            transcoder,
            message,
            field,
        } = self;
        let transcoder = &mut *transcoder;
        let target = Target {
            message,
            field,
            is_element: false,
        };
        let read = match transcoder.is_careful {
            true => transcoder.carefully(target, deserializer),
            false => Slot { transcoder, target }.deserialize(deserializer),
        };
        read.inspect_err(|_| transcoder.path.push(Step::Name(field.name)))
    }
}

/// The field, or the element of a repeated field, that a JSON value is for.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) message: &'static Message,
    pub(super) field: &'static Field,
    pub(super) is_element: bool,
}

impl Target {
    /// Whether an `AnyValue` goes here.
    pub(super) fn is_value(self) -> bool {
        matches!(self.field.kind, Kind::Nested(nested) if ptr::eq(nested, &schema::ANY_VALUE))
    }

    /// Whether any JSON at all may stand here.
    pub(super) fn is_body(self) -> bool {
        ptr::eq(self.message, &schema::LOG_RECORD) && self.is_value()
    }

    pub(super) fn is_list(self) -> bool {
        self.field.presence == Presence::Repeated && !self.is_element
    }

    /// What JSON is expected here.
    pub(super) fn expected(self) -> &'static str {
        match self.field.kind {
            _ if self.is_list() => "an array",
            Kind::Nested(_) => "an object",
            Kind::Text | Kind::Bytes | Kind::Id(_) => "a string",
            Kind::Bool => "true or false",
            _ => "a number",
        }
    }
}
