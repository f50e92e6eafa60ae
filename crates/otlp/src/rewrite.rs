//! A request with the texts that an [`Editor`] decides, the rest byte for byte.
//!
//! Invariant: every text, byte string, attribute and unknown field of a request is asked about,
//! whatever it is nested in, unless the editor passed a message around it; numbers are never written
//! anew. A message in which nothing was changed is copied as it came. An item whose edit fails is
//! edited again with the editor failing closed, and if that fails too, kept without its bytes.
//!
//! | file | what is in it |
//! |---|---|
//! | `rewrite.rs` | the request, its groups and items, and what to do when an edit fails |
//! | `fields.rs` | the fields of one message |
//! | `values.rs` | attributes and their values |

mod fields;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use contract::{Attribute, Editor, Origin, Owner, Quarantined, Signal};

use crate::decode::{Context, last_kind_field, read_resource_group, read_scope_group, unreadable};
use crate::fault::{Fault, FaultKind, refusal};
use crate::scan::{count, validate};
use crate::schema::{self, Message, Role};
use crate::wire::{Reader, WireField};
use crate::writer::{Size, Writer};
use crate::{Limits, Refused};

/// An edited request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The request, `None` when it stays as it is.
    pub protobuf: Option<Vec<u8>>,
    /// Items that cannot be read and were taken out of it.
    pub quarantined: Vec<Quarantined>,
}

/// Edits a request. Refuses what [`crate::decode`] refuses, for the same reason.
pub fn rewrite(
    signal: Signal,
    protobuf: &[u8],
    limits: &Limits,
    editor: &mut dyn Editor,
) -> Result<Rewritten, Refused> {
    if editor.passes(protobuf) {
        return Ok(Rewritten::default());
    }
    count(signal, protobuf, limits)?;
    let mut rewriter = Rewriter {
        editor,
        context: Context {
            limits,
            repaired: false,
        },
        writer: Writer {
            out: Vec::with_capacity(protobuf.len()),
        },
        changes: 0,
        quarantined: Vec::new(),
        marked: None,
        owners: 0,
        is_overwritten: false,
        metric_name: String::new(),
    };
    rewriter
        .request(signal, Reader::new(protobuf))
        .map_err(|fault| refusal(fault, protobuf))?;
    Ok(Rewritten {
        protobuf: (rewriter.changes > 0).then_some(rewriter.writer.out),
        quarantined: rewriter.quarantined,
    })
}

struct Rewriter<'e> {
    editor: &'e mut dyn Editor,
    context: Context<'e>,
    writer: Writer,
    /// How often something was written otherwise than it came.
    changes: u64,
    quarantined: Vec<Quarantined>,
    /// The mark that the owner being edited came with: its field as it came, and its text.
    marked: Option<(Vec<u8>, String)>,
    /// How many owners are open.
    owners: usize,
    /// Whether the points being edited are of a kind that the metric overwrote, so are no items.
    is_overwritten: bool,
    /// The name of the metric being edited, for the reason of a point that cannot be read.
    metric_name: String,
}

/// Where a rewriter stood.
struct Stand {
    written: usize,
    owners: usize,
    changes: u64,
    quarantined: usize,
}

