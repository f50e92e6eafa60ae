//! The ID tokens of those who are signed in, for the end of their session at the provider.
//!
//! Some providers end a session only for who shows the token by which it began. They are kept in memory
//! alone and in bounded room: what was forgotten costs a question at the provider, no more.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What all of them may take together, bytes.
const BYTES_MAX: usize = 16 << 20;
/// A longer one would not fit the address that it goes into.
const TOKEN_BYTES_MAX: usize = 6 << 10;

#[derive(Default)]
pub(crate) struct Hints(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    bytes: usize,
    /// By session, the oldest first.
    tokens: VecDeque<(String, String)>,
}

impl Hints {
    pub(crate) fn keep(&self, session: &str, token: String) {
        if token.len() > TOKEN_BYTES_MAX {
            return;
        }
        let mut kept = self.kept();
        kept.bytes += token.len();
        kept.tokens.push_back((session.to_owned(), token));
        while kept.bytes > BYTES_MAX {
            let Some((_, oldest)) = kept.tokens.pop_front() else {
                return;
            };
            kept.bytes -= oldest.len();
        }
    }

    pub(crate) fn take(&self, session: &str) -> Option<String> {
        let mut kept = self.kept();
        let at = kept.tokens.iter().position(|(own, _)| own == session)?;
        let (_, token) = kept.tokens.remove(at)?;
        kept.bytes -= token.len();
        Some(token)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    //! Each is given out once, and the room is bounded.
    use super::*;

    #[test]
    fn the_room_is_bounded() {
        let hints = Hints::default();
        hints.keep("long", "x".repeat(TOKEN_BYTES_MAX + 1));
        assert_eq!(hints.take("long"), None);
        let token = "x".repeat(TOKEN_BYTES_MAX);
        for number in 0..4_000 {
            hints.keep(&number.to_string(), token.clone());
        }
        assert!(hints.kept().bytes <= BYTES_MAX);
        assert_eq!(hints.take("0"), None);
        assert_eq!(hints.take("3999"), Some(token));
        assert_eq!(hints.take("3999"), None);
    }
}
