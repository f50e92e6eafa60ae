//! Values to columns by the column's kind, never by the wire type.
//!
//! Clients up to 2.1.122 send every number as text, later ones a mix, and other agents something
//! else again. Invariant: a coercion is marked `exact` only when the wire value can be rebuilt from
//! the cell and the wire type; whatever is not exact is also kept in the overflow.

use std::borrow::Cow;
use std::fmt::Write;

use crate::columns::Kind;
use crate::value::Value;

/// The largest integer that a double holds exactly; more tokens or bytes than this are nonsense.
const COUNT_MAX: i64 = 1 << 53;
/// No single request costs a million dollars; a larger claim never enters a sum.
const USD_MAX: f64 = 1e6;

/// One typed value of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell<'a> {
    /// Absent, or not understood.
    #[default]
    Null,
    /// Text.
    Str(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(f64),
    /// True or false.
    Bool(bool),
}

/// A cell, and whether the wire value can be rebuilt from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Coerced<'a> {
    /// The value for the column.
    pub cell: Cell<'a>,
    /// Whether cell and wire type give back the wire value.
    pub exact: bool,
}

/// The value as a cell of that kind; `None` when it cannot be one.
pub fn coerce<'a>(kind: Kind, value: &'a Value<'a>) -> Option<Coerced<'a>> {
    match kind {
        Kind::Text => text(value),
        Kind::Count => count(value),
        Kind::Usd => usd(value),
        Kind::Flag => flag(value),
    }
}

fn exact(cell: Cell<'_>) -> Option<Coerced<'_>> {
    Some(Coerced { cell, exact: true })
}

fn text<'a>(value: &'a Value<'a>) -> Option<Coerced<'a>> {
    match value {
        Value::Str(text) | Value::Array(text) | Value::Map(text) => {
            exact(Cell::Str(Cow::Borrowed(text.as_ref())))
        }
        Value::Bool(flag) => exact(Cell::Str(Cow::Borrowed(if *flag {
            "true"
        } else {
            "false"
        }))),
        Value::Int(number) => exact(Cell::Str(Cow::Owned(number.to_string()))),
        Value::Double(number) => Some(Coerced {
            cell: Cell::Str(Cow::Owned(number.to_string())),
            exact: number.is_finite(),
        }),
        Value::Empty | Value::Bytes(_) => None,
    }
}

fn count<'a>(value: &Value<'_>) -> Option<Coerced<'a>> {
    let (number, exact) = match value {
        Value::Int(number) => (*number, true),
        Value::Double(number) => whole(*number)?,
        Value::Str(text) => match text.parse::<i64>() {
            Ok(number) => (number, same_text(text, &number)),
            Err(_) => (whole(text.trim().parse().ok()?)?.0, false),
        },
        _ => return None,
    };
    (0..=COUNT_MAX).contains(&number).then_some(Coerced {
        cell: Cell::Int(number),
        exact,
    })
}

/// The nearest whole number, and whether it is the same number.
fn whole(number: f64) -> Option<(i64, bool)> {
    let rounded = number.round();
    if !(number >= 0.0 && rounded <= COUNT_MAX as f64) {
        return None;
    }
    Some((
        rounded as i64,
        rounded == number && !(number == 0.0 && number.is_sign_negative()),
    ))
}

fn usd<'a>(value: &Value<'_>) -> Option<Coerced<'a>> {
    let (number, exact) = match value {
        Value::Double(number) => (*number, true),
        Value::Int(number) => (*number as f64, number.unsigned_abs() <= COUNT_MAX as u64),
        Value::Str(text) => {
            let number: f64 = text.trim().parse().ok()?;
            (number, same_text(text, &number))
        }
        _ => return None,
    };
    let dollars = dollars(number)?;
    Some(Coerced {
        cell: Cell::Float(dollars),
        // Minus zero is zero, but is not written like it.
        exact: exact && dollars.to_bits() == number.to_bits(),
    })
}

/// A number as dollars that may enter a sum.
pub(crate) fn dollars(number: f64) -> Option<f64> {
    (0.0..=USD_MAX).contains(&number).then_some(number.abs())
}

fn flag<'a>(value: &Value<'_>) -> Option<Coerced<'a>> {
    match value {
        Value::Bool(flag) => exact(Cell::Bool(*flag)),
        Value::Str(text) => match text.as_ref() {
            "true" => exact(Cell::Bool(true)),
            "false" => exact(Cell::Bool(false)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether `number` prints as exactly `text`, compared without an allocation.
fn same_text(text: &str, number: &dyn std::fmt::Display) -> bool {
    struct Rest<'t>(&'t str);
    impl Write for Rest<'_> {
        fn write_str(&mut self, piece: &str) -> std::fmt::Result {
            self.0 = self.0.strip_prefix(piece).ok_or(std::fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(text);
    write!(rest, "{number}").is_ok() && rest.0.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, value: Value<'_>, expect: Option<(Cell<'_>, bool)>) {
        let got = coerce(kind, &value).map(|coerced| (coerced.cell, coerced.exact));
        assert_eq!(got, expect, "{kind:?} from {value:?}");
    }

    #[test]
    fn counts_come_as_numbers_or_text() {
        check(Kind::Count, Value::Int(7), Some((Cell::Int(7), true)));
        check(Kind::Count, Value::from("7"), Some((Cell::Int(7), true)));
        check(Kind::Count, Value::from("007"), Some((Cell::Int(7), false)));
        check(Kind::Count, Value::from("7.0"), Some((Cell::Int(7), false)));
        check(Kind::Count, Value::Double(7.0), Some((Cell::Int(7), true)));
        check(Kind::Count, Value::Double(7.4), Some((Cell::Int(7), false)));
    }

    #[test]
    fn nonsense_counts_never_enter_a_sum() {
        for value in [
            Value::Int(-1),
            Value::Int(i64::MAX),
            Value::Double(f64::NAN),
            Value::Double(1e300),
            Value::Double(-0.4),
        ] {
            check(Kind::Count, value, None);
        }
        for text in ["undefined", "", "-3", "NaN", "1e300", "true"] {
            check(Kind::Count, Value::from(text), None);
        }
        check(Kind::Count, Value::Empty, None);
    }

    #[test]
    fn money_is_finite_and_not_negative() {
        check(
            Kind::Usd,
            Value::Double(0.002_765_190_000_000_000_3),
            Some((Cell::Float(0.002_765_190_000_000_000_3), true)),
        );
        check(Kind::Usd, Value::Int(0), Some((Cell::Float(0.0), true)));
        check(
            Kind::Usd,
            Value::from("0.25"),
            Some((Cell::Float(0.25), true)),
        );
        check(
            Kind::Usd,
            Value::from("0.250"),
            Some((Cell::Float(0.25), false)),
        );
        check(
            Kind::Usd,
            Value::Double(-0.0),
            Some((Cell::Float(0.0), false)),
        );
        for value in [f64::NAN, f64::INFINITY, -0.5, 1e308] {
            check(Kind::Usd, Value::Double(value), None);
        }
    }

    #[test]
    fn flags_and_text() {
        check(
            Kind::Flag,
            Value::from("true"),
            Some((Cell::Bool(true), true)),
        );
        check(
            Kind::Flag,
            Value::Bool(false),
            Some((Cell::Bool(false), true)),
        );
        check(Kind::Flag, Value::from("yes"), None);
        check(
            Kind::Text,
            Value::Int(5),
            Some((Cell::Str("5".into()), true)),
        );
        check(Kind::Text, Value::Empty, None);
    }
}
