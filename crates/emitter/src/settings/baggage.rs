//! Keys and values in one line: `OTEL_RESOURCE_ATTRIBUTES` and the headers.
//!
//! Source: W3C Baggage (`baggage-octet`), as the OpenTelemetry specification takes it over.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What a value may not hold as it is: spaces, quotes, commas, semicolons, backslashes, and all that
/// is not ASCII. The percent sign begins an encoded byte.
pub(super) const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b',')
    .add(b';')
    .add(b'\\')
    .add(b'%');

/// Longer keys and values are refused.
const LENGTH_MAX: usize = 255;

/// The attributes of the line, and a message for each entry that was left out: which key, why, and
/// how to write it.
pub(super) fn resource_attributes(line: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut wrong = Vec::new();
    for entry in line
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        match resource_attribute(entry) {
            Ok((key, value)) => match pairs.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => *known = value,
                None => pairs.push((key, value)),
            },
            Err(message) => wrong.push(message),
        }
    }
    (pairs, wrong)
}

fn resource_attribute(entry: &str) -> Result<(String, String), String> {
    let Some((key, value)) = entry.split_once('=') else {
        return Err(format!(
            "`{entry}` is left out: it has no `=`. Write key=value; a comma inside a value is written %2C"
        ));
    };
    let (key, value) = (key.trim(), value.trim());
    let correct = || utf8_percent_encode(value, ENCODED).to_string();
    if key.is_empty() || !key.bytes().all(is_key_byte) {
        return Err(format!(
            "`{key}` is left out: a key is made of letters, digits, dots, underscores, hyphens and slashes"
        ));
    }
    if let Some(forbidden) = value.chars().find(|letter| is_forbidden(*letter)) {
        return Err(format!(
            "`{key}` is left out: its value holds {}. Write {key}={}",
            called(forbidden),
            correct()
        ));
    }
    let Ok(decoded) = percent_decode_str(value).decode_utf8() else {
        return Err(format!(
            "`{key}` is left out: what its % signs encode is not UTF-8. A percent sign itself is written %25"
        ));
    };
    if key.len() > LENGTH_MAX || decoded.len() > LENGTH_MAX {
        return Err(format!(
            "`{key}` is left out: keys and values have at most {LENGTH_MAX} bytes"
        ));
    }
    Ok((key.to_owned(), decoded.into_owned()))
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-/".contains(&byte)
}

fn is_forbidden(letter: char) -> bool {
    !letter.is_ascii_graphic() || "\";\\".contains(letter)
}

fn called(letter: char) -> String {
    match letter {
        ' ' => "a space".to_owned(),
        '"' => "a quote".to_owned(),
        ';' => "a semicolon".to_owned(),
        '\\' => "a backslash".to_owned(),
        control if control.is_control() => "a control character".to_owned(),
        other => format!("`{other}`, which is not ASCII"),
    }
}

/// The headers of the line; values are percent-decoded. A message names a header that was left out,
/// and never its value.
pub(super) fn headers(line: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut pairs = Vec::new();
    let mut wrong = Vec::new();
    let entries = line
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    for (index, entry) in entries.enumerate() {
        let Some((name, value)) = entry.split_once('=') else {
            wrong.push(format!(
                "entry {} is left out: it has no `=`. Write name=value; a comma inside a value is written %2C",
                index + 1
            ));
            continue;
        };
        match header(name.trim(), value.trim()) {
            Ok(pair) => pairs.push(pair),
            Err(reason) => wrong.push(format!("header `{}` is left out: {reason}", name.trim())),
        }
    }
    (pairs, wrong)
}

/// A header's name in small letters, and its value decoded.
fn header(name: &str, value: &str) -> Result<(String, String), &'static str> {
    let value = percent_decode_str(value)
        .decode_utf8()
        .map_err(|_| "its value does not decode to UTF-8")?;
    check_header(name, &value)?;
    Ok((name.to_ascii_lowercase(), value.into_owned()))
}

/// Why a header cannot be sent.
pub(crate) fn check_header(name: &str, value: &str) -> Result<(), &'static str> {
    http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| "the name is not one of a header")?;
    http::HeaderValue::from_str(value)
        .map_err(|_| "its value holds characters that a header cannot carry")?;
    Ok(())
}
