//! Pseudonyms: the same for the same name, and by nobody to be found out who has not the key.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ring::hmac;

/// Bytes of a pseudonym; in a million people, two have the same one with a chance of 1 in 500.
const BYTES: usize = 6;

/// Makes pseudonyms by one key.
#[derive(Clone)]
pub struct Pseudonyms(Arc<hmac::Key>);

impl Pseudonyms {
    /// By this key. Another key gives other pseudonyms.
    #[must_use]
    pub fn by(key: &[u8; base::secret::KEY_BYTES]) -> Pseudonyms {
        Pseudonyms(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key)))
    }

    /// The pseudonym of a person by what they are called.
    #[must_use]
    pub fn person(&self, name: &str) -> String {
        self.of("person", name)
    }

    /// The pseudonym of a machine by its id.
    #[must_use]
    pub fn machine(&self, id: &str) -> String {
        self.of("machine", id)
    }

    fn of(&self, what: &str, name: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        // No name has a zero byte where it would pass for another kind's.
        context.update(what.as_bytes());
        context.update(&[0]);
        context.update(name.as_bytes());
        let tag = context.sign();
        let hex = tag.as_ref()[..BYTES]
            .iter()
            .map(|byte| format!("{byte:02x}"));
        format!("{what}-{}", hex.collect::<String>())
    }
}

/// By a key of the process's own, for who hands in none.
impl Default for Pseudonyms {
    fn default() -> Pseudonyms {
        let key = base::secret::random().expect("the operating system gives random bytes");
        Pseudonyms::by(&key)
    }
}

impl PartialEq for Pseudonyms {
    fn eq(&self, other: &Pseudonyms) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Pseudonyms {}

impl Hash for Pseudonyms {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pseudonyms(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Pseudonyms;

    #[test]
    fn the_same_for_the_same_name_and_key_alone() {
        let (one, other) = (Pseudonyms::by(&[1; 32]), Pseudonyms::by(&[2; 32]));
        let ann = one.person("ann@example.com");
        assert_eq!(ann, Pseudonyms::by(&[1; 32]).person("ann@example.com"));
        assert_ne!(ann, other.person("ann@example.com"));
        assert_ne!(ann, one.person("ben@example.com"));
        assert_ne!(ann[7..], one.machine("ann@example.com")[8..]);
        assert!(ann.starts_with("person-") && ann.len() == "person-7f3a2c9e41d0".len());
    }
}
