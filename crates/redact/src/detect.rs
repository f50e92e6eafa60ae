//! What a text holds that nobody should keep.
//!
//! Invariant: linear in the text. One automaton over the literals of all detectors says which of them
//! can match at all; only those run. A text is looked at as it is and, where it has escapes, as it
//! reads without them, so that JSON in a string hides nothing; what is found is told in bytes of the
//! text as it is.
//!
//! | file | what is in it |
//! |---|---|
//! | `detect.rs` | the detectors of a policy, and finding with them |
//! | `detector.rs` | one detector, and all that are built in with what wakes them |
//! | `vendors.rs` | tokens and keys that a vendor's prefix gives away |
//! | `general.rs` | key blocks, headers, connection strings, numbers of people and cards |
//! | `assigned.rs` | values that are secret because of what they are called |
//! | `checks.rs` | checksums and entropy |
//! | `escapes.rs` | a text without its escapes, and where each byte of it came from |

mod assigned;
mod checks;
mod detector;
mod escapes;
mod general;
mod vendors;

use std::ops::Range;

use regex::{Regex, RegexBuilder};

pub(crate) use assigned::{is_secret_name, is_secret_value};
use checks::Check;
pub(crate) use detector::built_in_names;
use detector::{BUILT_IN, BuiltIn, Detector};
use escapes::Unescaped;

/// A set of detectors, a bit each.
pub(crate) type Set = u128;

/// How many detectors there may be, custom patterns included.
pub const DETECTORS_MAX: usize = Set::BITS as usize - 1;

/// The bit of no detector: escapes may hide what one would find.
const ESCAPED: Set = 1 << DETECTORS_MAX;

/// How deep escapes may stand in each other: JSON in a string of JSON in a string is two deep.
const ESCAPES_MAX: usize = 8;

/// How much one text may hold that is to be masked.
const FINDS_MAX: usize = 20_000;

/// How large a custom pattern may become once it is compiled.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What a detector is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Secrets,
    Cards,
    Emails,
    Ibans,
    Phones,
    Ips,
    Custom,
}

/// The groups by the names that configurations use.
pub const GROUPS: [&str; 6] = ["secrets", "cards", "emails", "ibans", "phones", "ips"];

impl Group {
    const ALL: [Group; 6] = [
        Group::Secrets,
        Group::Cards,
        Group::Emails,
        Group::Ibans,
        Group::Phones,
        Group::Ips,
    ];
}

/// A detector as it is written down.
pub(crate) struct Rule {
    /// What a mask says.
    name: &'static str,
    group: Group,
    /// One of these is in every text that matches, in any case.
    literals: &'static [&'static str],
    /// What matches; the group `s` is what is masked, where there is one.
    pattern: &'static str,
    check: Check,
}

/// All detectors of a policy.
pub(crate) struct Detectors {
    all: Vec<Detector>,
    /// Those without literals.
    always: Set,
    /// Those that look for card numbers.
    cards: Set,
    /// Those that go by what a value is called.
    assigned: Set,
}

/// What one detector found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Find {
    pub(crate) range: Range<usize>,
    pub(crate) detector: usize,
}

/// A text holds more than can be masked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMuch;

/// Why a custom pattern is refused.
pub(crate) fn compile_custom(pattern: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => {
                format!(
                    "it needs more than {limit} bytes once compiled: repeat less, or match less"
                )
            }
            other => other.to_string(),
        })?;
    if compiled.is_match("") {
        return Err("it matches the empty text, so everywhere".to_owned());
    }
    Ok(compiled)
}

impl Detectors {
    /// The built-in detectors and these.
    pub(crate) fn new(custom: Vec<(String, Regex)>) -> Detectors {
        let mut all = BUILT_IN.all.clone();
        all.extend(custom.into_iter().map(Detector::of_custom));
        let set = |fits: &dyn Fn(&Detector) -> bool| {
            let all = all.iter().enumerate();
            all.filter(|(_, detector)| fits(detector))
                .fold(0, |set: Set, (at, _)| set | 1 << at)
        };
        Detectors {
            always: set(&|d| {
                matches!(
                    d.group,
                    Group::Ibans | Group::Phones | Group::Ips | Group::Custom
                )
            }),
            cards: set(&|d| d.group == Group::Cards),
            assigned: set(&|d| d.check == Check::Assigned),
            all,
        }
    }

    /// The detectors of a group or of a name; 0 when there are none.
    pub(crate) fn named(&self, name: &str) -> Set {
        let group = GROUPS.iter().position(|group| *group == name);
        let group = group.map(|at| Group::ALL[at]);
        let wanted = |detector: &Detector| match group {
            Some(group) => detector.group == group,
            None => detector.name == name,
        };
        let found = self.all.iter().enumerate();
        found
            .filter(|(_, d)| wanted(d))
            .fold(0, |set, (at, _)| set | 1 << at)
    }

    /// The detector of values that are secret because of what they are called.
    pub(crate) fn assigned(&self) -> Set {
        self.assigned
    }

    pub(crate) fn name(&self, detector: usize) -> &str {
        &self.all[detector].name
    }

