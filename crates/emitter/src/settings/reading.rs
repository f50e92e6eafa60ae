//! Single values, read with a finding for what cannot be understood.

use std::time::Duration;

use super::layers::Layers;
use crate::finding::Finding;

/// The layers while they are read, and what was wrong.
pub(super) struct Reading {
    layers: Layers,
    pub(super) findings: Vec<Finding>,
}

impl Reading {
    pub(super) fn new(mut layers: Layers) -> Reading {
        let findings = layers.take_findings();
        Reading { layers, findings }
    }

    /// What was wrong, each thing once, under the names that whoever set it knows.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut said: Vec<Finding> = Vec::new();
        for mut finding in self.findings {
            if let Some(key) = self.layers.cowork_key(&finding.subject) {
                finding.subject = format!("{key} ({})", finding.subject);
            }
            // What holds for all signals is read for each.
            if !said.contains(&finding) {
                said.push(finding);
            }
        }
        said
    }

    pub(super) fn has_trustworthy_files(&self) -> bool {
        self.layers.are_trustworthy()
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.layers.get(name).map(|text| text.trim().to_owned())
    }

    pub(super) fn headers_helper(&self) -> Option<String> {
        self.layers.headers_helper().map(str::to_owned)
    }

    pub(super) fn is_managed(&self, name: &str) -> bool {
        self.layers.is_managed(name)
    }

    pub(super) fn error(&mut self, name: &str, message: impl Into<String>) {
        self.findings.push(Finding::error(name, message));
    }

    pub(super) fn warning(&mut self, name: &str, message: impl Into<String>) {
        self.findings.push(Finding::warning(name, message));
    }

    /// On or off; `standard` when nothing is said.
    pub(super) fn switch(&mut self, name: &str, standard: bool) -> bool {
        let Some(text) = self.text(name) else {
            return standard;
        };
        match switched(&text) {
            Some(is_on) => is_on,
            None => {
                let word = if standard { "on" } else { "off" };
                self.warning(
                    name,
                    format!("`{text}` is neither 1 nor 0; it stays {word}"),
                );
                standard
            }
        }
    }

    /// A whole number.
    pub(super) fn whole(&mut self, name: &str) -> Option<u32> {
        let text = self.text(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.warning(
                name,
                format!("`{text}` is not a whole number; the standard holds"),
            );
        }
        number
    }

    /// A time in milliseconds.
    pub(super) fn millis(&mut self, name: &str) -> Option<Duration> {
        let millis = self.whole(name)?;
        Some(Duration::from_millis(u64::from(millis)))
    }
}

/// The words by which the clients turn something on and off.
pub(super) fn switched(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}
