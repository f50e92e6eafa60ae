//! Every request that the server makes of its own accord goes through here.
//!
//! Invariant: a connection is made to an address that was checked, and to no other. A name is resolved
//! once; if one of its addresses is not for the public, nothing is asked, unless the setting of this use
//! allows it; and the socket goes to the address that was looked at, so that a name that changes its
//! mind (DNS rebinding) changes nothing. Redirects are not followed. Time, head and body are bounded.
//! Proxies that the environment names are not used: they would resolve names anew.
//!
//! | file | what is in it |
//! |---|---|
//! | `address.rs` | which addresses are for the public |
//! | `allow.rs` | what a setting allows beside these |
//! | `resolve.rs` | names to addresses |
//! | `client.rs` | one request: check, connect, ask, read |
//! | `failure.rs` | why there is no answer, and how to mend it |

mod address;
mod allow;
mod client;
mod failure;
mod resolve;

pub use address::{Place, place};
pub use allow::Allow;
pub use client::{Answer, Client, Limits, Rules};
pub use failure::{Failure, Reason};
pub use resolve::{Resolve, SystemResolver};
