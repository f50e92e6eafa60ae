//! Passwords: Argon2id, and which are taken at all.
//!
//! Invariant: what is kept is a hash in PHC form with its own salt. A hash costs 19 MiB and two
//! passes over it, whoever asks: for a name that nobody has one is computed all the same.

use std::fmt;
use std::io;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// Memory of one hash, KiB, passes over it, and lanes: what OWASP asks for at least.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Shorter ones can be guessed.
pub(crate) const CHARS_MIN: usize = 12;
/// Longer ones are no passwords.
pub(crate) const BYTES_MAX: usize = 1024;

/// A hash that no password has, of the usual cost.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password as it was typed; it is never printed.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// The password in `text`.
    #[must_use]
    pub fn new(text: String) -> Password {
        Password(text)
    }

    /// Whether somebody called `name` may have it.
    ///
    /// # Errors
    /// Says which rule it breaks.
    pub fn check(&self, name: &str) -> Result<(), String> {
        if self.0.chars().count() < CHARS_MIN {
            return Err(format!("a password has at least {CHARS_MIN} characters"));
        }
        if self.0.len() > BYTES_MAX {
            return Err(format!("a password has at most {BYTES_MAX} bytes"));
        }
        let (password, name) = (self.0.to_lowercase(), name.to_lowercase());
        let local = name.split('@').next().unwrap_or_default();
        let mut beside = password.clone();
        for part in [name.as_str(), local]
            .iter()
            .filter(|part| part.chars().count() > 2)
        {
            beside = beside.replace(part, "");
        }
        if beside != password && beside.chars().count() < CHARS_MIN / 2 {
            return Err("the password is little more than the name".to_owned());
        }
        let mut letters = password.chars();
        let first = letters.next();
        if letters.all(|letter| Some(letter) == first) {
            return Err("the password is one character repeated".to_owned());
        }
        Ok(())
    }

    /// Its hash, with a new salt. This takes tens of milliseconds of CPU: not for a thread of I/O.
    ///
    /// # Errors
    /// There are no random bytes, or no memory for it.
    pub fn hash(&self) -> io::Result<String> {
        let salt = &base::secret::random()?[..SALT_BYTES];
        let hash = hasher().hash_password_with_salt(self.0.as_bytes(), salt);
        hash.map(|hash| hash.to_string()).map_err(io::Error::other)
    }

    /// Whether it has this hash; without one, takes as long and says no. Not for a thread of I/O.
    #[must_use]
    pub fn is_of(&self, hash: Option<&str>) -> bool {
        if self.0.len() > BYTES_MAX {
            return false;
        }
        let (kept, exists) = match hash {
            Some(hash) => (hash, true),
            None => (NOBODYS, false),
        };
        let Ok(kept) = PasswordHash::new(kept) else {
            return false;
        };
        let matches = hasher().verify_password(self.0.as_bytes(), &kept).is_ok();
        matches && exists
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.expect("these are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    //! Rules, and that a hash is of one password and costs what it should.
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[test]
    fn weak_ones_are_refused() {
        let name = "ann@example.com";
        for (text, expect) in [
            ("correct horse battery", None),
            ("ünïcödé wörds", None),
            ("short", Some("12 characters")),
            ("", Some("12 characters")),
            ("ann@example.com", Some("name")),
            ("Ann@Example.com1", Some("name")),
            ("annannannannann", Some("name")),
            ("aaaaaaaaaaaaaa", Some("repeated")),
        ] {
            let said = password(text).check(name).err();
            match expect {
                None => assert_eq!(said, None, "{text}"),
                Some(why) => assert!(
                    said.clone().is_some_and(|said| said.contains(why)),
                    "{text}: {said:?}"
                ),
            }
        }
        assert!(password(&"ab".repeat(600)).check(name).is_err());
    }

    #[test]
    fn a_hash_is_of_one_password() {
        let right = password("correct horse battery");
        let hash = right.hash().unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_ne!(right.hash().unwrap(), hash, "salted");
        assert!(right.is_of(Some(&hash)));
        assert!(!password("correct horse battery ").is_of(Some(&hash)));
        assert!(!right.is_of(None) && !right.is_of(Some("nonsense")) && !right.is_of(Some("")));
        assert_eq!(format!("{right:?}"), "Password(…)");
        assert!(
            PasswordHash::new(NOBODYS).is_ok(),
            "the cost of nobody's hash is real"
        );
    }
}
