//! The state of one request being written: counts, path, and what to do with a bad part.
//!
//! Invariant: what is given up leaves no trace in the output. Limits are checked before anything is
//! written for what exceeds them, and exceeding one ends the request, not an item.
//!
//! A request is first read straight through, giving up at the first bad part. Only then is it read
//! again carefully, each part that can be given up by itself first found to its end: that costs a
//! second look at every byte, which well-formed requests are spared.

use std::fmt::{Display, Write};

use contract::{Quarantined, RawEncoding};
use serde::de::{DeserializeSeed, Error};
use serde_json::value::RawValue;

use super::arrange::{Arranger, Arranging};
use super::field::{FieldsSeed, Target};
use super::slot::Slot;
use crate::scan::UNREADABLE;
use crate::schema::{Message, Role};
use crate::writer::Writer;
use crate::{Limits, Refused};

pub(super) struct Transcoder<'l> {
    pub(super) writer: Writer,
    pub(super) limits: &'l Limits,
    pub(super) arranger: Arranger,
    pub(super) quarantined: Vec<Quarantined>,
    pub(super) warnings: u64,
    /// Where the bad part in hand is, from the inside out.
    pub(super) path: Vec<Step>,
    /// How many values enclose what is being read.
    pub(super) depth: usize,
    pub(super) nodes: usize,
    /// Whether parts that can be given up are read apart.
    pub(super) is_careful: bool,
    /// Whether a bad element of a list is left out, for want of an item to quarantine.
    pub(super) is_lenient: bool,
    items: usize,
    unreadable_bytes: usize,
    refused: Option<Refused>,
    /// What is wrong with the part in hand although it is JSON.
    problem: Option<String>,
}

/// One step of a path.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Name(&'static str),
    Index(usize),
}

/// The state to return to when a part is given up.
struct Saved {
    length: usize,
    arranging: Arranging,
    depth: usize,
    is_lenient: bool,
    quarantined: usize,
    warnings: u64,
    items: usize,
}

