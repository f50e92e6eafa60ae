//! `tallybook hold`: what is neither aged out nor erased.

use access::audit::Action;
use api::HoldRegister;
use base::{Clock, SystemClock};
use query::catalogue::{TimeZone, read_time};
use query::{Hold, HoldBook};

use super::access::{data_dir, moment, put_on_record, shown};
use super::say;
use crate::cli::{DirArgs, HoldCommand, PlainFormat};
use crate::failure::Failure;
use crate::plain::{Align, Table};

pub(crate) fn run(command: HoldCommand) -> Result<(), Failure> {
    match command {
        HoldCommand::Add {
            reason,
            person,
            organization,
            from,
            to,
            everything,
            dir,
        } => {
            let is_limited =
                person.is_some() || organization.is_some() || from.is_some() || to.is_some();
            if !is_limited && !everything {
                return Err(Failure::usage(
                    "this would hold everything: say --everything, or give --person, --organization, --from or --to",
                ));
            }
            let dir = data_dir(&dir)?;
            let now_ms = SystemClock::new().now_unix_ns() / 1_000_000;
            let at = |text: Option<String>| text.map(|text| at_ms(&text, now_ms)).transpose();
            let hold = Hold {
                id: String::new(),
                reason,
                person,
                organization,
                from_ms: at(from)?,
                to_ms: at(to)?,
                set_by: "command line".to_owned(),
                set_at_ms: now_ms,
            };
            put_on_record(&dir, Action::Hold, format!("set a hold: {}", hold.reason))?;
            let set = HoldRegister::of(&dir).set(hold).map_err(Failure::failed)?;
            say(&set.id)
        }
        HoldCommand::List { format, dir } => list(format, &dir),
        HoldCommand::Release { id, dir } => {
            let dir = data_dir(&dir)?;
            put_on_record(&dir, Action::Hold, format!("release the hold {id}"))?;
            let released = HoldRegister::of(&dir)
                .release(&id)
                .map_err(Failure::failed)?;
            say(&format!("released: {}", shown(&released.reason)))
        }
    }
}

fn at_ms(text: &str, now_ms: u64) -> Result<i64, Failure> {
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    read_time("the time", text, TimeZone::default(), now_ms).map_err(Failure::usage)
}

fn list(format: PlainFormat, dir: &DirArgs) -> Result<(), Failure> {
    let holds = HoldRegister::of(&data_dir(dir)?).holds();
    let holds = holds.map_err(Failure::failed)?;
    if format == PlainFormat::Json {
        return say(&serde_json::to_string_pretty(&holds).map_err(Failure::failed)?);
    }
    let left = |title: &str| (title.to_owned(), Align::Left);
    let titles = [
        "id",
        "of",
        "from (UTC)",
        "to (UTC)",
        "since (UTC)",
        "reason",
    ];
    let mut table = Table::new(titles.map(left).to_vec());
    let time = |ms: Option<i64>| ms.map_or("-".to_owned(), |ms| moment(ms.unsigned_abs()));
    for hold in &holds {
        let of = [hold.person.as_deref(), hold.organization.as_deref()];
        let of: Vec<String> = of.into_iter().flatten().map(shown).collect();
        let of = if of.is_empty() {
            "everybody".to_owned()
        } else {
            of.join(", ")
        };
        table.row(vec![
            hold.id.clone(),
            of,
            time(hold.from_ms),
            time(hold.to_ms),
            moment(hold.set_at_ms),
            shown(&hold.reason),
        ]);
    }
    say(&table.written())
}
