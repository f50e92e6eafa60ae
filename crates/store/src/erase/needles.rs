//! What must not be found any more: identifiers, and strings that were removed.
//!
//! Identifiers are searched as they are, in any case of their letters, as JSON writes them and as
//! hexadecimal digits. A removed string is known by hashes of some of its stretches of 16 bytes, so
//! that nothing of it has to be kept.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use aho_corasick::{AhoCorasick, MatchKind};
use arrow::array::{Array, ArrayRef, BinaryViewArray, StringViewArray};
use arrow::record_batch::RecordBatch;

use crate::error::{StoreError, Unreadable};

/// Bytes of a stretch.
pub(super) const STRETCH: usize = 16;
/// Shorter identifiers are in every file by chance.
const IDENTIFIER_BYTES_MIN: usize = 6;
/// Longer ones are nobody's id.
const IDENTIFIER_BYTES_MAX: usize = 512;
/// What two chunks of a file must share so that nothing is missed between them.
pub(super) const OVERLAP: usize = 4 * IDENTIFIER_BYTES_MAX;
/// So many stretches of one string are known.
const STRETCHES_OF_ONE: usize = 8;
/// With more, only some are kept, which their hashes choose.
const STRETCHES_MAX: usize = 4 << 20;
const MAGIC: &[u8; 4] = b"TLYS";

/// Hashes of stretches of removed strings.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretches {
    key: u64,
    /// One of so many is kept.
    pub(super) rate: u64,
    pub(super) hashes: HashSet<u64, foldhash::fast::FixedState>,
    /// A bit for some of the bits of each hash: most stretches of a file are none of ours.
    filter: Vec<u64>,
}

impl Stretches {
    pub(super) fn new(key: u64) -> Stretches {
        Stretches {
            key,
            rate: 1,
            ..Stretches::default()
        }
    }

    /// Takes note of a removed string.
    pub(super) fn note(&mut self, removed: &[u8]) {
        let Some(last) = removed.len().checked_sub(STRETCH + 1) else {
            return;
        };
        let last = last + 1;
        let count = (removed.len() / STRETCH).clamp(1, STRETCHES_OF_ONE);
        for number in 0..count {
            let at = last * number / (count - 1).max(1);
            let hash = self.hash(&removed[at..at + STRETCH]);
            if hash.is_multiple_of(self.rate) {
                self.hashes.insert(hash);
            }
        }
        while self.hashes.len() > STRETCHES_MAX {
            self.rate *= 2;
            let rate = self.rate;
            self.hashes.retain(|hash| hash.is_multiple_of(rate));
        }
    }

    /// Takes note of the chosen values of a column of text or bytes.
    pub(super) fn note_column(&mut self, column: &ArrayRef, chosen: &[bool]) {
        values(column, chosen, |row, value| {
            if chosen[row] {
                self.note(value);
            }
        });
    }

    /// Calls for each stretch of `bytes` that was noted.
    pub(super) fn find(&self, bytes: &[u8], mut found: impl FnMut(u64)) {
        if self.filter.is_empty() {
            return;
        }
        for window in bytes.windows(STRETCH) {
            let hash = self.hash(window);
            let (word, bit) = self.place(hash);
            if self.filter[word] >> bit & 1 == 1 && self.hashes.contains(&hash) {
                found(hash);
            }
        }
    }

    /// Makes ready to find.
    pub(super) fn ready(&mut self) {
        if self.hashes.is_empty() {
            return;
        }
        let words = (self.hashes.len() / 4 + 1).next_power_of_two();
        self.filter = vec![0; words];
        for hash in &self.hashes {
            let (word, bit) = self.place(*hash);
            self.filter[word] |= 1 << bit;
        }
    }

    fn place(&self, hash: u64) -> (usize, u32) {
        let word = (hash >> 20) as usize & (self.filter.len() - 1);
        (word, (hash & 63) as u32)
    }

    fn hash(&self, stretch: &[u8]) -> u64 {
        let word =
            |at: usize| u64::from_le_bytes(stretch[at..at + 8].try_into().unwrap_or_default());
        let product = u128::from(word(0) ^ self.key)
            * u128::from(word(8) ^ self.key.rotate_left(29) ^ 0x9E37_79B9_7F4A_7C15);
        (product as u64) ^ (product >> 64) as u64
    }

    /// Magic, key, rate, hashes, checksum; all little-endian.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for number in [self.key, self.rate].iter().chain(&self.hashes) {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    pub(super) fn decode(file: &[u8]) -> Result<Stretches, Unreadable> {
        let (body, checksum) = file
            .split_at_checked(file.len().wrapping_sub(4))
            .ok_or("too short")?;
        if body.get(..4) != Some(MAGIC) || crc32c::crc32c(body).to_le_bytes() != checksum {
            return Err("checksum does not match".into());
        }
        let mut numbers = body[4..]
            .chunks_exact(8)
            .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default()));
        let (key, rate) = (numbers.next(), numbers.next());
        Ok(Stretches {
            key: key.ok_or("too short")?,
            rate: rate.ok_or("too short")?.max(1),
            hashes: numbers.collect(),
            filter: Vec::new(),
        })
    }
}

