//! Text of telemetry, units and tables, as they are safe and readable on a terminal.
//!
//! | file | what is in it |
//! |---|---|
//! | `amount.rs` | figures with their units |
//! | `table.rs` | tables with aligned columns |

mod amount;
mod table;

pub(crate) use amount::Amount;
pub(crate) use table::{Align, Table};

/// One line without control characters: telemetry may hold terminal escapes.
pub(crate) fn printable(text: &str, chars_max: usize) -> String {
    let mut out: String = text
        .chars()
        .take(chars_max)
        .map(|symbol| {
            if query::render::moves(symbol) {
                ' '
            } else {
                symbol
            }
        })
        .collect();
    if text.chars().nth(chars_max).is_some() {
        out.push('…');
    }
    out
}

/// A text for the shell, which takes it as it is.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", printable(text, usize::MAX).replace('\'', r"'\''"))
}
