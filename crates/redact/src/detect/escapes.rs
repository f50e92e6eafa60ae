//! A text without its JSON escapes, and where each byte of it came from.
//!
//! Quotes are not looked for: a text may be cut anywhere, and what is outside of quotes is as secret
//! as what is inside. What is no escape of JSON stays as it is.

use std::ops::Range;

/// How many escapes a text may have. Beyond, it is more than anybody reads.
const ESCAPES_MAX: usize = 1 << 20;

/// A text without its escapes.
pub(super) struct Unescaped {
    text: String,
    escapes: Vec<Escape>,
}

/// One escape: where what it stands for begins, and where it stood itself.
struct Escape {
    at: usize,
    length: usize,
    origin: usize,
    origin_length: usize,
}

impl Unescaped {
    /// The text without its escapes, `Ok(None)` when it has none, `Err` when it has too many.
    pub(super) fn of(text: &str) -> Result<Option<Unescaped>, super::TooMuch> {
        let mut out = String::new();
        let mut escapes: Vec<Escape> = Vec::new();
        let mut copied = 0;
        let mut from = 0;
        while let Some(at) = text
            .get(from..)
            .and_then(|rest| rest.find('\\'))
            .map(|at| at + from)
        {
            let Some((character, origin_length)) = escape(&text.as_bytes()[at..]) else {
                from = at + 1;
                continue;
            };
            out.push_str(text.get(copied..at).unwrap_or_default());
            escapes.push(Escape {
                at: out.len(),
                length: character.len_utf8(),
                origin: at,
                origin_length,
            });
            if escapes.len() > ESCAPES_MAX {
                return Err(super::TooMuch);
            }
            out.push(character);
            copied = at + origin_length;
            from = copied;
        }
        if escapes.is_empty() {
            return Ok(None);
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Ok(Some(Unescaped { text: out, escapes }))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where a range of the text without escapes stood in the text with them.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        let start = self.place(range.start, false);
        let end = match range.end.checked_sub(1) {
            Some(last) if last >= range.start => self.place(last, true),
            _ => start,
        };
        start..end
    }

    /// Where a byte stood: its beginning, or its end.
    fn place(&self, at: usize, is_end: bool) -> usize {
        let next = self.escapes.partition_point(|escape| escape.at <= at);
        let Some(escape) = next.checked_sub(1).and_then(|last| self.escapes.get(last)) else {
            return at + usize::from(is_end);
        };
        if at < escape.at + escape.length {
            return escape.origin + if is_end { escape.origin_length } else { 0 };
        }
        let beyond = at - (escape.at + escape.length);
        escape.origin + escape.origin_length + beyond + usize::from(is_end)
    }
}

/// What an escape stands for, and its length.
fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let plain = match bytes.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(bytes),
        _ => return None,
    };
    Some((plain, 2))
}

fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = std::str::from_utf8(bytes.get(at..at + 4)?).ok()?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hex
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    };
    let first = unit(2)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let second = (bytes.get(6..8)? == b"\\u").then(|| unit(8)).flatten()?;
    let is_pair = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second);
    let code = 0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
    is_pair
        .then(|| char::from_u32(code))
        .flatten()
        .map(|character| (character, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str, range: Range<usize>, origin: &str) {
        let unescaped = Unescaped::of(text).expect("few escapes").expect("escapes");
        assert_eq!(unescaped.text(), expect);
        assert_eq!(text.get(unescaped.origin(range)), Some(origin));
    }

    #[test]
    fn ranges_go_back_to_what_they_came_from() {
        check(r"a\nb", "a\nb", 0..3, r"a\nb");
        check(r"a\nb", "a\nb", 2..3, "b");
        check(r"\u0067hp", "ghp", 0..2, r"\u0067h");
        check(r"x\ud83d\ude00y", "x😀y", 1..5, r"\ud83d\ude00");
        check(r"\d\\\q", r"\d\\q", 2..3, r"\\");
        check(r#"{\"k\":\"v\"}"#, r#"{"k":"v"}"#, 6..7, "v");
    }

    #[test]
    fn what_has_no_escapes_is_none() {
        for text in ["", "plain", r"C:\dir", "\\", r"\u12", r"\ud83d alone"] {
            assert!(
                Unescaped::of(text).expect("few escapes").is_none(),
                "{text}"
            );
        }
    }
}
