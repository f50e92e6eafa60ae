//! The policy at work on stored rows, and what it would do.
//!
//! Invariant: a row is asked about as the request it came in would be: product, organisation, event,
//! then each attribute under its key. A policy that was in force already finds nothing any more.

use std::collections::BTreeMap;

use contract::{
    Attribute, COLUMNS, Edit, Editor, Fate, Origin, Quarantined, RawEncoding, Signal, Value,
};
use redact::{Policy, Redactor, Tally, What};
use serde_json::Value as Json;

use super::stored::{Row, View};

/// Samples of one attribute and detector.
const SAMPLES_MAX: usize = 3;
/// Characters of a sample on either side of the mask.
const SAMPLE_SIDE: usize = 24;
/// Different attributes of which samples are kept.
const SAMPLED_MAX: usize = 200;

/// What a policy would do.
pub(super) struct Trial {
    pub(super) policy: Policy,
    pub(super) rows: u64,
    pub(super) rows_changed: u64,
    pub(super) tally: Tally,
    pub(super) samples: BTreeMap<String, Vec<String>>,
}

/// Columns that hold JSON of attributes, and what they are of.
const OF_ATTRIBUTES: [&str; 2] = ["attributes", "resource"];
/// Columns that are no attribute's: what a row is, and what was worked out of others.
const FIELDS: [&str; 8] = [
    "body",
    "name",
    "unit",
    "description",
    "scope",
    "status_message",
    "events",
    "links",
];

impl Trial {
    pub(super) fn new(policy: Policy) -> Trial {
        Trial {
            policy,
            rows: 0,
            rows_changed: 0,
            tally: Tally::default(),
            samples: BTreeMap::new(),
        }
    }

    /// Asks about everything in a row.
    pub(super) fn row(&mut self, view: &View, row: &Row) {
        self.rows += 1;
        let text = |column: &str| row.get(column).and_then(Json::as_str).unwrap_or_default();
        let signal = signal_of(view, text("signal"));
        let mut samples = Vec::new();
        let mut redactor = self.policy.redactor(signal, None);
        if view.name == "quarantine" {
            unreadable(
                &mut redactor,
                text("item"),
                text("reason"),
                text("encoding"),
            );
        } else {
            place(
                &mut redactor,
                text("product"),
                text("organization_id"),
                text("event"),
            );
            let mut seen = Seen {
                redactor: &mut redactor,
                samples: &mut samples,
            };
            seen.columns(row);
        }
        let tally = redactor.into_tally();
        self.rows_changed += u64::from(!tally.is_empty());
        self.tally.add(tally);
        for (attribute, sample) in samples {
            self.keep_sample(attribute, sample);
        }
    }

    fn keep_sample(&mut self, attribute: String, sample: String) {
        if self.samples.len() >= SAMPLED_MAX && !self.samples.contains_key(&attribute) {
            return;
        }
        let kept = self.samples.entry(attribute).or_default();
        if kept.len() < SAMPLES_MAX && !kept.contains(&sample) {
            kept.push(sample);
        }
    }

    /// What would be done, with how often.
    pub(super) fn findings(&self) -> impl Iterator<Item = (&What, u64)> {
        self.tally.rows()
    }
}

fn signal_of(view: &View, named: &str) -> Signal {
    let known = Signal::ALL
        .into_iter()
        .find(|signal| signal.name() == named);
    known.unwrap_or(view.signal)
}

/// Tells a redactor whose the row is.
fn place(redactor: &mut Redactor<'_>, product: &str, organization: &str, event: &str) {
    let text = |key: &'static str, text: &str| -> Attribute<'static> {
        (key.into(), Value::Str(text.to_owned().into()))
    };
    redactor.origin(&Origin {
        resource: vec![text("service.name", product)],
        ..Origin::default()
    });
    let mut attributes = vec![text("event.name", event)];
    if !organization.is_empty() {
        attributes.push(text("organization.id", organization));
    }
    redactor.item(&attributes, event);
}

