//! Which rows are somebody's: for erasing them.

use std::collections::BTreeSet;

use arrow::array::{Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use store::{Choice, Table, Whom};

use super::directory::Person;
use super::facts::{Times, email, id};
use super::mapping::as_known;
use super::resolve::{Item, Resolver};
use crate::sight::{Owners, named};

/// The texts of an item, by these places.
const TEXTS: [&str; 7] = [
    "session_id",
    "user_id",
    "user_email",
    "user_account_uuid",
    "user_account_id",
    "organization_id",
    "resource",
];
const ORGANIZATION: usize = 5;

impl Resolver {
    /// The ids of whoever is called `text` or has it as an id; with `text` itself. An installation counts
    /// when it is one person's alone.
    pub(crate) fn ids_of(&self, text: &str) -> Option<BTreeSet<String>> {
        let known = as_known(text)?;
        let by_id = self.directory.person_of(&known).map(|(_, person)| person);
        let person = by_id.or_else(|| {
            let said = self.directory.installation(self.keys.of(id(text)?))?;
            let one = super::directory::only_person_of(&self.directory, said)?;
            self.directory.person_of(one).map(|(_, person)| person)
        });
        let ids = person.into_iter().flat_map(Person::ids);
        Some(ids.map(|id| id.to_string()).chain([known]).collect())
    }
}

/// The rows of somebody.
#[derive(Debug)]
pub(crate) struct Theirs {
    pub(crate) resolver: Resolver,
    pub(crate) whom: Whom,
    /// Whose rows alone are chosen; `None`: everybody's.
    pub(crate) owners: Option<Owners>,
}

impl Choice for Theirs {
    fn chosen(&self, _: Table, rows: &RecordBatch) -> Result<Vec<bool>, String> {
        let columns =
            Columns::of(rows).ok_or("the rows lack a column by which people are known")?;
        let mut chosen = Vec::with_capacity(rows.num_rows());
        let mut last: Option<(Views, bool)> = None;
        for row in 0..rows.num_rows() {
            if !self.owns(&columns, row) {
                chosen.push(false);
                continue;
            }
            let views = columns.views(row);
            let is_theirs = match last {
                Some((known, is_theirs)) if known == views => is_theirs,
                _ => {
                    let (is_theirs, is_constant) = self.is_theirs(columns.item(row));
                    last = is_constant.then_some((views, is_theirs));
                    is_theirs
                }
            };
            chosen.push(is_theirs);
        }
        Ok(chosen)
    }
}

impl Theirs {
    fn owns(&self, columns: &Columns<'_>, row: usize) -> bool {
        let Some(owners) = &self.owners else {
            return true;
        };
        let of_token = text(columns.of_token, row);
        owners.own(named(of_token, text(columns.texts[ORGANIZATION], row)))
    }

    /// Whether an item is theirs, and whether that holds at all times.
    fn is_theirs(&self, item: Item<'_>) -> (bool, bool) {
        let whom = &self.whom;
        let accounts = [item.user_account_id, item.user_account_uuid];
        let mut own = accounts.into_iter().flatten().filter_map(id);
        let email = item.user_email.and_then(email);
        if email.is_some_and(|email| whom.ids.contains(&*email))
            || own.any(|id| whom.ids.contains(id))
        {
            return (true, true);
        }
        let whose = self.resolver.whose(item);
        let Some(name) = whose.value.name else {
            return (false, whose.is_constant);
        };
        let is_one = whom.ids.contains(&*name) || *name == *whom.asked_for;
        if is_one || !self.resolver.has_files() {
            return (is_one, whose.is_constant);
        }
        // They may be called otherwise at this time.
        let mut names = whom
            .ids
            .iter()
            .filter_map(|id| self.resolver.called(id, item.at_ms));
        (names.any(|called| called == name), false)
    }
}

/// What a row says, as far as it is compared: its texts and its token.
type Views = [Option<u128>; TEXTS.len() + 1];

struct Columns<'a> {
    times: Times<'a>,
    texts: [&'a StringViewArray; TEXTS.len()],
    /// Parts of before there were tokens have none.
    token: Option<&'a StringViewArray>,
    of_token: &'a StringViewArray,
}

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

impl<'a> Columns<'a> {
    fn of(rows: &'a RecordBatch) -> Option<Columns<'a>> {
        let mut texts = Vec::with_capacity(TEXTS.len());
        for name in TEXTS {
            texts.push(rows.column_by_name(name)?.as_any().downcast_ref()?);
        }
        Some(Columns {
            of_token: rows
                .column_by_name("organization")?
                .as_any()
                .downcast_ref()?,
            times: Times::of(rows.column_by_name("time")?)?,
            texts: texts.try_into().ok()?,
            token: rows
                .column_by_name("token")
                .and_then(|column| column.as_any().downcast_ref()),
        })
    }

    fn views(&self, row: usize) -> Views {
        let mut views = [None; TEXTS.len() + 1];
        let columns = self.texts.iter().copied().map(Some).chain([self.token]);
        for (view, column) in views.iter_mut().zip(columns) {
            *view = column.and_then(|column| column.is_valid(row).then(|| column.views()[row]));
        }
        views
    }

    fn item(&self, row: usize) -> Item<'a> {
        let text = |place: usize| text(self.texts[place], row);
        Item {
            at_ms: self.times.ms(row),
            session_id: text(0),
            user_id: text(1),
            user_email: text(2),
            user_account_uuid: text(3),
            user_account_id: text(4),
            organization_id: text(ORGANIZATION),
            resource: text(6),
            token: self
                .token
                .and_then(|column| column.is_valid(row).then(|| column.value(row))),
        }
    }
}
