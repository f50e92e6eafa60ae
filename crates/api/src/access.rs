//! Who asks, and whether they may.
//!
//! Invariant: a request that has a policy reaches its handler only with a principal that fulfils it, and
//! what has no policy is refused. Handlers get an [`Asker`] from here and never look at credentials.
//!
//! | file | what is in it |
//! |---|---|
//! | `access/policy.rs` | what each route asks for, at the place where it is registered |
//! | `access/caller.rs` | from a request's credentials to a principal |
//! | `access/cookie.rs` | the cookie of a login session |
//! | `access/ledger.rs` | putting what is done on record |
//! | `access/session.rs` | sign in, sign out, set up |
//! | `access/federated.rs` | sign in by a provider |
//! | `access/people.rs` | people |
//! | `access/keys.rs` | keys |
//! | `access/sessions.rs` | login sessions of everybody |
//! | `access/audit.rs` | the audit trail |

pub(crate) mod audit;
mod caller;
mod cookie;
pub(crate) mod federated;
pub(crate) mod keys;
mod ledger;
pub(crate) mod people;
mod policy;
pub(crate) mod session;
pub(crate) mod sessions;

use std::net::IpAddr;
use std::sync::Arc;

use access::Gate;
use access::audit::{Place, Trail};

pub(crate) use caller::{Asker, Recognised, Watcher, authorise, refuse_stranger};
pub(crate) use ledger::action_of;
pub(crate) use policy::{Policies, Policy, Table};

/// Who is let in, and where what they do is put on record.
#[derive(Clone)]
pub struct Access {
    /// Lets people in.
    pub gate: Arc<Gate>,
    /// Puts what is done on record.
    pub trail: Arc<Trail>,
    /// Where the trail is.
    pub place: Place,
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What a request is called in the audit trail and in its answer's header `x-request-id`.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestId(pub(crate) String);
