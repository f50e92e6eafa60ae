//! The format of a sealed message: a few bytes among others, such as one frame of a log.
//!
//! ```text
//!  0  0xE7 "TBS"                             4 bytes
//!  4  which key of the ring                  8 bytes
//! 12  salt                                  16 bytes
//! 28  number, by whoever seals it            u64, little endian
//! 36  length of what is in it                u32
//! 40  what is in it, encrypted; then a tag of 16 bytes
//! ```
//!
//! Bound to the message is all of the header. Whoever opens it holds the number to the place where the
//! message was found.

use std::io;

use data_encoding::BASE64;

use super::cipher::{Cipher, TAG_BYTES};
use super::invalid;
use super::ring::KeyId;
use super::vault::Random;
use crate::secret::KEY_BYTES;

const MAGIC: [u8; 4] = [0xe7, b'T', b'B', b'S'];
const HEADER_BYTES: usize = 40;
/// Where the key's name is.
pub(super) const KEY: std::ops::Range<usize> = 4..12;
const SALT: std::ops::Range<usize> = 12..28;
const USAGE: &str = "message";
/// What sealing adds, in bytes.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;
/// How a message as a line begins and ends.
const LINE_BEGINS: &[u8] = b"{\"sealed\":\"";
const LINE_ENDS: &[u8] = b"\"}";

/// Whether bytes that begin so are a sealed message.
#[must_use]
pub fn is_message(beginning: &[u8]) -> bool {
    beginning.starts_with(&MAGIC)
}

/// Whether a line is a sealed message.
#[must_use]
pub fn is_sealed_line(line: &[u8]) -> bool {
    line.starts_with(LINE_BEGINS)
}

/// Seals messages under one key.
pub struct Envelope {
    pub(super) id: KeyId,
    pub(super) key: [u8; KEY_BYTES],
    pub(super) random: Random,
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Envelope({})", self.id)
    }
}

impl Envelope {
    /// Under a key that this process alone knows, and forgets with its end.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn of_this_process() -> io::Result<Envelope> {
        let random = Random::System;
        Ok(Envelope {
            id: KeyId(random.bytes()?),
            key: random.bytes()?,
            random,
        })
    }

    /// The number and the content of a message that this envelope has sealed.
    ///
    /// # Errors
    /// It is not as it was sealed.
    pub fn open(&self, message: &[u8]) -> io::Result<(u64, Vec<u8>)> {
        let found = Found::at(message)?;
        Ok((found.number(), found.open(&self.key)?))
    }

    /// The message with this number.
    ///
    /// # Errors
    /// There is no randomness, or it is longer than 4 GiB.
    pub fn seal(&self, number: u64, plain: &[u8]) -> io::Result<Vec<u8>> {
        let length = u32::try_from(plain.len()).map_err(io::Error::other)?;
        let mut message = Vec::with_capacity(OVERHEAD_BYTES + plain.len());
        message.extend_from_slice(&MAGIC);
        message.extend_from_slice(&self.id.0);
        let salt: [u8; 16] = self.random.bytes()?;
        message.extend_from_slice(&salt);
        message.extend_from_slice(&number.to_le_bytes());
        message.extend_from_slice(&length.to_le_bytes());
        message.extend_from_slice(plain);
        let (header, body) = message.split_at_mut(HEADER_BYTES);
        let tag = Cipher::derived(&self.key, &salt, USAGE).seal(0, header, body);
        message.extend_from_slice(&tag);
        Ok(message)
    }

    /// The same as a line of JSON, without its end.
    ///
    /// # Errors
    /// As [`Envelope::seal`].
    pub fn seal_line(&self, number: u64, plain: &[u8]) -> io::Result<Vec<u8>> {
        let message = self.seal(number, plain)?;
        Ok([LINE_BEGINS, BASE64.encode(&message).as_bytes(), LINE_ENDS].concat())
    }
}

/// The message that a line is, if it is one.
pub(super) fn of_line(line: &[u8]) -> Option<Vec<u8>> {
    let text = line.strip_prefix(LINE_BEGINS)?.strip_suffix(LINE_ENDS)?;
    BASE64.decode(text).ok()
}

/// A message as it was found.
pub(super) struct Found<'a> {
    header: &'a [u8],
    body: &'a [u8],
}

impl<'a> Found<'a> {
    /// The message at the beginning of these bytes.
    pub(super) fn at(bytes: &'a [u8]) -> io::Result<Found<'a>> {
        let cut = || invalid("it is encrypted, and ends too early");
        if !is_message(bytes) || bytes.len() < OVERHEAD_BYTES {
            return Err(cut());
        }
        let (header, rest) = bytes.split_at(HEADER_BYTES);
        let mut length = [0; 4];
        length.copy_from_slice(&header[36..40]);
        let length = u32::from_le_bytes(length) as usize + TAG_BYTES;
        let body = rest.get(..length).ok_or_else(cut)?;
        Ok(Found { header, body })
    }

    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.header.len() + self.body.len()
    }

    pub(super) fn key(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.header[KEY]);
        KeyId(id)
    }

    pub(super) fn number(&self) -> u64 {
        let mut number = [0; 8];
        number.copy_from_slice(&self.header[28..36]);
        u64::from_le_bytes(number)
    }

    pub(super) fn open(&self, key: &[u8; KEY_BYTES]) -> io::Result<Vec<u8>> {
        let mut body = self.body.to_vec();
        let cipher = Cipher::derived(key, &self.header[SALT], USAGE);
        let plain = cipher.open(0, self.header, &mut body)?.len();
        body.truncate(plain);
        Ok(body)
    }
}

/// Where the first message in `bytes` seems to begin.
pub(super) fn find(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(MAGIC.len())
        .position(|window| window == MAGIC)
}
