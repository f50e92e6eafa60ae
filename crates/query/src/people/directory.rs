//! Who is known: a fold of all facts.
//!
//! Invariant: the fold is commutative, associative and idempotent, so that neither the order in which
//! items come nor how they lie in batches and parts changes an answer. Sets only grow, times are least
//! and greatest, and ids that stand together are united.

use std::sync::Arc;

use super::facts::{Facts, Identity, Key, Name};
use super::shards::Shards;
use crate::sight::Owners;

/// How many people, accounts or teams one session or installation is known by. One with more is
/// nobody's: it is a gateway's, or made up.
const SAYINGS_MAX: usize = 64;
/// Sessions, installations and ids beyond these are not learnt.
const SESSIONS_MAX: usize = 5_000_000;
const IDS_MAX: usize = 1_000_000;

/// What a saying is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// One of the ids of whom it belongs to.
    Person,
    Team,
    Department,
    CostCenter,
}

pub(super) const UNITS: [About; 3] = [About::Team, About::Department, About::CostCenter];

/// What was said, from the first to the last time.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    about: About,
    pub(super) name: Name,
    first_ms: i64,
    last_ms: i64,
}

/// What was said of a session or an installation.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    sayings: Vec<Saying>,
    /// About what so much was said that it says nothing; a bit each.
    too_much: u8,
}

/// Somebody, with all ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    /// With the newest time of each.
    emails: Vec<(Name, i64)>,
    account_ids: Vec<Name>,
    account_uuids: Vec<Name>,
    name: Option<Name>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    sessions: Shards<Key, Said>,
    installations: Shards<Key, Said>,
    /// Whose an id is.
    ids: Shards<Name, u32>,
    people: Shards<u32, Person>,
    next: u32,
}

impl Directory {
    /// Learns all that facts of these organisations say; `None`: of all.
    pub(crate) fn learn(&mut self, facts: &Facts, owners: Option<&Owners>) {
        let names = facts.organizations.iter();
        let own = |name: &Option<Name>| owners.is_none_or(|owners| owners.own(name.as_deref()));
        let own: Vec<bool> = names.map(own).collect();
        let rows = || {
            facts
                .rows
                .iter()
                .filter(|fact| own[fact.organization as usize])
        };
        let mut newest = vec![None; facts.identities.len()];
        for fact in rows() {
            let newest = &mut newest[fact.identity as usize];
            *newest = Some(fact.last_ms).max(*newest);
        }
        for (identity, newest_ms) in facts.identities.iter().zip(newest) {
            if let Some(newest_ms) = newest_ms {
                self.identify(identity, newest_ms);
            }
        }
        for fact in rows() {
            let id = facts.identities[fact.identity as usize].any();
            let units = UNITS.into_iter().zip(&facts.units[fact.units as usize]);
            let units = units.filter_map(|(about, name)| Some((about, name.as_ref()?)));
            let person = id.map(|id| (About::Person, id));
            if let Some(session) = fact.session {
                for (about, name) in person.into_iter().chain(units) {
                    let saying = (about, name, fact.first_ms, fact.last_ms);
                    say(&mut self.sessions, session, saying);
                }
            }
            if let (Some(installation), Some(id)) = (fact.installation, id) {
                // When it was said decides nothing here.
                say(
                    &mut self.installations,
                    installation,
                    (About::Person, id, 0, 0),
                );
            }
        }
    }

    /// Whose an id is.
    pub(super) fn person_of(&self, id: &str) -> Option<(u32, &Person)> {
        let number = *self.ids.get(id)?;
        Some((number, self.people.get(&number)?))
    }

    pub(super) fn session(&self, key: Key) -> Option<&Said> {
        self.sessions.get(&key)
    }

