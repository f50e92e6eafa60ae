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
//! | `vendors.rs` | tokens and keys that a vendor's prefix gives away |
//! | `general.rs` | key blocks, headers, connection strings, numbers of people and cards |
//! | `assigned.rs` | values that are secret because of what they are called |
//! | `checks.rs` | checksums and entropy |
//! | `escapes.rs` | a text without its escapes, and where each byte of it came from |

mod assigned;
mod checks;
mod escapes;
mod general;
mod vendors;

use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::{Regex, RegexBuilder};

pub(crate) use assigned::{is_secret_name, is_secret_value};
use checks::Check;
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

/// How often a detector may match in one text.
const ATTEMPTS_MAX: usize = 100_000;

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

/// A detector that can be asked.
#[derive(Clone)]
struct Detector {
    name: String,
    group: Group,
    check: Check,
    source: &'static str,
    /// Compiled when a text first has one of its literals: most never are.
    compiled: Arc<OnceLock<Compiled>>,
}

/// A pattern, and the groups in it of which one is what is masked; none: all of it is.
struct Compiled {
    pattern: Regex,
    parts: Vec<usize>,
}

/// The built-in detectors, and what wakes them.
struct BuiltIn {
    all: Vec<Detector>,
    literals: AhoCorasick,
    /// Which detectors each literal wakes.
    wakes: Vec<Set>,
    /// Whether a literal is a word that longer words begin with.
    is_word: Vec<bool>,
}

static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(BuiltIn::new);

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

impl BuiltIn {
    fn new() -> BuiltIn {
        let rules = || {
            vendors::RULES
                .iter()
                .chain(general::RULES)
                .chain(assigned::RULES)
        };
        let mut literals: Vec<&str> = vec!["\\u00", "\\/"];
        let mut wakes: Vec<Set> = vec![ESCAPED; literals.len()];
        for (index, rule) in rules().enumerate() {
            for literal in rule.literals {
                let known = literals.iter().position(|known| known == literal);
                let at = known.unwrap_or_else(|| {
                    literals.push(literal);
                    wakes.push(0);
                    literals.len() - 1
                });
                wakes[at] |= 1 << index;
            }
        }
        BuiltIn {
            all: rules().map(Detector::of).collect(),
            is_word: literals.iter().map(|l| assigned::is_word(l)).collect(),
            literals: AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::DFA))
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(true)
                .build(&literals)
                .unwrap_or_else(|error| panic!("the literals of the detectors: {error}")),
            wakes,
        }
    }
}

/// How many detectors are built in.
pub(crate) fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.all.iter().map(|detector| detector.name.as_str())
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

impl Detector {
    fn of(rule: &'static Rule) -> Detector {
        Detector {
            name: rule.name.to_owned(),
            group: rule.group,
            check: rule.check,
            source: rule.pattern,
            compiled: Arc::default(),
        }
    }

    fn of_custom((name, pattern): (String, Regex)) -> Detector {
        let compiled = Compiled {
            parts: parts_of(&pattern),
            pattern,
        };
        Detector {
            name,
            group: Group::Custom,
            check: Check::None,
            source: "",
            compiled: Arc::new(OnceLock::from(compiled)),
        }
    }

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let pattern = Regex::new(self.source)
                .unwrap_or_else(|error| panic!("the pattern of {}: {error}", self.name));
            Compiled {
                parts: parts_of(&pattern),
                pattern,
            }
        })
    }

    /// Hands over what it finds in a text, until `take` has enough. A match that its check refuses
    /// is looked into once more from behind its beginning: `secret password=…` holds two names.
    fn each(
        &self,
        text: &str,
        take: &mut dyn FnMut(Range<usize>) -> Result<(), TooMuch>,
    ) -> Result<(), TooMuch> {
        let mut from = 0;
        for _ in 0..ATTEMPTS_MAX {
            let Some((whole, part)) = self.next(text, from) else {
                return Ok(());
            };
            let next = match self.check.narrowed(text, part.clone()) {
                Some(range) if !range.is_empty() => {
                    let end = range.end;
                    take(range)?;
                    end
                }
                _ if part.start > whole.start => part.start,
                _ => whole.end,
            };
            from = next.max(whole.start + 1);
            while !text.is_char_boundary(from) {
                from += 1;
            }
        }
        Err(TooMuch)
    }

    /// The next match at or after `from`: all of it, and the part that is masked.
    fn next(&self, text: &str, from: usize) -> Option<(Range<usize>, Range<usize>)> {
        if from > text.len() {
            return None;
        }
        let Compiled { pattern, parts } = self.compiled();
        if parts.is_empty() {
            let whole = pattern.find_at(text, from)?.range();
            return Some((whole.clone(), whole));
        }
        let found = pattern.captures_at(text, from)?;
        let whole = found.get(0)?.range();
        let mut parts = parts.iter().filter_map(|part| found.get(*part));
        let part = parts
            .next()
            .map_or_else(|| whole.clone(), |part| part.range());
        Some((whole, part))
    }
}

/// The groups of a pattern that say what is masked: `s`, `s1`, `s2` and so on.
fn parts_of(pattern: &Regex) -> Vec<usize> {
    let is_part = |name: &str| {
        name.strip_prefix('s')
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let names = pattern.capture_names().enumerate();
    names
        .filter(|(_, name)| name.is_some_and(is_part))
        .map(|(at, _)| at)
        .collect()
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
