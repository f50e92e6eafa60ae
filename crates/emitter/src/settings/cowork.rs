//! Cowork's settings: the fields of its admin form, as keys of a JSON file.
//!
//! Invariant: what the administrator says here becomes the variables that Cowork hands to the client it
//! runs, so that there is one way from a setting to what it does. Where the file names a receiver and is
//! silent on content or spans, no variable below it opens a gate or sends spans there.
//!
//! Source: the vendor's documentation of the admin form and of the desktop app's managed keys, whose
//! names, standards and values these are. Values may be JSON or, as systems keep them, JSON as a text.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value};

use super::baggage::ENCODED;
use crate::finding::Finding;

/// What the file comes to.
#[derive(Debug, Default)]
pub(super) struct Cowork {
    /// Variables, and what they are set to.
    pub(super) variables: BTreeMap<String, String>,
    /// The key of the file that each variable comes from.
    pub(super) keys: BTreeMap<String, &'static str>,
    pub(super) headers_helper: Option<String>,
    pub(super) findings: Vec<Finding>,
}

/// The categories of `otlpContentCapture`, and their gates.
const CONTENT: [(&str, &str); 5] = [
    ("userPrompts", "OTEL_LOG_USER_PROMPTS"),
    ("assistantResponses", "OTEL_LOG_ASSISTANT_RESPONSES"),
    ("toolDetails", "OTEL_LOG_TOOL_DETAILS"),
    ("toolContent", "OTEL_LOG_TOOL_CONTENT"),
    ("rawApiBodies", "OTEL_LOG_RAW_API_BODIES"),
];

/// How long `otlpAttrMaxChars` may let an attribute of a span be, and its standard.
const CHARS: RangeInclusive<u64> = 256..=32_000;
const CHARS_STANDARD: u64 = 4_000;

/// What the vendor's own service captures where nothing is said.
const CONTENT_OF_FIRST_PARTY: [&str; 3] = ["userPrompts", "assistantResponses", "toolDetails"];

/// Reads the file; the error says why none of it can be trusted.
pub(super) fn parse(text: &str) -> Result<Cowork, String> {
    let file: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        // The parser's own words may repeat a value.
        let (line, column) = (error.line(), error.column());
        format!("it is no JSON object, from line {line} column {column} on")
    })?;
    if file.contains_key("otlp") {
        return Err(
            "`otlp` holds keys: write them flat, as otlpEndpoint, otlpProtocol, …".to_owned(),
        );
    }
    let mut cowork = Cowork::default();
    let is_first_party = match text_of(&file, "deploymentMode")?.as_deref() {
        None | Some("3p") => false,
        Some("1p") => true,
        Some(other) => {
            return Err(format!(
                "deploymentMode is `{other}`: write 1p for the admin form of the vendor's service, 3p for others"
            ));
        }
    };
    let endpoint = text_of(&file, "otlpEndpoint")?;
    if let Some(endpoint) = &endpoint {
        cowork.turn_on(endpoint, is_first_party);
        cowork.protocol(text_of(&file, "otlpProtocol")?);
    }
    cowork.pairs(&file, "otlpHeaders", "OTEL_EXPORTER_OTLP_HEADERS")?;
    cowork.pairs(&file, "otlpResourceAttributes", "OTEL_RESOURCE_ATTRIBUTES")?;
    let captured = list_of(&file, "otlpContentCapture")?;
    if captured.is_some() || endpoint.is_some() {
        let standard = if is_first_party {
            &CONTENT_OF_FIRST_PARTY[..]
        } else {
            &[]
        };
        cowork.content(captured.as_deref(), standard);
    }
    if let Some(hosts) = list_of(&file, "coworkEgressAllowedHosts")? {
        cowork.egress(&hosts);
    }
    // Cowork hands no spans on where its own key is silent, whatever the client is told.
    let standard = endpoint.is_some().then_some(false);
    let traces = switch_of(&file, "otlpTracesEnabled")?.or(standard);
    cowork.traces(traces, whole_of(&file, "otlpAttrMaxChars")?);
    cowork.headers_helper = text_of(&file, "otlpHeadersHelper")?.map(|path| quoted(&path));
    cowork.refuse(&file)?;
    Ok(cowork)
}

