//! The policy at work on one request: answers what the walk through the request asks.

use contract::{
    Attribute, Edit, Editor, Fate, Origin, Owner, Quarantined, RawEncoding, Signal,
    TASK_NOTIFICATION, TOOL_NAMES, Value, product,
};
use serde_json::{Map, Value as Json};

use crate::class::{Class, is_number, is_plain_claim};
use crate::detect::{is_secret_name, is_secret_value};
use crate::mark::{Mark, label_of};
use crate::mask::{Masked, cut, label, mask};
use crate::policy::{Action, Decision, Item, Policy};
use crate::tally::{Done, Tally};

/// What clients write for what they do not tell.
const NOT_TOLD: &str = "<REDACTED>";
/// The longest text that is an event's name rather than a body.
const NAME_BYTES_MAX: usize = 128;

/// Edits one request by a policy, and counts what it does.
pub struct Redactor<'p> {
    policy: &'p Policy,
    signal: Signal,
    /// The organisation that the sender is bound to.
    bound: Option<&'p str>,
    item: Item,
    rules: Vec<usize>,
    owners: Vec<(Owner, Mark)>,
    /// What becomes of the attribute whose value is being edited, and how it is called.
    decision: Decision,
    attribute: String,
    /// Characters that may still stay of a value that is cut.
    left: usize,
    /// How many failures are being made up for.
    closed: usize,
    tally: Tally,
}

impl Policy {
    /// A redactor for one request. `organization` is what the sender's token is bound to; without
    /// one, rules go by what items claim.
    pub fn redactor<'p>(&'p self, signal: Signal, organization: Option<&'p str>) -> Redactor<'p> {
        let mut redactor = Redactor {
            policy: self,
            signal,
            bound: organization,
            item: Item::default(),
            rules: Vec::new(),
            owners: Vec::new(),
            decision: self.decide(&[], ""),
            attribute: String::new(),
            left: 0,
            closed: 0,
            tally: Tally::default(),
        };
        redactor.origin(&Origin::default());
        redactor
    }
}

