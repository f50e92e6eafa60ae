//! Whose an item is, and which team, department and cost centre it counts for: the rules, best first.
//!
//! Invariant: an answer hangs on the item, on the directory and on the files, and on nothing else. It
//! says whether it also holds for an item that differs in its time only, so that a query asks once
//! for the rows of a session.

use std::borrow::Cow;
use std::sync::Arc;

use super::PeopleFiles;
use super::directory::{About, Directory, Person, Said};
use super::facts::{Keys, Name, email, id};
use super::mapping::{self, as_known};
use crate::functions::value_of;

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
}

/// What the person of an item rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    Email,
    Account,
    Session,
    Installation,
    Mapping,
    InstallationId,
}

impl Basis {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Basis::Email => "email",
            Basis::Account => "account",
            Basis::Session => "session",
            Basis::Installation => "installation",
            Basis::Mapping => "mapping",
            Basis::InstallationId => "installation_id",
        }
    }
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
pub(crate) struct Whose {
    pub(crate) name: Option<Name>,
    pub(crate) basis: Option<Basis>,
}

/// Resolves items by one directory and one state of the files.
#[derive(Debug)]
pub(crate) struct Resolver {
    pub(super) directory: Arc<Directory>,
    pub(super) files: Arc<PeopleFiles>,
    pub(super) keys: Keys,
}

/// An item while it is resolved.
struct Case<'a> {
    resolver: &'a Resolver,
    item: Item<'a>,
    is_constant: bool,
    /// By which ids whose it is are known, where a file may speak of them.
    ids: Vec<String>,
    whose: Whose,
}

impl Resolver {
    /// Whose an item is.
    pub(crate) fn whose(&self, item: Item<'_>) -> Resolved<Whose> {
        let case = Case::of(self, item);
        Resolved {
            value: case.whose,
            is_constant: case.is_constant,
        }
    }

    /// The team, department or cost centre of an item that says `own` itself.
    pub(crate) fn unit(
        &self,
        about: About,
        own: Option<&str>,
        item: Item<'_>,
    ) -> Resolved<Option<Name>> {
        let mut case = Case::of(self, item);
        Resolved {
            value: case.unit(about, own),
            is_constant: case.is_constant,
        }
    }

    /// What somebody is called at a time, of whom an id is given.
    pub(crate) fn called(&self, id: &str, at_ms: i64) -> Option<Name> {
        let mut case = Case::at(
            self,
            Item {
                at_ms,
                ..Item::default()
            },
        );
        let id = as_known(id)?;
        case.is_called(Name::from(id));
        case.whose.name
    }
}

