//! A JSON document that carries its version, and its checksum in a line behind it.
//!
//! ```text
//! {"version": 2, ...}
//! crc32c 0123abcd
//! ```
//!
//! The checksum is CRC-32C over the bytes before its line's beginning. The version is read before the
//! checksum is looked at: a later version may write its checksum differently, and must still be told
//! from a damaged file.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{StoreError, Unreadable};

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

/// The file of a document.
pub(crate) fn seal(document: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut text = serde_json::to_vec_pretty(document)
        .map_err(|error| StoreError::Internal(error.to_string()))?;
    let line = checksum_line(&text);
    text.push(b'\n');
    text.extend_from_slice(line.as_bytes());
    text.push(b'\n');
    Ok(text)
}

/// The document of a file, when its version is `known` or older and its checksum is right.
pub(crate) fn unseal<T: DeserializeOwned>(text: &[u8], known: u32) -> Result<T, Unreadable> {
    let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<VersionOnly>();
    match documents.next() {
        Some(Ok(VersionOnly { version: found })) if found > known => {
            return Err(Unreadable::Newer { found, known });
        }
        _ => {}
    }
    let body = checked(text).ok_or("checksum does not match")?;
    serde_json::from_slice(body).map_err(|error| Unreadable::Damaged(error.to_string()))
}

/// The document before its last line, when that line is its checksum.
fn checked(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_suffix(b"\n")?;
    let at = text.iter().rposition(|byte| *byte == b'\n')?;
    let (body, line) = (&text[..at], &text[at + 1..]);
    (line == checksum_line(body).as_bytes()).then_some(body)
}

fn checksum_line(body: &[u8]) -> String {
    format!("crc32c {:08x}", crc32c::crc32c(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        version: u32,
        text: String,
    }

    fn note(version: u32) -> Note {
        Note {
            version,
            text: "kept".into(),
        }
    }

    #[test]
    fn what_is_sealed_is_unsealed_and_newer_is_told_from_damaged() {
        let file = seal(&note(2)).expect("seals");
        assert_eq!(unseal::<Note>(&file, 2).expect("unseals"), note(2));
        assert_eq!(unseal::<Note>(&file, 3).expect("unseals"), note(2));
        let mut unknown_seal = file.clone();
        unknown_seal.extend_from_slice(b"blake3 00\n");
        for file in [file, unknown_seal] {
            let refused = unseal::<Note>(&file, 1).expect_err("newer");
            assert!(matches!(refused, Unreadable::Newer { found: 2, known: 1 }));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let file = seal(&note(2)).expect("seals");
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal::<Note>(&damaged, 2).is_err(), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(
                unseal::<Note>(&file[..length], 2).is_err(),
                "{length} bytes"
            );
        }
    }
}
