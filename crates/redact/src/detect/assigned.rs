//! Values that are secret because of what they are called: `password=…`, `"api_key": "…"`.
//!
//! Names alone would mask half of all source code, so a value has to look like a secret: no
//! placeholder, no reference, no call, no word of a language; and tokens and keys need the variety
//! that random letters have.

use std::ops::Range;

use super::checks::{Check, is_placeholder, is_varied, near};
use super::{Group, Rule};

/// The words that name a secret, in any case. What stands before them belongs to the name.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "accesskey",
    "access-key",
    "auth_key",
    "authkey",
    "account_key",
    "accountkey",
    "private_key",
    "privatekey",
    "private-key",
    "signing_key",
    "signingkey",
    "encryption_key",
    "encryptionkey",
    "secretkey",
    "secret_key",
    "credential",
    "credentials",
];

/// Of these, what people think up themselves: it need not look random.
const PASSWORDS: &[&str] = &["password", "passwd", "passphrase", "passcode", "pwd"];

pub(super) static RULES: &[Rule] = &[Rule {
    name: "assigned-secret",
    group: Group::Secrets,
    literals: WORDS,
    // The name, what stands between, and the value: quoted, or up to what cannot be part of one.
    pattern: r#"(?i)(?:password|passwd|passphrase|passcode|pwd|secret|token|(?:api|access|auth|account|private|signing|encryption|secret)[_-]?key|credentials?)(?:["'\\\]]{0,4}[ \t]{0,4}(?:=>|:=|={1,2}|:)[ \t]{0,4}|["'\]],[ \t]{0,4}|[ \t]{1,2})(?:\\{0,3}"(?<s1>[^"\r\n]{4,512})|\\{0,3}'(?<s2>[^'\r\n]{4,512})|(?<s3>[^\s"'`,;&|<>(){}\[\]\\]{4,256}))"#,
    check: Check::Assigned,
}];

pub(super) fn is_word(literal: &str) -> bool {
    WORDS.contains(&literal)
}

/// Whether what an attribute is called makes its value a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    ends_in(name, WORDS)
}

/// Whether the value of such an attribute looks like a secret.
pub(crate) fn is_secret_value(name: &str, value: &str) -> bool {
    let value = value.trim();
    looks_secret(value, ends_in(name, PASSWORDS), true)
}

fn ends_in(name: &str, words: &[&str]) -> bool {
    let name = name.as_bytes();
    words.iter().any(|word| {
        let tail = name
            .len()
            .checked_sub(word.len())
            .and_then(|at| name.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// The part of a match of the pattern above that is a secret.
pub(super) fn narrowed(text: &str, value: Range<usize>) -> Option<Range<usize>> {
    let before = near(text, value.start, 48);
    let is_quoted = before.ends_with(['"', '\'']);
    let found = text.get(value.clone())?;
    let kept = if is_quoted {
        found.trim_end_matches('\\')
    } else {
        found.trim_end_matches(['.', '!', '?', ':', '*'])
    };
    let name = name_before(before);
    if !is_assigned(text, before, value.start, name, is_quoted) {
        return None;
    }
    let after = text.get(value.end..).unwrap_or_default();
    if !is_quoted && (after.starts_with(['(', '[', '{', '<']) || is_code(before, kept)) {
        return None;
    }
    looks_secret(kept, ends_in(name, PASSWORDS), is_quoted)
        .then(|| value.start..value.start + kept.len())
}

/// The name at the end of what stands before a value.
fn name_before(before: &str) -> &str {
    let name = before.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let start = name.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    name.get(start.map_or(0, |at| at + 1)..).unwrap_or(name)
}

/// Whether what stands between name and value assigns. A space does where a flag, `.netrc`, SQL or a
/// container file has it.
fn is_assigned(text: &str, before: &str, value: usize, name: &str, is_quoted: bool) -> bool {
    let end = before.trim_end_matches(['"', '\'', '\\', ' ', '\t']);
    if end.ends_with(['=', ':', '>', ',']) {
        return true;
    }
    let is_password = ends_in(name, PASSWORDS);
    let lead = end.strip_suffix(name).unwrap_or_default();
    name.starts_with('-')
        || lead.ends_with("ENV ")
        || lead.ends_with("ARG ")
        || (is_password && (is_quoted || near(text, value, 160).contains("login ")))
}

/// Whether a bare value reads as code: ` = identifier`, `: Type`.
fn is_code(before: &str, value: &str) -> bool {
    let is_spaced = before.ends_with([' ', '\t']);
    let is_name = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        part.len() - letters.len() <= 2
            && !letters.is_empty()
            && letters
                .bytes()
                .all(|b| b.is_ascii_alphabetic() || b == b'_')
    };
    let parts = value.split(['.', ':', '/', '-']);
    let is_path = value.contains(['.', ':', '/', '-']);
    (is_spaced || is_path) && parts.filter(|part| !part.is_empty()).all(is_name)
}

/// Whether a value may be a secret: as random as one, or, for passwords, not just a word.
fn looks_secret(value: &str, is_password: bool, is_quoted: bool) -> bool {
    if is_placeholder(value) || is_reference(value) {
        return false;
    }
    let has = |of: fn(&u8) -> bool| value.bytes().any(|byte| of(&byte));
    let (digit, letter) = (has(u8::is_ascii_digit), has(u8::is_ascii_alphabetic));
    if !is_password {
        return value.len() >= 12 && !value.contains(' ') && is_varied(value);
    }
    if value.len() < 6 || (value.contains(' ') && !is_quoted) || !letter && value.len() < 8 {
        return !letter && digit && value.len() >= 6 && is_quoted;
    }
    let sign = value
        .bytes()
        .any(|b| b.is_ascii_punctuation() && !b"_-.:/ ".contains(&b));
    let words = value.split(' ').count();
    let mixed =
        has(u8::is_ascii_lowercase) && value.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    match words {
        1 => digit || sign || mixed && value.len() >= 8 || is_quoted && value.len() >= 7,
        // A sentence is none; a pass phrase has digits or signs, or is called one.
        _ => words <= 8 && digit && sign,
    }
}

/// Whether a value only says where the secret is.
fn is_reference(value: &str) -> bool {
    const PLACES: &[&str] = &[
        "arn:",
        "http://",
        "https://",
        "file:",
        "op://",
        "vault:",
        "ssm:",
        "projects/",
        "secret/",
        "env:",
        "ref+",
        "keyring:",
        "process.",
        "os.environ",
        "self.",
        "this.",
        "config.",
        "env.",
        "secrets.",
        "settings.",
        "args.",
        "import.meta",
        "system.getenv",
        "std::",
        "/run/",
        "/etc/",
        "./",
        "../",
        "~/",
        "sha256:",
        "sha512-",
        "data.",
        "var.",
        "local.",
        "module.",
        "base64:",
    ];
    let lower = value.get(..16).unwrap_or(value).to_ascii_lowercase();
    PLACES.iter().any(|place| lower.starts_with(place))
}
