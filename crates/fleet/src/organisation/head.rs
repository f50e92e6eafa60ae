//! What a client repeats on every record of a session: resource, scope, and who and where it is.

use std::borrow::Cow;

use contract::{Attribute, Origin, Value};

use super::ClientVersion;
use super::people::{Person, Surface};

/// What all records of one session share: resource, scopes, and the attributes before the event's
/// own. Built once a session, borrowed by every record.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) events: Origin<'static>,
    pub(super) metrics: Origin<'static>,
    /// From the custom resource attributes to `terminal.type`.
    pub(super) attributes: Vec<Attribute<'static>>,
    /// `workspace.host_paths`, in Cowork.
    pub(super) host_paths: Option<Value<'static>>,
}

/// Whose session this is, and how it runs.
pub(super) struct Setting<'a> {
    pub(super) person: &'a Person,
    pub(super) organisation: &'a str,
    pub(super) session: String,
    pub(super) client: ClientVersion,
    pub(super) folders: &'a [&'static str],
}

impl Head {
    pub(super) fn new(setting: Setting<'_>) -> Head {
        let origin = |scope| Origin {
            resource: resource(setting.person, setting.client),
            scope_name: Cow::Borrowed(scope),
            scope_version: Cow::Borrowed(setting.client.cli()),
            ..Origin::default()
        };
        Head {
            events: origin("com.anthropic.claude_code.events"),
            metrics: origin("com.anthropic.claude_code"),
            host_paths: host_paths(&setting),
            attributes: standard(setting),
        }
    }
}

/// `service.name` and what else the environment sets come first, then what the client detects.
fn resource(person: &Person, client: ClientVersion) -> Vec<Attribute<'static>> {
    let mut attributes = Vec::with_capacity(8);
    if person.surface == Surface::Cowork {
        attributes.push(constant("service.name", "cowork"));
        attributes.push(constant("service.version", person.desktop_version));
    }
    attributes.extend(person.custom());
    attributes.push(constant("host.arch", person.os.arch));
    attributes.push(constant("os.type", person.os.kind));
    attributes.push(constant("os.version", person.os.version));
    if person.surface == Surface::Code {
        attributes.push(constant("service.name", "claude-code"));
        attributes.push(constant("service.version", client.cli()));
    }
    attributes
}

fn standard(setting: Setting<'_>) -> Vec<Attribute<'static>> {
    let Setting {
        person,
        organisation,
        session,
        client,
        ..
    } = setting;
    let modern = client == ClientVersion::V2_1_329;
    let cowork = person.surface == Surface::Cowork;
    let mut attributes = Vec::with_capacity(14);
    if modern {
        attributes.extend(person.custom());
    }
    attributes.push(owned("user.id", person.installation.clone()));
    attributes.push(owned("session.id", session));
    if modern && cowork {
        attributes.push(constant("app.entrypoint", "local-agent"));
    }
    attributes.push(owned("organization.id", organisation.to_owned()));
    attributes.push(owned("user.email", person.email.clone()));
    attributes.push(owned("user.account_uuid", person.account_uuid.clone()));
    attributes.push(owned("user.account_id", person.account_id.clone()));
    if modern {
        attributes.push(constant("anthropic.provider", "firstParty"));
        attributes.push((
            Cow::Borrowed("anthropic.custom_base_url"),
            Value::Bool(true),
        ));
    }
    let terminal = if cowork {
        "non-interactive"
    } else {
        person.terminal
    };
    attributes.push(constant("terminal.type", terminal));
    attributes
}

fn host_paths(setting: &Setting<'_>) -> Option<Value<'static>> {
    (setting.person.surface == Surface::Cowork).then(|| {
        let home = setting.person.home();
        let paths: Vec<String> = setting
            .folders
            .iter()
            .map(|folder| format!("\"{home}/Documents/{folder}\""))
            .collect();
        Value::Array(Cow::Owned(format!("[{}]", paths.join(","))))
    })
}

pub(super) fn constant(key: &'static str, text: &'static str) -> Attribute<'static> {
    (Cow::Borrowed(key), Value::Str(Cow::Borrowed(text)))
}

fn owned(key: &'static str, text: String) -> Attribute<'static> {
    (Cow::Borrowed(key), Value::Str(Cow::Owned(text)))
}
