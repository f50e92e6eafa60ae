//! Who may come in, what they may see, and what was done.
//!
//! Invariant: what is not allowed is refused, and what is kept of a credential is a hash. A change
//! counts only after it is on the disk.
//!
//! | file | what is in it |
//! |---|---|
//! | `document.rs` | a small JSON file that is replaced whole or not at all |

mod document;

pub use document::{Document, DocumentError};
