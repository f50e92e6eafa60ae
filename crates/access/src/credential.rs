//! The text form of a credential, `tbi_<id>_<secret>` for ingest tokens, and what is kept of it.
//!
//! Invariant: the secret is in the text alone, which is shown once; kept is its SHA-256. A hash of 256
//! random bits needs no salt and no slowness: there is nothing to guess.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

const SECRET_BYTES: usize = 32;
/// 60 bits: enough that two are never the same.
const ID_CHARACTERS: usize = 12;
const ID_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What a credential is for, which its prefix says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sending telemetry.
    Ingest,
    /// Asking the API.
    Api,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Kind::Ingest => "tbi_",
            Kind::Api => "tbk_",
        }
    }
}

/// A credential that was made or presented just now.
pub struct Credential {
    /// By which it is found; no secret.
    pub id: String,
    secret: [u8; SECRET_BYTES],
}

/// What is kept of a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl Credential {
    /// A new one.
    ///
    /// # Errors
    /// The operating system has no random bytes to give.
    pub fn new() -> io::Result<Credential> {
        let letters = base::secret::random()?;
        let id = letters.iter().take(ID_CHARACTERS);
        let id = id.map(|byte| char::from(ID_ALPHABET[usize::from(*byte) % ID_ALPHABET.len()]));
        Ok(Credential {
            id: id.collect(),
            secret: base::secret::random()?,
        })
    }

    /// Reads the text form; `None` for what is none of that kind.
    #[must_use]
    pub fn parse(kind: Kind, text: &str) -> Option<Credential> {
        let (id, secret) = text.strip_prefix(kind.prefix())?.split_once('_')?;
        let is_id = id.len() == ID_CHARACTERS && id.bytes().all(|byte| ID_ALPHABET.contains(&byte));
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?;
        is_id.then(|| Credential {
            id: id.to_owned(),
            secret,
        })
    }

    /// The text form, to be shown once.
    #[must_use]
    pub fn text(&self, kind: Kind) -> String {
        let secret = URL_SAFE_NO_PAD.encode(self.secret);
        format!("{}{}_{secret}", kind.prefix(), self.id)
    }

    /// What is kept of the secret.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        let hash = digest(&SHA256, &self.secret);
        SecretHash(URL_SAFE_NO_PAD.encode(hash.as_ref()))
    }

    /// Whether `kept` is of this secret. It takes as long where they differ in the first bit as where
    /// they do not differ.
    #[must_use]
    pub fn is_of(&self, kept: &SecretHash) -> bool {
        self.hash().0.as_bytes().ct_eq(kept.0.as_bytes()).into()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({})", self.id)
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

#[cfg(test)]
mod tests {
    //! Round trip, refusals, and that only the very secret is taken.
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let made = Credential::new().unwrap();
        let text = made.text(Kind::Ingest);
        assert_eq!(text.len(), 4 + 12 + 1 + 43, "{text}");
        let read = Credential::parse(Kind::Ingest, &text).unwrap();
        assert_eq!(read.id, made.id);
        assert!(read.is_of(&made.hash()));
        assert!(Credential::parse(Kind::Api, &text).is_none());
        for odd in [
            "",
            "tbi_",
            "tbi_abc_def",
            &text[..text.len() - 1],
            &format!("{text}A"),
            &text.replace("tbi_", "tbi_A"),
            &text.to_uppercase(),
        ] {
            assert!(Credential::parse(Kind::Ingest, odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn another_secret_is_not_taken() {
        let (one, other) = (Credential::new().unwrap(), Credential::new().unwrap());
        assert!(!one.is_of(&other.hash()));
        let mut almost = Credential {
            id: one.id.clone(),
            secret: one.secret,
        };
        almost.secret[31] ^= 1;
        assert!(!almost.is_of(&one.hash()));
        assert!(!format!("{one:?} {:?}", one.hash()).contains(&one.text(Kind::Ingest)[17..]));
    }
}
