//! The one home of the journal's on-disk format, version 1.
//!
//! Invariant: whatever this file encodes it decodes to the same, and no single flipped bit passes.
//!
//! ```text
//! segment  journal-<sequence of its first frame, 20 digits>.seg
//! ┌──────────────────────────┬──────────────────────────┬───────┬───────┬─ ─ ─
//! │ segment header, 32 bytes │ the same 32 bytes again  │ frame │ frame │
//! └──────────────────────────┴──────────────────────────┴───────┴───────┴─ ─ ─
//!
//! segment header                               frame
//!  0  magic "TALLYJNL"                          0  magic 0x7A5EF4A3           u32
//!  8  version             u16                   4  payload length in bytes    u32
//! 10  reserved, 0         u16                   8  sequence                   u64
//! 12  first sequence      u64                  16  header checksum            u32
//! 20  salt                u64                  20  frame checksum             u32
//! 28  crc32c of 0..28     u32                  24  payload, at most 128 MiB
//! ```
//!
//! All numbers are little-endian. The **header checksum** is crc32c over the salt and bytes 4..16 of
//! the frame; the **frame checksum** continues it over the payload. Two checksums, because
//!
//! - a damaged payload can then be skipped by its length, which is known to be right, and
//! - a search for the next frame after a damaged header needs 24 bytes a candidate, never a payload.
//!
//! The salt keeps bytes *inside* a payload, which a stranger wrote, from passing as a frame in such a
//! search. The segment header stands twice because without the salt no frame can be verified.
//!
//! **Sequences.** Frames of a segment have consecutive sequences from the first on. A frame whose
//! sequence is not below the first sequence of a *later* segment is **void**: it was written, never
//! acknowledged, and its number given to another frame. So a segment that failed is left behind by
//! starting the next one, with no further write to the failed file.
//!
//! Every future version keeps the first 32 bytes: magic, version and checksum stay where they are.

use std::fmt;

/// Longest payload of a frame, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 128 << 20;

/// The version written, and the newest one read.
pub(crate) const VERSION: u16 = 1;
pub(crate) const SEGMENT_HEADER_LEN: usize = 2 * HEADER_COPY_LEN;
pub(crate) const FRAME_HEADER_LEN: usize = 24;

const SEGMENT_MAGIC: [u8; 8] = *b"TALLYJNL";
const HEADER_COPY_LEN: usize = 32;
const HEADER_SUMMED_LEN: usize = 28;
const FRAME_MAGIC: [u8; 4] = 0x7A5E_F4A3_u32.to_le_bytes();
const NAME_PREFIX: &str = "journal-";
const NAME_SUFFIX: &str = ".seg";
const NAME_DIGITS: usize = 20;
/// Follows the name of a segment whose header could not be read, and which is kept for inspection.
const SET_ASIDE_SUFFIX: &str = ".damaged";

/// The number of a frame. The first frame of a journal has number 1; [`Sequence::ZERO`] is before
/// every frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(u64);

impl Sequence {
    /// Before every frame.
    pub const ZERO: Self = Self(0);

    /// The sequence with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sequence `count` after this one.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// The sequence after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The sequence before this one; that of [`Sequence::ZERO`] is itself.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of the segment that begins with frame `first`.
pub(crate) fn segment_name(first: Sequence) -> String {
    format!("{NAME_PREFIX}{:0NAME_DIGITS$}{NAME_SUFFIX}", first.0)
}

/// The first frame's sequence, if this is the name of a segment.
pub(crate) fn parse_segment_name(name: &str) -> Option<Sequence> {
    let digits = name.strip_prefix(NAME_PREFIX)?.strip_suffix(NAME_SUFFIX)?;
    let is_number = digits.len() == NAME_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    let first = Sequence(digits.parse().ok().filter(|_| is_number)?);
    (first > Sequence::ZERO).then_some(first)
}

/// Name under which the segment that begins with frame `first` is set aside.
pub(crate) fn set_aside_name(first: Sequence) -> String {
    segment_name(first) + SET_ASIDE_SUFFIX
}

/// The first frame's sequence, if this is the name of a segment that was set aside.
pub(crate) fn parse_set_aside_name(name: &str) -> Option<Sequence> {
    parse_segment_name(name.strip_suffix(SET_ASIDE_SUFFIX)?)
}

/// The first sequence that a segment of `segment_bytes` bytes certainly had no frame for.
pub(crate) fn sequence_beyond(first: Sequence, segment_bytes: u64) -> Sequence {
    first.plus(segment_bytes / FRAME_HEADER_LEN as u64)
}

/// What stands at the beginning of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) first: Sequence,
    pub(crate) salt: u64,
}