fn unreadable(redactor: &mut Redactor<'_>, raw: &str, reason: &str, encoding: &str) {
    let encoding = match encoding {
        "protobuf" => RawEncoding::Protobuf,
        _ => RawEncoding::Json,
    };
    let raw = match encoding {
        // It is shown as hexadecimal.
        RawEncoding::Protobuf => bytes_of(raw),
        RawEncoding::Json => raw.as_bytes().to_vec(),
    };
    redactor.unreadable(Quarantined {
        reason: reason.to_owned(),
        encoding,
        raw,
    });
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// A row that is being asked about.
struct Seen<'r, 'p> {
    redactor: &'r mut Redactor<'p>,
    samples: &'r mut Vec<(String, String)>,
}

impl Seen<'_, '_> {
    fn columns(&mut self, row: &Row) {
        for column in COLUMNS {
            if let Some(Json::String(text)) = row.get(column.name) {
                self.attribute(column.keys[0], &Json::String(text.clone()));
            }
        }
        for name in OF_ATTRIBUTES {
            let Some(Json::String(text)) = row.get(name) else {
                continue;
            };
            match serde_json::from_str(text) {
                Ok(Json::Object(all)) => {
                    for (key, value) in &all {
                        self.attribute(key, value);
                    }
                }
                _ => self.field(name, text),
            }
        }
        for name in FIELDS {
            match row.get(name) {
                Some(Json::String(text)) if name == "body" => {
                    let fate = self.redactor.body(Some(text));
                    self.value(fate, "body", &Json::String(text.clone()));
                }
                Some(Json::String(text)) => self.field(name, text),
                _ => {}
            }
        }
    }

    fn attribute(&mut self, key: &str, value: &Json) {
        if matches!(self.redactor.field("key", key), Edit::Replace(_)) {
            return;
        }
        let fate = self.redactor.attribute(key);
        self.value(fate, key, value);
    }

    fn value(&mut self, fate: Fate, name: &str, value: &Json) {
        match (value, fate) {
            (_, Fate::Drop) => {}
            (Json::String(text), _) => self.text(name, text),
            (_, Fate::Text) => self.redactor.dropped(&[]),
            (Json::Array(all), _) => all.iter().for_each(|value| self.value(fate, name, value)),
            (Json::Object(all), _) => {
                for (key, value) in all {
                    self.value(fate, key, value);
                }
            }
            (Json::Number(_) | Json::Bool(_), Fate::AsText) => self.text(name, &value.to_string()),
            _ => {}
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        if let Edit::Replace(masked) = self.redactor.text(name, text) {
            self.sample(name, &masked);
        }
    }

    fn field(&mut self, name: &str, text: &str) {
        if let Edit::Replace(masked) = self.redactor.field(name, text) {
            self.sample(name, &masked);
        }
    }

    /// What stands around the first mask, as kinds of characters.
    fn sample(&mut self, name: &str, masked: &str) {
        let Some(start) = masked.find("[masked:") else {
            return;
        };
        let Some(end) = masked[start..].find(']').map(|at| start + at + 1) else {
            return;
        };
        let before: Vec<char> = masked[..start].chars().rev().take(SAMPLE_SIDE).collect();
        let before: String = before.into_iter().rev().map(kind).collect();
        let after: String = masked[end..].chars().take(SAMPLE_SIDE).map(kind).collect();
        let mask = &masked[start..end];
        self.samples
            .push((name.to_owned(), format!("{before}{mask}{after}")));
    }
}

/// Which kind of character it is: what was said cannot be read from it, how it was written can.
fn kind(character: char) -> char {
    match character {
        c if c.is_numeric() => '0',
        c if c.is_uppercase() => 'X',
        c if c.is_alphabetic() => 'x',
        c if c.is_control() => ' ',
        c if c.is_ascii() => c,
        _ => '?',
    }
}
