//! What is taken out of an export request before it is kept: secrets, content, names of people.
//!
//! Invariants: pure and deterministic, so that the same request gives the same bytes whenever it
//! comes; what was redacted once is not changed by redacting it again; a text in which nothing is
//! found and which no rule is about stays byte for byte; and what fails is dropped, never let through.
//! Nothing that is counted by is touched (`class.rs`), so a policy changes no cost and no count.
//!
//! `docs/redaction.md` says it for people.
//!
//! | file | what is in it |
//! |---|---|
//! | `settings.rs` | the policy as it is written down |
//! | `check.rs` | from there to a policy, or everything that is wrong |
//! | `policy.rs` | the policy, checked: what becomes of each attribute |
//! | `class.rs` | what attributes are about, by their keys |
//! | `detect.rs`, `detect/` | what a text holds that nobody should keep |
//! | `mask.rs` | a text without what was found in it |
//! | `keys.rs` | hashes, pseudonyms, digests |
//! | `redactor.rs`, `redactor/` | the policy at work on one request |
//! | `mark.rs` | what an item says of what was taken out of it |
//! | `tally.rs` | how often what was done where, since when a policy is in force |

mod check;
mod class;
mod detect;
mod keys;
mod mark;
mod mask;
mod policy;
mod redactor;
mod settings;
mod tally;

pub use class::Class;
pub use detect::{DETECTORS_MAX, GROUPS};
pub use policy::{Action, Policy};
pub use redactor::Redactor;
pub use settings::{PatternSetting, RuleSetting, Settings};
pub use tally::{Done, Ledger, Tally, What};
