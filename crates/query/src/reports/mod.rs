//! The named answers: what the UI, the API and the command line show, from one place.
//!
//! Invariant: one number has one source. Cost, tokens and requests come from `api_request` events
//! alone; the overview adds cost and tokens of clients that send metrics only, as the view `usage`
//! does. What counts as a prompt, a tool call, a failure is written once, in `measures.rs`. All
//! queries of one report run over one snapshot, so its numbers agree with each other. Every number
//! is of the events in the half-open range that pass the filter.
//!
//! | file | what is in it |
//! |---|---|
//! | `filter.rs` | range and filters, as SQL |
//! | `measures.rs` | what is counted, as SQL; `tally.rs` says the same a row at a time |
//! | `rows.rs` | rows of an answer as typed values |
//! | `overview.rs` | totals, rankings, and the course over time |
//! | `silent.rs` | what clients that send metrics only add to an overview |
//! | `tally.rs`, `names.rs`, `series.rs`, `durations.rs` | the one pass that an overview is made of |
//! | `sessions.rs` | a page of sessions; one session with its prompts |
//! | `prompts.rs` | a page of prompts |
//! | `replay.rs` | everything that one prompt caused, in order |
//! | `live.rs` | newly stored events, for those who watch |
//! | `organizations.rs` | of which organisations something is stored |
//! | `page.rs` | where a page ends |
//! | `views.rs` | what can be queried |
//!
//! SQL is built from the templates here. What comes from outside enters only as a number or as a
//! text literal with its quotes doubled.

mod durations;
mod filter;
mod live;
mod measures;
mod names;
mod organizations;
mod overview;
mod page;
mod prompts;
mod replay;
mod rows;
mod series;
mod sessions;
mod silent;
mod tally;
mod views;

use serde::de::DeserializeOwned;
use store::Snapshot;

use crate::error::QueryError;
use crate::question::Question;

pub use filter::Filter;
pub(crate) use filter::{text, time};
pub use live::{Live, LiveItem, live_items};
pub use organizations::organizations;
pub use overview::{ModelRow, Overview, PersonRow, ProductRow, ToolRow, Totals, overview};
pub use prompts::{Prompt, PromptPage, prompts};
pub use replay::{PromptTotals, Replay, ReplayEvent, replay};
pub use series::Series;
pub use sessions::{Session, SessionDetail, SessionPage, session, sessions};
pub use views::{ViewColumn, ViewShape, views};

/// The rows of one query of a report, whole.
async fn rows<T: DeserializeOwned>(
    question: &Question<'_>,
    snapshot: &Snapshot,
    sql: String,
) -> Result<Vec<T>, QueryError> {
    let answer = question
        .query_snapshot(snapshot.clone(), sql, usize::MAX)
        .await?;
    rows::read(&answer)
}
