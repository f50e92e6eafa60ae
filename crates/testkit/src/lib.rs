//! What tests and the benchmark share: the real binary as a child, questions to it, and what the
//! recorded requests say when they are read without the code under test.
//!
//! Invariant: expectations never come from the server, nor from the code that stores and queries.
//!
//! | file | what is in it |
//! |---|---|
//! | `captures.rs` | the recorded scenarios |
//! | `binary.rs` | which server a developer tool drives |
//! | `server.rs` | the real binary: start, kill, terminate, restart on the same data |
//! | `plain_http.rs` | one HTTP request as it is written, good or bad |
//! | `sql.rs` | questions and answers |
//! | `ledger.rs` | the fates of everything received, checked whenever they are read |
//! | `exposition.rs` | what a server shows to Prometheus, read strictly |
//! | `totals.rs` | cost, tokens, requests, tool calls and prompts by session, and how they differ |
//! | `reading.rs` | what a scenario holds, read independently |
//! | `distinct.rs` | a scenario as another client would have sent it |
//! | `courier.rs` | delivers requests until they are acknowledged, whatever the server goes through |
//! | `patience.rs` | waiting for something with a deadline |
//! | `problem.rs` | why a test cannot go on |

mod binary;
mod captures;
mod courier;
mod distinct;
mod exposition;
mod ledger;
mod patience;
mod plain_http;
mod problem;
mod reading;
mod server;
mod sql;
mod totals;

#[cfg(test)]
mod tests;

pub use binary::find_binary;
pub use captures::{captures_dir, scenario, scenarios};
pub use courier::{Courier, Targets};
pub use distinct::Template;
pub use exposition::{Exposition, Family};
pub use ledger::{Fate, Ledger, OfToken, RefusedRequests, Signals};
pub use patience::{until, wait_for};
pub use plain_http::{HttpAnswer, exchange, gzip};
pub use problem::Problem;
pub use reading::{ItemCounts, Reading};
pub use server::{Addresses, Launch, Server};
pub use sql::{Row, Sql};
pub use totals::{Tally, Totals, compare};
