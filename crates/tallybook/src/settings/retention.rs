//! For how long what is stored is kept: `[retention]`.

use serde::{Deserialize, Serialize};
use store::{Days, RetentionRule};

/// Longer is for ever.
const DAYS_MAX: u32 = 36_500;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// Days for which content is kept; as long as the item when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_days: Option<u32>,
    /// Days for which items are kept as they were sent; then their figures are.
    #[serde(skip_serializing_if = "Option::is_none")]
    events_days: Option<u32>,
    /// Days for which figures are kept; for ever when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregates_days: Option<u32>,
    /// Other days for some items; the first that fits decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rule: Vec<Rule>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregates_days: Option<u32>,
}

impl Retention {
    /// As the store takes it; `usual` is the organisation of items that name none.
    pub(super) fn checked(&self, usual: &str, problems: &mut Vec<String>) -> store::Retention {
        let days = Days {
            content: self.content_days,
            events: self.events_days,
            aggregates: self.aggregates_days,
        };
        check("retention", days, days, problems);
        let mut rules = Vec::with_capacity(self.rule.len());
        for (number, rule) in (1..).zip(&self.rule) {
            let place = format!("retention.rule {number}");
            let of_rule = Days {
                content: rule.content_days,
                events: rule.events_days,
                aggregates: rule.aggregates_days,
            };
            if of_rule == Days::default() {
                problems.push(format!(
                    "{place} says nothing: give it content_days, events_days or aggregates_days"
                ));
            }
            let in_force = Days {
                content: of_rule.content.or(days.content),
                events: of_rule.events.or(days.events),
                aggregates: of_rule.aggregates.or(days.aggregates),
            };
            check(&place, of_rule, in_force, problems);
            rules.push(RetentionRule {
                organization: rule.organization.clone(),
                product: rule.product.clone(),
                days: of_rule,
            });
        }
        store::Retention {
            days,
            rules,
            usual: usual.to_owned(),
        }
    }
}

/// Says what is wrong with days that are set, and with those that are in force with them.
fn check(place: &str, set: Days, in_force: Days, problems: &mut Vec<String>) {
    let named = [
        ("content_days", set.content),
        ("events_days", set.events),
        ("aggregates_days", set.aggregates),
    ];
    for (name, days) in named {
        if days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
            problems.push(format!(
                "{place}.{name} must be 1 to {DAYS_MAX}; leave it out to keep everything"
            ));
        }
    }
    let pairs = [
        (
            "content_days",
            in_force.content,
            "events_days",
            in_force.events,
        ),
        (
            "events_days",
            in_force.events,
            "aggregates_days",
            in_force.aggregates,
        ),
        (
            "content_days",
            in_force.content,
            "aggregates_days",
            in_force.aggregates,
        ),
    ];
    for (first, earlier, second, later) in pairs {
        if let (Some(earlier), Some(later)) = (earlier, later)
            && earlier >= later
        {
            problems.push(format!(
                "{place}: {first} ({earlier}) has no effect beside {second} ({later}): it must be less"
            ));
        }
    }
}
