//! What is no Unicode: bytes that are not UTF-8, escapes of lone surrogates.
//!
//! Invariant: valid text is neither copied nor changed. A lone surrogate becomes one U+FFFD, written
//! over its escape, so that no string of the request fails for it.

use std::borrow::Cow;

/// The body as text, and how many kinds of repair it needed.
pub(super) fn text(body: &[u8]) -> (Cow<'_, str>, u64) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // Validating first: the lossy conversion is several times slower, even where nothing is lost.
    let (text, repairs) = match str::from_utf8(body) {
        Ok(text) => (Cow::Borrowed(text), 0),
        Err(_) => (String::from_utf8_lossy(body), 1),
    };
    match replace_lone_surrogates(&text) {
        Some(repaired) => (Cow::Owned(repaired), repairs + 1),
        None => (text, repairs),
    }
}

/// The text without escapes of lone surrogates, if it has any.
fn replace_lone_surrogates(text: &str) -> Option<String> {
    let mut repaired = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found;
        match surrogate(text, at) {
            None => at += 2,
            Some(0xd800..=0xdbff) if matches!(surrogate(text, at + 6), Some(0xdc00..=0xdfff)) => {
                at += 12
            }
            Some(_) => {
                repaired.push_str(&text[copied..at]);
                repaired.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
        }
        // An escaped character outside of ASCII is no JSON: stop inside of none.
        while !text.is_char_boundary(at.min(text.len())) {
            at += 1;
        }
        if at >= text.len() {
            break;
        }
    }
    if copied == 0 {
        return None;
    }
    repaired.push_str(&text[copied..]);
    Some(repaired)
}

/// The surrogate that is escaped here, if one is.
fn surrogate(text: &str, at: usize) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = text.as_bytes().get(at..at + 6)? else {
        return None;
    };
    let code = u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    matches!(code, 0xd800..=0xdfff).then_some(code)
}