    /// Whether several people were told of a session, or several names of one kind.
    pub(super) fn is_mixed(&self, key: Key) -> bool {
        let Some(said) = self.session(key) else {
            return false;
        };
        let people = said.about(About::Person);
        let mut numbers = people.map(|saying| self.ids.get(&*saying.name));
        let first = numbers.next();
        numbers.any(|number| Some(number) != first)
            || UNITS
                .into_iter()
                .any(|unit| said.about(unit).nth(1).is_some())
    }

    pub(super) fn installation(&self, key: Key) -> Option<&Said> {
        self.installations.get(&key)
    }

    /// The ids of an item belong to one person.
    fn identify(&mut self, identity: &Identity, newest_ms: i64) {
        let mut known: Vec<u32> = identity
            .ids()
            .filter_map(|id| self.ids.get(&**id).copied())
            .collect();
        known.sort_unstable();
        known.dedup();
        let number = match known[..] {
            [] if identity.any().is_none() || self.ids.len() >= IDS_MAX => return,
            [] => {
                self.next += 1;
                self.next
            }
            [one] => one,
            _ => self.unite(&known),
        };
        if self
            .people
            .get(&number)
            .is_some_and(|person| person.has(identity, newest_ms))
        {
            return;
        }
        for id in identity.ids() {
            if self.ids.get(&**id) != Some(&number) {
                self.ids.insert(Arc::clone(id), number);
            }
        }
        self.people.change(number).add(identity, newest_ms);
    }

    /// Makes one person of several; the one with most ids keeps the number.
    fn unite(&mut self, numbers: &[u32]) -> u32 {
        let ids = |number: &u32| {
            self.people
                .get(number)
                .map_or(0, |person| person.ids().count())
        };
        let kept = numbers.iter().copied().max_by_key(ids).unwrap_or_default();
        for number in numbers.iter().filter(|number| **number != kept) {
            let Some(other) = self.people.remove(number) else {
                continue;
            };
            for id in other.ids() {
                self.ids.insert(Arc::clone(id), kept);
            }
            self.people.change(kept).absorb(other);
        }
        kept
    }
}

fn say(
    of: &mut Shards<Key, Said>,
    key: Key,
    (about, name, first_ms, last_ms): (About, &Name, i64, i64),
) {
    match of.get(&key) {
        Some(said) if said.covers(about, name, first_ms, last_ms) => return,
        None if of.len() >= SESSIONS_MAX => return,
        _ => {}
    }
    of.change(key).add(about, name, first_ms, last_ms);
}

impl Said {
    fn covers(&self, about: About, name: &str, first_ms: i64, last_ms: i64) -> bool {
        self.is_too_much(about)
            || self.find(about, name).is_some_and(|at| {
                let known = &self.sayings[at];
                known.first_ms <= first_ms && known.last_ms >= last_ms
            })
    }

    fn add(&mut self, about: About, name: &Name, first_ms: i64, last_ms: i64) {
        if let Some(at) = self.find(about, name) {
            let known = &mut self.sayings[at];
            known.first_ms = known.first_ms.min(first_ms);
            known.last_ms = known.last_ms.max(last_ms);
            return;
        }
        self.sayings.reserve_exact(1);
        self.sayings.push(Saying {
            about,
            name: Arc::clone(name),
            first_ms,
            last_ms,
        });
        if self.about(about).count() > SAYINGS_MAX {
            self.sayings.retain(|saying| saying.about != about);
            self.too_much |= 1 << about as u8;
        }
    }

    fn find(&self, about: About, name: &str) -> Option<usize> {
        let is_it = |saying: &Saying| saying.about == about && &*saying.name == name;
        self.sayings.iter().position(is_it)
    }

    fn is_too_much(&self, about: About) -> bool {
        self.too_much & (1 << about as u8) != 0
    }

    /// All that was said about something.
    pub(super) fn about(&self, about: About) -> impl Iterator<Item = &Saying> {
        self.sayings
            .iter()
            .filter(move |saying| saying.about == about)
    }

