//! Who may come in, what they may see, and what was done.
//!
//! Invariant: what is not allowed is refused, and what is kept of a credential is a hash. A change
//! counts only after it is on the disk.
//!
//! | file | what is in it |
//! |---|---|
//! | `credential.rs` | the text form of tokens and keys, and what is kept of them |
//! | `document.rs` | a small JSON file that is replaced whole or not at all |
//! | `door.rs` | what happened at the door lately, for who sets a client up |
//! | `tokens.rs`, `tokens/` | ingest tokens: who may send telemetry, and for whom |

mod credential;
mod document;
pub mod door;
pub mod tokens;

pub use credential::{Credential, Kind, SecretHash};
pub use document::{Document, DocumentError};
