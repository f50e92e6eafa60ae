//! The link by which the first admin gets in.
//!
//! Invariant: it is good for one person and one day, and kept as a hash. A newer one makes older ones
//! worthless.

use serde::{Deserialize, Serialize};

use super::Register;
use crate::hashed::Hashed;

/// How long a link is good, hours.
pub const SETUP_HOURS: u64 = 24;

/// What is kept of the link.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    hash: Hashed,
    /// Milliseconds since the Unix epoch.
    expires_ms: u64,
}

impl Register {
    /// Makes a link good that holds this secret, and no other.
    pub(crate) fn begin_setup(&mut self, secret: &str, now_ms: u64) {
        self.setup = Some(Setup {
            hash: Hashed::of(secret),
            expires_ms: now_ms + SETUP_HOURS * 3_600_000,
        });
    }

    /// Whether a link holds the right secret, in time.
    #[must_use]
    pub fn is_setup(&self, secret: &str, now_ms: u64) -> bool {
        let good = |setup: &Setup| now_ms < setup.expires_ms && setup.hash.is_of(secret);
        self.setup.as_ref().is_some_and(good)
    }
}

#[cfg(test)]
mod tests {
    //! The newest link alone is good, and not for ever.
    use super::*;

    #[test]
    fn the_newest_link_is_good_for_a_day() {
        let mut register = Register::default();
        assert!(!register.is_setup("", 0));
        register.begin_setup("first", 1_000);
        register.begin_setup("second", 1_000);
        assert!(register.is_setup("second", 1_000) && !register.is_setup("first", 1_000));
        let day_ms = 24 * 3_600_000;
        assert!(register.is_setup("second", 999 + day_ms));
        assert!(!register.is_setup("second", 1_000 + day_ms));
    }
}
