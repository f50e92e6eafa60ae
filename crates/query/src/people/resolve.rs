//! Whose an item is, and which team, department and cost centre it counts for: the rules, best first.
//!
//! Invariant: an answer hangs on the item, on the directory and on the files, and on nothing else. It
//! says whether it also holds for an item that differs in its time only, so that a query asks once
//! for the rows of a session.

use std::borrow::Cow;
use std::sync::Arc;

use super::PeopleFiles;
use super::basis::Basis;
use super::directory::{About, Directory, Person, Said, only_name, only_person_of};
use super::facts::{Keys, Name, email, id};
use super::mapping::{self, as_known};
use super::roster::Expected;
use crate::functions::value_of;
use crate::sight::{Owners, Pseudonyms};

/// How often a renamed person may be renamed again.
const RENAMES_MAX: usize = 8;

/// What is known of an item.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Item<'a> {
    /// Milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
    pub(crate) session_id: Option<&'a str>,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) user_email: Option<&'a str>,
    pub(crate) user_account_uuid: Option<&'a str>,
    pub(crate) user_account_id: Option<&'a str>,
    /// Only needed when the mapping names organisations.
    pub(crate) organization_id: Option<&'a str>,
    /// JSON; only needed when the mapping names attributes.
    pub(crate) resource: Option<&'a str>,
    /// Only needed when a token is bound to one person.
    pub(crate) token: Option<&'a str>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Resolved<T> {
    pub(crate) value: T,
    /// Whether it holds at all times.
    pub(crate) is_constant: bool,
}

/// Whose an item is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whose<'a> {
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) basis: Option<Basis>,
}

/// Resolves items by one directory and one state of the files.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    pub(super) directory: Arc<Directory>,
    pub(super) files: Arc<PeopleFiles>,
    pub(super) keys: Keys,
    /// Whose rows of the files count; `None`: all.
    pub(super) owners: Option<Owners>,
    /// What people are called, where not what they are called.
    pub(super) pseudonyms: Option<Pseudonyms>,
}

/// By which rule whose an item is was found, and by which name or id.
enum Found<'a> {
    /// The directory knows them.
    Person(&'a Person),
    Text(Cow<'a, str>),
}

/// An item while it is resolved.
struct Case<'a> {
    resolver: &'a Resolver,
    item: Item<'a>,
    is_constant: bool,
    /// By which ids whose it is are known, where a file may speak of them.
    ids: Vec<String>,
    whose: Whose<'a>,
}

impl Resolver {
    /// Whose an item is.
    pub(crate) fn whose<'a>(&'a self, item: Item<'a>) -> Resolved<Whose<'a>> {
        let mut case = Case::of(self, item);
        case.find();
        let name = case.whose.name.map(|name| self.shown(name));
        Resolved {
            value: Whose { name, ..case.whose },
            is_constant: case.is_constant,
        }
    }

    /// The team, department or cost centre of an item that says `own` itself.
    pub(crate) fn unit<'a>(
        &'a self,
        about: About,
        own: Option<&'a str>,
        item: Item<'a>,
    ) -> Resolved<Option<Cow<'a, str>>> {
        let mut case = Case::of(self, item);
        Resolved {
            value: case.unit(about, own),
            is_constant: case.is_constant,
        }
    }

    /// Whether who or which team a session's items count for may change from one moment to the next.
    pub(crate) fn is_mixed(&self, session_id: &str) -> bool {
        let key = id(session_id).map(|session| self.keys.of(session));
        key.is_some_and(|key| self.directory.is_mixed(key))
    }

    /// By which files.
    pub(crate) fn files(&self) -> Arc<PeopleFiles> {
        Arc::clone(&self.files)
    }

    /// Whether files say who people are.
    pub(super) fn has_files(&self) -> bool {
        self.files.is_any()
    }

    /// What somebody is called at a time, of whom an id is given.
    pub(crate) fn called<'a>(&'a self, id: &str, at_ms: i64) -> Option<Cow<'a, str>> {
        let item = Item {
            at_ms,
            ..Item::default()
        };
        let mut case = Case::of(self, item);
        case.is_called(self.known(as_known(id)?.into()));
        case.whose.name.map(|name| self.shown(name))
    }

    /// A name, or what it is shown as.
    fn shown<'a>(&self, name: Cow<'a, str>) -> Cow<'a, str> {
        match &self.pseudonyms {
            Some(pseudonyms) => pseudonyms.person(&name).into(),
            None => name,
        }
    }

    /// Whether a row of a file counts.
    fn counts(&self, organization: Option<&str>) -> bool {
        let owners = self.owners.as_ref();
        owners.is_none_or(|owners| owners.own(organization))
    }

    /// Somebody whom a file names. A name that is no id is shown as it is written.
    fn named<'a>(&'a self, name: &'a Name) -> Found<'a> {
        let person = as_known(name).and_then(|id| self.directory.person_of(&id));
        person.map_or(Found::Text(Cow::Borrowed(name)), |(_, person)| {
            Found::Person(person)
        })
    }

    /// Somebody of whom an id is given, in the words in which ids are compared.
    fn known<'a>(&'a self, id: Cow<'a, str>) -> Found<'a> {
        match self.directory.person_of(&id) {
            Some((_, person)) => Found::Person(person),
            None => Found::Text(id),
        }
    }
}

