//! The format of a sealed file, version 1.
//!
//! ```text
//!  0  `{"version":1001,"sealed":1}` and a line end     28 bytes
//! 28  which key of the ring                             8 bytes
//! 36  salt, from which and the key this file's key follows   32 bytes
//! 68  length of what is in it                           u64, little endian
//! 76  bytes of a block                                  u32
//! 80  blocks, each with a tag of 16 bytes; all but the last are full; there is at least one
//! ```
//!
//! Each block is sealed with its index as nonce and bound to the header and the file's name, so that a
//! block that is elsewhere, or of another file, or of a file of another length, is refused. The beginning
//! reads as a JSON document of a far version: a program that knows no sealed files calls the file newer,
//! not damaged, and leaves it alone.

use std::io;

use super::cipher::{Cipher, TAG_BYTES};
use super::ring::KeyId;
use super::{altered, invalid};
use crate::secret::KEY_BYTES;

const MAGIC: &[u8; 28] = b"{\"version\":1001,\"sealed\":1}\n";
/// Bytes before the first block.
pub const HEADER_BYTES: usize = 80;
/// Where the key's name is.
pub(super) const KEY: std::ops::Range<usize> = 28..36;
const SALT: std::ops::Range<usize> = 36..68;
/// Small, for a reader of few columns reads little of a file here and there.
const BLOCK_BYTES: usize = 16 << 10;
/// A header says no more, so that nobody makes us allocate without bound.
const BLOCK_BYTES_MAX: usize = 1 << 20;
const USAGE: &str = "file";

/// Whether a file that begins with these bytes is sealed.
#[must_use]
pub fn is_sealed(beginning: &[u8]) -> bool {
    beginning.starts_with(MAGIC)
}

/// The whole of a sealed file.
pub(super) fn seal(
    id: KeyId,
    key: &[u8; KEY_BYTES],
    salt: &[u8; 32],
    name: &str,
    plain: &[u8],
) -> Vec<u8> {
    let mut header = [0; HEADER_BYTES];
    header[..28].copy_from_slice(MAGIC);
    header[KEY].copy_from_slice(&id.0);
    header[SALT].copy_from_slice(salt);
    header[68..76].copy_from_slice(&(plain.len() as u64).to_le_bytes());
    header[76..80].copy_from_slice(&(BLOCK_BYTES as u32).to_le_bytes());
    let cipher = Cipher::derived(key, salt, USAGE);
    let bound = [&header, name.as_bytes()].concat();
    let blocks = plain.len().div_ceil(BLOCK_BYTES).max(1);
    let mut file = Vec::with_capacity(HEADER_BYTES + plain.len() + blocks * TAG_BYTES);
    file.extend_from_slice(&header);
    for index in 0..blocks {
        let from = index * BLOCK_BYTES;
        let block = &plain[from..plain.len().min(from + BLOCK_BYTES)];
        let at = file.len();
        file.extend_from_slice(block);
        let tag = cipher.seal(index as u64, &bound, &mut file[at..]);
        file.extend_from_slice(&tag);
    }
    file
}

/// What a header says, before it is believed.
pub(super) struct Header<'a> {
    bytes: &'a [u8; HEADER_BYTES],
    plain_bytes: u64,
    block_bytes: u64,
}

impl<'a> Header<'a> {
    /// The header of a file of `file_bytes` bytes.
    pub(super) fn of(beginning: &'a [u8], file_bytes: u64) -> io::Result<Header<'a>> {
        let bytes: &[u8; HEADER_BYTES] = beginning
            .first_chunk()
            .filter(|bytes| is_sealed(*bytes))
            .ok_or_else(|| invalid("it is cut within its header, or not encrypted"))?;
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[68..76]);
        let plain_bytes = u64::from_le_bytes(number);
        let mut size = [0; 4];
        size.copy_from_slice(&bytes[76..80]);
        let block_bytes = u64::from(u32::from_le_bytes(size));
        if !(1..=BLOCK_BYTES_MAX as u64).contains(&block_bytes) {
            return Err(altered());
        }
        let blocks = plain_bytes.div_ceil(block_bytes).max(1);
        let expected = blocks
            .checked_mul(TAG_BYTES as u64)
            .and_then(|tags| tags.checked_add(plain_bytes))
            .and_then(|sealed| sealed.checked_add(HEADER_BYTES as u64));
        if expected != Some(file_bytes) {
            return Err(invalid(format!(
                "it is encrypted, and has {file_bytes} bytes where its header says {}: cut or lengthened",
                expected.unwrap_or(u64::MAX)
            )));
        }
        Ok(Header {
            bytes,
            plain_bytes,
            block_bytes,
        })
    }

    pub(super) fn key(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.bytes[KEY]);
        KeyId(id)
    }

    pub(super) fn open(self, key: &[u8; KEY_BYTES], name: &str) -> Opened {
        Opened {
            cipher: Cipher::derived(key, &self.bytes[SALT], USAGE),
            bound: [self.bytes, name.as_bytes()].concat(),
            plain_bytes: self.plain_bytes,
            block_bytes: self.block_bytes,
        }
    }
}

/// A sealed file whose key is at hand, to be read from any offset.
pub struct Opened {
    cipher: Cipher,
    bound: Vec<u8>,
    plain_bytes: u64,
    block_bytes: u64,
}

impl Opened {
    /// Bytes of what is in it.
    #[must_use]
    pub fn plain_bytes(&self) -> u64 {
        self.plain_bytes
    }

    /// Fills `buffer` from `offset` on, as a plain file would; `read_at` reads the sealed one.
    ///
    /// # Errors
    /// `read_at` fails, or a block is not what was written.
    pub fn read(
        &self,
        mut read_at: impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
        offset: u64,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let left = self.plain_bytes.saturating_sub(offset);
        let wanted = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        // An empty file has a block, too, which says that it is meant to be empty.
        if wanted == 0 && self.plain_bytes > 0 {
            return Ok(0);
        }
        let first = offset.min(self.plain_bytes) / self.block_bytes;
        let end = (offset + wanted as u64).min(self.plain_bytes);
        let last = end.saturating_sub(1).max(first * self.block_bytes) / self.block_bytes;
        let sealed_block = self.block_bytes + TAG_BYTES as u64;
        let plain_end = self.plain_bytes.min((last + 1) * self.block_bytes);
        let from = HEADER_BYTES as u64 + first * sealed_block;
        let to = HEADER_BYTES as u64 + plain_end + (last + 1) * TAG_BYTES as u64;
        let mut sealed = vec![0; usize::try_from(to - from).map_err(io::Error::other)?];
        if read_at(from, &mut sealed)? != sealed.len() {
            return Err(invalid("it is encrypted, and ends too early"));
        }
        let mut filled = 0;
        for (index, block) in (first..).zip(sealed.chunks_mut(sealed_block as usize)) {
            let plain = self.cipher.open(index, &self.bound, block)?;
            let skip = (offset.saturating_sub(index * self.block_bytes) as usize).min(plain.len());
            let take = (plain.len() - skip).min(wanted - filled);
            buffer[filled..filled + take].copy_from_slice(&plain[skip..skip + take]);
            filled += take;
        }
        Ok(filled)
    }
}
