//! A checked policy: what becomes of each attribute, and what is looked for in what stays.
//!
//! Invariant: whoever holds a [`Policy`] holds one that can be followed: every pattern compiles,
//! every rule can fit something, and nothing that is counted by is named in a rule that removes.

use contract::{Signal, event_name};

use crate::class::Class;
use crate::detect::{Detectors, Set};
use crate::keys::Keys;
use crate::settings::{RuleSetting, Settings};

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It stays, with what detectors find in it masked.
    Keep,
    /// It goes.
    Drop,
    /// So many characters of it stay, with what detectors find in them masked.
    Truncate(usize),
    /// A keyed hash stands in its place.
    Hash,
    /// A name for the person stands in its place.
    Pseudonymise,
}

impl Action {
    /// The name in marks, reports and counters.
    pub fn name(self) -> &'static str {
        match self {
            Action::Keep => "keep",
            Action::Drop => "drop",
            Action::Truncate(_) => "truncate",
            Action::Hash => "hash",
            Action::Pseudonymise => "pseudonymise",
        }
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Action::Truncate(characters) => write!(formatter, "truncate:{characters}"),
            other => formatter.write_str(other.name()),
        }
    }
}

/// What becomes of a value, and what is looked for in what stays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    pub(crate) action: Action,
    pub(crate) detectors: Set,
    pub(crate) class: Class,
}

/// What is kept of what is sent.
pub struct Policy {
    pub(crate) detectors: Detectors,
    pub(crate) keys: Keys,
    /// What is looked for where no rule says otherwise.
    pub(crate) looked_for: Set,
    /// The secrets among it: only these are looked for in what names people.
    pub(crate) secrets: Set,
    /// What is looked for anywhere.
    pub(crate) looked_for_anywhere: Set,
    pub(crate) content: Action,
    pub(crate) people: Action,
    pub(crate) other: Action,
    pub(crate) drops_unreadable: bool,
    pub(crate) rules: Vec<Rule>,
    pub(crate) settings: Settings,
}

/// A checked rule.
pub(crate) struct Rule {
    pub(crate) organization: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) signal: Option<Signal>,
    pub(crate) event: Option<String>,
    pub(crate) attribute: String,
    pub(crate) action: Action,
    pub(crate) detectors: Option<Set>,
}

/// What an attribute belongs to, by which rules are chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) organization: String,
    pub(crate) product: String,
    pub(crate) event: String,
}

impl Policy {
    /// Whether values are dropped, cut or replaced whatever they say, so that every item is edited.
    pub(crate) fn acts(&self) -> bool {
        let of_classes = [self.content, self.people, self.other];
        let of_rules = self.rules.iter().map(|rule| rule.action);
        of_classes
            .into_iter()
            .chain(of_rules)
            .any(|action| action != Action::Keep)
    }

    /// Whether rules look at what an item says of itself.
    pub(crate) fn selects_items(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.event.is_some() || rule.organization.is_some())
    }

    /// The rules that fit an item.
    pub(crate) fn rules_of(&self, signal: Signal, item: &Item) -> Vec<usize> {
        let fits = |rule: &Rule| {
            let is =
                |wanted: &Option<String>, said: &str| wanted.as_deref().is_none_or(|w| w == said);
            rule.signal.is_none_or(|wanted| wanted == signal)
                && is(&rule.organization, &item.organization)
                && is(&rule.product, &item.product)
                && is(&rule.event, event_name(&item.event))
        };
        let rules = self.rules.iter().enumerate();
        rules
            .filter(|(_, rule)| fits(rule))
            .map(|(at, _)| at)
            .collect()
    }

    /// What becomes of an attribute's value; `rules` are those that fit its item.
    pub(crate) fn decide(&self, rules: &[usize], key: &str) -> Decision {
        let class = Class::of(key);
        let usual = match class {
            Class::People => self.secrets,
            // What is counted by is often a number, and none of a card.
            Class::Counted => self.looked_for & !self.detectors.named("cards"),
            _ => self.looked_for,
        };
        let mut fitting = rules.iter().filter_map(|at| self.rules.get(*at));
        if let Some(rule) = fitting.find(|rule| fits(&rule.attribute, key)) {
            let action = match class {
                Class::Counted => Action::Keep,
                _ => rule.action,
            };
            let detectors = rule.detectors.unwrap_or(usual);
            return Decision {
                action,
                detectors,
                class,
            };
        }
        let action = match class {
            Class::Counted | Class::Known => Action::Keep,
            Class::People => self.people,
            Class::Content => self.content,
            Class::Other => self.other,
        };
        Decision {
            action,
            detectors: usual,
            class,
        }
    }

    /// The settings that made it.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What becomes of prompts, responses, tool inputs and bodies where no rule says otherwise.
    pub fn content(&self) -> Action {
        self.content
    }

    /// What becomes of who it was where no rule says otherwise.
    pub fn people(&self) -> Action {
        self.people
    }

    /// What becomes of attributes that the contract does not know where no rule says otherwise.
    pub fn other(&self) -> Action {
        self.other
    }

    /// What becomes of the bytes of items that cannot be read: `mask` or `drop`.
    pub fn unreadable(&self) -> &'static str {
        if self.drops_unreadable {
            "drop"
        } else {
            "mask"
        }
    }

    /// The rules, each in one line for people.
    pub fn rules_said(&self) -> Vec<String> {
        self.settings
            .rule
            .iter()
            .map(RuleSetting::to_string)
            .collect()
    }

    /// The names of all detectors that are used.
    pub fn detectors_used(&self) -> Vec<&str> {
        let names = self.detectors.names().enumerate();
        names
            .filter(|(at, _)| self.looked_for_anywhere & (1 << at) != 0)
            .map(|(_, n)| n)
            .collect()
    }

    /// What is kept, in one line for people.
    pub fn summary(&self) -> String {
        let secrets = self.detectors.named("secrets");
        let masked = if self.looked_for & secrets == secrets {
            format!("{} masked", self.settings.detectors.join(", "))
        } else {
            "NOT all secrets are masked".to_owned()
        };
        let unreadable = self.unreadable();
        let rules = match self.rules.len() {
            0 => String::new(),
            1 => ", 1 rule".to_owned(),
            many => format!(", {many} rules"),
        };
        format!(
            "{masked}; content {}, people {}, other attributes {}, unreadable items {unreadable}{rules}",
            self.content, self.people, self.other
        )
    }

    /// What somebody should know who relies on it, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let secrets = self.detectors.named("secrets");
        let mut warnings = Vec::new();
        if self.looked_for & secrets != secrets {
            warnings.push("redaction.detectors leaves secrets out: keys and passwords that are sent will be kept".to_owned());
        }
        for (at, rule) in self.rules.iter().enumerate() {
            let looks = rule.detectors.unwrap_or(secrets) & secrets == secrets;
            if !looks && matches!(rule.action, Action::Keep | Action::Truncate(_)) {
                warnings.push(format!(
                    "redaction.rule {} keeps {} without looking for all secrets",
                    at + 1,
                    rule.attribute
                ));
            }
        }
        warnings
    }
}

/// Whether a key fits a pattern in which `*` stands for any characters.
fn fits(pattern: &str, key: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| key.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}
