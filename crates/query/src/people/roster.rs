//! The roster: who is expected to work with the products.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::directory::{About, UNITS};
use super::facts::Name;
use super::mapping::as_known;
use super::sheet::{self, Period, Problems};
use crate::sight::Owners;

const COLUMNS: &[&str] = &[
    "person",
    "name",
    "team",
    "department",
    "cost_center",
    "time_zone",
    "from",
    "to",
    "product",
    "organization",
];

/// One row: somebody, for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// As it is compared with ids.
    id: String,
    name: Option<String>,
    units: [Option<Name>; 3],
    time_zone: Option<String>,
    product: Option<String>,
    /// Whose items it is about, where it says so.
    organization: Option<String>,
    period: Period,
    line: u64,
}

/// What may be there once for a day: a person, with product and organisation.
type Kind = (String, (Option<String>, Option<String>));

/// The rows of a roster file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// In the file's order.
    rows: Vec<Arc<Expected>>,
    by_id: HashMap<String, Vec<Arc<Expected>>>,
}

impl Roster {
    /// Reads a file; `name` is what it is called in problems. What is wrong is said together, a
    /// sentence each, with file, line and column.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Roster, Vec<String>> {
        let mut problems = Problems::of(name);
        let mut roster = Roster::default();
        let mut by_product: HashMap<Kind, Vec<Arc<Expected>>> = HashMap::new();
        sheet::read(bytes, COLUMNS, &mut problems, |row, problems| {
            let Some(id) = row.cell("person").and_then(as_known) else {
                return problems.say(
                    &row.at("person"),
                    "it names nobody; give an e-mail or an id",
                );
            };
            let text = |column| row.cell(column).map(str::to_owned);
            let unit = |column| row.cell(column).map(Name::from);
            if let Some(zone) = row.cell("time_zone").filter(|zone| !is_zone(zone)) {
                let what = format!("there is no time zone \"{zone}\"; write it like Europe/Berlin");
                problems.say(&row.at("time_zone"), &what);
            }
            let expected = Arc::new(Expected {
                id: id.clone(),
                name: text("name"),
                units: [unit("team"), unit("department"), unit("cost_center")],
                time_zone: text("time_zone"),
                product: text("product"),
                organization: text("organization"),
                period: row.period(problems),
                line: row.line,
            });
            let kind = (expected.product.clone(), expected.organization.clone());
            by_product
                .entry((id.clone(), kind))
                .or_default()
                .push(Arc::clone(&expected));
            roster
                .by_id
                .entry(id)
                .or_default()
                .push(Arc::clone(&expected));
            roster.rows.push(expected);
        });
        let of = |row: &Arc<Expected>| (row.period, row.line);
        sheet::check_overlaps(&mut by_product, of, |(id, _)| id.clone(), &mut problems);
        problems.unless(roster)
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The rows of an id as it is compared.
    pub(super) fn of_id(&self, id: &str) -> &[Arc<Expected>] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }

    /// As the table under the view: the rows of these organisations, or of all.
    pub(crate) fn batch(&self, owners: Option<&Owners>) -> Result<RecordBatch, ArrowError> {
        let own = |row: &&Arc<Expected>| owners.is_none_or(|owners| owners.own(row.organization()));
        let rows: Vec<&Arc<Expected>> = self.rows.iter().filter(own).collect();
        let text = |of: fn(&Expected) -> Option<&str>| -> ArrayRef {
            Arc::new(rows.iter().map(|row| of(row)).collect::<StringViewArray>())
        };
        let day = |of: fn(&Expected) -> Option<i64>| -> ArrayRef {
            let days = rows
                .iter()
                .map(|row| of(row))
                .collect::<TimestampMillisecondArray>();
            Arc::new(days.with_timezone("UTC"))
        };
        RecordBatch::try_new(
            schema(),
            vec![
                text(|row| Some(&row.id)),
                text(|row| row.name.as_deref()),
                text(|row| row.units[0].as_deref()),
                text(|row| row.units[1].as_deref()),
                text(|row| row.units[2].as_deref()),
                text(|row| row.time_zone.as_deref()),
                text(|row| row.product.as_deref()),
                day(|row| row.period.from_ms),
                day(|row| row.period.to_ms),
            ],
        )
    }
}

impl Expected {
    /// A team, department or cost centre.
    pub(super) fn unit(&self, about: About) -> Option<&Name> {
        let place = UNITS.iter().position(|unit| *unit == about)?;
        self.units[place].as_ref()
    }

    pub(super) fn period(&self) -> Period {
        self.period
    }

    pub(super) fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }
}

fn schema() -> SchemaRef {
    let day = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let texts = [
        "id",
        "name",
        "team",
        "department",
        "cost_center",
        "time_zone",
        "product",
    ];
    let texts = texts.map(|name| Field::new(name, DataType::Utf8View, true));
    let days = ["expected_from", "expected_to"].map(|name| Field::new(name, day.clone(), true));
    Arc::new(Schema::new(
        texts.into_iter().chain(days).collect::<Vec<_>>(),
    ))
}

fn is_zone(text: &str) -> bool {
    chrono_tz::Tz::from_str(text).is_ok()
}

#[cfg(test)]
mod tests;
