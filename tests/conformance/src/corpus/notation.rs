//! How bytes are described, compactly.
//!
//! A protobuf message, or any bytes:
//!
//! | written | means |
//! |---|---|
//! | `0aff` | these bytes, in hexadecimal |
//! | `"text"` | the bytes of the text |
//! | `6{…}` | field 6, length-delimited, with this content |
//! | `3:7`, `3:-1` | field 3, a varint |
//! | `4=1.5`, `4=nan` | field 4, a double |
//! | `1@7` | field 1, eight bytes |
//! | `8^7` | field 8, four bytes |
//! | `(…)*9`, `00*9` | what stands before it, nine times |
//! | `$name` | what the case is given by that name |
//!
//! A text: itself, but `«x»*9` is `x` nine times (with the number of each time for a `№` in it), `⟨ff⟩`
//! is the byte in hexadecimal, and `$name` is what the case is given by that name.

use std::collections::BTreeMap;

use testkit::Problem;

use crate::wire::protobuf;

/// What names stand for.
pub type Given = BTreeMap<&'static str, Vec<u8>>;

/// The longest that a description may become: a mistake in it shall not fill the memory.
const BYTES_MAX: usize = 1 << 30;

/// The bytes that `description` describes.
///
/// # Errors
///
/// Says what cannot be understood, and what follows it.
pub fn bytes(description: &str, given: &Given) -> Result<Vec<u8>, Problem> {
    let mut parser = Parser {
        rest: description,
        given,
    };
    let out = parser.sequence()?;
    match parser.rest.is_empty() {
        true => Ok(out),
        false => Err(parser.fault("nothing is open here")),
    }
}

struct Parser<'d> {
    rest: &'d str,
    given: &'d Given,
}

impl Parser<'_> {
    fn fault(&self, what: &str) -> Problem {
        let shown: String = self.rest.chars().take(30).collect();
        Problem::new(format!("{what}: {shown:?}"))
    }

    /// Elements up to a closing bracket or the end.
    fn sequence(&mut self) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with(['}', ')']) {
                return Ok(out);
            }
            let element = self.element()?;
            let times = self.times()?;
            if element.len().saturating_mul(times) > BYTES_MAX {
                return Err(self.fault("too long"));
            }
            out.extend(element.repeat(times));
        }
    }

    fn element(&mut self) -> Result<Vec<u8>, Problem> {
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            return self.until(')');
        }
        if let Some(rest) = self.rest.strip_prefix('"') {
            let (text, rest) = rest.split_once('"').ok_or_else(|| self.fault("no end"))?;
            self.rest = rest;
            return Ok(text.as_bytes().to_vec());
        }
        if let Some(rest) = self.rest.strip_prefix('$') {
            self.rest = rest;
            let name = self.word(|letter| letter.is_ascii_alphabetic());
            let given = self.given.get(name).cloned();
            return given.ok_or_else(|| self.fault(&format!("nothing is called {name}")));
        }
        let word = self.word(|letter| letter.is_ascii_hexdigit());
        match self.rest.chars().next() {
            Some(kind @ ('{' | ':' | '=' | '@' | '^')) => {
                self.rest = &self.rest[1..];
                let number: u64 = word.parse()?;
                self.field(number, kind)
            }
            _ => hex(word).ok_or_else(|| self.fault(&format!("{word:?} is no hexadecimal"))),
        }
    }

    fn field(&mut self, number: u64, kind: char) -> Result<Vec<u8>, Problem> {
        if kind == '{' {
            return Ok(protobuf::bytes(number, &self.until('}')?));
        }
        let word = self.word(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
        Ok(match kind {
            ':' => match word.parse::<i64>() {
                Ok(value) => protobuf::number(number, value as u64),
                Err(_) => protobuf::number(number, word.parse()?),
            },
            '=' => protobuf::eight(number, word.parse::<f64>()?.to_bits()),
            '@' => protobuf::eight(number, word.parse()?),
            _ => {
                let four = word.parse::<u32>()?.to_le_bytes();
                [&protobuf::varint(number << 3 | 5)[..], &four].concat()
            }
        })
    }

    fn until(&mut self, close: char) -> Result<Vec<u8>, Problem> {
        let content = self.sequence()?;
        self.rest = self
            .rest
            .strip_prefix(close)
            .ok_or_else(|| self.fault(&format!("no {close}")))?;
        Ok(content)
    }

    fn times(&mut self) -> Result<usize, Problem> {
        let Some(rest) = self.rest.strip_prefix('*') else {
            return Ok(1);
        };
        self.rest = rest;
        Ok(self.word(|letter| letter.is_ascii_digit()).parse()?)
    }
}

impl<'d> Parser<'d> {
    fn word(&mut self, is_part: impl Fn(char) -> bool) -> &'d str {
        let end = self.rest.find(|letter| !is_part(letter));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }
}

/// The bytes of a described text.
///
/// # Errors
///
/// Says what cannot be understood.
pub fn text(description: &str, given: &Given) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    let mut rest = description;
    while let Some(at) = rest.find(['«', '⟨']) {
        out.extend(with_names(&rest[..at], given));
        let is_repeat = rest[at..].starts_with('«');
        let (open, close) = if is_repeat {
            ('«', '»')
        } else {
            ('⟨', '⟩')
        };
        let inner = &rest[at + open.len_utf8()..];
        let no_end = || Problem::new(format!("no {close}"));
        let (inner, after) = inner.split_once(close).ok_or_else(no_end)?;
        rest = after;
        if !is_repeat {
            let bytes = hex(&inner.replace(' ', ""));
            out.extend(bytes.ok_or_else(|| Problem::new(format!("{inner} is no hexadecimal")))?);
            continue;
        }
        let digits = rest.strip_prefix('*').unwrap_or_default();
        let end = digits.find(|letter: char| !letter.is_ascii_digit());
        let (count, after) = digits.split_at(end.unwrap_or(digits.len()));
        let (unit, times) = (with_names(inner, given), count.parse::<usize>()?);
        if unit.len().saturating_mul(times) > BYTES_MAX {
            return Err(Problem::new("too long"));
        }
        match inner.contains('№') {
            true => out.extend((0..times).flat_map(|time| numbered(&unit, time))),
            false => out.extend(unit.repeat(times)),
        }
        rest = after;
    }
    out.extend(with_names(rest, given));
    Ok(out)
}

fn numbered(unit: &[u8], time: usize) -> Vec<u8> {
    let unit = String::from_utf8_lossy(unit);
    unit.replace('№', &time.to_string()).into_bytes()
}

fn with_names(text: &str, given: &Given) -> Vec<u8> {
    let named = |text: String, (name, bytes): (&&str, &Vec<u8>)| {
        text.replace(&format!("${name}"), &String::from_utf8_lossy(bytes))
    };
    // Longer names first: one may begin with another.
    given.iter().rev().fold(text.to_owned(), named).into_bytes()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
