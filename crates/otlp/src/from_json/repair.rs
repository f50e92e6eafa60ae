//! What is no Unicode: bytes that are not UTF-8, escapes of lone surrogates.
//!
//! Invariant: valid text is neither copied nor changed, and repaired text is hardly longer than the
//! body. A lone surrogate becomes one U+FFFD, written over its escape, so that no string of the request
//! fails for it.

use std::borrow::Cow;

use crate::Refused;

/// In how many places one request is repaired. U+FFFD takes three bytes for one: a body of nothing but
/// bad bytes would grow to three times its length.
const REPAIRS_MAX: usize = 1 << 16;

/// The body as text, and how many kinds of repair it needed.
pub(super) fn text(body: &[u8]) -> Result<(Cow<'_, str>, u64), Refused> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // Validating first: the lossy conversion is several times slower, even where nothing is lost.
    let (text, repairs) = match str::from_utf8(body) {
        Ok(text) => (Cow::Borrowed(text), 0),
        Err(_) => (Cow::Owned(replace_bad_bytes(body)?), 1),
    };
    Ok(match replace_lone_surrogates(&text)? {
        Some(repaired) => (Cow::Owned(repaired), repairs + 1),
        None => (text, repairs),
    })
}

fn refuse_over(repairs: usize, what: &'static str) -> Result<(), Refused> {
    match repairs > REPAIRS_MAX {
        true => Err(Refused::TooMany {
            what,
            limit: REPAIRS_MAX,
        }),
        false => Ok(()),
    }
}

/// The body with U+FFFD for every sequence of bytes that is not UTF-8.
fn replace_bad_bytes(body: &[u8]) -> Result<String, Refused> {
    let is_bad = |chunk: &std::str::Utf8Chunk<'_>| !chunk.invalid().is_empty();
    let places = body.utf8_chunks().filter(is_bad);
    let places = places.take(REPAIRS_MAX + 1).count();
    refuse_over(places, "places that are not UTF-8")?;
    let replacement = char::REPLACEMENT_CHARACTER;
    let mut text = String::with_capacity(body.len() + places * replacement.len_utf8());
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if is_bad(&chunk) {
            text.push(replacement);
        }
    }
    Ok(text)
}

/// The text without escapes of lone surrogates, if it has any.
fn replace_lone_surrogates(text: &str) -> Result<Option<String>, Refused> {
    let mut repaired = String::new();
    let mut repairs = 0;
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
                repairs += 1;
                refuse_over(repairs, "lone surrogates")?;
                // Not longer than before: one escape for another.
                repaired.reserve_exact(if copied == 0 { text.len() } else { 0 });
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
        return Ok(None);
    }
    repaired.push_str(&text[copied..]);
    Ok(Some(repaired))
}

/// The surrogate that is escaped here, if one is.
fn surrogate(text: &str, at: usize) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = text.as_bytes().get(at..at + 6)? else {
        return None;
    };
    let code = u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    matches!(code, 0xd800..=0xdfff).then_some(code)
}
