//! Who may come in, what they may see, and what was done.
//!
//! Invariant: what is not allowed is refused, and what is kept of a credential is a hash. A change
//! counts only after it is on the disk.
//!
//! | file | what is in it |
//! |---|---|
//! | `credential.rs` | the text form of tokens and keys, and what is kept of them |
//! | `document.rs` | a small JSON file that is replaced whole or not at all |
//! | `kept.rs` | a document that several processes read and change |
//! | `hashed.rs` | secrets without a name, and their hashes |
//! | `roles.rs` | permissions, and the roles that give them |
//! | `organizations.rs` | of which organisations somebody sees and manages what is there |
//! | `people.rs`, `people/` | who there is; passwords, the setup link, lock-out |
//! | `federation.rs` | what somebody may whom a provider vouches for |
//! | `keys.rs` | keys by which programs ask |
//! | `sessions.rs` | who has signed in |
//! | `principal.rs` | who asks, and what they may |
//! | `gate.rs`, `gate/` | who is let in: the one place where a credential becomes a principal |
//! | `failure.rs` | why something was not done |
//! | `audit.rs`, `audit/` | what was done: the trail |
//! | `door.rs` | what happened at the door lately, for who sets a client up |
//! | `barred.rs` | who was erased and is not taken any more |
//! | `tokens.rs`, `tokens/` | ingest tokens: who may send telemetry, and for whom |

pub mod audit;
pub mod barred;
mod credential;
mod document;
pub mod door;
mod failure;
pub mod federation;
mod gate;
mod hashed;
mod kept;
mod keys;
mod organizations;
mod people;
mod principal;
mod roles;
mod sessions;
pub mod tokens;

pub use credential::{Credential, Kind, SecretHash};
pub use document::{Document, DocumentError};
pub use failure::AccessError;
pub use gate::{
    Arrival, Change, Gate, GateConfig, Manager, Refused, SetupLink, Shown, SignInError, SignedIn,
};
pub use hashed::new_id;
pub use kept::Kept;
pub use keys::{ApiKey, NewKey, Reach, WantedKey};
pub use organizations::Organizations;
pub use people::password::Password;
pub use people::{Identity, Person, Register, SETUP_HOURS, Setup, VOUCHED_DAYS};
pub use principal::{Principal, Who};
pub use roles::{Permission, Permissions, Role};
pub use sessions::{Lifetimes, Session};
