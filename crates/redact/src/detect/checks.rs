//! Checksums, entropy, and what else a match must fulfil beyond its shape.

use std::net::IpAddr;
use std::ops::Range;

use super::assigned;

/// What a match must fulfil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    None,
    /// Enough different letters: `xxxxxxxxxxxx` is no key.
    Distinct,
    /// Letters and digits as mixed as random ones.
    Varied,
    /// What stands in a header: no word of a sentence.
    Credential,
    /// What stands for a password in an address.
    UrlPassword,
    /// The value of something that is called a secret.
    Assigned,
    Card,
    Iban,
    Phone,
    Ip,
}

impl Check {
    /// The part of a match that fulfils it.
    pub(super) fn narrowed(self, text: &str, range: Range<usize>) -> Option<Range<usize>> {
        let found = text.get(range.clone())?;
        if found.starts_with("[masked:") {
            return None;
        }
        let is_so = match self {
            Check::None => true,
            Check::Distinct => distinct(found) >= 10,
            Check::Varied => is_varied(found),
            Check::Credential => is_credential(found),
            Check::UrlPassword => !is_placeholder(found),
            Check::Assigned => return assigned::narrowed(text, range),
            Check::Card => return card(text, range),
            Check::Iban => is_iban(found),
            Check::Phone => (8..=15).contains(&digits(found).trim_start_matches('0').len()),
            Check::Ip => is_address(found),
        };
        is_so.then_some(range)
    }
}

/// Up to `bytes` of what stands before `at`, whole characters.
pub(super) fn near(text: &str, at: usize, bytes: usize) -> &str {
    let mut start = at.saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..at).unwrap_or_default()
}

/// How many different characters there are.
fn distinct(text: &str) -> u32 {
    let mut seen = 0_u128;
    for byte in text.bytes() {
        seen |= 1 << (byte & 0x7f);
    }
    seen.count_ones()
}

