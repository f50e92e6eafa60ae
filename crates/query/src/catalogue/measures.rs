//! Ways to write a figure down in one line.

use super::report::{Measure, Parts, Unit};

macro_rules! kinds {
    ($($(#[$about:meta])* $name:ident $parts:ident;)+) => {
        $($(#[$about])* pub(super) const fn $name(
            name: &'static str,
            title: &'static str,
            about: &'static str,
            unit: Unit,
            sql: &'static str,
        ) -> Measure {
            Measure { name, title, about, unit, parts: Parts::$parts, sql }
        })+
    };
}

kinds! {
    /// A figure that parts add up to.
    sum Sum;
    /// A figure of distinct things.
    distinct Distinct;
    /// A mean, or a share of what is in the whole.
    mean Mean;
    /// A greatest one.
    greatest Greatest;
    /// A least one.
    least Least;
    /// A figure that says nothing about its parts.
    other Other;
}
