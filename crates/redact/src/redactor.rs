//! The policy at work on one request.
//!
//! | file | what is in it |
//! |---|---|
//! | `editor.rs` | what the walk through the request asks |
//! | `counted.rs` | what prompts and tool parameters are counted by |

mod counted;
mod editor;

use contract::{Edit, Editor, Fate, Origin, Owner, Signal};

use crate::class::{Class, is_number, is_plain_claim};
use crate::detect::{is_secret_name, is_secret_value};
use crate::mark::{Mark, label_of};
use crate::mask::{Masked, cut, label, mask};
use crate::policy::{Action, Decision, Item, Policy};
use crate::tally::{Done, Tally};

/// What clients write for what they do not tell.
const NOT_TOLD: &str = "<REDACTED>";

/// Edits one request by a policy, and counts what it does.
pub struct Redactor<'p> {
    policy: &'p Policy,
    signal: Signal,
    /// The organisation that the sender is bound to.
    bound: Option<&'p str>,
    item: Item,
    rules: Vec<usize>,
    owners: Vec<(Owner, Mark)>,
    /// Whether nothing can be found in each of them, and in the message that was shown last.
    clean: Vec<bool>,
    is_next_clean: bool,
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
            clean: Vec::new(),
            is_next_clean: false,
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
        // A key that only a client knows may be a secret itself.
        if Class::of(&self.attribute) == Class::Other
            && !matches!(
                mask(
                    &policy.detectors,
                    &attribute,
                    policy.looked_for_anywhere,
                    &mut |_, _| {}
                ),
                Masked::Same
            )
        {
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
        let is_clean = self.clean.last() == Some(&true);
        if of == 0 || is_clean || (decision.class == Class::Counted && is_number(text)) {
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