/// Shannon's entropy in bits a byte.
fn entropy_bits(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = text.len() as f64;
    let of = |count: &u32| {
        let share = f64::from(*count) / length;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(of).sum()
}

/// Whether letters and digits are as mixed as random ones are.
pub(super) fn is_varied(text: &str) -> bool {
    let digit = text.bytes().filter(u8::is_ascii_digit).count();
    let letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let upper = text.bytes().filter(u8::is_ascii_uppercase).count();
    let lower = text.bytes().filter(u8::is_ascii_lowercase).count();
    let is_mixed = digit > 0 || (upper >= 3 && lower >= 3 && turns(text) >= 6);
    letter && is_mixed && distinct(text) >= 8 && entropy_bits(text) >= 2.9 && turns(text) >= 3
}

/// How often the kind of character changes: names change it seldom, random letters often.
fn turns(text: &str) -> usize {
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let kinds: Vec<u8> = text.bytes().map(kind).filter(|kind| *kind != 3).collect();
    kinds.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

fn is_credential(text: &str) -> bool {
    if is_placeholder(text) {
        return false;
    }
    let digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let base64 = text.ends_with('=') || text.contains('+');
    (digit && distinct(text) >= 6 && !text.contains("://")) || base64 || turns(text) >= 4
}

/// What people write where a secret would stand.
pub(super) fn is_placeholder(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "example",
        "changeme",
        "change_me",
        "change-me",
        "placeholder",
        "your_",
        "your-",
        "yourp",
        "yours",
        "yourt",
        "redacted",
        "xxxx",
        "dummy",
        "<",
        "masked",
        "hidden",
        "insert",
        "fixme",
        "...",
        "…",
        "my_",
        "my-",
        "[hash:",
        "enter",
        "omitted",
        "notreal",
        "not-a-",
    ];
    const WHOLE: &[&str] = &[
        "string",
        "required",
        "optional",
        "undefined",
        "null",
        "none",
        "true",
        "false",
        "boolean",
        "number",
        "object",
        "bearer",
        "basic",
        "password",
        "secret",
        "token",
        "default",
        "unknown",
        "test",
        "foobar",
        "invalid",
        "missing",
        "disabled",
        "enabled",
        "nullable",
        "confirmed",
    ];
    let lower = text.trim().to_ascii_lowercase();
    let is_reference = lower.starts_with(['$', '{', '%', '<', '@', '#', '&', '!'])
        || lower.contains("${")
        || lower.contains("{{")
        || lower.contains("$(");
    is_reference
        || distinct(&lower) <= 2
        || WHOLE.contains(&lower.as_str())
        || WORDS.iter().any(|word| lower.contains(word))
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether there may be a number of twelve or more digits. Every such run of digits, spaces and
/// hyphens covers a place in twelve, so only these are looked at.
pub(super) fn may_hold_card(bytes: &[u8]) -> bool {
    const RUN: usize = 12;
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-');
    let mut at = RUN - 1;
    while let Some(byte) = bytes.get(at) {
        if is_part(byte) {
            let start = bytes[..at]
                .iter()
                .rposition(|b| !is_part(b))
                .map_or(0, |p| p + 1);
            let rest = &bytes[at..];
            let end = at + rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
            let count = bytes[start..end]
                .iter()
                .filter(|b| b.is_ascii_digit())
                .count();
            if count >= RUN {
                return true;
            }
            at = end;
        }
        at += RUN;
    }
    false
}

/// The longest card number, with a separator after every digit.
const CARD_BYTES_MAX: usize = 38;

/// The card number in a run of digits, if one of its parts is one.
fn card(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let odd = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(|b| b"._/".contains(b))
    };
    // A run may go on beyond what the pattern took.
    let goes_on = |at: usize| is_digit(at) || (b" -".contains(&bytes[at]) && is_digit(at + 1));
    let farthest = bytes.len().min(range.start + 2 * CARD_BYTES_MAX);
    let limit = (range.end..farthest)
        .find(|at| !goes_on(*at))
        .unwrap_or(farthest);
    for start in range
        .clone()
        .filter(|at| is_digit(*at) && (*at == 0 || !is_digit(at - 1)))
    {
        let last = limit.min(start + CARD_BYTES_MAX);
        for end in (start + 12..=last)
            .rev()
            .filter(|at| is_digit(at - 1) && !is_digit(*at))
        {
            let number = digits(text.get(start..end)?);
            if odd(start.checked_sub(1)) || (odd(Some(end)) && is_digit(end + 1)) {
                continue;
            }
            if is_card(&number) && !is_within_id(bytes, start..end) {
                return Some(start..end);
            }
        }
    }
    None
}

/// Whether a number is a piece of an id: of a word with letters beside it, as UUIDs are, or of more
/// groups of digits with hyphens between them than it has itself.
fn is_within_id(bytes: &[u8], number: Range<usize>) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let before = &bytes[..number.start];
    let before = &before[before
        .iter()
        .rposition(|b| !is_word(b))
        .map_or(0, |at| at + 1)..];
    let after = &bytes[number.end..];
    let after = &after[..after
        .iter()
        .position(|b| !is_word(b))
        .unwrap_or(after.len())];
    before.iter().chain(after).any(u8::is_ascii_alphanumeric)
}

fn is_card(number: &str) -> bool {
    let lead = |digits: usize| {
        number
            .get(..digits)
            .and_then(|text| text.parse::<u32>().ok())
    };
    let (Some(two), Some(three), Some(four)) = (lead(2), lead(3), lead(4)) else {
        return false;
    };
    let is_issued = match (two, number.len()) {
        (40..=49, 13 | 16 | 19) | (51..=55, 16) | (34 | 37, 15) | (36 | 38 | 39, 14) => true,
        (30, 14) => three <= 305,
        (35, 16) => (3528..=3589).contains(&four),
        (62 | 65, 16..=19) => true,
        (60, 16..=19) => four == 6011,
        (64, 16..=19) => three >= 644,
        (22..=27, 16) => (2221..=2720).contains(&four),
        (50 | 56..=58 | 63 | 67, 12..=19) => true,
        _ => false,
    };
    is_issued && distinct(number) >= 2 && luhn(number)
}

fn luhn(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 13616: the letters as numbers, the first four characters last, modulo 97.
fn is_iban(text: &str) -> bool {
    let compact: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    if !(15..=34).contains(&compact.len()) {
        return false;
    }
    let (head, tail) = compact.split_at(4);
    let rest = tail
        .iter()
        .chain(head)
        .fold(0_u32, |rest, byte| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
        });
    rest == 1
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>()
        .is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
}
