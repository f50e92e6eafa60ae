//! What every record of a session repeats: resource, scope, and who and where it is.
//!
//! Source: recorded requests of client 2.1.329, for names and order.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use contract::{Attribute, Origin, Value};

use crate::settings::Settings;

/// The agent that reports, and the machine that it runs on.
///
/// The default has no names: fill in at least `name` and `version`, or start from `Agent::new`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// `service.name`, unless a setting says another.
    pub name: String,
    /// `service.version` and the scope's version.
    pub version: String,
    /// `user.id`: an anonymous id of the installation.
    pub user_id: Option<String>,
    /// `anthropic.provider`: firstParty, bedrock, vertex, foundry.
    pub provider: Option<String>,
    /// `anthropic.custom_base_url`: whether the model is reached by way of another address.
    pub custom_base_url: Option<bool>,
    /// `host.arch`: amd64, arm64.
    pub host_arch: Option<String>,
    /// `os.type`: linux, darwin, windows.
    pub os_type: Option<String>,
    /// `os.version`: of Linux the kernel's.
    pub os_version: Option<String>,
}

impl Agent {
    /// An agent of this name and version, on this machine.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Agent {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease");
        Agent {
            name: name.into(),
            version: version.into(),
            host_arch: Some(arch.to_owned()),
            os_type: Some(os.to_owned()),
            os_version: kernel.ok().map(|version| version.trim().to_owned()),
            ..Agent::default()
        }
    }
}

/// Resource and scopes of everything one process sends.
#[derive(Debug)]
pub(crate) struct Origins {
    pub(crate) events: Origin<'static>,
    pub(crate) metrics: Origin<'static>,
    pub(crate) spans: Origin<'static>,
}

impl Origins {
    pub(crate) fn new(agent: &Agent, settings: &Settings) -> Origins {
        let resource = resource(agent, settings);
        let origin = |scope| Origin {
            resource: resource.clone(),
            scope_name: Cow::Borrowed(scope),
            scope_version: Cow::Owned(agent.version.clone()),
            ..Origin::default()
        };
        Origins {
            events: origin("com.anthropic.claude_code.events"),
            metrics: origin("com.anthropic.claude_code"),
            spans: Origin {
                scope_version: Cow::Borrowed("1.0.0"),
                ..origin("com.anthropic.claude_code.tracing")
            },
        }
    }
}

/// What the environment says comes first, then what the agent knows. Of what both say the agent's
/// word holds, but for the service, which is the environment's to name.
fn resource(agent: &Agent, settings: &Settings) -> Vec<Attribute<'static>> {
    let mut list = List::default();
    for (key, value) in &settings.resource_attributes {
        list.set(key.clone(), text(value));
    }
    if let Some(name) = &settings.service_name {
        list.set("service.name", text(name));
    }
    list.set_some("host.arch", agent.host_arch.as_deref().map(text));
    list.set_some("os.type", agent.os_type.as_deref().map(text));
    list.set_some("os.version", agent.os_version.as_deref().map(text));
    list.keep("service.name", text(&agent.name));
    list.keep("service.version", text(&agent.version));
    list.0
}

/// What all records and points of one session repeat before their own attributes.
#[derive(Debug)]
pub(crate) struct Head {
    /// From the custom resource attributes to `terminal.type`.
    pub(crate) standard: Vec<Attribute<'static>>,
    /// `vcs.*`, once they are known: before anything is sent.
    repository: Repository,
    /// `workspace.host_paths`, of events only.
    pub(crate) host_paths: Option<Value<'static>>,
}

/// What is said of the repository, found by the thread that sends.
pub(crate) type Repository = Arc<OnceLock<Vec<Attribute<'static>>>>;

impl Head {
    pub(crate) fn new(
        agent: &Agent,
        settings: &Settings,
        repository: &Repository,
        session: &str,
    ) -> Head {
        let include = &settings.include;
        let identity = &settings.identity;
        let mut list = List::default();
        if include.resource_attributes {
            for (key, value) in &settings.resource_attributes {
                list.set(key.clone(), text(value));
            }
        }
        let when = |is_included: bool, value: Option<&str>| value.filter(|_| is_included).map(text);
        list.set_some("user.id", agent.user_id.as_deref().map(text));
        list.set_some("session.id", when(include.session_id, Some(session)));
        list.set_some("app.version", when(include.version, Some(&agent.version)));
        list.set_some(
            "app.entrypoint",
            when(include.entrypoint, identity.entrypoint.as_deref()),
        );
        list.set_some(
            "organization.id",
            identity.organization_id.as_deref().map(text),
        );
        list.set_some("user.email", identity.user_email.as_deref().map(text));
        let account = [
            ("user.account_uuid", &identity.account_uuid),
            ("user.account_id", &identity.account_id),
        ];
        for (key, value) in account {
            list.set_some(key, when(include.account_uuid, value.as_deref()));
        }
        list.set_some("anthropic.provider", agent.provider.as_deref().map(text));
        list.set_some(
            "anthropic.custom_base_url",
            agent.custom_base_url.map(Value::Bool),
        );
        list.set_some("terminal.type", identity.terminal.as_deref().map(text));
        Head {
            standard: list.0,
            repository: Arc::clone(repository),
            host_paths: host_paths(&identity.workspace_host_paths),
        }
    }
}

impl Head {
    /// What every record and point says, without a copy.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        let repository = self.repository.get().into_iter().flatten();
        self.standard.iter().chain(repository).map(borrowed)
    }
}

fn host_paths(paths: &[String]) -> Option<Value<'static>> {
    (!paths.is_empty()).then(|| {
        let json = serde_json::Value::from(paths).to_string();
        Value::Array(Cow::Owned(json))
    })
}

fn text(text: impl Into<String>) -> Value<'static> {
    Value::Str(Cow::Owned(text.into()))
}

/// Attributes with each key once, as a JavaScript object has them: a value that is set again stays in
/// its first place.
#[derive(Default)]
struct List(Vec<Attribute<'static>>);

impl List {
    fn set(&mut self, key: impl Into<Cow<'static, str>>, value: Value<'static>) {
        let key = key.into();
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => self.0.push((key, value)),
        }
    }

    fn set_some(&mut self, key: &'static str, value: Option<Value<'static>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Sets it unless it is set.
    fn keep(&mut self, key: &'static str, value: Value<'static>) {
        if !self.0.iter().any(|(known, _)| known == key) {
            self.set(key, value);
        }
    }
}

/// The same attribute without a copy of its text.
pub(crate) fn borrowed<'a>((key, value): &'a Attribute<'static>) -> Attribute<'a> {
    (Cow::Borrowed(&**key), borrowed_value(value))
}

pub(crate) fn borrowed_value<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Empty => Value::Empty,
        Value::Str(text) => Value::Str(Cow::Borrowed(text)),
        Value::Bool(flag) => Value::Bool(*flag),
        Value::Int(number) => Value::Int(*number),
        Value::Double(number) => Value::Double(*number),
        Value::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        Value::Array(json) => Value::Array(Cow::Borrowed(json)),
        Value::Map(json) => Value::Map(Cow::Borrowed(json)),
    }
}
