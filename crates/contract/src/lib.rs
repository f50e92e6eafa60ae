//! What agents send, and what it means: attributes and their aliases, products, events, typed rows.
//!
//! Invariant: this crate is pure. It does no I/O, reads no clock, and a value it cannot understand
//! is kept rather than dropped: every attribute of a log record ends either in a typed column from
//! which its wire form can be rebuilt exactly, or in the overflow, or both (when coercion was lossy).
//!
//! | file | what is in it |
//! |---|---|
//! | `item.rs` | the items of the three signals as they come off the wire, and the `Sink` that takes them |
//! | `edit.rs` | what may be changed in a request before it is kept: the `Editor` that is asked |
//! | `value.rs` | attribute values and their JSON form |
//! | `columns.rs` | the promoted columns: name, kind, and the attribute keys that feed each |
//! | `coerce.rs` | values to columns by the column's kind, never by the wire type |
//! | `normalize.rs` | one item to one row |
//! | `origin.rs` | resource and scope to what every row under them shares |
//! | `shape.rs` | the wire shape of a record, and the record rebuilt from its row |
//! | `product.rs` | products and event names |
//! | `price.rs` | the price book: what a request costs by list, from which day on |
//! | `ledger.rs` | what a request costs: the client's figure, checked, or the list's |
//! | `fault.rs` | known faults of clients, by release |
//! | `identity.rs` | the content hash by which a repeated delivery is known |
//! | `version.rs` | which of two client versions is older |
//! | `time.rs` | client time as a claim; the timestamp text that clients write |

mod coerce;
mod columns;
mod edit;
mod fault;
mod identity;
mod item;
mod ledger;
mod normalize;
mod origin;
mod price;
mod product;
mod shape;
mod time;
mod value;
mod version;

pub use coerce::{Cell, Coerced, coerce};
pub use columns::{COLUMN_COUNT, COLUMNS, Col, Column, Kind, column_of, find_column};
pub use edit::{Edit, Editor, Fate, Owner, REDACTED};
pub use fault::{CLIENT_FAULTS, ClientFault, Until, known_faults};
pub use identity::{ContentHash, IdentityKey, hash_log, hash_origin, hash_raw};
pub use item::{
    Attribute, DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Quarantined,
    RawEncoding, Signal, Sink, Span, Temporality,
};
pub use ledger::{Basis, Claim, Entry, ListCost, Note, Request, Tokens, enter, is_beyond_doubt};
pub use normalize::{Normalizer, Row, TASK_NOTIFICATION, TOOL_NAMES};
pub use origin::OriginFacts;
pub use price::{
    LongPromptSetting, Model, ModelName, Modifiers, Place, Price, PriceBook, PriceSetting, Rates,
    RatesSetting, Usage,
};
pub use product::{event_name, product};
pub use shape::{StoredLog, rebuild};
pub use time::{TimeClaim, claim_time, iso_millis, parse_day_ms};
pub use value::Value;
pub use version::is_version_before;
