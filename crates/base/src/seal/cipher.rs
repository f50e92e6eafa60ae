//! AES-256-GCM under a key that is derived for one file or message.

use std::io;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, Nonce, UnboundKey};
use ring::hkdf;

use super::altered;
use crate::secret::KEY_BYTES;

/// What authentication adds to a block, in bytes.
pub(super) const TAG_BYTES: usize = MAX_TAG_LEN;

/// A key for one file or one message.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    /// The key that follows from `key` for one use, with random `salt`.
    pub(super) fn derived(key: &[u8; KEY_BYTES], salt: &[u8], usage: &str) -> Cipher {
        let mut derived = [0; KEY_BYTES];
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(key)
            .expand(&[usage.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut derived))
            .expect("a key is as long as one block of the hash");
        let key = UnboundKey::new(&AES_256_GCM, &derived).expect("the key has the cipher's length");
        Cipher(LessSafeKey::new(key))
    }

    /// Encrypts in place and returns the tag. No `index` may come twice.
    pub(super) fn seal(&self, index: u64, bound: &[u8], plain: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce(index), Aad::from(bound), plain)
            .expect("a block is far shorter than the cipher allows");
        let mut bytes = [0; TAG_BYTES];
        bytes.copy_from_slice(tag.as_ref());
        bytes
    }

    /// Decrypts in place; what remains is the plain bytes at the beginning.
    pub(super) fn open<'a>(
        &self,
        index: u64,
        bound: &[u8],
        sealed: &'a mut [u8],
    ) -> io::Result<&'a mut [u8]> {
        self.0
            .open_in_place(nonce(index), Aad::from(bound), sealed)
            .map_err(|_| altered())
    }
}

fn nonce(index: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&index.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}
