//! One JSON value to one field, by the field's type.
//!
//! Invariant: null leaves a field unset, whatever its type. A value of a type that the field cannot
//! take fails the part it stands in, except for scalars of the wrong kind: see `scalar.rs`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::field::{FieldsSeed, Target};
use super::scalar::Scalar;
use super::transcoder::Transcoder;
use crate::encode::write_plain;
use crate::schema::{Kind, Role};
use crate::writer::Size;

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
            Kind::Nested(nested) if target.is_value() => {
                transcoder.nested(target, nested, |_| Ok(()))
            }
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
                let start = transcoder.writer.out.len();
                let packed = transcoder.writer.open(field.number, Size::Small);
                transcoder.elements(target, elements)?;
                if transcoder.writer.is_empty(&packed) {
                    transcoder.writer.out.truncate(start);
                } else {
                    transcoder.writer.close(packed);
                }
                return Ok(());
            }
            return transcoder.elements(target, elements);
        }
        if target.is_value() {
            return transcoder.plain(target, |plain| plain.visit_seq(elements));
        }
        // An empty array says no more than null where a scalar belongs.
        if !matches!(field.kind, Kind::Nested(_))
            && elements.next_element::<IgnoredAny>()?.is_none()
        {
            return Ok(());
        }
        let expected = target.expected();
        Err(transcoder.fail(format_args!("expected {expected}, found an array")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Slot { transcoder, target } = self;
        match target.field.kind {
            Kind::Nested(nested) if !target.is_list() => {
                transcoder.nested(target, nested, |transcoder| {
                    let start = transcoder.writer.out.len();
                    FieldsSeed {
                        transcoder,
                        message: nested,
                    }
                    .visit_map(map)?;
                    // A body that says nothing may be a value itself: read carefully to know.
                    if transcoder.writer.out.len() == start
                        && target.is_body()
                        && !transcoder.is_careful
                    {
                        return Err(transcoder.fail("a body without a value"));
                    }
                    Ok(())
                })
            }
            // `{"doubleValue":{}}` has been seen: no value.
            kind if !matches!(kind, Kind::Nested(_)) && map.next_key::<IgnoredAny>()?.is_none() => {
                Ok(())
            }
            _ => {
                let expected = target.expected();
                Err(transcoder.fail(format_args!("expected {expected}, found an object")))
            }
        }
    }
}
