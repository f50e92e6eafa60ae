//! Attributes and their values.
//!
//! Invariant: a text in a list is asked about under the key nearest to it, so that a detector sees
//! what the text is called; the fate is that of the attribute all of it stands in.

use contract::{Edit, Fate, REDACTED};

use super::fields::Asked;
use super::{Rewriter, next, unexpected};
use crate::fault::Fault;
use crate::schema::{self, Message};
use crate::wire::{Payload, Reader, WireField};
use crate::writer::Size;

impl Rewriter<'_> {
    pub(super) fn attribute(&mut self, field: &WireField<'_>, raw: &[u8]) -> Result<(), Fault> {
        let entry = field.message()?;
        let key = last_key(entry)?;
        if key == REDACTED && self.marked.is_none() {
            // Written when its owner ends, with what is said anew.
            self.marked = Some((raw.to_vec(), plain_text(entry)?));
            return Ok(());
        }
        let fate = self.editor.attribute(&key);
        self.entry(field, raw, &key, fate)
    }

    pub(super) fn body(&mut self, field: &WireField<'_>, raw: &[u8]) -> Result<(), Fault> {
        let value = field.message()?;
        let text = last_text(value)?;
        let fate = self.editor.body(text.as_deref());
        self.removable(field, raw, |this| this.value(value, "body", fate))
    }

    /// A key and its value, in an item or in a list.
    fn entry(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        key: &str,
        fate: Fate,
    ) -> Result<(), Fault> {
        let entry = field.message()?;
        self.removable(field, raw, |this| {
            if fate == Fate::Drop {
                return Ok(false);
            }
            let mut fields = entry;
            let mut stays = true;
            while let Some((field, raw)) = next(&mut fields)? {
                match field.number {
                    2 => {
                        let value = field.message()?;
                        this.nested(&field, raw, Size::Small, |this| {
                            stays &= this.value(value, key, fate)?;
                            Ok(())
                        })?;
                    }
                    _ => this.field(&field, raw, &schema::KEY_VALUE)?,
                }
            }
            Ok(stays)
        })
    }

    /// A field that goes when `edit` says that it does not stay.
    fn removable(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        edit: impl FnOnce(&mut Self) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let start = self.writer.out.len();
        let mut stays = true;
        self.nested(field, raw, Size::Small, |this| {
            stays = edit(this)?;
            Ok(())
        })?;
        if !stays {
            self.writer.out.truncate(start);
            self.changes += 1;
            self.editor.dropped(raw);
        }
        Ok(())
    }

    /// Edits a value; says whether what it is the value of stays.
    fn value(&mut self, value: Reader<'_>, name: &str, fate: Fate) -> Result<bool, Fault> {
        if fate == Fate::Drop {
            return Ok(false);
        }
        let mut stays = true;
        let mut fields = value;
        while let Some((field, raw)) = next(&mut fields)? {
            match (field.number, fate) {
                (1, _) => {
                    let text = String::from_utf8_lossy(field.bytes()?);
                    let edit = self.editor.text(name, &text);
                    stays &= self.write_text(1, raw, edit);
                }
                (2..=7, Fate::Text) => stays = false,
                (2..=4 | 7, Fate::AsText) => {
                    let text = scalar_text(&field)?;
                    match self.editor.text(name, &text) {
                        // What is to be no text of its own is one now.
                        Edit::Keep => self.copy(raw),
                        edit => stays &= self.write_text(1, raw, edit),
                    }
                }
                (5, _) => self.list(&field, raw, name, fate, &schema::ARRAY_VALUE)?,
                (6, _) => self.list(&field, raw, name, fate, &schema::KEY_VALUE_LIST)?,
                (7, _) => self.bytes(&field, raw, name, Asked::Value)?,
                (2..=4 | 8, _) => self.copy(raw),
                _ => self.unknown(&field, raw)?,
            }
        }
        Ok(stays)
    }

    fn list(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        name: &str,
        fate: Fate,
        message: &'static Message,
    ) -> Result<(), Fault> {
        let list = field.message()?;
        let is_map = std::ptr::eq(message, &schema::KEY_VALUE_LIST);
        self.nested(field, raw, Size::Small, |this| {
            let mut fields = list;
            while let Some((field, raw)) = next(&mut fields)? {
                match field.number {
                    1 if is_map => {
                        let key = last_key(field.message()?)?;
                        this.entry(&field, raw, &key, fate)?;
                    }
                    1 => {
                        let value = field.message()?;
                        this.nested(&field, raw, Size::Small, |this| {
                            // In a list a text that goes leaves its place.
                            this.value(value, name, fate).map(|_| ())
                        })?;
                    }
                    _ => this.unknown(&field, raw)?,
                }
            }
            Ok(())
        })
    }
}

/// The key of an entry: of several the last counts.
fn last_key(mut entry: Reader<'_>) -> Result<String, Fault> {
    let mut key = String::new();
    while let Some(field) = entry.next()? {
        if field.number == 1 {
            key = String::from_utf8_lossy(field.bytes()?).into_owned();
        }
    }
    Ok(key)
}

/// The text of an entry's value; empty for another value.
fn plain_text(mut entry: Reader<'_>) -> Result<String, Fault> {
    let mut text = String::new();
    while let Some(field) = entry.next()? {
        if field.number == 2 {
            text = last_text(field.message()?)?.unwrap_or_default();
        }
    }
    Ok(text)
}

/// The value where it is a plain text.
fn last_text(mut value: Reader<'_>) -> Result<Option<String>, Fault> {
    let mut text = None;
    while let Some(field) = value.next()? {
        text = match field.number {
            1 => Some(String::from_utf8_lossy(field.bytes()?).into_owned()),
            2..=8 => None,
            _ => text,
        };
    }
    Ok(text)
}

/// A value that is no text, as text.
fn scalar_text(field: &WireField<'_>) -> Result<String, Fault> {
    Ok(match (field.number, field.payload) {
        (2, Payload::Varint(flag)) => (flag != 0).to_string(),
        (3, Payload::Varint(number)) => (number as i64).to_string(),
        (4, Payload::Eight(bits)) => f64::from_bits(bits).to_string(),
        (7, Payload::Length(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => return Err(unexpected(field.after())),
    })
}