impl<'l> Transcoder<'l> {
    pub(super) fn new(limits: &'l Limits, json_length: usize, is_careful: bool) -> Transcoder<'l> {
        // JSON is about twice as long. A bomb is refused before it fills what is reserved.
        let out = Vec::with_capacity((json_length / 2).min(1 << 20));
        Transcoder {
            writer: Writer { out },
            limits,
            arranger: Arranger::default(),
            quarantined: Vec::new(),
            warnings: 0,
            path: Vec::new(),
            depth: 0,
            nodes: 0,
            is_careful,
            is_lenient: false,
            items: 0,
            unreadable_bytes: 0,
            refused: None,
            problem: None,
        }
    }

    /// Reads a whole request.
    pub(super) fn read(&mut self, text: &str, message: &'static Message) -> serde_json::Result<()> {
        let mut reader = serde_json::Deserializer::from_str(text);
        // Nesting is bounded by `depth`; all else that nests is fixed by the schema.
        reader.disable_recursion_limit();
        FieldsSeed {
            transcoder: self,
            message,
        }
        .deserialize(&mut reader)?;
        self.check_written()?;
        reader.end()
    }

    /// Whether reading carefully could not help.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// Why the request is refused, after an error that no part of it could contain.
    pub(super) fn refusal(mut self, error: &serde_json::Error) -> Refused {
        let (line, column) = (error.line(), error.column());
        self.refused.take().unwrap_or_else(|| Refused::Malformed {
            reason: match self.problem.take() {
                Some(problem) => format!(
                    "{}{problem} at line {line} column {column}",
                    self.path_text()
                ),
                None => error.to_string(),
            },
            offset: None,
        })
    }

    /// Notes what is wrong, and gives up the part in hand.
    pub(super) fn fail<E: Error>(&mut self, problem: impl Display) -> E {
        if self.problem.is_none() && self.refused.is_none() {
            self.problem = Some(problem.to_string());
        }
        E::custom("the part in hand is given up")
    }

    fn path_text(&self) -> String {
        let mut text = String::new();
        for step in self.path.iter().rev() {
            let _ = match step {
                Step::Name(name) if text.is_empty() => write!(text, "{name}"),
                Step::Name(name) => write!(text, ".{name}"),
                Step::Index(index) => write!(text, "[{index}]"),
            };
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text
    }

    /// Ends the request: there is too much of something.
    pub(super) fn refuse<E: Error>(&mut self, what: &'static str, limit: usize) -> E {
        self.refused.get_or_insert(Refused::TooMany { what, limit });
        E::custom("the request is refused")
    }

    pub(super) fn count_node<E: Error>(&mut self) -> Result<(), E> {
        if self.nodes >= self.limits.nodes {
            return Err(self.refuse("nodes (messages, attributes and values)", self.limits.nodes));
        }
        self.nodes += 1;
        self.check_written()
    }

    /// Ends a request that has become too long. What is written for one scalar is not longer than its
    /// JSON or a few bytes, so looking between messages and elements is enough.
    pub(super) fn check_written<E: Error>(&mut self) -> Result<(), E> {
        let limit = self.limits.written_bytes;
        match self.writer.out.len() > limit {
            true => Err(self.refuse("bytes as protobuf", limit)),
            false => Ok(()),
        }
    }

    /// Reads an item or a metric; one that cannot be read is quarantined.
    pub(super) fn item<E: Error>(
        &mut self,
        raw: &RawValue,
        slot: Target,
        nested: &Message,
    ) -> Result<(), E> {
        let items = self.items;
        // A metric counts by its data points.
        if nested.role == Role::Item {
            self.count_item()?;
        }
        let Some(problem) = self.attempt(raw.get(), slot)? else {
            return Ok(());
        };
        self.items = items;
        self.count_item()?;
        self.unreadable_bytes += raw.get().len();
        if self.unreadable_bytes > self.limits.unreadable_bytes {
            return Err(self.refuse(UNREADABLE, self.limits.unreadable_bytes));
        }
        let name = match nested.name {
            "LogRecord" => "log record",
            "Metric" => "metric",
            "Span" => "span",
            _ => "data point",
        };
        self.quarantined.push(Quarantined {
            reason: format!("The {name} cannot be read: {problem}."),
            encoding: RawEncoding::Json,
            raw: raw.get().as_bytes().to_vec(),
        });
        Ok(())
    }

    pub(super) fn count_item<E: Error>(&mut self) -> Result<(), E> {
        if self.items >= self.limits.items {
            return Err(self.refuse("items", self.limits.items));
        }
        self.items += 1;
        Ok(())
    }

    /// Reads what has no item to be quarantined with: what cannot be read is left out.
    pub(super) fn leniently<E: Error>(&mut self, raw: &RawValue, target: Target) -> Result<(), E> {
        if self.attempt(raw.get(), target)?.is_some() {
            self.warnings += 1;
        }
        Ok(())
    }

    /// Reads a part by itself; if it cannot be read, returns why, and nothing of it is left.
    fn attempt<E: Error>(&mut self, raw: &str, target: Target) -> Result<Option<String>, E> {
        let saved = Saved {
            length: self.writer.out.len(),
            arranging: self.arranger.begin(0),
            depth: self.depth,
            is_lenient: self.is_lenient,
            quarantined: self.quarantined.len(),
            warnings: self.warnings,
            items: self.items,
        };
        let failure = self.apart::<serde::de::value::Error>(raw, target).err();
        if self.refused.is_some() {
            return Err(E::custom("the request is refused"));
        }
        let Some(failure) = failure else {
            return Ok(None);
        };
        let problem = self.problem.take().unwrap_or_else(|| failure.to_string());
        let problem = format!("{}{problem}", self.path_text());
        self.writer.out.truncate(saved.length);
        self.arranger.abandon(saved.arranging);
        self.path.clear();
        self.depth = saved.depth;
        self.is_lenient = saved.is_lenient;
        self.quarantined.truncate(saved.quarantined);
        self.warnings = saved.warnings;
        self.items = saved.items;
        Ok(Some(problem))
    }

    /// Reads a part from its own text.
    pub(super) fn apart<E: Error>(&mut self, raw: &str, target: Target) -> Result<(), E> {
        let mut reader = serde_json::Deserializer::from_str(raw);
        reader.disable_recursion_limit();
        let slot = Slot {
            transcoder: self,
            target,
        };
        slot.deserialize(&mut reader)
            .map_err(|error| self.fail(error))
    }
}
