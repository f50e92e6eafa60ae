//! The fields of one message.
//!
//! Invariant: a nested message is written anew only where something in it was changed; otherwise its
//! bytes are copied, however odd they were written.

use std::ptr;

use contract::{Edit, Owner, REDACTED};

use super::{Rewriter, is_overwritten, next};
use crate::fault::Fault;
use crate::schema::{self, Field, Kind, Message, Role};
use crate::wire::{Payload, Reader, WireField};
use crate::writer::Size;

/// What bytes are of.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    Value,
    Field,
}

/// Edits a message in a field.
type EditNested<'f, 's> =
    &'f mut dyn FnMut(&mut Rewriter<'s>, &WireField<'_>, &'static Message) -> Result<(), Fault>;

impl<'s> Rewriter<'s> {
    /// Edits the fields of a message, nested envelopes with `envelope`.
    pub(super) fn fields(
        &mut self,
        message: Reader<'_>,
        known: &'static Message,
        envelope: EditNested<'_, 's>,
    ) -> Result<(), Fault> {
        let mut fields = message;
        while let Some((field, raw)) = next(&mut fields)? {
            match known.nested(field.number) {
                Some(nested) => self.nested(&field, raw, Size::Large, |this| {
                    envelope(this, &field, nested)
                })?,
                None => self.field(&field, raw, known)?,
            }
        }
        Ok(())
    }

    /// Edits an owner's fields, and marks it when something was changed.
    pub(super) fn owned(
        &mut self,
        message: Reader<'_>,
        known: &'static Message,
        owner: Owner,
    ) -> Result<(), Fault> {
        self.editor.begin(owner);
        self.owners += 1;
        let outer = self.marked.take();
        self.message(message, known)?;
        let marked = std::mem::replace(&mut self.marked, outer);
        self.owners -= 1;
        let said = marked.as_ref().map(|(_, text)| text.as_str());
        match (self.editor.end(said), marked, known.attributes()) {
            (Some(mark), _, Some(number)) => {
                let attribute = self.writer.open(number, Size::Small);
                self.writer.bytes(1, REDACTED.as_bytes());
                let value = self.writer.open(2, Size::Small);
                self.writer.bytes_set(1, mark.as_bytes());
                self.writer.close(value);
                self.writer.close(attribute);
                self.changes += 1;
            }
            (None, Some((raw, _)), _) => self.copy(&raw),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn message(
        &mut self,
        message: Reader<'_>,
        known: &'static Message,
    ) -> Result<(), Fault> {
        let mut fields = message;
        while let Some((field, raw)) = next(&mut fields)? {
            if ptr::eq(known, &schema::METRIC) && schema::METRIC.nested(field.number).is_some() {
                self.is_overwritten = is_overwritten(message, field.number)?;
            }
            self.field(&field, raw, known)?;
            if ptr::eq(known, &schema::METRIC) {
                self.is_overwritten = false;
            }
        }
        Ok(())
    }

    /// Edits one field of a message.
    pub(super) fn field(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        message: &'static Message,
    ) -> Result<(), Fault> {
        let Some(known) = message.field(field.number) else {
            return self.unknown(field, raw);
        };
        match known.kind {
            Kind::Text => self.text(field, raw, known),
            Kind::Bytes => self.bytes(field, raw, known.name, Asked::Field),
            Kind::Id(length) if field.bytes()?.len() != length => {
                self.bytes(field, raw, known.name, Asked::Field)
            }
            Kind::Nested(nested) if ptr::eq(nested, &schema::KEY_VALUE) => {
                self.attribute(field, raw)
            }
            Kind::Nested(nested) if ptr::eq(nested, &schema::ANY_VALUE) => self.body(field, raw),
            Kind::Nested(nested) if ptr::eq(nested, &schema::EXEMPLAR) => {
                self.nested(field, raw, Size::Small, |this| {
                    this.owned(field.message()?, nested, Owner::Exemplar)
                })
            }
            Kind::Nested(nested) if nested.role == Role::Item => self.item(field, raw, nested),
            Kind::Nested(nested) => self.nested(field, raw, Size::Small, |this| {
                this.message(field.message()?, nested)
            }),
            _ => {
                self.copy(raw);
                Ok(())
            }
        }
    }

    /// A field that holds a message, which `edit` writes.
    pub(super) fn nested(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        size: Size,
        edit: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (start, changes) = (self.writer.out.len(), self.changes);
        let open = self.writer.open(field.number, size);
        edit(self)?;
        if self.changes == changes {
            self.writer.out.truncate(start);
            self.copy(raw);
        } else {
            self.writer.close(open);
        }
        Ok(())
    }

    fn text(&mut self, field: &WireField<'_>, raw: &[u8], known: &Field) -> Result<(), Fault> {
        let text = String::from_utf8_lossy(field.bytes()?);
        let edit = self.editor.field(known.name, &text);
        self.write_text(field.number, raw, edit);
        Ok(())
    }

    /// Writes what became of a text; says whether it is there.
    pub(super) fn write_text(&mut self, number: u32, raw: &[u8], edit: Edit) -> bool {
        match edit {
            Edit::Keep => self.copy(raw),
            Edit::Replace(text) => {
                self.changes += 1;
                self.writer.bytes_set(number, text.as_bytes());
            }
            Edit::Remove => {
                self.changes += 1;
                return false;
            }
        }
        true
    }

    /// Bytes are asked about as the texts that they may be.
    pub(super) fn bytes(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        name: &str,
        asked: Asked,
    ) -> Result<(), Fault> {
        let mut edited = Vec::new();
        let mut is_changed = false;
        for chunk in field.bytes()?.utf8_chunks() {
            let text = chunk.valid();
            let edit = match asked {
                Asked::Value => self.editor.text(name, text),
                Asked::Field => self.editor.field(name, text),
            };
            match edit {
                Edit::Keep => edited.extend_from_slice(text.as_bytes()),
                Edit::Replace(text) => {
                    edited.extend_from_slice(text.as_bytes());
                    is_changed = true;
                }
                Edit::Remove => is_changed = true,
            }
            edited.extend_from_slice(chunk.invalid());
        }
        if is_changed {
            self.changes += 1;
            self.writer.bytes_set(field.number, &edited);
        } else {
            self.copy(raw);
        }
        Ok(())
    }

    /// A field that OTLP does not have. One that is a number says no text.
    pub(super) fn unknown(&mut self, field: &WireField<'_>, raw: &[u8]) -> Result<(), Fault> {
        if let Payload::Length(bytes) = field.payload
            && !self.editor.unknown(bytes)
        {
            self.changes += 1;
        } else {
            self.copy(raw);
        }
        Ok(())
    }
}