impl Rewriter<'_> {
    fn request(&mut self, signal: Signal, request: Reader<'_>) -> Result<(), Fault> {
        let message = schema::request(signal);
        self.fields(request, message, &mut |this, field, nested| {
            let group = field.message()?;
            let mut origin = Origin::default();
            read_resource_group(group, &mut origin, &mut this.context)?;
            first_scope(group, &mut origin, &mut this.context)?;
            this.editor.origin(&origin);
            this.resource_group(group, nested, &mut origin)
        })
    }

    fn resource_group<'a>(
        &mut self,
        group: Reader<'a>,
        message: &'static Message,
        origin: &mut Origin<'a>,
    ) -> Result<(), Fault> {
        let mut fields = group;
        while let Some((field, raw)) = next(&mut fields)? {
            match field.number {
                1 => self.owned_field(&field, raw, &schema::RESOURCE, Owner::Resource)?,
                2 => {
                    read_scope_group(field.message()?, origin, &mut self.context)?;
                    self.editor.origin(origin);
                    let Some(nested) = message.nested(2) else {
                        continue;
                    };
                    self.nested(&field, raw, Size::Large, |this| {
                        this.scope_group(field.message()?, nested)
                    })?;
                }
                _ => self.field(&field, raw, message)?,
            }
        }
        Ok(())
    }

    fn scope_group(&mut self, group: Reader<'_>, message: &'static Message) -> Result<(), Fault> {
        let mut fields = group;
        while let Some((field, raw)) = next(&mut fields)? {
            match (field.number, message.nested(field.number)) {
                (1, _) => self.owned_field(&field, raw, &schema::SCOPE, Owner::Scope)?,
                (2, Some(nested)) if nested.role == Role::Metric => self.metric(&field, raw)?,
                (2, Some(nested)) => self.item(&field, raw, nested)?,
                _ => self.field(&field, raw, message)?,
            }
        }
        Ok(())
    }

    /// A log record, data point or span.
    fn item(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        message: &'static Message,
    ) -> Result<(), Fault> {
        let item = field.message()?;
        if self.editor.passes(item.bytes()) {
            self.copy(raw);
            return Ok(());
        }
        if let Err(stop) = validate(item, message, self.context.limits) {
            let what = self.what(message);
            self.set_aside(unreadable(&what, item, stop));
            return Ok(());
        }
        if self.editor.wants_items() {
            self.show_item(item, message)?;
        }
        self.guarded(field, raw, item, message, Owner::Item)
    }

    fn metric(&mut self, field: &WireField<'_>, raw: &[u8]) -> Result<(), Fault> {
        let item = field.message()?;
        if self.editor.passes(item.bytes()) {
            self.copy(raw);
            return Ok(());
        }
        if let Err(stop) = validate(item, &schema::METRIC, self.context.limits) {
            self.set_aside(unreadable("metric", item, stop));
            return Ok(());
        }
        self.metric_name = metric_name(item, &mut self.context)?;
        self.guarded(field, raw, item, &schema::METRIC, Owner::Metric)
    }

    /// What decoding calls an item in the reason why it cannot be read.
    fn what(&self, message: &'static Message) -> String {
        if ptr::eq(message, &schema::LOG_RECORD) {
            "log record".to_owned()
        } else if ptr::eq(message, &schema::SPAN) {
            "span".to_owned()
        } else {
            format!("data point of {}", self.metric_name)
        }
    }

    /// Keeps an item that cannot be read beside the request.
    fn set_aside(&mut self, item: Quarantined) {
        self.changes += 1;
        if !self.is_overwritten {
            let item = self.editor.unreadable(item);
            self.quarantined.push(item);
        }
    }

    /// Tells the editor what an item says, for decisions that depend on it.
    fn show_item(&mut self, item: Reader<'_>, message: &'static Message) -> Result<(), Fault> {
        let number = message.attributes();
        let is_log = ptr::eq(message, &schema::LOG_RECORD);
        let mut attributes: Vec<Attribute<'_>> = Vec::new();
        let mut event_name = String::new();
        let mut fields = item;
        while let Some(field) = fields.next()? {
            if Some(field.number) == number {
                self.context
                    .push_attribute(field.message()?, field.after(), &mut attributes)?;
            } else if is_log && field.number == 12 {
                event_name = self.context.text(&field)?.into_owned();
            }
        }
        self.editor.item(&attributes, &event_name);
        Ok(())
    }

    /// Edits an owner; if that fails, once more with the editor failing closed; if that fails too,
    /// keeps it without its bytes.
    fn guarded(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        item: Reader<'_>,
        message: &'static Message,
        owner: Owner,
    ) -> Result<(), Fault> {
        let stand = self.stand();
        for is_closed in [false, true] {
            if is_closed {
                self.back_to(&stand);
                self.editor.fail_closed(true, stand.owners);
            }
            let edited = catch_unwind(AssertUnwindSafe(|| {
                self.nested(field, raw, Size::Medium, |this| {
                    this.owned(item, message, owner)
                })
            }));
            if is_closed {
                self.editor.fail_closed(false, stand.owners);
            }
            if matches!(edited, Ok(Ok(()))) {
                return Ok(());
            }
        }
        self.back_to(&stand);
        if matches!(owner, Owner::Resource | Owner::Scope) {
            self.changes += 1;
            return Ok(());
        }
        self.changes += 1;
        for _ in 0..items_in(item, message)? {
            self.quarantined.push(Quarantined {
                reason: "The item could not be redacted, so that nothing of it is kept.".to_owned(),
                encoding: contract::RawEncoding::Protobuf,
                raw: Vec::new(),
            });
        }
        Ok(())
    }

    fn owned_field(
        &mut self,
        field: &WireField<'_>,
        raw: &[u8],
        message: &'static Message,
        owner: Owner,
    ) -> Result<(), Fault> {
        let reader = field.message()?;
        if self.editor.passes(reader.bytes()) {
            self.copy(raw);
            return Ok(());
        }
        self.guarded(field, raw, reader, message, owner)
    }

    fn stand(&self) -> Stand {
        Stand {
            written: self.writer.out.len(),
            owners: self.owners,
            changes: self.changes,
            quarantined: self.quarantined.len(),
        }
    }

    fn back_to(&mut self, stand: &Stand) {
        self.writer.out.truncate(stand.written);
        self.changes = stand.changes;
        self.owners = stand.owners;
        self.quarantined.truncate(stand.quarantined);
        self.marked = None;
        self.is_overwritten = false;
    }

    fn copy(&mut self, raw: &[u8]) {
        self.writer.out.extend_from_slice(raw);
    }
}

