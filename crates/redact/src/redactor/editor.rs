//! What the walk through a request asks, answered.

use contract::{
    Attribute, Edit, Editor, Fate, Origin, Owner, Quarantined, RawEncoding, Value, product,
};

use super::Redactor;
use crate::class::{Class, is_plain_claim};
use crate::mark::Mark;
use crate::policy::{Action, Decision, Item};
use crate::tally::Done;

/// The longest text that is an event's name rather than a body.
const NAME_BYTES_MAX: usize = 128;

/// The text of an attribute, if it is there and is one.
fn text_of<'v>(attributes: &'v [Attribute<'_>], key: &str) -> Option<&'v str> {
    let found = attributes.iter().rev().find(|(known, _)| known == key);
    match found {
        Some((_, Value::Str(text))) => Some(text),
        _ => None,
    }
}

impl Editor for Redactor<'_> {
    fn passes(&mut self, message: &[u8]) -> bool {
        let policy = self.policy;
        // What is true of a message is true of every text in it.
        self.is_next_clean = !policy
            .detectors
            .may_find(message, policy.looked_for_anywhere);
        self.closed == 0 && !policy.acts() && !policy.drops_unreadable && self.is_next_clean
    }

    fn origin(&mut self, origin: &Origin<'_>) {
        let text = |key| text_of(&origin.resource, key).unwrap_or_default();
        let entrypoint = text_of(&origin.resource, "app.entrypoint");
        let organization = self.bound.unwrap_or(text("organization.id"));
        let product = product(text("service.name"), &origin.scope_name, entrypoint);
        self.item = Item {
            organization: organization.to_owned(),
            product: product.to_owned(),
            event: String::new(),
        };
        self.choose_rules();
    }

    fn wants_items(&self) -> bool {
        self.policy.selects_items()
    }

    fn item(&mut self, attributes: &[Attribute<'_>], event_name: &str) {
        if let (None, Some(claimed)) = (self.bound, text_of(attributes, "organization.id")) {
            claimed.clone_into(&mut self.item.organization);
        }
        let event = text_of(attributes, "event.name").unwrap_or(event_name);
        event.clone_into(&mut self.item.event);
        self.choose_rules();
    }

    fn begin(&mut self, owner: Owner) {
        // An exemplar is shown with its point.
        let is_clean = match owner {
            Owner::Exemplar => self.clean.last() == Some(&true),
            _ => std::mem::take(&mut self.is_next_clean),
        };
        self.clean.push(is_clean);
        self.owners.push((owner, Mark::default()));
    }

    fn attribute(&mut self, key: &str) -> Fate {
        self.decided(key)
    }

    fn body(&mut self, text: Option<&str>) -> Fate {
        let is_name = text.is_some_and(|text| {
            text.len() <= NAME_BYTES_MAX
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._:/-".contains(&b))
        });
        if is_name {
            // An event's name, by which is counted.
            let fate = self.decided("event.name");
            "body".clone_into(&mut self.attribute);
            return fate;
        }
        self.decided("body")
    }

    fn text(&mut self, name: &str, text: &str) -> Edit {
        if text.is_empty() {
            return Edit::Keep;
        }
        self.value(name, text)
    }

    fn field(&mut self, name: &str, text: &str) -> Edit {
        if text.is_empty() {
            return Edit::Keep;
        }
        let outer = std::mem::replace(&mut self.attribute, name.to_owned());
        let policy = self.policy;
        let decision = Decision {
            action: Action::Keep,
            detectors: policy.looked_for,
            class: Class::Counted,
        };
        let edit = if self.closed > 0 && !is_plain_claim(text) {
            self.fail()
        } else {
            // No key of its own makes a field's text a secret.
            self.masked("", text, decision)
        };
        self.attribute = outer;
        edit
    }

    fn dropped(&mut self, bytes: &[u8]) {
        if self.closed == 0 && matches!(self.decision.action, Action::Drop) {
            if self.decision.class == Class::Content && !self.was_noted() {
                // A value that is no text was never asked about.
                self.note(Done::Dropped, None);
            }
            self.removed(bytes);
        }
    }

    fn unknown(&mut self, bytes: &[u8]) -> bool {
        let policy = self.policy;
        let stays = self.closed == 0
            && !policy.acts()
            && !policy.drops_unreadable
            && !policy.detectors.may_find(bytes, policy.looked_for_anywhere);
        if !stays {
            let outer = std::mem::replace(&mut self.attribute, "[unknown-field]".to_owned());
            self.note(Done::Dropped, None);
            self.attribute = outer;
        }
        stays
    }

    fn end(&mut self, marked: Option<&str>) -> Option<String> {
        self.clean.pop();
        let (owner, mut mark) = self.owners.pop()?;
        let marked = marked.map(|text| self.came(text, &mut mark));
        let text = mark.end(marked.as_deref())?;
        if owner == Owner::Item {
            self.tally.items += 1;
        }
        Some(text)
    }

    fn fail_closed(&mut self, on: bool, owners: usize) {
        self.owners.truncate(owners);
        self.clean.truncate(owners);
        self.is_next_clean = false;
        if on {
            self.closed += 1;
        } else {
            self.closed -= self.closed.min(1);
        }
    }

    fn unreadable(&mut self, mut item: Quarantined) -> Quarantined {
        let policy = self.policy;
        let of = policy.looked_for_anywhere;
        "[unreadable-item]".clone_into(&mut self.attribute);
        let decision = Decision {
            action: Action::Keep,
            detectors: of,
            class: Class::Other,
        };
        match self.masked("", &item.reason.clone(), decision) {
            Edit::Keep => {}
            Edit::Replace(reason) => item.reason = reason,
            Edit::Remove => "It cannot be read.".clone_into(&mut item.reason),
        }
        let text = match item.encoding {
            RawEncoding::Json => str::from_utf8(&item.raw).ok(),
            RawEncoding::Protobuf => None,
        };
        let edit = match text {
            _ if policy.drops_unreadable => Edit::Remove,
            Some(text) => self.masked("", text, decision),
            // Where a text begins and ends in it cannot be known.
            None if policy.detectors.may_find(&item.raw, of) => Edit::Remove,
            None => Edit::Keep,
        };
        match edit {
            Edit::Keep => {}
            Edit::Replace(text) => item.raw = text.into_bytes(),
            Edit::Remove => {
                self.note(Done::Dropped, None);
                item.raw = policy.keys.stand_in(&item.raw).into_bytes();
                item.encoding = RawEncoding::Json;
            }
        }
        item
    }
}
