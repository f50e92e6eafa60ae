//! What a program shows to be let in: `PREFIX_ID_SECRET`.
//!
//! Invariant: the secret exists in the text that is handed out once; what is kept is its SHA-256. The
//! secret has 256 bits nobody can foresee, so the hash needs no salt and no stretching.

use std::io;

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

const ID_CHARS: usize = 12;

/// The SHA-256 of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hashed([u8; 32]);

impl Hashed {
    /// The hash of a secret in the form in which it is shown.
    #[must_use]
    pub fn of(secret: &str) -> Hashed {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Hashed(hash)
    }

    /// Compares in a time that says nothing about the hashes.
    #[must_use]
    pub fn is_of(&self, secret: &str) -> bool {
        self.0.ct_eq(&Hashed::of(secret).0).into()
    }

    /// A short name for what has this hash; it opens nothing.
    #[must_use]
    pub fn short(&self) -> String {
        shortened(&self.0)
    }
}

impl TryFrom<String> for Hashed {
    type Error = String;

    fn try_from(text: String) -> Result<Hashed, String> {
        let bytes = HEXLOWER.decode(text.as_bytes());
        let hash = bytes.ok().and_then(|bytes| bytes.try_into().ok());
        hash.map(Hashed)
            .ok_or_else(|| "a hash is 64 hexadecimal digits".to_owned())
    }
}

impl From<Hashed> for String {
    fn from(hash: Hashed) -> String {
        HEXLOWER.encode(&hash.0)
    }
}

/// A new secret of 256 bits: 43 characters that need no escaping anywhere.
///
/// # Errors
/// The operating system has no random bytes to give.
pub fn new_secret() -> io::Result<String> {
    Ok(BASE64URL_NOPAD.encode(&base::secret::random()?))
}

/// A new id: 12 characters, lower case.
///
/// # Errors
/// The operating system has no random bytes to give.
pub fn new_id() -> io::Result<String> {
    Ok(shortened(&base::secret::random()?))
}

/// The text of a credential.
#[must_use]
pub(crate) fn written(prefix: &str, id: &str, secret: &str) -> String {
    format!("{prefix}_{id}_{secret}")
}

/// Id and secret of a credential's text, if it is one of that prefix. The secret may hold `_`.
#[must_use]
pub(crate) fn parsed<'a>(prefix: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let rest = text.strip_prefix(prefix)?.strip_prefix('_')?;
    let (id, secret) = rest.split_once('_')?;
    (id.len() == ID_CHARS && !secret.is_empty()).then_some((id, secret))
}

fn shortened(bytes: &[u8; 32]) -> String {
    let mut id = BASE32_NOPAD.encode(&bytes[..8]).to_ascii_lowercase();
    id.truncate(ID_CHARS);
    id
}

#[cfg(test)]
mod tests {
    //! What is handed out is recognised by what is kept, and nothing else is.
    use super::*;

    #[test]
    fn a_secret_is_recognised_by_its_hash() {
        let (secret, other) = (new_secret().unwrap(), new_secret().unwrap());
        let hash = Hashed::of(&secret);
        assert!(hash.is_of(&secret) && !hash.is_of(&other) && !hash.is_of(""));
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<Hashed>(&text).unwrap(), hash);
        assert!(!text.contains(&secret) && secret.len() == 43);
        assert!(serde_json::from_str::<Hashed>("\"00\"").is_err());
    }

    #[test]
    fn the_text_comes_apart_again() {
        let id = new_id().unwrap();
        let text = written("tbk", &id, "a_b-c");
        assert_eq!(parsed("tbk", &text), Some((id.as_str(), "a_b-c")));
        assert_eq!(parsed("tbi", &text), None);
        for odd in [
            "",
            "tbk",
            "tbk_",
            "tbk_short_x",
            "tbk_abcdefghijkl_",
            "tbkabcdefghijkl_x",
        ] {
            assert_eq!(parsed("tbk", odd), None, "{odd}");
        }
    }
}
