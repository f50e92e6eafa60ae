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

/// Several lines, with escapes in place of all other control characters.
pub(crate) fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol != '\n' && query::render::moves(symbol) {
            true => out.extend(symbol.escape_default()),
            false => out.push(symbol),
        }
    }
    out
}

/// A text for the shell, which takes it as it is.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", printable(text, usize::MAX).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{lines, printable};

    #[test]
    fn nothing_moves_on_a_terminal() {
        let odd = "a\u{1b}]0;title\u{7}\u{202e}\r\nb";
        assert_eq!(lines(odd), "a\\u{1b}]0;title\\u{7}\\u{202e}\\r\nb");
        let one = printable(odd, 100);
        assert!(!one.chars().any(query::render::moves), "{one:?}");
    }
}
