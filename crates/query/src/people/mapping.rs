//! The mapping: what the administrator says of ids and of clients that name nobody.

use std::collections::{BTreeSet, HashMap};

use super::directory::About;
use super::facts::{Name, email, id};
use super::sheet::{self, Period, Problems};

const COLUMNS: &[&str] = &[
    "id",
    "person",
    "team",
    "department",
    "cost_center",
    "from",
    "to",
    "organization",
];
/// The one attribute that is not the resource's.
const ORGANIZATION: &str = "organization.id";

/// One row: what holds of an id for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    person: Option<Name>,
    units: [Option<Name>; 3],
    /// Whose items it is about, where it says so.
    organization: Option<Name>,
    period: Period,
    line: u64,
}

/// The rows of a mapping file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    by_id: HashMap<String, Vec<Row>>,
    by_attribute: HashMap<(String, String), Vec<Row>>,
    /// The attributes of resources that rows name.
    keys: BTreeSet<String>,
    by_organization: HashMap<String, Vec<Row>>,
    rows: usize,
}

/// How an item is named in a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Id {
    Text(String),
    Attribute(String, String),
    Organization(String),
}

impl Mapping {
    /// Reads a file; `name` is what it is called in problems. What is wrong is said together, a
    /// sentence each, with file, line and column.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Mapping, Vec<String>> {
        let mut problems = Problems::of(name);
        let mut rows: HashMap<(Id, Option<Name>), Vec<Row>> = HashMap::new();
        let mut count = 0;
        sheet::read(bytes, COLUMNS, &mut problems, |row, problems| {
            count += 1;
            let Some(id) = row.cell("id").and_then(Id::parse) else {
                let what = "it names nobody; give an e-mail, an account, an installation, a session, \
                            or an attribute of the resource like service.name=build-bot";
                return problems.say(&row.at("id"), what);
            };
            let name = |column| row.cell(column).map(Name::from);
            let organization = name("organization").or_else(|| id.organization());
            let mapped = Row {
                person: name("person"),
                units: [name("team"), name("department"), name("cost_center")],
                organization: organization.clone(),
                period: row.period(problems),
                line: row.line,
            };
            if mapped.person.is_none() && mapped.units.iter().all(Option::is_none) {
                let what = "the row says nothing; give a person, team, department or cost_center";
                problems.say(&format!("line {}", row.line), what);
            }
            rows.entry((id, organization)).or_default().push(mapped);
        });
        let of = |row: &Row| (row.period, row.line);
        sheet::check_overlaps(&mut rows, of, |(id, _)| id.text(), &mut problems);
        problems.unless(Mapping::of(rows, count))
    }

    fn of(rows: HashMap<(Id, Option<Name>), Vec<Row>>, count: usize) -> Mapping {
        let mut mapping = Mapping {
            rows: count,
            ..Mapping::default()
        };
        for ((id, _), rows) in rows {
            let known = match id {
                Id::Text(text) => mapping.by_id.entry(text).or_default(),
                Id::Attribute(key, value) => {
                    mapping.keys.insert(key.clone());
                    mapping.by_attribute.entry((key, value)).or_default()
                }
                Id::Organization(id) => mapping.by_organization.entry(id).or_default(),
            };
            known.extend(rows);
            // Of two organisations' rows for one id, in the file's order.
            known.sort_by_key(|row| (row.period.from_ms.unwrap_or(i64::MIN), row.line));
        }
        mapping
    }

    /// What it goes by beside ids of people: attributes of resources, and ids that may be sessions'.
    pub(crate) fn named(&self) -> store::Named {
        store::Named {
            resource: self.keys.clone(),
            sessions: self.by_id.keys().cloned().collect(),
        }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of an e-mail in small letters, an account, an installation or a session.
    pub(super) fn of_id(&self, id: &str) -> &[Row] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn of_attribute(&self, key: &str, value: String) -> &[Row] {
        let rows = self.by_attribute.get(&(key.to_owned(), value));
        rows.map_or(&[], Vec::as_slice)
    }

    pub(super) fn of_organization(&self, id: &str) -> &[Row] {
        self.by_organization.get(id).map_or(&[], Vec::as_slice)
    }

    /// The attributes of resources to look at.
    pub(super) fn attribute_keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }

    /// Whether there are rows by organisation.
    pub(crate) fn names_organizations(&self) -> bool {
        !self.by_organization.is_empty()
    }

    /// Whether there are rows by attributes of the resource.
    pub(crate) fn names_attributes(&self) -> bool {
        !self.by_attribute.is_empty()
    }
}

impl Row {
    pub(super) fn person(&self) -> Option<&Name> {
        self.person.as_ref()
    }

    /// A team, department or cost centre.
    pub(super) fn unit(&self, about: About) -> Option<&Name> {
        let place = super::directory::UNITS
            .iter()
            .position(|unit| *unit == about)?;
        self.units[place].as_ref()
    }

    pub(super) fn period(&self) -> Period {
        self.period
    }

    pub(super) fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }
}

impl Id {
    fn parse(text: &str) -> Option<Id> {
        let attribute = text.split_once('=').filter(|(key, _)| is_key(key.trim()));
        let Some((key, value)) = attribute else {
            return as_known(text).map(Id::Text);
        };
        let (key, value) = (key.trim(), value.trim().to_owned());
        if value.is_empty() {
            return None;
        }
        Some(match key {
            ORGANIZATION => Id::Organization(value),
            key => Id::Attribute(key.to_owned(), value),
        })
    }

    /// The one that it names.
    fn organization(&self) -> Option<Name> {
        match self {
            Id::Organization(id) => Some(id.as_str().into()),
            Id::Text(_) | Id::Attribute(..) => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Id::Text(text) => text.clone(),
            Id::Attribute(key, value) => format!("{key}={value}"),
            Id::Organization(id) => format!("{ORGANIZATION}={id}"),
        }
    }
}

fn is_key(text: &str) -> bool {
    let may_be = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    !text.is_empty() && text.bytes().all(may_be)
}

/// An id of a file as it is compared with those of items.
pub(super) fn as_known(text: &str) -> Option<String> {
    match text.contains('@') {
        true => email(text).map(|email| email.into_owned()),
        false => id(text).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests;
