//! Where settings come from: Cowork's settings over the administrator's file over the user's file over
//! the environment.
//!
//! Invariant: a file that is there and cannot be read is an error, not an absence: what the
//! administrator forbade is unknown then, and telemetry stays off.
//!
//! Source: the vendor's documentation of settings files (`env`, `otelHeadersHelper`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::cowork;
use crate::finding::Finding;

/// The layers, the highest first.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    over: BTreeMap<String, String>,
    cowork: Layer,
    managed: Layer,
    user: Layer,
    variables: BTreeMap<String, String>,
    findings: Vec<Finding>,
}

#[derive(Clone, Debug, Default)]
struct Layer {
    variables: BTreeMap<String, String>,
    headers_helper: Option<String>,
    /// Under which key of a file a variable stands, where that is another name.
    keys: BTreeMap<String, &'static str>,
    is_broken: bool,
}

/// Names a file of Cowork's settings.
const COWORK_FILE: &str = "TALLYBOOK_COWORK_SETTINGS";

/// A settings file is small; a larger one is not read.
const FILE_BYTES_MAX: u64 = 4 << 20;

impl Layers {
    /// These variables and no files.
    pub fn of<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Layers {
        let owned = |(name, value): (K, V)| (name.into(), value.into());
        Layers {
            variables: variables.into_iter().map(owned).collect(),
            ..Layers::default()
        }
    }

    /// The process's environment, the settings files where the clients have theirs, and Cowork's settings
    /// where the environment names a file of them.
    pub fn standard() -> Layers {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let layers = Layers::of(variables);
        let cowork = layers.get(COWORK_FILE).map(PathBuf::from);
        let layers = match cowork {
            Some(path) => layers.cowork_file(&path),
            None => layers,
        };
        let user = user_file(&layers.variables);
        let layers = match user {
            Some(path) => layers.user_file(&path),
            None => layers,
        };
        layers.managed_file(Path::new(MANAGED_FILE))
    }

    /// With this word on a variable above all layers, such as a command line's.
    #[must_use]
    pub fn over(mut self, name: &str, value: &str) -> Layers {
        self.over.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With the administrator's settings file; one that does not exist says nothing.
    #[must_use]
    pub fn managed_file(mut self, path: &Path) -> Layers {
        self.managed = self.read(path, parse);
        self
    }

    /// With a file of Cowork's settings, as its admin form has them. It must exist.
    #[must_use]
    pub fn cowork_file(mut self, path: &Path) -> Layers {
        if path.exists() {
            let mut found = Vec::new();
            self.cowork = self.read(path, |text| {
                let cowork = cowork::parse(text)?;
                found = cowork.findings;
                Ok(Layer {
                    variables: cowork.variables,
                    headers_helper: cowork.headers_helper,
                    keys: cowork.keys,
                    is_broken: false,
                })
            });
            self.findings.append(&mut found);
        } else {
            let message = format!(
                "{} is not there, and telemetry stays off: what the administrator wants is unknown",
                path.display()
            );
            self.findings.push(Finding::error(COWORK_FILE, message));
            self.cowork.is_broken = true;
        }
        self
    }

    /// With the user's settings file; one that does not exist says nothing.
    #[must_use]
    pub fn user_file(mut self, path: &Path) -> Layers {
        self.user = self.read(path, parse);
        self
    }

    fn read(&mut self, path: &Path, parse: impl FnOnce(&str) -> Result<Layer, String>) -> Layer {
        let broken = |reason: String| {
            let message = format!(
                "the settings file cannot be read, and telemetry stays off: {reason}; mend or remove the file"
            );
            Finding::error(path.display().to_string(), message)
        };
        let found = match read_file(path) {
            Ok(None) => return Layer::default(),
            Ok(Some(text)) => parse(&text),
            Err(error) => Err(error.to_string()),
        };
        found.unwrap_or_else(|reason| {
            self.findings.push(broken(reason));
            Layer {
                is_broken: true,
                ..Layer::default()
            }
        })
    }

    /// What was wrong with the files.
    pub(super) fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Whether every file that is there could be read.
    pub(super) fn are_trustworthy(&self) -> bool {
        ![&self.cowork, &self.managed, &self.user]
            .iter()
            .any(|layer| layer.is_broken)
    }

    /// The highest word on a variable; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.find(name).filter(|value| !value.trim().is_empty())
    }

    fn find(&self, name: &str) -> Option<&str> {
        let layers = [
            &self.over,
            &self.cowork.variables,
            &self.managed.variables,
            &self.user.variables,
            &self.variables,
        ];
        layers
            .into_iter()
            .find_map(|layer| layer.get(name))
            .map(String::as_str)
    }

    /// Whether the administrator said something on a variable.
    pub(super) fn is_managed(&self, name: &str) -> bool {
        let administrator = [&self.cowork, &self.managed];
        administrator
            .iter()
            .any(|layer| layer.variables.contains_key(name))
    }

    /// The key of Cowork's settings that a variable comes from.
    pub(super) fn cowork_key(&self, name: &str) -> Option<&'static str> {
        self.cowork.keys.get(name).copied()
    }

    /// The highest word on the headers helper.
    pub(super) fn headers_helper(&self) -> Option<&str> {
        [&self.cowork, &self.managed, &self.user]
            .into_iter()
            .find_map(|layer| layer.headers_helper.as_deref())
    }
}

fn read_file(path: &Path) -> std::io::Result<Option<String>> {
    match std::fs::metadata(path) {
        Ok(about) if about.len() > FILE_BYTES_MAX => Err(std::io::Error::other(format!(
            "it is larger than {FILE_BYTES_MAX} bytes"
        ))),
        Ok(_) => std::fs::read_to_string(path).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Of a settings file `env` and `otelHeadersHelper` are read; the rest is not for here.
fn parse(text: &str) -> Result<Layer, String> {
    let mut file: BTreeMap<String, Value> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut layer = Layer::default();
    match file.remove("otelHeadersHelper") {
        None => {}
        Some(Value::String(command)) => layer.headers_helper = Some(command),
        Some(_) => return Err("otelHeadersHelper is not a text".to_owned()),
    }
    let variables = match file.remove("env") {
        None => return Ok(layer),
        Some(Value::Object(variables)) => variables,
        Some(_) => return Err("env is not an object".to_owned()),
    };
    for (name, value) in variables {
        let text = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(format!("env.{name} is not a text")),
        };
        layer.variables.insert(name, text);
    }
    Ok(layer)
}

#[cfg(target_os = "macos")]
const MANAGED_FILE: &str = "/Library/Application Support/ClaudeCode/managed-settings.json";
#[cfg(windows)]
const MANAGED_FILE: &str = "C:\\Program Files\\ClaudeCode\\managed-settings.json";
#[cfg(not(any(target_os = "macos", windows)))]
const MANAGED_FILE: &str = "/etc/claude-code/managed-settings.json";

fn user_file(variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    let own = variables.get("CLAUDE_CONFIG_DIR").map(PathBuf::from);
    let home = || {
        let home = variables
            .get("HOME")
            .or_else(|| variables.get("USERPROFILE"))?;
        Some(Path::new(home).join(".claude"))
    };
    Some(own.or_else(home)?.join("settings.json"))
}
