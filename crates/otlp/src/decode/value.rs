//! Attributes and values; nested values become JSON text.
//!
//! Invariant: the JSON text of an array or key-value list follows `contract::Value::write_json`, so
//! that its OTLP form can be rebuilt exactly: `encode/value.rs` is its inverse.

use std::borrow::Cow;

use contract::{Attribute, Value};

use crate::Limits;
use crate::fault::{Fault, FaultKind};
use crate::wire::{Reader, WireField};

const EMPTY: Attribute<'static> = (Cow::Borrowed(""), Value::Empty);

/// What decoding one item needs to know, and whether some of its text had to be repaired.
pub(crate) struct Context<'l> {
    pub(crate) limits: &'l Limits,
    pub(crate) repaired: bool,
}

/// The list that an `AnyValue` holds.
enum List<'a> {
    Array(Reader<'a>),
    Map(Reader<'a>),
}

impl Context<'_> {
    #[inline(always)]
    pub(crate) fn text<'a>(&mut self, field: &WireField<'a>) -> Result<Cow<'a, str>, Fault> {
        field.text(&mut self.repaired)
    }

    /// Adds the attribute that a field holds; `after` is what follows the field. By parts: a whole
    /// field would be copied through memory, which costs more than reading it.
    pub(crate) fn push_attribute<'a>(
        &mut self,
        mut reader: Reader<'a>,
        after: Reader<'a>,
        attributes: &mut Vec<Attribute<'a>>,
    ) -> Result<(), Fault> {
        if attributes.len() >= self.limits.attributes_per_item {
            return Err(after.fault(FaultKind::Attributes(self.limits.attributes_per_item)));
        }
        // Filled where it will stay: moving a half-built value costs more than reading it.
        attributes.push(EMPTY);
        let Some((key, value)) = attributes.last_mut() else {
            return Ok(());
        };
        while let Some(field) = reader.next()? {
            match field.number {
                1 => *key = self.text(&field)?,
                2 => self.value(field.message()?, value)?,
                // An index into a table that only profiles have: such a key counts as absent.
                3 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A value that stands in no other.
    pub(super) fn value<'a>(
        &mut self,
        reader: Reader<'a>,
        value: &mut Value<'a>,
    ) -> Result<(), Fault> {
        let Some(list) = self.member(reader, 1, value)? else {
            return Ok(());
        };
        let mut json = String::new();
        self.write_list(&list, 1, &mut json)?;
        *value = match list {
            List::Array(_) => Value::Array(Cow::Owned(json)),
            List::Map(_) => Value::Map(Cow::Owned(json)),
        };
        Ok(())
    }

    /// The member of an `AnyValue` that is set: a plain value in place, a list yet to be read.
    #[inline(always)]
    fn member<'a>(
        &mut self,
        mut reader: Reader<'a>,
        depth: usize,
        plain: &mut Value<'a>,
    ) -> Result<Option<List<'a>>, Fault> {
        if depth > self.limits.depth() {
            return Err(reader.fault(FaultKind::Depth(self.limits.depth())));
        }
        let mut list = None;
        *plain = Value::Empty;
        while let Some(field) = reader.next()? {
            match field.number {
                1 => *plain = Value::Str(self.text(&field)?),
                2 => *plain = Value::Bool(field.varint()? != 0),
                3 => *plain = Value::Int(field.varint()? as i64),
                4 => *plain = Value::Double(field.double()?),
                5 => list = Some(List::Array(field.message()?)),
                6 => list = Some(List::Map(field.message()?)),
                7 => *plain = Value::Bytes(Cow::Borrowed(field.bytes()?)),
                8 => {
                    field.varint()?;
                    *plain = Value::Empty;
                }
                _ => continue,
            }
            if !matches!(field.number, 5 | 6) {
                list = None;
            }
        }
        Ok(list)
    }

    /// Key and value of an entry of a `KeyValueList`.
    fn entry<'a>(
        &mut self,
        mut reader: Reader<'a>,
    ) -> Result<(Cow<'a, str>, Option<Reader<'a>>), Fault> {
        let mut key = Cow::Borrowed("");
        let mut value = None;
        while let Some(field) = reader.next()? {
            match field.number {
                1 => key = self.text(&field)?,
                2 => value = Some(field.message()?),
                3 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok((key, value))
    }

    fn write_value(
        &mut self,
        reader: Reader<'_>,
        depth: usize,
        json: &mut String,
    ) -> Result<(), Fault> {
        let mut plain = Value::Empty;
        match self.member(reader, depth, &mut plain)? {
            Some(list) => self.write_list(&list, depth, json),
            None => {
                plain.write_json(json);
                Ok(())
            }
        }
    }

    fn write_list(
        &mut self,
        list: &List<'_>,
        depth: usize,
        json: &mut String,
    ) -> Result<(), Fault> {
        match *list {
            List::Array(elements) => self.write_array(elements, depth, json),
            List::Map(entries) => self.write_map(entries, depth, json),
        }
    }

    fn write_array(
        &mut self,
        mut elements: Reader<'_>,
        depth: usize,
        json: &mut String,
    ) -> Result<(), Fault> {
        let mut separator = '[';
        while let Some(field) = elements.next()? {
            if field.number == 1 {
                json.push(separator);
                separator = ',';
                self.write_value(field.message()?, depth + 1, json)?;
            }
        }
        json.push_str(if separator == '[' { "[]" } else { "]" });
        Ok(())
    }

    fn write_map(
        &mut self,
        entries: Reader<'_>,
        depth: usize,
        json: &mut String,
    ) -> Result<(), Fault> {
        let as_object = self.fits_an_object(entries)?;
        json.push_str(if as_object { "{" } else { "{\"$kvlist\":[" });
        let mut is_first = true;
        let mut fields = entries;
        while let Some(field) = fields.next()? {
            if field.number != 1 {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                json.push(',');
            }
            let (key, value) = self.entry(field.message()?)?;
            json.push_str(if as_object { "" } else { "[" });
            Value::Str(key).write_json(json);
            json.push(if as_object { ':' } else { ',' });
            match value {
                Some(value) => self.write_value(value, depth + 1, json)?,
                None => Value::Empty.write_json(json),
            }
            json.push_str(if as_object { "" } else { "]" });
        }
        json.push_str(if as_object { "}" } else { "]}" });
        Ok(())
    }

    /// Whether a JSON object can say the same: no key twice, none that looks like our own marks.
    fn fits_an_object(&mut self, mut entries: Reader<'_>) -> Result<bool, Fault> {
        let mut keys = Vec::new();
        while let Some(field) = entries.next()? {
            if field.number == 1 {
                keys.push(self.entry(field.message()?)?.0);
            }
        }
        keys.sort_unstable();
        let unmarked = keys.iter().all(|key| !key.starts_with('$'));
        Ok(unmarked && keys.windows(2).all(|pair| pair[0] != pair[1]))
    }
}