impl Cowork {
    fn set(&mut self, variable: &str, value: impl Into<String>, key: &'static str) {
        self.variables.insert(variable.to_owned(), value.into());
        self.keys.insert(variable.to_owned(), key);
    }

    fn warn(&mut self, key: &str, message: impl Into<String>) {
        self.findings.push(Finding::warning(key, message));
    }

    /// An address is what turns telemetry on. The vendor's own service has no metrics.
    fn turn_on(&mut self, endpoint: &str, is_first_party: bool) {
        const KEY: &str = "otlpEndpoint";
        let metrics = if is_first_party { "none" } else { "otlp" };
        self.set("CLAUDE_CODE_ENABLE_TELEMETRY", "1", KEY);
        self.set("OTEL_LOGS_EXPORTER", "otlp", KEY);
        self.set("OTEL_METRICS_EXPORTER", metrics, KEY);
        self.set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, KEY);
        let path = endpoint.trim_end_matches('/');
        if let Some(signal) = ["logs", "metrics", "traces"]
            .into_iter()
            .find(|signal| path.ends_with(&format!("/v1/{signal}")))
        {
            self.warn(
                KEY,
                format!(
                    "ends in /v1/{signal}, and /v1/{signal} is put behind it once more: write the address without it"
                ),
            );
        }
    }

    fn protocol(&mut self, said: Option<String>) {
        const KEY: &str = "otlpProtocol";
        const STANDARD: &str = "http/protobuf";
        let said = said.unwrap_or_else(|| STANDARD.to_owned());
        let protocol = match said.as_str() {
            "grpc" => {
                self.warn(
                    KEY,
                    "grpc is not what Cowork sends: http/protobuf goes to the same address, which must take it",
                );
                STANDARD
            }
            other => other,
        };
        self.set("OTEL_EXPORTER_OTLP_PROTOCOL", protocol, KEY);
    }

    /// Names and values: an object of texts, or a line of `name=value,…` as the form has it.
    fn pairs(
        &mut self,
        file: &Map<String, Value>,
        key: &'static str,
        variable: &str,
    ) -> Result<(), String> {
        let line = match value_of(file, key)? {
            None => return Ok(()),
            Some(Value::String(line)) => line,
            Some(Value::Object(pairs)) => {
                let pair = |(name, value): (String, Value)| match value {
                    Value::String(value) => {
                        Ok(format!("{name}={}", utf8_percent_encode(&value, ENCODED)))
                    }
                    _ => Err(format!("{key}.{name} is not a text")),
                };
                let pairs: Result<Vec<String>, String> = pairs.into_iter().map(pair).collect();
                pairs?.join(",")
            }
            Some(_) => return Err(format!("{key} is neither an object nor a text")),
        };
        self.set(variable, line, key);
        Ok(())
    }

    /// Every gate is said, so that no variable below opens one that is shut here.
    fn content(&mut self, captured: Option<&[String]>, standard: &[&str]) {
        const KEY: &str = "otlpContentCapture";
        let is_known = |category: &&String| CONTENT.iter().any(|(name, _)| name == category);
        for unknown in captured
            .unwrap_or_default()
            .iter()
            .filter(|category| !is_known(category))
        {
            let known = CONTENT.map(|(name, _)| name).join(", ");
            self.warn(
                KEY,
                format!("`{unknown}` is no category and captures nothing: write {known}"),
            );
        }
        let has = |category: &str| match captured {
            Some(captured) => captured.iter().any(|name| name == category),
            None => standard.contains(&category),
        };
        for (category, gate) in CONTENT {
            // Questions, and whole bodies all the more, imply the answers.
            let is_answers = category == "assistantResponses";
            let is_open =
                has(category) || is_answers && (has("userPrompts") || has("rawApiBodies"));
            self.set(gate, if is_open { "1" } else { "0" }, KEY);
        }
    }

    /// Spans, on, off or left to others, and how long their attributes may be.
    fn traces(&mut self, is_on: Option<bool>, chars: Option<u64>) {
        const KEY: &str = "otlpTracesEnabled";
        match is_on {
            Some(true) => {
                self.set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1", KEY);
                self.set("OTEL_TRACES_EXPORTER", "otlp", KEY);
            }
            Some(false) => {
                self.set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "0", KEY);
                self.set("OTEL_TRACES_EXPORTER", "none", KEY);
                self.set("ENABLE_BETA_TRACING_DETAILED", "0", KEY);
            }
            None => {}
        }
        const LIMIT: &str = "otlpAttrMaxChars";
        if chars.is_some() && is_on == Some(false) {
            self.warn(
                LIMIT,
                format!("bounds attributes of spans only, and no spans are sent without {KEY}"),
            );
        }
        let standard = (is_on == Some(true)).then_some(CHARS_STANDARD);
        let Some(said) = chars.or(standard) else {
            return;
        };
        let (shortest, longest) = (*CHARS.start(), *CHARS.end());
        let chars = said.clamp(shortest, longest);
        if chars != said {
            self.warn(
                LIMIT,
                format!("{said} is not from {shortest} to {longest}: {chars} holds"),
            );
        }
        let variable = "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT";
        self.set(variable, chars.to_string(), LIMIT);
    }

    fn egress(&mut self, hosts: &[String]) {
        let entries = if hosts.is_empty() {
            "none".to_owned()
        } else {
            hosts.join(",")
        };
        self.set("TALLYBOOK_EGRESS", entries, "coworkEgressAllowedHosts");
    }

    /// What Cowork can and this crate cannot.
    fn refuse(&mut self, file: &Map<String, Value>) -> Result<(), String> {
        if text_of(file, "otlpAuthMode")?.is_some_and(|mode| mode != "none") {
            self.findings.push(Finding::error(
                "otlpAuthMode",
                "the agent has no credential of Cowork's to send: put one into otlpHeaders",
            ));
        }
        if switch_of(file, "endUserAttribution")? == Some(true) {
            self.findings.push(Finding::error(
                "endUserAttribution",
                "is not built, who is signed in is not known: name the person in otlpResourceAttributes as enduser.id",
            ));
        }
        Ok(())
    }
}

