//! Hashes and pseudonyms: keyed, so that nobody without the key can try out what they stand for.
//!
//! HMAC-SHA256 (RFC 2104), each use under a label of its own.

use ring::hmac;

/// What a pseudonymous e-mail address ends in; `.invalid` is nobody's (RFC 2606).
const DOMAIN: &str = "@pseudonym.invalid";
const PERSON: &str = "person-";
const PERSON_DIGITS: usize = 20;
const HASH: &str = "[hash:";
const HASH_DIGITS: usize = 32;

/// The key of an installation.
pub(crate) struct Keys(hmac::Key);

/// What was removed of an item, without saying what.
pub(crate) struct Digest(hmac::Context);

impl Keys {
    pub(crate) fn new(key: &[u8; 32]) -> Keys {
        Keys(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn hex(&self, label: &str, text: &[u8], digits: usize) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(label.as_bytes());
        context.update(text);
        hex(context.sign().as_ref(), digits)
    }

    /// A text's hash; one that is a hash already stays.
    pub(crate) fn hash(&self, text: &str) -> String {
        if is_hash(text) || text.is_empty() {
            return text.to_owned();
        }
        format!(
            "{HASH}{}]",
            self.hex("hash\0", text.as_bytes(), HASH_DIGITS)
        )
    }

    /// Somebody else's name for a person: the same wherever the same is said, in whatever case and
    /// under whatever attribute, so that it can be counted and joined by.
    pub(crate) fn pseudonym(&self, text: &str) -> String {
        let said = text.trim();
        if is_pseudonym(said) || said.is_empty() {
            return text.to_owned();
        }
        let person = self.hex("person\0", said.to_lowercase().as_bytes(), PERSON_DIGITS);
        let domain = if said.contains('@') { DOMAIN } else { "" };
        format!("{PERSON}{person}{domain}")
    }

    /// Begins the digest of what is removed.
    pub(crate) fn digest(&self) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"removed\0");
        Digest(context)
    }

    /// What stands for bytes that are not kept: as long as it takes to tell them from others.
    pub(crate) fn stand_in(&self, bytes: &[u8]) -> String {
        let digits = self.hex("unreadable\0", bytes, 16);
        format!("\"[dropped by policy: {} bytes, #{digits}]\"", bytes.len())
    }
}

impl Digest {
    pub(crate) fn add(&mut self, name: &str, removed: &[u8]) {
        self.0.update(&(name.len() as u64).to_le_bytes());
        self.0.update(name.as_bytes());
        self.0.update(&(removed.len() as u64).to_le_bytes());
        self.0.update(removed);
    }

    /// Eight digits: enough to tell items apart, too few to say which of many texts was there.
    pub(crate) fn end(self) -> String {
        hex(self.0.sign().as_ref(), 8)
    }
}

fn hex(bytes: &[u8], digits: usize) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    nibbles
        .take(digits)
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

fn is_lower_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a text is one of our hashes.
pub(crate) fn is_hash(text: &str) -> bool {
    text.strip_prefix(HASH)
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|digits| is_lower_hex(digits, HASH_DIGITS))
}

fn is_pseudonym(text: &str) -> bool {
    text.strip_prefix(PERSON)
        .map(|rest| rest.strip_suffix(DOMAIN).unwrap_or(rest))
        .is_some_and(|digits| is_lower_hex(digits, PERSON_DIGITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_join_and_do_not_change_again() {
        let keys = Keys::new(&[7; 32]);
        let person = keys.pseudonym("Ada@Example.com");
        assert_eq!(person, keys.pseudonym(" ada@example.com"));
        assert_ne!(person, keys.pseudonym("bob@example.com"));
        assert_ne!(person, Keys::new(&[8; 32]).pseudonym("ada@example.com"));
        assert!(person.ends_with(DOMAIN), "{person}");
        assert_eq!(person, keys.pseudonym(&person));
        assert!(!keys.pseudonym("user_01ABC").contains('@'));
    }

    #[test]
    fn hashes_stay_hashes() {
        let keys = Keys::new(&[7; 32]);
        let hash = keys.hash("what was asked");
        assert_eq!(hash.len(), HASH.len() + HASH_DIGITS + 1);
        assert_eq!(keys.hash(&hash), hash);
        assert_ne!(keys.hash("what was asked "), hash);
        assert_eq!(keys.hash(""), "");
    }
}
