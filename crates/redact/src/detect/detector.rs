//! One detector, and all that are built in with what wakes them.
//!
//! Invariant: what a detector finds is found in time that grows with the text: a match that its check
//! refuses is looked into once more, and so often at most.

use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::Regex;

use super::checks::Check;
use super::{ESCAPED, Group, Rule, Set, TooMuch, assigned, general, vendors};

/// How often a detector may match in one text.
const ATTEMPTS_MAX: usize = 100_000;

/// A detector that can be asked.
#[derive(Clone)]
pub(super) struct Detector {
    pub(super) name: String,
    pub(super) group: Group,
    pub(super) check: Check,
    source: &'static str,
    /// Compiled when a text first has one of its literals: most never are.
    compiled: Arc<OnceLock<Compiled>>,
}

/// A pattern, and the groups in it of which one is what is masked; none: all of it is.
pub(super) struct Compiled {
    pattern: Regex,
    parts: Vec<usize>,
}

/// The built-in detectors, and what wakes them.
pub(super) struct BuiltIn {
    pub(super) all: Vec<Detector>,
    pub(super) literals: AhoCorasick,
    /// Which detectors each literal wakes.
    pub(super) wakes: Vec<Set>,
    /// Whether a literal is a word that longer words begin with.
    pub(super) is_word: Vec<bool>,
}

pub(super) static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(BuiltIn::new);

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

    pub(super) fn of_custom((name, pattern): (String, Regex)) -> Detector {
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

    pub(super) fn compiled(&self) -> &Compiled {
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
    pub(super) fn each(
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
