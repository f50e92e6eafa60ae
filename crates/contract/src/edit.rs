//! What may be changed in an export request before it is kept: the counterpart of [`crate::Sink`].
//!
//! `otlp` walks a request and asks an [`Editor`] about every attribute and every text in it; what the
//! editor decides is written, everything else stays byte for byte. So whoever decides knows nothing
//! of the wire, and whoever knows the wire decides nothing.

use crate::item::{Attribute, Origin, Quarantined};

/// The attribute that says of an item what was taken out of it.
pub const REDACTED: &str = "tallybook.redacted";

/// What texts stand under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The groups of a request; nothing can be marked there.
    Envelope,
    /// The resource.
    Resource,
    /// The scope.
    Scope,
    /// A metric's own texts, not its points.
    Metric,
    /// A log record, data point or span with its events and links.
    Item,
    /// An exemplar of a data point: apart, because a point's attributes name its series.
    Exemplar,
}

/// What is to become of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Each text in its value is asked about.
    Look,
    /// A plain text is asked about; a value of another type is dropped with its attribute.
    Text,
    /// All that is in its value is asked about as text: numbers and flags too.
    AsText,
    /// It is dropped.
    Drop,
}

/// What is to become of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It stays.
    Keep,
    /// This stands in its place.
    Replace(String),
    /// It goes, and the attribute whose value it is with it.
    Remove,
}

/// Decides about the texts of one request.
///
/// Calls come in the order of the request: `origin`, then `begin`, what stands under the owner, and
/// `end`. An owner may stand in another: an exemplar in an item.
pub trait Editor {
    /// Whether these bytes, a message as protobuf, hold nothing that would be changed. The message
    /// is then copied and nothing in it asked about.
    fn passes(&mut self, message: &[u8]) -> bool;

    /// Resource and scope of what follows.
    fn origin(&mut self, origin: &Origin<'_>);

    /// Whether decisions depend on the attributes of an item, so that [`Editor::item`] is to be called.
    fn wants_items(&self) -> bool;

    /// The attributes of the item that follows, and its event name.
    fn item(&mut self, attributes: &[Attribute<'_>], event_name: &str);

    /// What follows stands under this owner.
    fn begin(&mut self, owner: Owner);

    /// An attribute's fate; what is in it follows as texts.
    fn attribute(&mut self, key: &str) -> Fate;

    /// The body's fate; `text` is the body where it is a plain text.
    fn body(&mut self, text: Option<&str>) -> Fate;

    /// A text in the value of the attribute that was asked about last; `name` is the key nearest to
    /// it, which for a text in a list of keys and values is its own.
    fn text(&mut self, name: &str, text: &str) -> Edit;

    /// A text that is no attribute's value, in the field that OTLP/JSON calls so: a span's name, the
    /// unit of a metric, the key of an attribute.
    fn field(&mut self, name: &str, text: &str) -> Edit;

    /// An attribute or body went; these were its bytes.
    fn dropped(&mut self, bytes: &[u8]);

    /// Whether a field that OTLP does not know may stay; what it means is unknown too.
    fn unknown(&mut self, bytes: &[u8]) -> bool;

    /// The owner ends. Gives the text of the mark that says what was changed under it, with what
    /// `marked` said already; `None` when nothing was.
    fn end(&mut self, marked: Option<&str>) -> Option<String>;

    /// Deciding about an owner failed, and it comes again from its beginning: while this is on, no
    /// text may stay that is not needed to count. `owners` is how many owners are open around it.
    fn fail_closed(&mut self, on: bool, owners: usize);

    /// An item that cannot be read, as it may be kept.
    fn unreadable(&mut self, item: Quarantined) -> Quarantined;
}