/// The next field, and its bytes with tag and length.
pub(crate) fn next<'a>(
    fields: &mut Reader<'a>,
) -> Result<Option<(WireField<'a>, &'a [u8])>, Fault> {
    let before = fields.bytes();
    let Some(field) = fields.next()? else {
        return Ok(None);
    };
    let length = before.len() - fields.bytes().len();
    Ok(Some((field, before.get(..length).unwrap_or_default())))
}

/// The first scope of a resource group: by it the product is known before the items come.
fn first_scope<'a>(
    group: Reader<'a>,
    origin: &mut Origin<'a>,
    context: &mut Context<'_>,
) -> Result<(), Fault> {
    let mut fields = group;
    while let Some(field) = fields.next()? {
        if field.number == 2 {
            read_scope_group(field.message()?, origin, context)?;
            return Ok(());
        }
    }
    Ok(())
}

fn metric_name(metric: Reader<'_>, context: &mut Context<'_>) -> Result<String, Fault> {
    let mut name = String::new();
    let mut fields = metric;
    while let Some(field) = fields.next()? {
        if field.number == 1 {
            name = context.text(&field)?.into_owned();
        }
    }
    Ok(name)
}

/// How many items stand in an owner.
fn items_in(owner: Reader<'_>, message: &'static Message) -> Result<usize, Fault> {
    if message.role == Role::Metric {
        crate::decode::points_of(owner)
    } else {
        Ok(1)
    }
}

/// The kind that counts, of a metric that may hold several.
fn is_overwritten(metric: Reader<'_>, number: u32) -> Result<bool, Fault> {
    Ok(last_kind_field(metric)?.is_some_and(|last| last != number))
}

/// A fault of ours: a message that was valid cannot be walked.
fn unexpected(reader: Reader<'_>) -> Fault {
    reader.fault(FaultKind::Truncated)
}
