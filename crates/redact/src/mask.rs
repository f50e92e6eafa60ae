//! A text without what was found in it.
//!
//! Invariant: in what is returned, none of the detectors finds anything. Where masking does not come
//! to that end, or a text holds more than can be masked, nothing of the text is returned.

use crate::detect::{Detectors, Find, Set};

/// How often a masked text is looked at again: a mask may put together what was apart.
const ROUNDS_MAX: usize = 6;

/// A masked text.
pub(crate) enum Masked {
    /// Nothing was found.
    Same,
    /// The text with masks in it.
    Changed(String),
    /// It cannot be masked.
    Failed,
}

/// Masks what the detectors find; `found` is told of each, with what it was.
pub(crate) fn mask(
    detectors: &Detectors,
    text: &str,
    of: Set,
    found: &mut dyn FnMut(usize, &str),
) -> Masked {
    let mut masked: Option<String> = None;
    for _ in 0..ROUNDS_MAX {
        let current = masked.as_deref().unwrap_or(text);
        let Ok(finds) = detectors.find(current, of) else {
            return Masked::Failed;
        };
        if finds.is_empty() {
            return masked.map_or(Masked::Same, Masked::Changed);
        }
        masked = Some(replaced(detectors, current, &finds, found));
    }
    Masked::Failed
}

/// What stands for what a detector found.
pub(crate) fn label(detectors: &Detectors, detector: usize) -> String {
    format!("[masked:{}]", detectors.name(detector))
}

fn replaced(
    detectors: &Detectors,
    text: &str,
    finds: &[Find],
    found: &mut dyn FnMut(usize, &str),
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for find in finds {
        out.push_str(text.get(at..find.range.start).unwrap_or_default());
        found(
            find.detector,
            text.get(find.range.clone()).unwrap_or_default(),
        );
        out.push_str(&label(detectors, find.detector));
        at = find.range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The first `characters` of a text.
pub(crate) fn cut(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}
