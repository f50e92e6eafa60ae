//! What a client repeats on every record of a session: resource, scope, and who and where it is.

use std::borrow::Cow;

use contract::{Attribute, Origin, Value};

use super::people::{Person, Surface};
use super::variety::Run;

/// What all records of one session share: resource, scopes, and the attributes before the event's
/// own. Built once a session, borrowed by every record.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) events: Origin<'static>,
    pub(super) metrics: Origin<'static>,
    /// From the custom resource attributes to `terminal.type`.
    attributes: Vec<Attribute<'static>>,
    /// The same before the person has logged in; none where the account is known from the start.
    before_login: Option<Vec<Attribute<'static>>>,
    /// `workspace.host_paths`, in Cowork.
    pub(super) host_paths: Option<Value<'static>>,
    pub(super) run: Run,
}

/// Whose session this is, and how it runs.
pub(super) struct Setting<'a> {
    pub(super) person: &'a Person,
    pub(super) organisation: &'a str,
    pub(super) run: Run,
    pub(super) folders: &'a [&'static str],
}

impl Head {
    pub(super) fn new(setting: Setting<'_>) -> Head {
        let origin = |scope| Origin {
            resource: resource(setting.person, &setting.run),
            scope_name: Cow::Borrowed(scope),
            scope_version: Cow::Borrowed(setting.run.client.cli()),
            ..Origin::default()
        };
        Head {
            events: origin("com.anthropic.claude_code.events"),
            metrics: origin("com.anthropic.claude_code"),
            host_paths: host_paths(&setting),
            attributes: standard(&setting, setting.run.has_account),
            before_login: setting.run.login_ms.map(|_| standard(&setting, false)),
            run: setting.run,
        }
    }

    /// What every record says of who and where it is.
    pub(super) fn attributes(&self, has_account: bool) -> &[Attribute<'static>] {
        match &self.before_login {
            Some(attributes) if !has_account => attributes,
            _ => &self.attributes,
        }
    }
}

/// `service.name` and what else the environment sets come first, then what the client detects.
fn resource(person: &Person, run: &Run) -> Vec<Attribute<'static>> {
    let mut attributes = Vec::with_capacity(8);
    if run.surface == Surface::Cowork {
        attributes.push(constant("service.name", "cowork"));
        attributes.push(constant("service.version", person.desktop_version));
    }
    if run.is_labelled {
        attributes.extend(person.custom());
        attributes.extend(run.role.map(|role| constant("role", role)));
    }
    attributes.push(constant("host.arch", person.os.arch));
    attributes.push(constant("os.type", person.os.kind));
    attributes.push(constant("os.version", person.os.version));
    if run.surface == Surface::Code {
        attributes.push(constant("service.name", "claude-code"));
        attributes.push(constant("service.version", run.client.cli()));
    }
    attributes
}

fn standard(setting: &Setting<'_>, has_account: bool) -> Vec<Attribute<'static>> {
    let Setting { person, run, .. } = setting;
    let modern = run.client.is_modern();
    let cowork = run.surface == Surface::Cowork;
    let mut attributes = Vec::with_capacity(14);
    if modern && run.is_labelled {
        attributes.extend(person.custom());
        attributes.extend(run.role.map(|role| constant("role", role)));
    }
    attributes.push(owned("user.id", &run.installation));
    attributes.push(owned("session.id", &run.session));
    if modern && cowork {
        attributes.push(constant("app.entrypoint", "local-agent"));
    }
    if has_account {
        attributes.push(owned("organization.id", setting.organisation));
        attributes.push(owned("user.email", &person.email));
        attributes.push(owned("user.account_uuid", &person.account_uuid));
        attributes.push(owned("user.account_id", &person.account_id));
    }
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
    (setting.run.surface == Surface::Cowork).then(|| {
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

fn owned(key: &'static str, text: &str) -> Attribute<'static> {
    (Cow::Borrowed(key), Value::Str(Cow::Owned(text.to_owned())))
}
