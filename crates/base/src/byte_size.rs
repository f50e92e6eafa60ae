//! A number of bytes as people write it in configuration: `64MiB`, `64 MB`, `1048576`.
//!
//! Invariant: what `Display` prints parses back to exactly the same number.

use std::fmt;
use std::str::FromStr;

/// Units, largest first. `KiB` and its kin are powers of 1024, `KB` and its kin powers of 1000.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// `count` bytes.
    #[must_use]
    pub const fn bytes(count: u64) -> Self {
        Self(count)
    }

    /// `count` times 1024 bytes.
    #[must_use]
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// `count` times 1024² bytes.
    #[must_use]
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// `count` times 1024³ bytes.
    #[must_use]
    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory, at most `usize::MAX`.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Why a text is not a byte size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByteSizeError {
    /// There is no whole number at the front.
    NoNumber(String),
    /// The number is followed by something that is not a unit.
    UnknownUnit(String),
    /// The size does not fit 64 bits.
    TooLarge(String),
}

impl fmt::Display for ByteSizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNumber(text) => write!(
                f,
                "`{text}` is not a size: write a whole number with a unit, like 64MiB"
            ),
            Self::UnknownUnit(unit) => write!(
                f,
                "`{unit}` is not a unit of size: use B, KB, KiB, MB, MiB, GB, GiB, TB or TiB"
            ),
            Self::TooLarge(text) => write!(f, "`{text}` does not fit 64 bits"),
        }
    }
}

impl std::error::Error for ByteSizeError {}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let text = text.trim();
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        if number.is_empty() {
            return Err(ByteSizeError::NoNumber(text.to_owned()));
        }
        let too_large = || ByteSizeError::TooLarge(text.to_owned());
        let number: u64 = number.parse().map_err(|_| too_large())?;
        let factor = factor_of(unit.trim())?;
        number.checked_mul(factor).map(Self).ok_or_else(too_large)
    }
}

fn factor_of(unit: &str) -> Result<u64, ByteSizeError> {
    if unit.is_empty() {
        return Ok(1);
    }
    UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .map(|(_, factor)| *factor)
        .ok_or_else(|| ByteSizeError::UnknownUnit(unit.to_owned()))
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The largest unit that divides the size, so that nothing is rounded away.
        let (name, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        write!(f, "{} {name}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests;
