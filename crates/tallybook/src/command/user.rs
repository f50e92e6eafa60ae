//! `tallybook user`: who may sign in.

use access::audit::Action;
use access::{Change, Organizations, Role};

use super::access::{Desk, data_dir, moment, read_password, shown};
use super::say;
use crate::cli::{DirArgs, NameArgs, PlainFormat, UserCommand};
use crate::failure::Failure;
use crate::plain::{Align, Table};
use crate::ways_in::WaysIn;

pub(crate) fn run(command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Setup { dir, url } => set_up(&dir, &url),
        UserCommand::Add {
            name,
            role,
            organization,
            dir,
        } => add(&name, &role, organization, &dir),
        UserCommand::Organizations {
            name,
            organization,
            dir,
            ..
        } => {
            let organizations = named(organization)?;
            changed(&dir, format!("bind {name} to {organizations}"), |desk| {
                desk.gate
                    .change(&name, Change::Organizations(organizations))
            })
        }
        UserCommand::List { format, dir } => list(format, &dir),
        UserCommand::Role { name, role, dir } => {
            let what = format!("make {name} {}", listed(&role));
            changed(&dir, what, |desk| {
                desk.gate.change(&name, Change::Roles(role))
            })
        }
        UserCommand::Disable(NameArgs { name, dir }) => {
            changed(&dir, format!("disable {name}"), |desk| {
                desk.gate.change(&name, Change::Disabled(true))
            })
        }
        UserCommand::Enable(NameArgs { name, dir }) => {
            changed(&dir, format!("enable {name}"), |desk| {
                desk.gate.change(&name, Change::Disabled(false))
            })
        }
        UserCommand::Password(NameArgs { name, dir }) => {
            takes_passwords(&name, &dir)?;
            let password = read_password(&name)?;
            let what = format!("password of {name}");
            changed(&dir, what, |desk| desk.gate.set_password(&name, &password))
        }
        UserCommand::Remove(NameArgs { name, dir }) => {
            changed(&dir, format!("remove {name}"), |desk| {
                desk.gate.remove(&name)
            })
        }
    }
}

fn set_up(dir: &DirArgs, url: &str) -> Result<(), Failure> {
    let desk = Desk::open(dir)?;
    desk.on_record(Action::SetUp, "make a setup link".to_owned())?;
    let link = desk.gate.begin_setup(url).map_err(Failure::failed)?;
    say(&link.url)
}

/// Refuses a password where nobody signs in by one.
fn takes_passwords(name: &str, dir: &DirArgs) -> Result<(), Failure> {
    let ways_in = WaysIn::of(&data_dir(dir)?).map_err(Failure::failed)?;
    ways_in.must_take_passwords(name)
}

/// Those that are named; without a name all.
fn named(organizations: Vec<String>) -> Result<Organizations, Failure> {
    let asked = Some(organizations).filter(|names| !names.is_empty());
    Organizations::asked(asked).map_err(Failure::usage)
}

fn add(
    name: &str,
    roles: &[Role],
    organizations: Vec<String>,
    dir: &DirArgs,
) -> Result<(), Failure> {
    let organizations = named(organizations)?;
    let desk = Desk::open(dir)?;
    takes_passwords(name, dir)?;
    let password = read_password(name)?;
    password.check(name).map_err(Failure::usage)?;
    let of = match organizations.is_all() {
        true => String::new(),
        false => format!(" of {organizations}"),
    };
    desk.on_record(
        Action::People,
        format!("add {name} as {}{of}", listed(roles)),
    )?;
    desk.gate
        .managed_by(&Organizations::all())
        .add(name, roles, organizations, &password)
        .map_err(Failure::failed)?;
    let said = format!("{name} can sign in as {}{of}", listed(roles));
    say(&shown(&said))
}

fn list(format: PlainFormat, dir: &DirArgs) -> Result<(), Failure> {
    let register = Desk::open(dir)?.gate.register().map_err(Failure::failed)?;
    let people = register.people();
    if format == PlainFormat::Json {
        let rows = people.iter().map(|person| {
            serde_json::json!({"name": person.name, "roles": person.roles, "organizations": person.organizations, "disabled": person.disabled, "withdrawn": person.withdrawn, "identity": person.identity, "created_ms": person.created_ms})
        });
        return say(&serde_json::Value::Array(rows.collect()).to_string());
    }
    if people.is_empty() {
        return say(
            "Nobody has been set up: tallybook user setup prints a link for the first admin",
        );
    }
    let left = |title: &str| (title.to_owned(), Align::Left);
    let mut table = Table::new(
        [
            "name",
            "roles",
            "organisations",
            "signs in by",
            "state",
            "since (UTC)",
        ]
        .map(left)
        .to_vec(),
    );
    for person in people {
        let state = match (person.disabled, person.withdrawn) {
            (true, _) => "disabled",
            (false, true) => "withdrawn",
            (false, false) => "",
        };
        let by = person.identity.as_ref().map_or("password", |by| &by.issuer);
        table.row(vec![
            shown(&person.name),
            listed(&person.roles),
            shown(&person.organizations.to_string()),
            shown(by),
            state.to_owned(),
            moment(person.created_ms),
        ]);
    }
    say(&table.written())
}

/// Puts on record what is done, does it, and says so.
fn changed(
    dir: &DirArgs,
    what: String,
    change: impl FnOnce(&Desk) -> Result<(), ::access::AccessError>,
) -> Result<(), Failure> {
    let desk = Desk::open(dir)?;
    desk.on_record(Action::People, what.clone())?;
    change(&desk).map_err(Failure::failed)?;
    say(&format!("done: {}", shown(&what)))
}

fn listed(roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    names.join(", ")
}
