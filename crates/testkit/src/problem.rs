//! Why a test cannot go on. Printed as the sentence that it is.

use std::fmt;

/// What went wrong, in one sentence or a few lines.
pub struct Problem(String);

impl Problem {
    /// A problem of these words.
    pub fn new(words: impl Into<String>) -> Problem {
        Problem(words.into())
    }

    /// The same problem, with what was being done in front.
    #[must_use]
    pub fn while_doing(self, what: impl fmt::Display) -> Problem {
        Problem(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A test that returns a problem prints it with `Debug`.
impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: std::error::Error> From<E> for Problem {
    fn from(error: E) -> Problem {
        let mut words = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            words = format!("{words}: {inner}");
            source = inner.source();
        }
        Problem(words)
    }
}
