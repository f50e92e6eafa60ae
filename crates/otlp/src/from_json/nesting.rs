//! How deep lists and objects stand in each other, before anything is parsed.
//!
//! Invariant: what skips a value need not remember more than [`NESTING_MAX`] open brackets. Whatever
//! limit holds for values that are kept, a value that is skipped may be of any depth, and the parser
//! keeps a byte for each level of it.

use crate::Refused;

/// The deepest nesting of a request that is read at all. Values that nest deeper than `Limits` say
/// cost their item; this deep, they cost the request.
const NESTING_MAX: usize = 1 << 20;

/// Refuses a text with more open brackets than may be.
pub(super) fn check(text: &str) -> Result<(), Refused> {
    // A text that is no longer than the limit cannot be deeper: most are not looked at.
    if text.len() <= NESTING_MAX || deepest(text.as_bytes()) <= NESTING_MAX {
        return Ok(());
    }
    Err(Refused::TooMany {
        what: "levels of nested JSON",
        limit: NESTING_MAX,
    })
}

/// The most brackets that are open at once, those in strings left out.
fn deepest(text: &[u8]) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            b'"' => at = end_of_string(text, at + 1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Where the string ends whose content begins at `at`: its closing quote, or the end of the text.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_nest() {
        for (text, expected) in [
            ("", 0),
            ("[]", 1),
            ("[{}]", 2),
            ("[][][[]]", 2),
            (r#"{"[[[[":["]\"[["]}"#, 2),
            (r#"["\\",[]]"#, 2),
            ("]]]][", 1),
            (r#"["never closed [["#, 1),
        ] {
            assert_eq!(deepest(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_limit_holds_exactly_and_only_for_depth() {
        let long = "[]".repeat(NESTING_MAX);
        assert_eq!(check(&long), Ok(()));
        for (depth, fits) in [(NESTING_MAX, true), (NESTING_MAX + 1, false)] {
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(check(&deep).is_ok(), fits, "{depth}");
        }
    }
}
