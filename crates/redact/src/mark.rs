//! What an item says of what was taken out of it: the attribute `tallybook.redacted`.
//!
//! ```text
//! prompt=mask:github-token*2 tool_input=drop #1f0c93ab
//! ```
//!
//! A word for each attribute and what was done to it, `*n` how often when more than once, `+n` for
//! words that did not fit; `#` and eight digits tell items apart that differed only in what was
//! removed. Invariant: bounded, and the same for the same item.

use crate::keys::{Digest, Keys};
use crate::tally::Done;

/// How many words a mark has.
const WORDS_MAX: usize = 16;
/// How long an attribute's key may be in it.
const KEY_BYTES_MAX: usize = 64;
/// How much of a mark that an item came with is kept.
const CAME_BYTES_MAX: usize = 2_048;

/// What was done under one owner.
#[derive(Default)]
pub(crate) struct Mark {
    words: Vec<(String, u64)>,
    more: u64,
    digest: Option<Digest>,
    is_changed: bool,
}

impl Mark {
    pub(crate) fn note(&mut self, attribute: &str, done: Done, detector: &str) {
        self.is_changed = true;
        let colon = if detector.is_empty() { "" } else { ":" };
        let word = format!("{attribute}={}{colon}{detector}", done.name());
        if let Some((_, times)) = self.words.iter_mut().find(|(known, _)| *known == word) {
            *times += 1;
        } else if self.words.len() < WORDS_MAX {
            self.words.push((word, 1));
        } else {
            self.more += 1;
        }
    }

    /// Whether that was noted.
    pub(crate) fn has(&self, attribute: &str, done: Done) -> bool {
        let word = format!("{attribute}={}", done.name());
        self.words.iter().any(|(known, _)| *known == word)
    }

    /// Tells this item from one in which something else was removed.
    pub(crate) fn removed(&mut self, keys: &Keys, name: &str, bytes: &[u8]) {
        self.digest
            .get_or_insert_with(|| keys.digest())
            .add(name, bytes);
    }

    /// The mark's text; `came` is the mark that the item came with, `None` when nothing was done.
    pub(crate) fn end(self, came: Option<&str>) -> Option<String> {
        if !self.is_changed {
            return None;
        }
        let mut text = came
            .map(|came| crate::mask::cut(came, CAME_BYTES_MAX).to_owned())
            .unwrap_or_default();
        let mut word = |word: &str| {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        };
        for (what, times) in &self.words {
            match times {
                1 => word(what),
                times => word(&format!("{what}*{times}")),
            }
        }
        if self.more > 0 {
            word(&format!("+{}", self.more));
        }
        if let Some(digest) = self.digest {
            word(&format!("#{}", digest.end()));
        }
        Some(text)
    }
}

/// An attribute's key as a mark, a report and a counter say it: short, and no text of its own.
pub(crate) fn label_of(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:/[]".contains(c);
    let short = crate::mask::cut(key, KEY_BYTES_MAX);
    short
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect()
}