    /// Whether what a detector finds is a secret: of those nothing is kept, not even a hash.
    pub(crate) fn is_secret(&self, detector: usize) -> bool {
        self.all[detector].group == Group::Secrets
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|detector| detector.name.as_str())
    }

    /// Whether any of the detectors may find something in these bytes, whatever they are.
    pub(crate) fn may_find(&self, bytes: &[u8], of: Set) -> bool {
        of & self.always != 0
            || (of & self.cards != 0 && checks::may_hold_card(bytes))
            || self.woken(bytes, of, true) != 0
    }

    /// The detectors that have a literal in these bytes.
    fn woken(&self, bytes: &[u8], of: Set, is_first_enough: bool) -> Set {
        let mut woken = 0;
        let BuiltIn {
            literals,
            wakes,
            is_word,
            ..
        } = &*BUILT_IN;
        for found in literals.find_overlapping_iter(bytes) {
            let literal = found.pattern().as_usize();
            if is_word[literal] && goes_on(bytes, found.end()) {
                continue;
            }
            woken |= wakes[literal] & (of | ESCAPED);
            if woken != 0 && is_first_enough {
                break;
            }
        }
        woken
    }

    /// Everything that the detectors find in a text, in order and without overlap.
    pub(crate) fn find(&self, text: &str, of: Set) -> Result<Vec<Find>, TooMuch> {
        let mut finds = Vec::new();
        let woken = self.candidates(text, of);
        if woken == 0 {
            return Ok(finds);
        }
        self.find_plain(text, woken, &mut finds, &[])?;
        let mut levels: Vec<Unescaped> = Vec::new();
        while let Some(next) = Unescaped::of(levels.last().map_or(text, Unescaped::text))? {
            let inner = self.candidates(next.text(), of);
            levels.push(next);
            if let Some(level) = levels.last() {
                self.find_plain(level.text(), inner, &mut finds, &levels)?;
            }
            if levels.len() == ESCAPES_MAX {
                if inner != 0 {
                    return Err(TooMuch);
                }
                break;
            }
        }
        Ok(without_overlap(finds))
    }

    /// The detectors that may find something, and one bit more when escapes may hide it.
    fn candidates(&self, text: &str, of: Set) -> Set {
        let bytes = text.as_bytes();
        let mut candidates = self.woken(bytes, of, false) | of & self.always;
        if of & self.cards != 0 && checks::may_hold_card(bytes) {
            candidates |= of & self.cards;
        }
        candidates
    }

    fn find_plain(
        &self,
        text: &str,
        candidates: Set,
        finds: &mut Vec<Find>,
        levels: &[Unescaped],
    ) -> Result<(), TooMuch> {
        let mut left = candidates & !ESCAPED;
        while left != 0 {
            let detector = left.trailing_zeros() as usize;
            left &= left - 1;
            self.all[detector].each(text, &mut |range| {
                let outward = levels.iter().rev();
                let range = outward.fold(range, |range, level| level.origin(range));
                finds.push(Find { range, detector });
                if finds.len() > FINDS_MAX {
                    Err(TooMuch)
                } else {
                    Ok(())
                }
            })?;
        }
        Ok(())
    }
}

/// Whether a word goes on after `end`: `input_tokens` is no token.
fn goes_on(bytes: &[u8], end: usize) -> bool {
    bytes
        .get(end)
        .is_some_and(|byte| byte.is_ascii_alphabetic() || b"_.-/".contains(byte))
}

/// Of finds that overlap, one over all of it: the first detector's that begins first.
fn without_overlap(mut finds: Vec<Find>) -> Vec<Find> {
    finds.sort_by(|one, other| {
        let key = |find: &Find| {
            (
                find.range.start,
                std::cmp::Reverse(find.range.end),
                find.detector,
            )
        };
        key(one).cmp(&key(other))
    });
    let mut apart: Vec<Find> = Vec::with_capacity(finds.len());
    for find in finds {
        match apart.last_mut() {
            Some(last) if find.range.start < last.range.end => {
                last.range.end = last.range.end.max(find.range.end);
                last.detector = last.detector.min(find.detector);
            }
            _ => apart.push(find),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_has_a_name_of_its_own() {
        let mut names: Vec<&str> = built_in_names().collect();
        for detector in &BUILT_IN.all {
            detector.compiled();
        }
        let count = names.len();
        assert!(
            count < DETECTORS_MAX - 16,
            "{count} leave no room for patterns"
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_wakes_nobody_finds_nothing() {
        let detectors = Detectors::new(Vec::new());
        let secrets = detectors.named("secrets") | detectors.named("cards");
        for (text, wakes) in [
            (
                "a plain sentence about input_tokens and output_tokens",
                false,
            ),
            ("claude_code.token.usage", false),
            ("a token: ", true),
            ("2026-11-28T16:29:45.123Z", false),
            ("caret \\u0041", true),
            ("4111 1111 1111", true),
        ] {
            assert_eq!(
                detectors.may_find(text.as_bytes(), secrets),
                wakes,
                "{text}"
            );
        }
    }
}
