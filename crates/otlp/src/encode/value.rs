//! Values to `AnyValue`, and plain JSON to `AnyValue`.
//!
//! Invariant: the inverse of `decode/value.rs`. The JSON text of a nested value is read as it
//! streams by; what plain JSON cannot say stands under `$bytes`, `$double` and `$kvlist`.

use std::borrow::Cow;
use std::fmt;

use contract::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::DEPTH_MAX;
use crate::writer::{Size, Writer};

/// Writes a value as the field `number`.
pub(crate) fn write_value(writer: &mut Writer, number: u32, value: &Value<'_>) {
    if let Value::Array(json) | Value::Map(json) = value {
        let start = writer.out.len();
        let budget = &mut PlainBudget {
            depth: DEPTH_MAX,
            nodes: usize::MAX,
        };
        let mut reader = serde_json::Deserializer::from_str(json);
        reader.disable_recursion_limit();
        if (Plain {
            writer,
            number,
            budget,
            is_marked: true,
        })
        .deserialize(&mut reader)
        .is_err()
        {
            // Not JSON, so not written by `decode`: kept as the text that it is.
            writer.out.truncate(start);
            write_plain(writer, number, &Value::Str(Cow::Borrowed(json)));
        }
    } else {
        write_plain(writer, number, value);
    }
}

/// Writes a value that holds no others as the field `number`.
pub(crate) fn write_plain(writer: &mut Writer, number: u32, value: &Value<'_>) {
    let any = writer.open(number, Size::Small);
    match value {
        Value::Empty => {}
        Value::Str(text) | Value::Array(text) | Value::Map(text) => {
            writer.bytes_set(1, text.as_bytes())
        }
        Value::Bool(flag) => writer.varint_set(2, u64::from(*flag)),
        Value::Int(number) => writer.varint_set(3, *number as u64),
        Value::Double(number) => writer.eight_set(4, number.to_bits()),
        Value::Bytes(bytes) => writer.bytes_set(7, bytes),
    }
    writer.close(any);
}

/// What plain JSON may still become.
pub(crate) struct PlainBudget {
    /// How many more values may enclose each other.
    pub(crate) depth: usize,
    /// How many more messages may be written.
    pub(crate) nodes: usize,
}

/// Writes any JSON as a value in the field `number`.
pub(crate) struct Plain<'w> {
    pub(crate) writer: &'w mut Writer,
    pub(crate) number: u32,
    pub(crate) budget: &'w mut PlainBudget,
    /// Whether `$bytes` and its kin stand for what JSON cannot say, or for themselves.
    pub(crate) is_marked: bool,
}

impl Plain<'_> {
    fn leaf<E: Error>(self, value: &Value<'_>) -> Result<(), E> {
        self.budget.take()?;
        write_plain(self.writer, self.number, value);
        Ok(())
    }

    fn inner(&mut self, number: u32) -> Plain<'_> {
        Plain {
            writer: self.writer,
            number,
            budget: self.budget,
            is_marked: self.is_marked,
        }
    }

    /// Opens the value and its list, lets `content` write the list's elements, and closes both.
    fn list<E: Error>(
        mut self,
        member: u32,
        content: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.budget.take()?;
        // The list counts too.
        self.budget.take_node()?;
        self.budget.depth -= 1;
        let any = self.writer.open(self.number, Size::Small);
        let list = self.writer.open(member, Size::Small);
        content(&mut self)?;
        self.writer.close(list);
        self.writer.close(any);
        self.budget.depth += 1;
        Ok(())
    }

    /// One entry of a key-value list, its value still to come.
    fn entry<E>(
        &mut self,
        key: &str,
        value: impl FnOnce(Plain<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let entry = self.writer.open(1, Size::Small);
        self.writer.bytes(1, key.as_bytes());
        value(self.inner(2))?;
        self.writer.close(entry);
        Ok(())
    }
}

impl PlainBudget {
    /// For one more value.
    pub(crate) fn take<E: Error>(&mut self) -> Result<(), E> {
        self.take_node()?;
        if self.depth == 0 {
            Err(E::custom("values are nested too deep"))
        } else {
            Ok(())
        }
    }

    fn take_node<E: Error>(&mut self) -> Result<(), E> {
        self.nodes = self
            .nodes
            .checked_sub(1)
            .ok_or_else(|| E::custom("too many values"))?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Plain<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.leaf(&Value::Empty)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.leaf(&Value::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.leaf(&Value::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.leaf(&i64::try_from(number).map_or(Value::Double(number as f64), Value::Int))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.leaf(&Value::Double(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.leaf(&Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.list(5, |this| {
            while elements.next_element_seed(this.inner(1))?.is_some() {}
            Ok(())
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut key: Option<String> = map.next_key()?;
        if self.is_marked
            && let Some(mark) = key.as_deref().filter(|key| key.starts_with('$'))
        {
            return self.marked(mark, map);
        }
        self.list(6, |this| {
            while let Some(name) = key {
                this.budget.take_node()?;
                this.entry(&name, |value| map.next_value_seed(value))?;
                key = map.next_key()?;
            }
            Ok(())
        })
    }
}

impl Plain<'_> {
    /// What stands under a mark.
    fn marked<'de, A: MapAccess<'de>>(self, mark: &str, mut map: A) -> Result<(), A::Error> {
        match mark {
            "$bytes" => {
                let hex: String = map.next_value()?;
                let bytes = crate::from_json::hex(&hex)
                    .ok_or_else(|| A::Error::custom("not hexadecimal"))?;
                self.leaf(&Value::Bytes(Cow::Owned(bytes)))?;
            }
            "$double" => {
                let text: String = map.next_value()?;
                let number = text.parse().map_err(A::Error::custom)?;
                self.leaf(&Value::Double(number))?;
            }
            "$kvlist" => self.list(6, |this| map.next_value_seed(Pairs(this.inner(1))))?,
            other => return Err(A::Error::custom(format_args!("unknown mark {other}"))),
        }
        match map.next_key::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom("a mark stands alone")),
        }
    }
}

/// The entries of a `$kvlist`: pairs of key and value.
struct Pairs<'w>(Plain<'w>);

impl<'de> DeserializeSeed<'de> for Pairs<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Pairs<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of pairs")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut pairs: A) -> Result<(), A::Error> {
        while pairs.next_element_seed(Pair(self.0.inner(1)))?.is_some() {}
        Ok(())
    }
}

/// One pair.
struct Pair<'w>(Plain<'w>);

impl<'de> DeserializeSeed<'de> for Pair<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Pair<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut pair: A) -> Result<(), A::Error> {
        let key: String = pair
            .next_element()?
            .ok_or_else(|| A::Error::invalid_length(0, &"a pair"))?;
        self.0
            .entry(&key, |value| match pair.next_element_seed(value)? {
                Some(()) => Ok(()),
                None => Err(A::Error::invalid_length(1, &"a pair")),
            })
    }
}
