//! Ingest tokens: who may send telemetry, and for whom.
//!
//! Invariant: a token is taken only while it is live, from where and for what it was made, and not
//! beyond its quota. Whether an id is unknown or its secret wrong cannot be told from the answer.
//!
//! | file | what is in it |
//! |---|---|
//! | `token.rs` | one token: what it may do, and for how long |
//! | `book.rs` | all tokens, on disk; make, rotate, revoke |
//! | `header.rs` | finding a token in the headers of a request |
//! | `gate.rs` | whether a request may pass |
//! | `usage.rs` | last use, quotas, rates |
//! | `notice.rs` | what the audit trail is told |

mod book;
mod gate;
mod header;
mod notice;
mod token;
mod usage;

pub use book::{BookError, MadeToken, NewToken, Rotation, TokenBook};
pub use gate::{Arriving, Gate, Intake, Openness, Turned};
pub use header::HeaderNames;
pub use notice::{Listener, Notice};
pub use token::{Limits, Scope, ScopeError, Standing, Token, network};
pub use usage::Use;

#[cfg(test)]
mod tests;