impl<'a> Case<'a> {
    fn at(resolver: &'a Resolver, item: Item<'a>) -> Case<'a> {
        Case {
            resolver,
            item,
            is_constant: true,
            ids: Vec::new(),
            whose: Whose::default(),
        }
    }

    fn of(resolver: &'a Resolver, item: Item<'a>) -> Case<'a> {
        let mut case = Case::at(resolver, item);
        let (name, basis) = match case.by_ids() {
            Some((name, basis)) => (Some(name), Some(basis)),
            None => match case.by_mapping() {
                Some(name) => (Some(name), Some(Basis::Mapping)),
                None => {
                    let installation = item.user_id.and_then(id).map(Name::from);
                    let basis = installation.as_ref().map(|_| Basis::InstallationId);
                    case.whose.name = installation;
                    (None, basis)
                }
            },
        };
        if let Some(name) = name {
            case.is_called(name);
        }
        case.whose.basis = basis;
        case
    }

    /// By what the item says itself, else by its session, else by its installation.
    fn by_ids(&mut self) -> Option<(Name, Basis)> {
        let (resolver, item) = (self.resolver, self.item);
        let known = |id: &str| Some(resolver.directory.person_of(id)?.1.name()?.clone());
        let own = |id: Cow<'_, str>| known(&id).unwrap_or_else(|| Name::from(&*id));
        if let Some(email) = item.user_email.and_then(email) {
            return Some((own(email), Basis::Email));
        }
        let accounts = [item.user_account_id, item.user_account_uuid];
        if let Some(account) = accounts.into_iter().flatten().find_map(id) {
            return Some((own(account.into()), Basis::Account));
        }
        if let Some(name) = self
            .said_of_session(About::Person)
            .and_then(|id| known(&id))
        {
            return Some((name, Basis::Session));
        }
        let installation = resolver.keys.of(item.user_id.and_then(id)?);
        let said = resolver.directory.installation(installation)?;
        let name = known(&self.only_person(said)?.clone())?;
        Some((name, Basis::Installation))
    }

    /// What was said about the item's session, nearest in time.
    fn said_of_session(&mut self, about: About) -> Option<Name> {
        let session = self.resolver.keys.of(self.item.session_id.and_then(id)?);
        let said = self.resolver.directory.session(session)?;
        let only = match about {
            About::Person => self.only_person(said).cloned(),
            _ => only_name(said, about).cloned(),
        };
        if only.is_some() {
            return only;
        }
        self.is_constant = false;
        let nearest = said.nearest(about, self.item.at_ms)?;
        Some(Arc::clone(&nearest.name))
    }

    /// An id of the one person of whom all that was said speaks.
    fn only_person<'s>(&self, said: &'s Said) -> Option<&'s Name> {
        let number = |id: &Name| Some(self.resolver.directory.person_of(id)?.0);
        let mut ids = said.about(About::Person).map(|saying| &saying.name);
        let first = ids.next()?;
        let whose = number(first);
        ids.all(|id| number(id) == whose).then_some(first)
    }

    /// By a row of the mapping for the item's session, installation, resource or organisation.
    fn by_mapping(&mut self) -> Option<Name> {
        if let Some(rows) = self.rows_of_session()
            && let Some(name) = self.in_force(rows, mapping::Row::person)
        {
            return Some(name);
        }
        self.rows_of_client()
            .into_iter()
            .find_map(|rows| self.in_force(rows, mapping::Row::person))
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
        rows.extend(
            self.item
                .organization_id
                .map(|id| mapping.of_organization(id)),
        );
        rows
    }

    /// What the row says that holds at the item's time.
    fn in_force(
        &mut self,
        rows: &'a [mapping::Row],
        of: impl Fn(&'a mapping::Row) -> Option<&'a Name>,
    ) -> Option<Name> {
        self.is_constant &= rows.iter().all(|row| row.period().is_always());
        let row = rows.iter().find(|row| row.period().has(self.item.at_ms))?;
        of(row).cloned()
    }

    /// The item is this person's, by whatever name or id: the mapping may call them otherwise.
    fn is_called(&mut self, name: Name) {
        let files = &self.resolver.files;
        let is_asked_further = files.mapping.is_some() || files.roster.is_some();
        let mut name = name;
        for _ in 0..RENAMES_MAX {
            let id = as_known(&name);
            let person = id
                .as_ref()
                .and_then(|id| self.resolver.directory.person_of(id));
            let person = person.map(|(_, person)| person);
            name = person.and_then(Person::name).cloned().unwrap_or(name);
            self.whose.name = Some(Arc::clone(&name));
            if !is_asked_further {
                return;
            }
            let known = self.ids.len();
            self.ids.extend(as_known(&name));
            self.ids.extend(
                person
                    .into_iter()
                    .flat_map(Person::ids)
                    .map(|id| id.to_string()),
            );
            match self.of_ids(known, mapping::Row::person) {
                // Where renames go round in a circle, they end where it closes.
                Some(other) if as_known(&other).is_none_or(|id| !self.ids.contains(&id)) => {
                    name = other
                }
                _ => return,
            }
        }
    }

    /// What the mapping says of the person's ids from a place on.
    fn of_ids(
        &mut self,
        from: usize,
        of: impl Fn(&'a mapping::Row) -> Option<&'a Name>,
    ) -> Option<Name> {
        let mapping = self.resolver.files.mapping.as_ref()?;
        let rows: Vec<&[mapping::Row]> = self.ids[from..]
            .iter()
            .map(|id| mapping.of_id(id))
            .collect();
        rows.into_iter().find_map(|rows| self.in_force(rows, &of))
    }

    /// The mapping's word, else the item's own, else its session's, else the roster's.
    fn unit(&mut self, about: About, own: Option<&str>) -> Option<Name> {
        let of = |row: &'a mapping::Row| row.unit(about);
        if let Some(rows) = self.rows_of_session()
            && let Some(name) = self.in_force(rows, of)
        {
            return Some(name);
        }
        if let Some(name) = self.of_ids(0, of) {
            return Some(name);
        }
        for rows in self.rows_of_client() {
            if let Some(name) = self.in_force(rows, of) {
                return Some(name);
            }
        }
        if let Some(own) = own.filter(|own| !own.is_empty()) {
            return Some(Name::from(own));
        }
        self.said_of_session(about)
            .or_else(|| self.of_roster(about))
    }

    fn of_roster(&mut self, about: About) -> Option<Name> {
        let roster = self.resolver.files.roster.as_ref()?;
        let rows = || self.ids.iter().flat_map(|id| roster.of_id(id));
        self.is_constant &= rows().all(|expected| expected.period().is_always());
        let in_force = rows().filter(|expected| expected.period().has(self.item.at_ms));
        in_force
            .filter_map(|expected| expected.unit(about))
            .next()
            .cloned()
    }
}

/// The one name that was said.
fn only_name(said: &Said, about: About) -> Option<&Name> {
    let mut sayings = said.about(about);
    let only = sayings.next()?;
    sayings.next().is_none().then_some(&only.name)
}
