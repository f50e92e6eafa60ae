//! Numbers, texts, ids and bytes, whichever way they are written.
//!
//! Invariant: a scalar never fails its item. In an attribute's value, what does not fit the declared
//! type is kept as what it is; elsewhere it leaves the field unset and counts as a warning.

use std::borrow::Cow;
use std::ptr;

use contract::Value;

use super::field::Target;
use super::transcoder::Transcoder;
use crate::schema::{self, Kind, Presence, WireType};
use crate::writer::zigzag;

/// A JSON value that holds no others.
pub(super) enum Scalar<'s> {
    Bool(bool),
    Int(i64),
    /// An integer above the range of `i64`.
    Big(u64),
    Double(f64),
    Text(&'s str),
}

impl Scalar<'_> {
    pub(super) fn described(&self) -> &'static str {
        match self {
            Scalar::Bool(_) => "a truth value",
            Scalar::Int(_) | Scalar::Big(_) | Scalar::Double(_) => "a number",
            Scalar::Text(_) => "a string",
        }
    }

    /// The scalar as an attribute's value.
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Scalar::Bool(flag) => Value::Bool(*flag),
            Scalar::Int(number) => Value::Int(*number),
            Scalar::Big(number) => Value::Double(*number as f64),
            Scalar::Double(number) => Value::Double(*number),
            Scalar::Text(text) => Value::from(*text),
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Scalar::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Scalar::Int(number) => Cow::Owned(number.to_string()),
            Scalar::Big(number) => Cow::Owned(number.to_string()),
            Scalar::Double(number) => Cow::Owned(number.to_string()),
            Scalar::Text(text) => Cow::Borrowed(text),
        }
    }

    fn bool(&self) -> Option<bool> {
        match self {
            Scalar::Bool(flag) => Some(*flag),
            Scalar::Text("true") => Some(true),
            Scalar::Text("false") => Some(false),
            _ => None,
        }
    }

    fn double(&self) -> Option<f64> {
        match self {
            Scalar::Bool(_) => None,
            Scalar::Int(number) => Some(*number as f64),
            Scalar::Big(number) => Some(*number as f64),
            Scalar::Double(number) => Some(*number),
            Scalar::Text("NaN") => Some(f64::NAN),
            Scalar::Text("Infinity") => Some(f64::INFINITY),
            Scalar::Text("-Infinity") => Some(f64::NEG_INFINITY),
            // Rust would also read `inf` and `nan`, which are words here.
            Scalar::Text(text) if text.bytes().any(|byte| !b"0123456789+-.eE".contains(&byte)) => {
                None
            }
            Scalar::Text(text) => text.parse().ok(),
        }
    }

    /// The scalar as an integer, if it is whole and in range.
    fn integer(&self) -> Option<i128> {
        match self {
            Scalar::Int(number) => Some(i128::from(*number)),
            Scalar::Big(number) => Some(i128::from(*number)),
            Scalar::Text(text) if let Ok(number) = text.parse() => Some(number),
            _ => {
                let number = self.double()?;
                // Beyond 2^64 no field has room; casting would saturate unseen.
                let is_whole = number.fract() == 0.0 && number.abs() <= 2f64.powi(64);
                is_whole.then_some(number as i128)
            }
        }
    }

    fn integer_in<T: TryFrom<i128>>(&self) -> Option<T> {
        T::try_from(self.integer()?).ok()
    }
}