    /// What held at a time: what was said last by then, or first after it. Said from the first to the
    /// last time means said all the while; of two such, the one that began later.
    pub(super) fn nearest(&self, about: About, at_ms: i64) -> Option<&Saying> {
        let rank = |saying: &Saying| {
            let is_before = saying.first_ms <= at_ms;
            let last = if is_before {
                saying.last_ms.min(at_ms)
            } else {
                0
            };
            let first = if is_before {
                saying.first_ms
            } else {
                saying.first_ms.saturating_neg()
            };
            (is_before, last, first)
        };
        self.about(about)
            .max_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| b.name.cmp(&a.name)))
    }
}

impl Person {
    /// The newest e-mail, else an account id, else an account uuid.
    pub(super) fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// All ids, in an order that hangs on nothing but them.
    pub(super) fn ids(&self) -> impl Iterator<Item = &Name> {
        let emails = self.emails.iter().map(|(name, _)| name);
        emails.chain(&self.account_ids).chain(&self.account_uuids)
    }

    fn has(&self, identity: &Identity, newest_ms: i64) -> bool {
        let is_in = |names: &[Name], name: &Option<Name>| {
            name.as_ref()
                .is_none_or(|name| names.binary_search(name).is_ok())
        };
        let email = identity.email.as_ref().is_none_or(|email| {
            self.emails
                .iter()
                .any(|(name, newest)| name == email && *newest >= newest_ms)
        });
        email
            && is_in(&self.account_ids, &identity.account_id)
            && is_in(&self.account_uuids, &identity.account_uuid)
    }

    fn add(&mut self, identity: &Identity, newest_ms: i64) {
        if let Some(email) = &identity.email {
            self.add_email(email, newest_ms);
        }
        insert(&mut self.account_ids, identity.account_id.as_ref());
        insert(&mut self.account_uuids, identity.account_uuid.as_ref());
        self.choose_name();
    }

    fn absorb(&mut self, other: Person) {
        for (email, newest_ms) in &other.emails {
            self.add_email(email, *newest_ms);
        }
        for (own, others) in [
            (&mut self.account_ids, other.account_ids),
            (&mut self.account_uuids, other.account_uuids),
        ] {
            for name in &others {
                insert(own, Some(name));
            }
        }
        self.choose_name();
    }

    fn add_email(&mut self, email: &Name, newest_ms: i64) {
        match self.emails.binary_search_by(|(name, _)| name.cmp(email)) {
            Ok(at) => self.emails[at].1 = self.emails[at].1.max(newest_ms),
            Err(at) => self.emails.insert(at, (Arc::clone(email), newest_ms)),
        }
    }

    fn choose_name(&mut self) {
        let newest = self
            .emails
            .iter()
            .max_by(|(a, a_ms), (b, b_ms)| a_ms.cmp(b_ms).then_with(|| b.cmp(a)));
        let newest = newest.map(|(name, _)| name);
        let name = newest
            .or(self.account_ids.first())
            .or(self.account_uuids.first());
        self.name = name.map(Arc::clone);
    }
}

fn insert(names: &mut Vec<Name>, name: Option<&Name>) {
    let Some(name) = name else { return };
    if let Err(at) = names.binary_search(name) {
        names.insert(at, Arc::clone(name));
    }
}

/// An id of the one person of whom all that was said speaks.
pub(super) fn only_person_of<'a>(directory: &Directory, said: &'a Said) -> Option<&'a Name> {
    let number = |id: &Name| Some(directory.person_of(id)?.0);
    let mut ids = said.about(About::Person).map(|saying| &saying.name);
    let first = ids.next()?;
    let mut others = ids.peekable();
    if others.peek().is_none() {
        return Some(first);
    }
    let whose = number(first);
    others.all(|id| number(id) == whose).then_some(first)
}

/// The one name that was said.
pub(super) fn only_name(said: &Said, about: About) -> Option<&Name> {
    let mut sayings = said.about(about);
    let only = sayings.next()?;
    sayings.next().is_none().then_some(&only.name)
}

#[cfg(test)]
mod tests;
