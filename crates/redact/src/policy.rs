//! A checked policy: what becomes of each attribute, and what is looked for in what stays.
//!
//! Invariant: whoever holds a [`Policy`] holds one that can be followed: every pattern compiles,
//! every rule can fit something, and nothing that is counted by is named in a rule that removes.

use contract::{Signal, event_name};

use crate::class::Class;
use crate::detect::{DETECTORS_MAX, Detectors, GROUPS, Set, built_in_names, compile_custom};
use crate::keys::Keys;
use crate::settings::{PatternSetting, RuleSetting, Settings};

/// How many rules there may be.
const RULES_MAX: usize = 256;

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
    content: Action,
    people: Action,
    other: Action,
    pub(crate) drops_unreadable: bool,
    rules: Vec<Rule>,
    settings: Settings,
}

/// A checked rule.
struct Rule {
    organization: Option<String>,
    product: Option<String>,
    signal: Option<Signal>,
    event: Option<String>,
    attribute: String,
    action: Action,
    detectors: Option<Set>,
}

/// What an attribute belongs to, by which rules are chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) organization: String,
    pub(crate) product: String,
    pub(crate) event: String,
}

impl Settings {
    /// The policy that these settings make with an installation's key, or everything that is wrong
    /// with them, a sentence each.
    pub fn policy(&self, key: &[u8; 32]) -> Result<Policy, Vec<String>> {
        let mut problems = Vec::new();
        let detectors = Detectors::new(customs(&self.pattern, &mut problems));
        let mut action = |name: &str, text: &str, allowed: &[&str]| {
            action_of(&format!("redaction.{name}"), text, allowed, &mut problems)
        };
        let content = action(
            "content",
            &self.content,
            &["keep", "drop", "hash", "truncate"],
        );
        let people = action(
            "people",
            &self.people,
            &["keep", "drop", "hash", "pseudonymise"],
        );
        let other = action("other", &self.other, &["keep", "drop", "hash", "truncate"]);
        let customs = self.pattern.iter().map(|pattern| &pattern.name);
        let looked_for = set_of(
            "redaction.detectors",
            &self.detectors,
            &detectors,
            &mut problems,
        ) | customs.fold(0, |set, name| set | detectors.named(name));
        if self.rule.len() > RULES_MAX {
            problems.push(format!("redaction.rule: there are {}, and {RULES_MAX} are allowed: let one fit more with *", self.rule.len()));
        }
        let rules: Vec<Rule> = self
            .rule
            .iter()
            .enumerate()
            .filter_map(|(at, rule)| checked(at, rule, &detectors, &mut problems))
            .collect();
        let keeps_all = [content, people, other]
            .iter()
            .all(|action| *action == Action::Keep)
            && rules.iter().all(|rule| rule.action == Action::Keep);
        let drops_unreadable = match self.unreadable.as_deref() {
            None => !keeps_all,
            Some("mask") => false,
            Some("drop") => true,
            Some(odd) => {
                problems.push(format!(
                    "redaction.unreadable: {odd:?} is none of mask, drop"
                ));
                true
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let of_rules = rules.iter().filter_map(|rule| rule.detectors);
        Ok(Policy {
            secrets: looked_for & detectors.named("secrets"),
            looked_for_anywhere: of_rules.fold(looked_for, |all, some| all | some),
            looked_for,
            detectors,
            keys: Keys::new(key),
            content,
            people,
            other,
            drops_unreadable,
            rules,
            settings: self.clone(),
        })
    }
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

fn customs(patterns: &[PatternSetting], problems: &mut Vec<String>) -> Vec<(String, regex::Regex)> {
    let room = DETECTORS_MAX - built_in_names().count();
    if patterns.len() > room {
        problems.push(format!(
            "redaction.pattern: there are {}, and {room} are allowed: join some with |",
            patterns.len()
        ));
        return Vec::new();
    }
    let mut known: Vec<&str> = built_in_names().chain(GROUPS).collect();
    let mut compiled = Vec::new();
    for (at, pattern) in patterns.iter().enumerate() {
        let place = format!("redaction.pattern {} ({})", at + 1, pattern.name);
        let is_name = !pattern.name.is_empty()
            && pattern.name.len() <= 40
            && pattern
                .name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_name {
            problems.push(format!("{place}: a name has 1 to 40 of a-z, 0-9 and -"));
        } else if known.contains(&pattern.name.as_str()) {
            problems.push(format!(
                "{place}: there is a detector of that name already; choose another"
            ));
        }
        known.push(&pattern.name);
        match compile_custom(&pattern.regex) {
            Ok(regex) => compiled.push((pattern.name.clone(), regex)),
            Err(reason) => problems.push(format!("{place}: regex: {reason}")),
        }
    }
    compiled
}

fn set_of(place: &str, names: &[String], detectors: &Detectors, problems: &mut Vec<String>) -> Set {
    let mut set = 0;
    for name in names {
        match detectors.named(name) {
            0 => problems.push(format!(
                "{place}: there is no detector {name:?}; there are the groups {}, and single ones: {}",
                GROUPS.join(", "),
                detectors.names().collect::<Vec<_>>().join(", ")
            )),
            found => set |= found,
        }
    }
    set
}

fn action_of(place: &str, text: &str, allowed: &[&str], problems: &mut Vec<String>) -> Action {
    let (name, number) = match text.split_once(':') {
        Some((name, number)) => (name, Some(number)),
        None => (text, None),
    };
    let characters = number.and_then(|number| number.parse::<usize>().ok());
    let action = match (name, characters) {
        _ if !allowed.contains(&name) => None,
        ("keep" | "mask", None) if number.is_none() => Some(Action::Keep),
        ("drop", None) if number.is_none() => Some(Action::Drop),
        ("hash", None) if number.is_none() => Some(Action::Hash),
        ("pseudonymise", None) if number.is_none() => Some(Action::Pseudonymise),
        ("truncate", Some(characters)) if characters > 0 => Some(Action::Truncate(characters)),
        _ => None,
    };
    action.unwrap_or_else(|| {
        let allowed: Vec<String> = allowed
            .iter()
            .map(|name| {
                if *name == "truncate" {
                    "truncate:N with N of 1 or more".to_owned()
                } else {
                    (*name).to_owned()
                }
            })
            .collect();
        problems.push(format!(
            "{place}: {text:?} is none of {}",
            allowed.join(", ")
        ));
        Action::Drop
    })
}

fn checked(
    at: usize,
    rule: &RuleSetting,
    detectors: &Detectors,
    problems: &mut Vec<String>,
) -> Option<Rule> {
    let place = format!("redaction.rule {} ({})", at + 1, rule.attribute);
    let before = problems.len();
    const ACTIONS: [&str; 6] = ["keep", "drop", "mask", "truncate", "hash", "pseudonymise"];
    let action = action_of(
        &format!("{place}: action"),
        &rule.action,
        &ACTIONS,
        problems,
    );
    if rule.attribute.is_empty() {
        problems.push(format!(
            "redaction.rule {}: attribute is missing: say which, with * for any characters",
            at + 1
        ));
    }
    if Class::of(&rule.attribute) == Class::Counted && action != Action::Keep {
        problems.push(format!(
            "{place}: it is counted by, so it can be masked but not dropped, cut or replaced: leave the rule out"
        ));
    }
    let signal = rule.signal.as_deref().and_then(|name| {
        let known = Signal::ALL.into_iter().find(|signal| signal.name() == name);
        if known.is_none() {
            problems.push(format!(
                "{place}: signal: {name:?} is none of logs, metrics, traces"
            ));
        }
        known
    });
    if rule.event.is_some() && signal.is_some_and(|signal| signal != Signal::Logs) {
        problems.push(format!(
            "{place}: only logs have events: leave out signal or event"
        ));
    }
    if rule.action == "mask" && rule.detectors.as_ref().is_none_or(Vec::is_empty) {
        problems.push(format!(
            "{place}: mask needs detectors, such as [\"secrets\", \"emails\"]"
        ));
    }
    let given = rule.detectors.as_ref();
    let detectors =
        given.map(|names| set_of(&format!("{place}: detectors"), names, detectors, problems));
    (problems.len() == before).then(|| Rule {
        organization: rule.organization.clone(),
        product: rule.product.clone(),
        signal,
        event: rule
            .event
            .as_deref()
            .map(|name| event_name(name).to_owned()),
        attribute: rule.attribute.clone(),
        action,
        detectors,
    })
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
