//! `tallybook user`: who may sign in.

use access::audit::Action;
use access::{Change, Role};

use super::access::{Desk, moment, read_password, shown};
use super::say;
use crate::cli::{DirArgs, NameArgs, PlainFormat, UserCommand};
use crate::failure::Failure;
use crate::plain::{Align, Table};

pub(crate) fn run(command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Setup { dir, url } => set_up(&dir, &url),
        UserCommand::Add { name, role, dir } => add(&name, &role, &dir),
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

fn add(name: &str, roles: &[Role], dir: &DirArgs) -> Result<(), Failure> {
    let desk = Desk::open(dir)?;
    let password = read_password(name)?;
    password.check(name).map_err(Failure::usage)?;
    desk.on_record(Action::People, format!("add {name} as {}", listed(roles)))?;
    desk.gate
        .add(name, roles, &password)
        .map_err(Failure::failed)?;
    say(&format!("{name} can sign in as {}", listed(roles)))
}

fn list(format: PlainFormat, dir: &DirArgs) -> Result<(), Failure> {
    let register = Desk::open(dir)?.gate.register().map_err(Failure::failed)?;
    let people = register.people();
    if format == PlainFormat::Json {
        let rows = people.iter().map(|person| {
            serde_json::json!({"name": person.name, "roles": person.roles, "disabled": person.disabled, "created_ms": person.created_ms})
        });
        return say(&serde_json::Value::Array(rows.collect()).to_string());
    }
    if people.is_empty() {
        return say(
            "Nobody has been set up: tallybook user setup prints a link for the first admin",
        );
    }
    let left = |title: &str| (title.to_owned(), Align::Left);
    let mut table = Table::new(["name", "roles", "state", "since (UTC)"].map(left).to_vec());
    for person in people {
        let state = if person.disabled { "disabled" } else { "" };
        table.row(vec![
            shown(&person.name),
            listed(&person.roles),
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
