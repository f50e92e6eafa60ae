//! `tallybook erase refused`: who was erased and is refused at the door.

use access::audit::Action;
use serde_json::json;

use super::super::access::{data_dir, moment, put_on_record, shown};
use super::super::say;
use crate::barring;
use crate::cli::{DirArgs, PlainFormat, RefusedCommand};
use crate::failure::Failure;
use crate::plain::{Align, Table};

pub(super) fn run(command: RefusedCommand) -> Result<(), Failure> {
    match command {
        RefusedCommand::List { format, dir } => list(format, &dir),
        RefusedCommand::Remove { id, dir } => {
            let dir = data_dir(&dir)?;
            let barred = barring::list_of(&dir)?;
            let what = format!("take items again of who was refused with the erasure {id}");
            put_on_record(&dir, Action::Erase, what)?;
            let removed = barred.remove(&id).map_err(Failure::failed)?;
            say(&format!(
                "What comes of who was erased with {} is taken again.",
                shown(&removed.id)
            ))
        }
    }
}

fn list(format: PlainFormat, dir: &DirArgs) -> Result<(), Failure> {
    let people = barring::list_of(&data_dir(dir)?)?.list();
    let people = people.map_err(Failure::failed)?;
    if format == PlainFormat::Json {
        let rows = people.iter().map(|person| {
            json!({"id": person.id, "since_ms": person.since_ms, "by": person.by,
                   "organization": person.organization, "ids": person.ids()})
        });
        let rows = serde_json::Value::from_iter(rows);
        return say(&serde_json::to_string_pretty(&rows).map_err(Failure::failed)?);
    }
    let columns = [
        ("erasure", Align::Left),
        ("organisation", Align::Left),
        ("since (UTC)", Align::Left),
        ("asked by", Align::Left),
        ("ids", Align::Right),
    ];
    let mut table = Table::new(columns.map(|(name, align)| (name.to_owned(), align)).into());
    for person in people.iter() {
        table.row(vec![
            person.id.clone(),
            person
                .organization
                .as_deref()
                .map_or("all".to_owned(), shown),
            moment(person.since_ms),
            shown(&person.by),
            person.ids().to_string(),
        ]);
    }
    say(&table.written())
}
