//! Attribute values and their JSON form.
//!
//! Invariant: the JSON form of a nested value says enough to rebuild its OTLP form. Where plain JSON
//! cannot (bytes, NaN, duplicate keys), a one-key object whose key starts with `$` is written.

use std::borrow::Cow;
use std::fmt::Write;

/// One attribute value (OTLP's `AnyValue`).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// A value object without a value: `{}`, or `{"doubleValue":null}`.
    #[default]
    Empty,
    /// Text.
    Str(Cow<'a, str>),
    /// True or false.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// An array, as the JSON text of its elements.
    Array(Cow<'a, str>),
    /// A key-value list, as the JSON text of an object.
    Map(Cow<'a, str>),
}

impl Value<'_> {
    /// The letter that stands for this type in a record's shape.
    pub(crate) fn letter(&self) -> char {
        match self {
            Value::Empty => 'e',
            Value::Str(_) => 's',
            Value::Bool(_) => 'b',
            Value::Int(_) => 'i',
            Value::Double(_) => 'd',
            Value::Bytes(_) => 'y',
            Value::Array(_) => 'a',
            Value::Map(_) => 'k',
        }
    }

    /// Appends the value as JSON.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Value::Empty => out.push_str("null"),
            Value::Str(text) => write_json_string(text, out),
            Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Value::Int(number) => {
                let _ = write!(out, "{number}");
            }
            Value::Double(number) => write_json_double(*number, out),
            Value::Bytes(bytes) => {
                out.push_str("{\"$bytes\":\"");
                write_hex(bytes, out);
                out.push_str("\"}");
            }
            Value::Array(json) | Value::Map(json) => out.push_str(json),
        }
    }

    /// The same value without a borrow.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Empty => Value::Empty,
            Value::Str(text) => Value::Str(Cow::Owned(text.into_owned())),
            Value::Bool(flag) => Value::Bool(flag),
            Value::Int(number) => Value::Int(number),
            Value::Double(number) => Value::Double(number),
            Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Value::Array(json) => Value::Array(Cow::Owned(json.into_owned())),
            Value::Map(json) => Value::Map(Cow::Owned(json.into_owned())),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Str(Cow::Borrowed(text))
    }
}

/// Appends `text` as a JSON string, quotes included.
pub(crate) fn write_json_string(text: &str, out: &mut String) {
    out.push('"');
    let mut start = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..index]);
        start = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => {
                let _ = write!(out, "\\u{other:04x}");
            }
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

/// A finite double keeps a fraction or an exponent, so that it is told apart from an integer.
fn write_json_double(number: f64, out: &mut String) {
    if number.is_finite() {
        let _ = write!(out, "{number:?}");
    } else {
        let _ = write!(out, "{{\"$double\":\"{number}\"}}");
    }
}

fn write_hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value<'_>, json: &str) {
        let mut out = String::new();
        value.write_json(&mut out);
        assert_eq!(out, json);
    }

    #[test]
    fn json_forms() {
        check(Value::Empty, "null");
        check(Value::from("a\"b\\c\n\u{1}é"), "\"a\\\"b\\\\c\\n\\u0001é\"");
        check(Value::Int(-3), "-3");
        check(Value::Double(5.0), "5.0");
        check(Value::Double(1e300), "1e300");
        check(Value::Double(f64::NAN), "{\"$double\":\"NaN\"}");
        check(
            Value::Bytes(Cow::Borrowed(&[0, 255])),
            "{\"$bytes\":\"00ff\"}",
        );
    }
}