/// Why there is no [`SegmentHeader`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentHeaderFault {
    /// Both copies are missing or damaged.
    Unreadable,
    /// A newer program wrote this segment.
    Newer { version: u16 },
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_LEN] {
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.salt.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..HEADER_SUMMED_LEN]);
        bytes[28..32].copy_from_slice(&checksum.to_le_bytes());
        bytes.copy_within(..HEADER_COPY_LEN, HEADER_COPY_LEN);
        bytes
    }

    /// Decodes the beginning of a segment, from whichever copy is whole.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, SegmentHeaderFault> {
        let copies = bytes.as_chunks::<HEADER_COPY_LEN>().0;
        let whole = copies.iter().take(2).find(|copy| {
            copy[..8] == SEGMENT_MAGIC
                && crc32c::crc32c(&copy[..HEADER_SUMMED_LEN]).to_le_bytes() == copy[28..]
        });
        let copy = whole.ok_or(SegmentHeaderFault::Unreadable)?;
        let version = u16::from_le_bytes([copy[8], copy[9]]);
        if version > VERSION {
            return Err(SegmentHeaderFault::Newer { version });
        }
        Ok(Self {
            first: Sequence(u64_at(copy, 12)),
            salt: u64_at(copy, 20),
        })
    }
}

/// What stands before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) payload_len: u32,
    pub(crate) sequence: Sequence,
    header_checksum: u32,
    frame_checksum: u32,
}

impl FrameHeader {
    /// The header for `payload`, which is not longer than [`PAYLOAD_BYTES_MAX`].
    pub(crate) fn new(salt: u64, sequence: Sequence, payload: &[u8]) -> Self {
        debug_assert!(
            payload.len() <= PAYLOAD_BYTES_MAX,
            "refused when it was appended"
        );
        let payload_len = payload.len() as u32;
        let header_checksum = header_checksum(salt, payload_len, sequence);
        Self {
            payload_len,
            sequence,
            header_checksum,
            frame_checksum: crc32c::crc32c_append(header_checksum, payload),
        }
    }

    pub(crate) fn encode(&self) -> [u8; FRAME_HEADER_LEN] {
        let mut bytes = [0; FRAME_HEADER_LEN];
        bytes[..4].copy_from_slice(&FRAME_MAGIC);
        bytes[4..8].copy_from_slice(&self.payload_len.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.0.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.header_checksum.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.frame_checksum.to_le_bytes());
        bytes
    }

    /// The header at the beginning of `bytes`, if one stands there undamaged.
    pub(crate) fn decode(bytes: &[u8], salt: u64) -> Option<Self> {
        let bytes: &[u8; FRAME_HEADER_LEN] = bytes.first_chunk()?;
        if bytes[..4] != FRAME_MAGIC {
            return None;
        }
        let header = Self {
            payload_len: u32_at(bytes, 4),
            sequence: Sequence(u64_at(bytes, 8)),
            header_checksum: u32_at(bytes, 16),
            frame_checksum: u32_at(bytes, 20),
        };
        let expected = header_checksum(salt, header.payload_len, header.sequence);
        let bounded = header.payload_len as usize <= PAYLOAD_BYTES_MAX;
        (bounded && header.header_checksum == expected).then_some(header)
    }

    /// Whether `payload` is what this header was made for.
    pub(crate) fn matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.payload_len as usize
            && crc32c::crc32c_append(self.header_checksum, payload) == self.frame_checksum
    }

    /// Length of the frame in bytes, header and payload.
    pub(crate) fn frame_len(&self) -> u64 {
        FRAME_HEADER_LEN as u64 + u64::from(self.payload_len)
    }
}

fn header_checksum(salt: u64, payload_len: u32, sequence: Sequence) -> u32 {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&salt.to_le_bytes());
    bytes[8..12].copy_from_slice(&payload_len.to_le_bytes());
    bytes[12..].copy_from_slice(&sequence.0.to_le_bytes());
    crc32c::crc32c(&bytes)
}

fn u32_at<const N: usize>(bytes: &[u8; N], offset: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[offset + i]))
}

fn u64_at<const N: usize>(bytes: &[u8; N], offset: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[offset + i]))
}

#[cfg(test)]
mod tests;
