//! Text without control characters.
//!
//! Invariant: what is written is printed as it is or as an escape; no value moves the cursor, changes
//! colours or begins a line of its own (RUSTSEC-2025-0055). Characters that turn the direction of
//! writing are control characters here.

use std::fmt::{self, Write};

use query::render::moves;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// The fields of a line for people: the message, then `name=value`.
pub(super) fn fields() -> impl for<'a> FormatFields<'a> + 'static {
    debug_fn(|writer: &mut Writer<'_>, field, value: &dyn fmt::Debug| {
        let mut plain = Plain(writer);
        match field.name() {
            "message" => write!(plain, "{value:?}"),
            name => write!(plain, "{name}={value:?}"),
        }
    })
    .delimited(" ")
}

/// Writes on what is given, with escapes.
pub(super) struct Plain<W>(pub(super) W);

impl<W: Write> Write for Plain<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(moves) {
            self.0.write_str(&rest[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(found) = chars.next() {
                write!(self.0, "{}", found.escape_default())?;
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}
