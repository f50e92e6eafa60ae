//! For how long what is kept.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::treatment::Treatment;

/// Rises when the same rules treat rows otherwise than before.
const MEANING: u64 = 1;

/// For how many days each class is kept; for ever where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    /// Content: prompts, responses, tool inputs, and what nobody knows not to be.
    pub content: Option<u32>,
    /// Items as they were sent; after that their figures.
    pub events: Option<u32>,
    /// Figures.
    pub aggregates: Option<u32>,
}

/// Other days for some items.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRule {
    /// Of this organisation; of all when absent.
    pub organization: Option<String>,
    /// Of this product; of all when absent.
    pub product: Option<String>,
    /// Days that are not said are those of all.
    pub days: Days,
}

/// The rules of retention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// What holds where no rule fits.
    pub days: Days,
    /// The first that fits an item decides.
    pub rules: Vec<RetentionRule>,
    /// The organisation of items that come without a token and claim none.
    pub usual: String,
}

impl Days {
    /// What an item is due for that was filed under `day`: each day counts from its end.
    pub fn due(&self, day: u32, today: u32) -> Treatment {
        let is_past = |days: Option<u32>| days.is_some_and(|days| day.saturating_add(days) < today);
        match (
            is_past(self.aggregates),
            is_past(self.events),
            is_past(self.content),
        ) {
            (true, _, _) => Treatment::Goes,
            (_, true, _) => Treatment::Figures,
            (_, _, true) => Treatment::WithoutContent,
            _ => Treatment::Stays,
        }
    }

    /// The first day after `today` on which something else is due.
    pub(super) fn next(&self, day: u32, today: u32) -> u32 {
        let first = |days: u32| day.saturating_add(days).saturating_add(1);
        let firsts = self.all().map(first).filter(|first| *first > today);
        firsts.min().unwrap_or(u32::MAX)
    }

    fn all(&self) -> impl Iterator<Item = u32> {
        [self.content, self.events, self.aggregates]
            .into_iter()
            .flatten()
    }

    fn or(self, others: Days) -> Days {
        Days {
            content: self.content.or(others.content),
            events: self.events.or(others.events),
            aggregates: self.aggregates.or(others.aggregates),
        }
    }
}

impl Retention {
    /// Whether anything ever goes.
    pub fn is_any(&self) -> bool {
        self.least().is_some()
    }

    /// The days of an item; `organizations` are those it is known by, the most certain first: its token's,
    /// the one that it claims, the usual one. What is blank says nothing.
    pub fn of(&self, organizations: [Option<&str>; 3], product: Option<&str>) -> Days {
        let mut said = organizations.into_iter().flatten().map(str::trim);
        let organization = said.find(|name| !name.is_empty());
        let fits = |rule: &&RetentionRule| {
            let of = rule.organization.as_deref();
            let made = rule.product.as_deref();
            of.is_none_or(|of| organization == Some(of.trim()))
                && made.is_none_or(|of| product == Some(of))
        };
        match self.rules.iter().find(fits) {
            Some(rule) => rule.days.or(self.days),
            None => self.days,
        }
    }

    /// The least number of days after which anything goes.
    fn least(&self) -> Option<u32> {
        let rules = self.rules.iter().flat_map(|rule| rule.days.all());
        self.days.all().chain(rules).min()
    }

    /// Whether anything filed under `day` may be due.
    pub(super) fn may_be_due(&self, day: u32, today: u32) -> bool {
        self.least()
            .is_some_and(|days| day.saturating_add(days) < today)
    }

    /// What tells these rules from others.
    pub(super) fn fingerprint(&self) -> u64 {
        // Plain data: it can be written.
        let text = serde_json::to_string(&(MEANING, self)).unwrap_or_default();
        xxh3_64(text.as_bytes())
    }

    /// One line for people.
    pub fn describe(&self) -> String {
        let days = |days: Option<u32>| match days {
            Some(days) => format!("{days} days"),
            None => "for ever".to_owned(),
        };
        let Days {
            content,
            events,
            aggregates,
        } = self.days;
        let of_some = match self.rules.len() {
            0 => String::new(),
            count => format!("; {count} rules for some"),
        };
        format!(
            "content is kept {}, items are kept {}, figures are kept {}{of_some}",
            days(content.or(events).or(aggregates)),
            days(events.or(aggregates)),
            days(aggregates)
        )
    }
}

#[cfg(test)]
mod tests {
    //! A rule of an organisation is for what is that organisation's, as questions decide it.
    use super::*;

    #[test]
    fn a_rule_of_an_organisation_is_for_what_is_its_own() {
        let rule = |of: &str, content| RetentionRule {
            organization: Some(of.to_owned()),
            days: Days {
                content: Some(content),
                ..Days::default()
            },
            ..RetentionRule::default()
        };
        let retention = Retention {
            rules: vec![rule("a", 1), rule("own", 2)],
            ..Retention::default()
        };
        let own = Some("own");
        for (of, expect) in [
            ([Some("a"), own, own], Some(1)),
            ([None, Some(" a "), own], Some(1)),
            ([Some(""), Some("a"), own], Some(1)),
            ([None, None, own], Some(2)),
            ([None, Some(" "), own], Some(2)),
            ([None, None, None], None),
            ([Some("b"), Some("a"), own], None),
        ] {
            assert_eq!(retention.of(of, None).content, expect, "{of:?}");
        }
    }
}