impl Transcoder<'_> {
    /// Writes a scalar to a field that is no message.
    pub(super) fn write_scalar(&mut self, target: Target, scalar: &Scalar<'_>) {
        // An index into a table that only profiles have: what it stands for is missing.
        self.warnings += u64::from(matches!(target.field.kind, Kind::Int32));
        if ptr::eq(target.message, &schema::ANY_VALUE) {
            return self.write_member(target.field.kind, scalar);
        }
        let number = target.field.number;
        let bits = match target.field.kind {
            Kind::Text if target.is_element => {
                return self.writer.bytes_set(number, scalar.text().as_bytes());
            }
            Kind::Text => return self.writer.bytes(number, scalar.text().as_bytes()),
            Kind::Id(length) => {
                // A bad id is no id, which is no fault.
                if let Some(id) = hex(&scalar.text()).filter(|id| id.len() == length) {
                    self.writer.bytes_set(number, &id);
                }
                return;
            }
            Kind::SFixed64(double_number) => match (scalar.integer_in::<i64>(), scalar.double()) {
                (Some(integer), _) => Some(integer as u64),
                (None, Some(double)) => {
                    return self.writer.eight_set(double_number, double.to_bits());
                }
                (None, None) => None,
            },
            kind => bits(kind, scalar),
        };
        match bits {
            Some(bits) => self.write_bits(target, bits),
            None => {
                self.warnings += u64::from(!matches!(scalar, Scalar::Text("")));
                if target.is_element {
                    self.write_bits(target, 0);
                }
            }
        }
    }

    fn write_bits(&mut self, target: Target, bits: u64) {
        let (number, wire_type) = (target.field.number, target.field.kind.wire_type());
        let is_always = target.field.presence != Presence::Implicit || bits != 0;
        match wire_type {
            WireType::Varint if target.is_element => self.writer.raw_varint(bits),
            WireType::Eight if target.is_element => {
                self.writer.out.extend_from_slice(&bits.to_le_bytes())
            }
            WireType::Varint if is_always => self.writer.varint_set(number, bits),
            WireType::Eight if is_always => self.writer.eight_set(number, bits),
            WireType::Four if is_always => self.writer.four_set(number, bits as u32),
            _ => {}
        }
    }

    /// Writes a member of `AnyValue`; a scalar of another type than the member's is kept as it is.
    fn write_member(&mut self, kind: Kind, scalar: &Scalar<'_>) {
        let value = match kind {
            Kind::Bool => scalar.bool().map(Value::Bool),
            Kind::Int64 => match scalar {
                Scalar::Bool(_) => None,
                _ => scalar
                    .integer_in()
                    .map(Value::Int)
                    .or_else(|| scalar.double().map(Value::Double)),
            },
            Kind::Double => scalar.double().map(Value::Double),
            Kind::Bytes => match scalar {
                Scalar::Text(text) => base64(text).map(|bytes| Value::Bytes(Cow::Owned(bytes))),
                _ => None,
            },
            Kind::Int32 => match scalar.integer_in::<i32>() {
                Some(index) => return self.writer.varint_set(8, i64::from(index) as u64),
                None => Some(Value::Empty),
            },
            _ => None,
        };
        match value.unwrap_or_else(|| scalar.value()) {
            Value::Bool(flag) => self.writer.varint_set(2, u64::from(flag)),
            Value::Int(number) => self.writer.varint_set(3, number as u64),
            Value::Double(number) => self.writer.eight_set(4, number.to_bits()),
            Value::Bytes(bytes) => self.writer.bytes_set(7, &bytes),
            Value::Str(text) => self.writer.bytes_set(1, text.as_bytes()),
            Value::Empty | Value::Array(_) | Value::Map(_) => {}
        }
    }
}

/// The bits of a number as its field has them on the wire.
fn bits(kind: Kind, scalar: &Scalar<'_>) -> Option<u64> {
    let signed = |number: i32| i64::from(number) as u64;
    match kind {
        Kind::Bool => scalar.bool().map(u64::from),
        Kind::Uint32 | Kind::Fixed32 => scalar.integer_in::<u32>().map(u64::from),
        Kind::Int32 => scalar.integer_in().map(signed),
        Kind::Sint32 => scalar.integer_in().map(zigzag),
        Kind::Enum(names) => match scalar {
            Scalar::Text(text) if let Some(code) = names.iter().position(|name| name == text) => {
                Some(code as u64)
            }
            _ => scalar.integer_in().map(signed),
        },
        Kind::Double => scalar.double().map(f64::to_bits),
        _ => scalar.integer_in::<u64>(),
    }
}

/// Bytes from hexadecimal digits of either case.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8))
        .collect()
}

/// Bytes from base64 of either alphabet, with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.chunks(4) {
        let mut group = 0;
        for digit in chunk {
            group = group << 6 | base64_digit(*digit)?;
        }
        group <<= 6 * (4 - chunk.len());
        let length = match chunk.len() {
            1 => return None,
            length => length - 1,
        };
        bytes.extend_from_slice(&group.to_be_bytes()[1..=length]);
    }
    Some(bytes)
}

fn base64_digit(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}
