//! Secrets without a name: of login sessions and of the setup link.
//!
//! Invariant: the secret exists in what is handed out once; what is kept is its SHA-256. It has 256 bits
//! that nobody can foresee, so the hash needs no salt and no stretching.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::credential::Credential;

const SHORT_CHARS: usize = 12;

/// The SHA-256 of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Hashed([u8; 32]);

impl Hashed {
    /// The hash of a secret in the form in which it is shown.
    pub(crate) fn of(secret: &str) -> Hashed {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Hashed(hash)
    }

    /// Compares in a time that says nothing about the hashes.
    pub(crate) fn is_of(&self, secret: &str) -> bool {
        self.0.ct_eq(&Hashed::of(secret).0).into()
    }

    /// A short name for what has this hash; it opens nothing.
    pub(crate) fn short(&self) -> String {
        let mut short = HEXLOWER.encode(&self.0);
        short.truncate(SHORT_CHARS);
        short
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
pub(crate) fn new_secret() -> io::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(base::secret::random()?))
}

/// A new id that is no secret: 12 characters, lower case.
///
/// # Errors
/// The operating system has no random bytes to give.
pub fn new_id() -> io::Result<String> {
    Ok(Credential::new()?.id)
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
}
