//! Settings to a policy, or everything that is wrong with them.

use contract::{Signal, event_name};

use crate::class::Class;
use crate::detect::{DETECTORS_MAX, Detectors, GROUPS, Set, built_in_names, compile_custom};
use crate::keys::Keys;
use crate::policy::{Action, Policy, Rule};
use crate::settings::{PatternSetting, RuleSetting, Settings};

/// How many rules there may be.
const RULES_MAX: usize = 256;

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