/// Identifiers, ready to be found.
#[derive(Debug)]
pub(super) struct Identifiers {
    /// In small letters.
    pub(super) all: Vec<String>,
    /// Too short to be searched for.
    pub(super) short: usize,
    automaton: AhoCorasick,
    /// The identifier of each pattern.
    of: Vec<usize>,
}

impl Identifiers {
    pub(super) fn of<'a>(
        written: impl IntoIterator<Item = &'a String>,
    ) -> Result<Identifiers, StoreError> {
        let mut by_small: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
        let mut short = BTreeSet::new();
        for written in written {
            let written = written.trim();
            if !(IDENTIFIER_BYTES_MIN..=IDENTIFIER_BYTES_MAX).contains(&written.len()) {
                short.insert(written.to_lowercase());
                continue;
            }
            let small = written.to_lowercase();
            let json = serde_json::to_string(written).unwrap_or_default();
            let forms = [
                written.as_bytes().to_vec(),
                small.as_bytes().to_vec(),
                json.trim_matches('"').as_bytes().to_vec(),
                hex(written.as_bytes()).into_bytes(),
                hex(small.as_bytes()).into_bytes(),
            ];
            by_small.entry(small).or_default().extend(forms);
        }
        let (mut patterns, mut of) = (Vec::new(), Vec::new());
        for (index, forms) in by_small.values().enumerate() {
            of.extend(forms.iter().map(|_| index));
            patterns.extend(forms.iter().cloned());
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&patterns)
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(Identifiers {
            all: by_small.into_keys().collect(),
            short: short.len(),
            automaton,
            of,
        })
    }

    /// Calls for each identifier that is in `bytes`, by its place among all.
    pub(super) fn find(&self, bytes: &[u8], mut found: impl FnMut(usize)) {
        for hit in self.automaton.find_overlapping_iter(bytes) {
            found(self.of[hit.pattern().as_usize()]);
        }
    }

    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.automaton.is_match(bytes)
    }

    /// Marks the rows in which one of them is, in whatever column.
    pub(super) fn mark_rows(&self, rows: &RecordBatch, marked: &mut [bool]) {
        for column in rows.columns() {
            let any = column.as_any();
            if let Some(texts) = any.downcast_ref::<StringViewArray>() {
                let mut last = None;
                for (row, marked) in marked.iter_mut().enumerate() {
                    if texts.is_null(row) {
                        continue;
                    }
                    let view = texts.views()[row];
                    let is_in = match last {
                        Some((known, is_in)) if known == view => is_in,
                        _ => self.is_in(texts.value(row).as_bytes()),
                    };
                    last = Some((view, is_in));
                    *marked |= is_in;
                }
            } else if let Some(bytes) = any.downcast_ref::<BinaryViewArray>() {
                for (marked, value) in marked.iter_mut().zip(bytes) {
                    *marked |= value.is_some_and(|value| self.is_in(value));
                }
            }
        }
    }

    /// Whether a text is one of them.
    pub(super) fn is_one(&self, text: &str) -> bool {
        let small = text.trim().to_lowercase();
        self.all.binary_search(&small).is_ok()
    }
}

/// How a text begins where its length stands before it, as a varint: as much as a stretch can have of
/// that.
pub(super) fn with_length(text: &[u8]) -> Vec<u8> {
    let (mut head, mut length) = (Vec::with_capacity(2 * STRETCH), text.len());
    while length >= 0x80 {
        head.push(length as u8 | 0x80);
        length >>= 7;
    }
    head.push(length as u8);
    head.extend_from_slice(&text[..text.len().min(STRETCH - 1)]);
    head
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Calls for the values of a column of text or bytes, with their rows. A value that shows the same bytes
/// as the row before it, which has the same flag, is passed over: columns repeat themselves.
pub(super) fn values(column: &ArrayRef, flags: &[bool], mut each: impl FnMut(usize, &[u8])) {
    let any = column.as_any();
    if let Some(texts) = any.downcast_ref::<StringViewArray>() {
        let repeats = |row: usize| texts.views()[row] == texts.views()[row - 1];
        for row in (0..texts.len()).filter(|row| texts.is_valid(*row)) {
            if row == 0 || texts.is_null(row - 1) || flags[row] != flags[row - 1] || !repeats(row) {
                each(row, texts.value(row).as_bytes());
            }
        }
    } else if let Some(bytes) = any.downcast_ref::<BinaryViewArray>() {
        for row in (0..bytes.len()).filter(|row| bytes.is_valid(*row)) {
            each(row, bytes.value(row));
        }
    }
}
