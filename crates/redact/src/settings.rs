//! `[redaction]`, `[[redaction.pattern]]` and `[[redaction.rule]]` as they are written.

use serde::{Deserialize, Serialize};

/// What is kept of what is sent. Everything here is checked by [`Settings::policy`].
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What becomes of prompts, responses, tool inputs and bodies: `keep`, `drop`, `hash`, or
    /// `truncate:N` for the first N characters.
    pub content: String,
    /// What becomes of who it was: `keep`, `drop`, `pseudonymise` or `hash`.
    pub people: String,
    /// What becomes of attributes that the contract does not know: as `content`.
    pub other: String,
    /// What becomes of the bytes of items that cannot be read: `mask` or `drop`. Without it, `mask`
    /// as long as everything else is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// What is looked for in every text that is kept: groups of detectors, or single ones.
    pub detectors: Vec<String>,
    /// Further detectors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pattern: Vec<PatternSetting>,
    /// What is to be otherwise for some: the first rule that fits an attribute decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<RuleSetting>,
}

/// A detector of one's own.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PatternSetting {
    /// What a mask says: `[masked:NAME]`.
    pub name: String,
    /// What matches; a group called `s` is what is masked, else all of it is.
    pub regex: String,
}

/// What is to be otherwise for some attributes of some items. What is left out fits all.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSetting {
    /// The organisation: the token's where there is one, else what `organization.id` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The product: `claude-code`, `cowork`, `office-agent`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// `logs`, `metrics` or `traces`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The event's bare name, for log records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The attribute's key; `*` stands for any characters; `body` is a log record's body too.
    pub attribute: String,
    /// `keep`, `drop`, `mask`, `truncate:N`, `hash` or `pseudonymise`.
    pub action: String,
    /// What is looked for, in place of what is looked for everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detectors: Option<Vec<String>>,
}

impl std::fmt::Display for RuleSetting {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} of {}", self.action, self.attribute)?;
        let conditions = [
            ("organization", &self.organization),
            ("product", &self.product),
            ("signal", &self.signal),
            ("event", &self.event),
        ];
        for (name, value) in conditions {
            if let Some(value) = value {
                write!(formatter, ", {name} {value}")?;
            }
        }
        if let Some(detectors) = &self.detectors {
            let looked_for = if detectors.is_empty() {
                "nothing".to_owned()
            } else {
                detectors.join(", ")
            };
            write!(formatter, ", looking for {looked_for}")?;
        }
        Ok(())
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            content: "keep".to_owned(),
            people: "keep".to_owned(),
            other: "keep".to_owned(),
            unreadable: None,
            detectors: vec!["secrets".to_owned(), "cards".to_owned()],
            pattern: Vec::new(),
            rule: Vec::new(),
        }
    }
}
