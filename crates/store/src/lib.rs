//! Keeps what was admitted, durably and once, and shows it to queries at once.
//!
//! | file | what is in it |
//! |---|---|
//! | `store.rs` | the store and its promise: append, snapshot |
//! | `load.rs` | many entries without the journal, durable by a flush |
//! | `open.rs` | opening a data directory |
//! | `replay.rs` | the journal back into the buffer, while requests are taken already |
//! | `progress.rs` | how far the replay is, and what may arrive meanwhile |
//! | `room.rs` | room for what comes, and waiting for it |
//! | `reserve.rs` | the part of the disk that intake leaves free |
//! | `age.rs` | for how long the data directory has been served |
//! | `entry.rs` | what one journal frame holds |
//! | `provenance.rs` | with which token a request came, and what its items may name |
//! | `batch.rs` | decoded items to batches of rows |
//! | `column.rs` | column builders |
//! | `state.rs` | the buffer, deduplication and increments applied |
//! | `snapshot.rs` | what a query sees |
//! | `dedup.rs` | identities within the horizon, and their file |
//! | `series.rs` | cumulative metrics to increments |
//! | `origins.rs` | under which resources sessions came |
//! | `split.rs` | sessions that came under more than one resource |
//! | `flush.rs` | buffer to parts to manifest |
//! | `part.rs` | one immutable column file |
//! | `manifest.rs` | which parts there are |
//! | `objects.rs` | files that are whole and durable, or not there |
//! | `seal.rs`, `seal/` | the directory encrypted: which key is for what, parts opened for queries, plain ones rewritten |
//! | `document.rs` | JSON files with version and checksum |
//! | `damage.rs` | which files are damaged |
//! | `soundness.rs` | parts are checked before they are parsed |
//! | `twin.rs` | files that are kept twice |
//! | `schema.rs` | the four tables |
//! | `erase.rs`, `erase/` | somebody is erased: from parts, journal, manifests and all else, and searched for |
//! | `treatment.rs`, `treatment/` | what becomes of a row: without content, its figures alone |
//! | `retain.rs`, `retain/` | what is old is treated by rules, step by step |
//! | `rewriting.rs` | parts written anew, and the one manifest that makes them count |
//! | `fates.rs` | the ledger of fates |
//! | `inspect.rs` | what is in a data directory, without opening it |
//! | `stats.rs` | the store at one moment, and its meters |
//!
//! On disk:
//!
//! ```text
//! <data dir>/LOCK                                   held by the one process
//!            journal/journal-<first>.seg            what is acknowledged and not yet in parts
//!            parts/<table>/<day>/<flush>.parquet    what is in parts
//!            identities/<flush>.ids                 what deduplication remembers for 24 hours
//!            series/<flush>.json                    last values of cumulative series
//!            manifest/<number>.json                 which of the above count
//!            manifest-copies/<number>.json          the same again
//!            erasure/                               certificates, and what is being erased
//!            retention/                             what is under way of it, and what it has done
//!            scratch/                               what queries put down; empty after a start
//! ```

mod age;
mod batch;
mod column;
mod damage;
mod dedup;
mod document;
mod entry;
mod erase;
mod error;
mod fates;
mod flush;
mod inspect;
#[cfg(test)]
mod life;
mod load;
mod manifest;
mod objects;
mod open;
mod origins;
mod part;
mod progress;
mod provenance;
mod replay;
mod reserve;
mod retain;
mod rewriting;
mod room;
mod schema;
mod seal;
mod series;
mod snapshot;
mod soundness;
mod split;
mod state;
mod stats;
mod store;
mod treatment;
mod twin;

pub use batch::{PrepareError, Prepared};
pub use damage::DamagedFile;
pub use entry::{ENTRY_BYTES_MAX, Entry, Transport};
pub use erase::{
    CHOICE_COLUMNS, Certificate, Choice, Counts, ErasedPart, Erasure, ErasureProgress, Finding,
    May, Order, Search, Whom,
};
pub use error::{AppendError, StoreError, Unreadable};
pub use fates::{Fate, Fates, RefusedRequests, TokenFates};
pub use flush::Flushed;
pub use inspect::{Inspection, inspect};
pub use part::{Looked, Part};
pub use progress::{ReplayProgress, ReplayStage};
pub use provenance::Provenance;
pub use replay::{Opened, Replay};
pub use reserve::lacking;
pub use retain::{
    Class, Days, Done, Due, Holding, NobodyHeld, Plan, Retaining, Retention, RetentionKey,
    RetentionRule, RetentionState, Round,
};
pub use schema::Table;
pub use seal::{Beside, EncryptionStatus, KeyUse, Resealed};
pub use snapshot::Snapshot;
pub use split::SplitSessions;
pub use state::Applied;
pub use stats::Stats;
pub use store::{Config, Store};
pub use treatment::{ERASED, Named, REDUCED, Treatment};
