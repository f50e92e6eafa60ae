//! `tallybook key`: keys by which programs ask.

use access::audit::Action;
use access::{ApiKey, Permission, Register, WantedKey};

use super::access::{Desk, moment, shown};
use super::say;
use crate::cli::{DirArgs, KeyCommand, PlainFormat};
use crate::failure::Failure;
use crate::plain::{Align, Table};

const DAY_MS: u64 = 24 * 3_600_000;

pub(crate) fn run(command: KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::Create {
            label,
            permission,
            days,
            maker,
            dir,
        } => {
            let desk = Desk::open(&dir)?;
            let what = format!("make {label:?} with {}", listed(permission.iter().copied()));
            desk.on_record(Action::Keys, what)?;
            let wanted = WantedKey {
                label,
                permissions: permission.into_iter().collect(),
                expires_ms: Some(desk.now_ms() + days * DAY_MS),
            };
            let made = desk
                .gate
                .make_key(maker.as_deref(), wanted)
                .map_err(Failure::failed)?;
            say(&made.text)
        }
        KeyCommand::List { format, dir } => list(format, &dir),
        KeyCommand::Revoke { id, dir } => {
            let desk = Desk::open(&dir)?;
            desk.on_record(Action::Keys, format!("revoke {id}"))?;
            let key = desk.gate.revoke_key(&id, None).map_err(Failure::failed)?;
            say(&format!(
                "the key {id} ({}) is worthless now",
                shown(&key.label)
            ))
        }
    }
}

fn list(format: PlainFormat, dir: &DirArgs) -> Result<(), Failure> {
    let desk = Desk::open(dir)?;
    let register = desk.gate.register().map_err(Failure::failed)?;
    if format == PlainFormat::Json {
        let rows = register
            .keys()
            .iter()
            .map(|key| json(&desk, &register, key));
        return say(&serde_json::Value::Array(rows.collect()).to_string());
    }
    let left = |title: &str| (title.to_owned(), Align::Left);
    let titles = [
        "id",
        "label",
        "permissions",
        "of",
        "expires (UTC)",
        "last used (UTC)",
    ];
    let mut table = Table::new(titles.map(left).to_vec());
    for key in register.keys() {
        table.row(vec![
            key.id.clone(),
            shown(&key.label),
            listed(key.permissions.iter()),
            shown(maker(&register, key)),
            key.expires_ms.map(moment).unwrap_or_default(),
            desk.gate
                .key_used_ms(&key.id)
                .map(moment)
                .unwrap_or_default(),
        ]);
    }
    say(&table.written())
}

fn json(desk: &Desk, register: &Register, key: &ApiKey) -> serde_json::Value {
    serde_json::json!({
        "id": key.id,
        "label": key.label,
        "permissions": key.permissions,
        "maker": register.maker_of(key).map(|person| &person.name),
        "created_ms": key.created_ms,
        "expires_ms": key.expires_ms,
        "used_ms": desk.gate.key_used_ms(&key.id),
    })
}

fn maker<'a>(register: &'a Register, key: &ApiKey) -> &'a str {
    register
        .maker_of(key)
        .map_or("command line", |person| person.name.as_str())
}

fn listed(permissions: impl Iterator<Item = Permission>) -> String {
    let names: Vec<&str> = permissions.map(Permission::name).collect();
    names.join(", ")
}