/// What a key says; a text that holds an object or a list is read as one.
fn value_of(file: &Map<String, Value>, key: &str) -> Result<Option<Value>, String> {
    match file.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match text.trim() {
            "" => Ok(None),
            json if json.starts_with(['{', '[']) => serde_json::from_str(json)
                .map(Some)
                // The reason may repeat a header's value.
                .map_err(|_| format!("{key} begins like JSON and is none")),
            text => Ok(Some(Value::from(text))),
        },
        Some(other) => Ok(Some(other.clone())),
    }
}

fn text_of(file: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match value_of(file, key)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{key} is not a text")),
    }
}

fn list_of(file: &Map<String, Value>, key: &str) -> Result<Option<Vec<String>>, String> {
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        _ => Err(format!("{key} holds something that is not a text")),
    };
    match value_of(file, key)? {
        None => Ok(None),
        Some(Value::Array(values)) => values
            .into_iter()
            .map(text)
            .collect::<Result<_, _>>()
            .map(Some),
        Some(_) => Err(format!("{key} is not a list")),
    }
}

fn switch_of(file: &Map<String, Value>, key: &str) -> Result<Option<bool>, String> {
    match value_of(file, key)? {
        None => Ok(None),
        Some(Value::Bool(is_on)) => Ok(Some(is_on)),
        Some(Value::String(word)) if matches!(word.as_str(), "true" | "1") => Ok(Some(true)),
        Some(Value::String(word)) if matches!(word.as_str(), "false" | "0") => Ok(Some(false)),
        Some(_) => Err(format!("{key} is neither true nor false")),
    }
}

fn whole_of(file: &Map<String, Value>, key: &str) -> Result<Option<u64>, String> {
    let number = match value_of(file, key)? {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    number
        .map(Some)
        .ok_or_else(|| format!("{key} is not a whole number"))
}

/// A path as a command: the form names a file, and files may have spaces in their names.
fn quoted(path: &str) -> String {
    match cfg!(windows) {
        true => format!("\"{path}\""),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests;
