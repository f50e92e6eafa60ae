//! A sign-in that is under way: what the browser that began it brings back, sealed.
//!
//! Invariant: the server keeps nothing of who has only begun, so that beginning costs it no memory. What
//! the cookie holds can be neither read nor made without a key of the installation, and is good for
//! [`MINUTES`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::failure::Failure;

/// How long somebody may take at the provider, minutes.
pub const MINUTES: u64 = 10;
/// A longer way back would not fit the cookie.
const TO_BYTES_MAX: usize = 1500;
/// What is sealed for something else opens nothing here.
const PURPOSE: &[u8] = b"tallybook oidc pending 1";

/// A sign-in that is under way.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pending {
    /// What the provider hands back through the browser.
    pub(crate) state: String,
    /// What the token must hold.
    pub(crate) nonce: String,
    /// Which proves that we are who began (PKCE).
    pub(crate) verifier: String,
    /// Where to go then, a path of ours.
    pub(crate) to: String,
    /// When it began, milliseconds since the Unix epoch.
    began_ms: u64,
}

/// Seals and opens.
pub(crate) struct Seal(LessSafeKey);

impl Pending {
    pub(crate) fn begin(to: &str, now_ms: u64) -> std::io::Result<Pending> {
        Ok(Pending {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            to: own_path(to),
            began_ms: now_ms,
        })
    }

    /// What the provider gets to know of the verifier.
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()))
    }

    /// Whether what came back belongs to this.
    pub(crate) fn check(&self, state: &str, now_ms: u64) -> Result<(), Failure> {
        if !bool::from(self.state.as_bytes().ct_eq(state.as_bytes())) {
            return Err(Failure::Expired(
                "the answer belongs to another sign-in than this browser began",
            ));
        }
        match now_ms.saturating_sub(self.began_ms) < MINUTES * 60_000 {
            true => Ok(()),
            false => Err(Failure::Expired("the sign-in took too long")),
        }
    }
}

impl Seal {
    pub(crate) fn new(key: &[u8; 32]) -> Seal {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("a key of this cipher has 32 bytes");
        Seal(LessSafeKey::new(key))
    }

    pub(crate) fn close(&self, pending: &Pending) -> std::io::Result<String> {
        let mut number = [0; NONCE_LEN];
        number.copy_from_slice(&base::secret::random()?[..NONCE_LEN]);
        let mut text = serde_json::to_vec(pending)?;
        let nonce = Nonce::assume_unique_for_key(number);
        let sealed = self
            .0
            .seal_in_place_append_tag(nonce, Aad::from(PURPOSE), &mut text);
        sealed.map_err(|_| std::io::Error::other("a sign-in cannot be sealed"))?;
        Ok(URL_SAFE_NO_PAD.encode([&number[..], &text].concat()))
    }

    pub(crate) fn open(&self, sealed: &str) -> Result<Pending, Failure> {
        let unknown = Failure::Expired("this browser has begun no sign-in, or too long ago");
        let opened = || {
            let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
            let (number, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
            let nonce = Nonce::try_assume_unique_for_key(number).ok()?;
            let plain = self.0.open_in_place(nonce, Aad::from(PURPOSE), text).ok()?;
            serde_json::from_slice(plain).ok()
        };
        opened().ok_or(unknown)
    }
}

/// A path of ours, and nothing that a browser takes for another site.
fn own_path(to: &str) -> String {
    let is_odd = |byte: u8| byte == b'\\' || !(0x21..0x7f).contains(&byte);
    let is_ours = to.starts_with('/')
        && !to.starts_with("//")
        && to.len() <= TO_BYTES_MAX
        && !to.bytes().any(is_odd);
    if is_ours {
        to.to_owned()
    } else {
        "/".to_owned()
    }
}

/// 256 bits, as 43 characters that need no escaping.
fn random() -> std::io::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(base::secret::random()?))
}

#[cfg(test)]
mod tests {
    //! What was sealed is opened by the same key alone, for a while, and leads nowhere else.
    use super::*;

    #[test]
    fn only_what_was_begun_here_and_lately_counts() {
        let seal = Seal::new(&[7; 32]);
        let begun = Pending::begin("/sessions?tz=utc", 1_000).unwrap();
        let sealed = seal.close(&begun).unwrap();
        assert!(!sealed.contains(&begun.state) && sealed.len() < 3_000);
        let opened = seal.open(&sealed).unwrap();
        assert_eq!(opened.to, "/sessions?tz=utc");
        assert_eq!(opened.challenge(), begun.challenge());
        let end_ms = 1_000 + MINUTES * 60_000;
        assert!(opened.check(&begun.state, end_ms - 1).is_ok());
        assert!(opened.check(&begun.state, end_ms).is_err());
        let other = Pending::begin("/", 1_000).unwrap();
        assert!(opened.check(&other.state, 1_000).is_err() && opened.check("", 1_000).is_err());
        assert!(Seal::new(&[8; 32]).open(&sealed).is_err(), "another key");
        let mut changed = sealed.clone().into_bytes();
        changed[30] ^= 1;
        assert!(seal.open(&String::from_utf8(changed).unwrap()).is_err());
        for odd in ["", "x", &sealed[..20], "%"] {
            assert!(seal.open(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn the_way_back_is_ours() {
        for to in ["/", "/a?b=c&d=%20", "/prompts/x-1"] {
            assert_eq!(own_path(to), to);
        }
        let long = format!("/{}", "x".repeat(TO_BYTES_MAX));
        for to in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "/a b",
            "/a\nb",
            "/\u{e4}",
            long.as_str(),
        ] {
            assert_eq!(own_path(to), "/", "{to:?}");
        }
    }
}