impl<'a> Case<'a> {
    fn of(resolver: &'a Resolver, item: Item<'a>) -> Case<'a> {
        Case {
            resolver,
            item,
            is_constant: true,
            ids: Vec::new(),
            whose: Whose::default(),
        }
    }

    fn find(&mut self) {
        let by_ids = self.by_ids();
        let found = by_ids.or_else(|| {
            let name = self.by_mapping()?;
            Some((self.resolver.named(name), Basis::Mapping))
        });
        let found = found.or_else(|| {
            let name = self.resolver.files.tokens.get(self.item.token?)?;
            Some((self.resolver.named(name), Basis::Token))
        });
        match found {
            Some((found, basis)) => {
                self.is_called(found);
                self.whose.basis = Some(basis);
            }
            None => {
                self.whose.name = self.item.user_id.and_then(id).map(Cow::Borrowed);
                self.whose.basis = self.whose.name.as_ref().map(|_| Basis::InstallationId);
            }
        }
    }

    /// By what the item says itself, else by its session, else by its installation.
    fn by_ids(&mut self) -> Option<(Found<'a>, Basis)> {
        let (resolver, item) = (self.resolver, self.item);
        if let Some(email) = item.user_email.and_then(email) {
            return Some((resolver.known(email), Basis::Email));
        }
        let accounts = [item.user_account_id, item.user_account_uuid];
        if let Some(account) = accounts.into_iter().flatten().find_map(id) {
            return Some((resolver.known(account.into()), Basis::Account));
        }
        let person = |id: &Name| Some(Found::Person(resolver.directory.person_of(id)?.1));
        if let Some(found) = self.said_of_session(About::Person).and_then(person) {
            return Some((found, Basis::Session));
        }
        let installation = resolver.keys.of(item.user_id.and_then(id)?);
        let said = resolver.directory.installation(installation)?;
        Some((person(self.only_person(said)?)?, Basis::Installation))
    }

    /// What was said about the item's session, nearest in time.
    fn said_of_session(&mut self, about: About) -> Option<&'a Name> {
        let session = self.resolver.keys.of(self.item.session_id.and_then(id)?);
        let said = self.resolver.directory.session(session)?;
        let only = match about {
            About::Person => self.only_person(said),
            _ => only_name(said, about),
        };
        if only.is_some() {
            return only;
        }
        self.is_constant = false;
        Some(&said.nearest(about, self.item.at_ms)?.name)
    }

    /// An id of the one person of whom all that was said speaks.
    fn only_person(&self, said: &'a Said) -> Option<&'a Name> {
        only_person_of(&self.resolver.directory, said)
    }

    /// By a row of the mapping for the item's session, installation, resource or organisation.
    fn by_mapping(&mut self) -> Option<&'a Name> {
        if let Some(rows) = self.rows_of_session()
            && let Some(name) = self.in_force(rows, mapping::Row::person)
        {
            return Some(name);
        }
        let of_client = self.rows_of_client().into_iter();
        of_client
            .filter_map(|rows| self.in_force(rows, mapping::Row::person))
            .next()
    }

    fn rows_of_session(&self) -> Option<&'a [mapping::Row]> {
        let mapping = self.resolver.files.mapping.as_ref()?;
        self.item
            .session_id
            .and_then(id)
            .map(|session| mapping.of_id(session))
    }

    /// The rows for the item's installation, resource and organisation.
    fn rows_of_client(&self) -> Vec<&'a [mapping::Row]> {
        let Some(mapping) = &self.resolver.files.mapping else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        rows.extend(
            self.item
                .user_id
                .and_then(id)
                .map(|installation| mapping.of_id(installation)),
        );
        if let Some(resource) = self.item.resource {
            let values = mapping
                .attribute_keys()
                .filter_map(|key| Some((key, value_of(resource, key)?)));
            rows.extend(values.map(|(key, value)| mapping.of_attribute(key, value)));
        }
        let organization = self.item.organization_id;
        rows.extend(organization.map(|id| mapping.of_organization(id)));
        rows
    }

    /// What the row says that holds at the item's time.
    fn in_force(
        &mut self,
        rows: &'a [mapping::Row],
        of: impl Fn(&'a mapping::Row) -> Option<&'a Name>,
    ) -> Option<&'a Name> {
        self.is_constant &= rows.iter().all(|row| row.period().is_always());
        let counts = |row: &mapping::Row| self.resolver.counts(row.organization());
        let mut rows = rows.iter().filter(|row| counts(row));
        let row = rows.find(|row| row.period().has(self.item.at_ms))?;
        of(row)
    }

    /// The item is this person's: the mapping may call them otherwise.
    fn is_called(&mut self, found: Found<'a>) {
        let (resolver, mut found) = (self.resolver, found);
        for _ in 0..RENAMES_MAX {
            let person = match &found {
                Found::Person(person) => Some(*person),
                Found::Text(_) => None,
            };
            self.whose.name = match found {
                Found::Person(person) => person.name().map(|name| Cow::Borrowed(&**name)),
                Found::Text(text) => Some(text),
            };
            if !resolver.files.is_any() {
                return;
            }
            let known = self.ids.len();
            self.ids
                .extend(self.whose.name.as_deref().and_then(as_known));
            self.ids.extend(
                person
                    .into_iter()
                    .flat_map(Person::ids)
                    .map(|id| id.to_string()),
            );
            let Some(other) = self.of_ids(known, mapping::Row::person) else {
                return;
            };
            // Where renames go round in a circle, they end where it closes.
            if as_known(other).is_some_and(|id| self.ids.contains(&id)) {
                return;
            }
            found = resolver.named(other);
        }
    }

    /// What the mapping says of the person's ids from a place on.
    fn of_ids(
        &mut self,
        from: usize,
        of: impl Fn(&'a mapping::Row) -> Option<&'a Name>,
    ) -> Option<&'a Name> {
        let mapping = self.resolver.files.mapping.as_ref()?;
        let ids = self.ids[from..].iter();
        let rows: Vec<&[mapping::Row]> = ids.map(|id| mapping.of_id(id)).collect();
        rows.into_iter().find_map(|rows| self.in_force(rows, &of))
    }

    /// The mapping's word, else the item's own, else its session's, else the roster's.
    fn unit(&mut self, about: About, own: Option<&'a str>) -> Option<Cow<'a, str>> {
        let text = |name: &'a Name| Cow::Borrowed(&**name);
        if self.resolver.files.is_any() {
            self.find();
        }
        if let Some(name) = self.mapped_unit(about) {
            return Some(text(name));
        }
        if let Some(own) = own.filter(|own| !own.is_empty()) {
            return Some(own.into());
        }
        self.said_of_session(about)
            .or_else(|| self.of_roster(about))
            .map(text)
    }

    fn mapped_unit(&mut self, about: About) -> Option<&'a Name> {
        let of = |row: &'a mapping::Row| row.unit(about);
        if let Some(rows) = self.rows_of_session()
            && let Some(name) = self.in_force(rows, of)
        {
            return Some(name);
        }
        if let Some(name) = self.of_ids(0, of) {
            return Some(name);
        }
        let of_client = self.rows_of_client().into_iter();
        of_client.filter_map(|rows| self.in_force(rows, of)).next()
    }

    fn of_roster(&mut self, about: About) -> Option<&'a Name> {
        let roster = self.resolver.files.roster.as_ref()?;
        let counts = |row: &&Arc<Expected>| self.resolver.counts(row.organization());
        let rows = || {
            self.ids
                .iter()
                .flat_map(|id| roster.of_id(id))
                .filter(counts)
        };
        let is_constant = rows().all(|expected| expected.period().is_always());
        let in_force = rows().filter(|expected| expected.period().has(self.item.at_ms));
        let found = in_force.filter_map(|expected| expected.unit(about)).next();
        self.is_constant &= is_constant;
        found
    }
}
