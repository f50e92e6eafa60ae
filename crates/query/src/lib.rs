//! Answers: SQL over a consistent snapshot, the views people query, and the named reports.
//!
//! Invariant: a query can only read. It sees the views and nothing else, one statement at a time,
//! within a limit of time, memory and rows. DataFusion stays behind this crate's door.
//!
//! | file | what is in it |
//! |---|---|
//! | `engine.rs` | one query from text to answer, with its limits |
//! | `question.rs` | one question by somebody who may see so much |
//! | `sight.rs` | what a question may see |
//! | `environment.rs` | memory, scratch space on the disk, and the parts |
//! | `memory.rs` | how running queries share the memory |
//! | `plan.rs` | from the text to a plan that can only read the views |
//! | `config.rs` | what queries may take |
//! | `complexity.rs` | how much there may be to a statement |
//! | `views.rs` | the views, as SQL over the tables |
//! | `provider.rs` | a table of a snapshot: parts and buffer |
//! | `aside.rs`, `aside/` | which rows no answer counts, found once for each part |
//! | `digests.rs`, `digests/` | what the items of a part come to, by hour |
//! | `by_hour.rs` | a question that is answered by these |
//! | `calls.rs`, `calls/` | calls of tools, put together once for the sessions of parts |
//! | `kept.rs` | answers for who asks the same again |
//! | `ranged.rs` | a view that hands a range of time down to the events |
//! | `content.rs` | whether a question may show content, by its text, for the audit trail |
//! | `meters.rs` | how long queries take and how they end |
//! | `functions.rs` | functions of our own, the ledger's among them |
//! | `cost.rs` | by which price book and into which money costs are reckoned |
//! | `holds.rs` | what is neither treated by retention nor erased |
//! | `people.rs` | whose an item is, and which team it counts for |
//! | `error.rs` | what went wrong, where in the text, and how to mend it |
//! | `render.rs` | answers as JSON, CSV, Parquet or a table for people |
//! | `catalogue/` | the named reports: one definition each, for command line, API and UI |
//! | `reports/` | the pages of the UI that are more than a report |

mod aside;
mod by_hour;
mod calls;
pub mod catalogue;
mod complexity;
mod config;
mod content;
mod cost;
mod digests;
mod engine;
mod environment;
mod error;
mod functions;
mod holds;
mod kept;
mod memory;
mod meters;
mod people;
mod plan;
mod provider;
mod question;
mod ranged;
pub mod render;
pub mod reports;
mod scratch;
mod sight;
mod views;

pub use config::Config;
pub use content::may_show_content;
pub use cost::Cost;
pub use engine::{
    Answer, Asked, Engine, EraseError, ErasureDesk, ErasureState, Refuser, RetentionDesk,
    RetentionRun,
};
pub use error::{ErrorKind, QueryError};
pub use holds::{Hold, HoldBook};
pub use people::{Mapping, PeopleFiles, Roster, TokenPeople};
pub use question::Question;
pub use sight::{Pseudonyms, Sight};
pub use views::{VIEWS, View};