impl Redactor<'_> {
    /// What was done.
    pub fn into_tally(self) -> Tally {
        self.tally
    }

    fn note(&mut self, done: Done, detector: Option<usize>) {
        let (policy, signal) = (self.policy, self.signal);
        let detector = detector.map_or("", |at| policy.detectors.name(at));
        let mut attribute = label_of(&self.attribute);
        if !matches!(
            mask(
                &policy.detectors,
                &attribute,
                policy.looked_for_anywhere,
                &mut |_, _| {}
            ),
            Masked::Same
        ) {
            // The key is a secret itself.
            "[key]".clone_into(&mut attribute);
        }
        self.tally.count(signal, &attribute, done, detector, 1);
        if let Some((_, mark)) = self.owners.last_mut() {
            mark.note(&attribute, done, detector);
        }
    }

    /// Remembers, without saying it, what was removed.
    fn removed(&mut self, bytes: &[u8]) {
        let (keys, name) = (&self.policy.keys, &self.attribute);
        if let Some((_, mark)) = self.owners.last_mut() {
            mark.removed(keys, name, bytes);
        }
    }

    /// A text with what is found in it masked.
    fn masked(&mut self, name: &str, text: &str, decision: Decision) -> Edit {
        let (policy, of) = (self.policy, decision.detectors);
        if of == 0 || (decision.class == Class::Counted && is_number(text)) {
            return Edit::Keep;
        }
        let assigned = policy.detectors.assigned() & of;
        if assigned != 0 && is_secret_name(name) && is_secret_value(name, text) {
            let detector = assigned.trailing_zeros() as usize;
            self.note(Done::Masked, Some(detector));
            return Edit::Replace(label(&policy.detectors, detector));
        }
        let mut found: Vec<(usize, Option<String>)> = Vec::new();
        let outcome = mask(&policy.detectors, text, of, &mut |detector, what| {
            let kept = (!policy.detectors.is_secret(detector)).then(|| what.to_owned());
            found.push((detector, kept));
        });
        let done = match outcome {
            Masked::Same => return Edit::Keep,
            Masked::Changed(text) => Edit::Replace(text),
            Masked::Failed => {
                self.note(Done::Failed, None);
                return Edit::Remove;
            }
        };
        for (detector, what) in found {
            self.note(Done::Masked, Some(detector));
            if let Some(what) = what {
                self.removed(what.as_bytes());
            }
        }
        done
    }

    fn value(&mut self, name: &str, text: &str) -> Edit {
        let decision = self.decision;
        if self.closed > 0 {
            let stays = decision.class == Class::Counted && is_plain_claim(text);
            return if stays { Edit::Keep } else { self.fail() };
        }
        if decision.class == Class::Content && decision.action != Action::Keep {
            if text == NOT_TOLD {
                return Edit::Keep;
            }
            if let Some(edit) = self.counted_in(name, text) {
                return edit;
            }
        }
        self.acted(name, text)
    }

    fn acted(&mut self, name: &str, text: &str) -> Edit {
        let keys = &self.policy.keys;
        match self.decision.action {
            Action::Keep => self.masked(name, text, self.decision),
            Action::Drop => {
                self.note(Done::Dropped, None);
                Edit::Remove
            }
            Action::Hash => self.replaced(text, keys.hash(text), Done::Hashed),
            Action::Pseudonymise => self.replaced(text, keys.pseudonym(text), Done::Pseudonymised),
            Action::Truncate(_) => self.truncated(name, text),
        }
    }

    fn replaced(&mut self, text: &str, by: String, done: Done) -> Edit {
        if by == text {
            return Edit::Keep;
        }
        self.note(done, None);
        Edit::Replace(by)
    }

    fn truncated(&mut self, name: &str, text: &str) -> Edit {
        let edit = self.masked(name, text, self.decision);
        let stays = match &edit {
            Edit::Keep => text,
            Edit::Replace(text) => text,
            Edit::Remove => return Edit::Remove,
        };
        let short = cut(stays, self.left);
        self.left -= short.chars().count().min(self.left);
        if short.len() == stays.len() {
            return edit;
        }
        let short = short.to_owned();
        self.note(Done::Truncated, None);
        self.removed(text.as_bytes());
        // Cutting may make a secret of what was none: then nothing of it stays.
        match self.masked(name, &short, self.decision) {
            Edit::Keep => Edit::Replace(short),
            _ => Edit::Remove,
        }
    }

    /// What prompts and tool parameters are counted by stays, whatever becomes of the rest.
    fn counted_in(&mut self, name: &str, text: &str) -> Option<Edit> {
        if let Some(rest) = text.strip_prefix(TASK_NOTIFICATION) {
            if rest.is_empty() {
                return Some(Edit::Keep);
            }
            let edit = self.acted(name, rest);
            let rest = match &edit {
                Edit::Keep => return Some(Edit::Keep),
                Edit::Replace(rest) => rest.as_str(),
                Edit::Remove => "",
            };
            if rest.is_empty() {
                self.removed(text.as_bytes());
            }
            return Some(Edit::Replace(format!("{TASK_NOTIFICATION}{rest}")));
        }
        if self.decision.action == Action::Keep
            || !TOOL_NAMES.iter().any(|(key, _)| text.contains(key))
        {
            return None;
        }
        let Ok(Json::Object(all)) = serde_json::from_str(text) else {
            return None;
        };
        self.tool_names(name, text, &all)
    }

    /// The names in tool parameters, and what becomes of all of it beside them.
    fn tool_names(&mut self, name: &str, text: &str, all: &Map<String, Json>) -> Option<Edit> {
        const REST: &str = "redacted";
        let is_name = |key: &str| TOOL_NAMES.iter().any(|(known, _)| *known == key);
        let mut kept = Map::new();
        for (key, value) in all
            .iter()
            .filter(|(key, value)| is_name(key) && value.is_string())
        {
            kept.insert(key.clone(), value.clone());
        }
        if kept.is_empty() {
            return None;
        }
        let others: Vec<&String> = all.keys().filter(|key| !kept.contains_key(*key)).collect();
        let is_done = match others.as_slice() {
            [] => true,
            [only] => {
                *only == REST && self.decision.action != Action::Drop && self.is_done(&all[*only])
            }
            _ => false,
        };
        let edit = if is_done {
            Edit::Keep
        } else {
            self.acted(name, text)
        };
        match edit {
            Edit::Keep if is_done => {}
            Edit::Keep => return Some(Edit::Keep),
            Edit::Replace(rest) => {
                kept.insert(REST.to_owned(), Json::String(rest));
            }
            Edit::Remove => self.removed(text.as_bytes()),
        }
        let json = if is_done {
            text.to_owned()
        } else {
            Json::Object(kept).to_string()
        };
        // A name may be a secret too.
        let decision = Decision {
            action: Action::Keep,
            ..self.decision
        };
        Some(match self.masked(name, &json, decision) {
            Edit::Keep if json == text => Edit::Keep,
            Edit::Keep => Edit::Replace(json),
            other => other,
        })
    }

    /// Whether a value is what acting would make of it.
    fn is_done(&self, value: &Json) -> bool {
        let Json::String(text) = value else {
            return false;
        };
        match self.decision.action {
            Action::Hash => crate::keys::is_hash(text),
            Action::Truncate(characters) => text.chars().count() <= characters,
            _ => false,
        }
    }

    /// Whether the attribute at hand was noted as dropped already.
    fn was_noted(&self) -> bool {
        let label = label_of(&self.attribute);
        self.owners
            .last()
            .is_some_and(|(_, mark)| mark.has(&label, Done::Dropped))
    }

    fn fail(&mut self) -> Edit {
        self.note(Done::Failed, None);
        Edit::Remove
    }

    /// Makes a decision about what is called `key`, and the fate that follows from it.
    fn decided(&mut self, key: &str) -> Fate {
        key.clone_into(&mut self.attribute);
        self.decision = self.policy.decide(&self.rules, key);
        if self.closed > 0 {
            return Fate::Text;
        }
        match self.decision.action {
            Action::Keep => Fate::Look,
            Action::Truncate(characters) => {
                self.left = characters;
                Fate::Look
            }
            Action::Hash | Action::Pseudonymise => Fate::AsText,
            Action::Drop if self.decision.class == Class::Content => Fate::Text,
            Action::Drop => {
                self.note(Done::Dropped, None);
                Fate::Drop
            }
        }
    }

    /// The mark that an owner came with: whoever sent it may have written anything.
    fn came(&self, text: &str, mark: &mut Mark) -> String {
        let policy = self.policy;
        let masked = mask(
            &policy.detectors,
            text,
            policy.looked_for_anywhere,
            &mut |detector, _| {
                mark.note(
                    contract::REDACTED,
                    Done::Masked,
                    policy.detectors.name(detector),
                );
            },
        );
        match masked {
            Masked::Same => text.to_owned(),
            Masked::Changed(text) => text,
            Masked::Failed => String::new(),
        }
    }

    fn choose_rules(&mut self) {
        self.rules = self.policy.rules_of(self.signal, &self.item);
    }
}

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
        self.closed == 0
            && !policy.acts()
            && !policy.drops_unreadable
            && !policy
                .detectors
                .may_find(message, policy.looked_for_anywhere)
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
