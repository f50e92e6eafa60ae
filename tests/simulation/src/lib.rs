//! Lives of a data directory on a simulated disk and clock, each decided by a seed, and one oracle.
//!
//! A life appends (alone, together, repeated, cut differently), flushes, lets time pass and jump,
//! restarts, is killed, loses power, and meets a disk that fails, is full or forgets. At every
//! restart and at the end it is asked what is stored: acknowledged ⊆ stored ⊆ issued, each once, with
//! its payload; the ledger of fates adds up; what was acknowledged within 24 hours is known when it is
//! repeated; a fresh event succeeds. `docs/simulation.md` says what that proves and what it does not.
//!
//! Invariant: a seed decides everything. Nothing here or below reads a real clock, real randomness or
//! a real disk, and where threads meet (the journal's writer) the simulated disk's gate decides who is
//! first. So a seed that fails once fails always, and its trace of disk operations is always the same.
//!
//! | file | what is in it |
//! |---|---|
//! | `life.rs` | one life from its seed to its verdict |
//! | `world.rs` | disk, clock and store; crashes and openings |
//! | `deeds.rs` | what happens in a life |
//! | `ends.rs` | how a life ends, with what is rare by chance |
//! | `keys.rs` | keys that are renewed, in encrypted lives |
//! | `telemetry.rs` | the requests that are sent |
//! | `ledger.rs` | what was issued and acknowledged, and what that demands of what is stored |
//! | `rows.rs` | what is stored, read back from buffer and parts |
//! | `rot.rs` | single bits that flip at rest, at the end of a life |
//! | `many.rs` | many seeds side by side |

mod deeds;
mod ends;
mod keys;
mod ledger;
mod life;
mod many;
mod rot;
mod rows;
mod telemetry;
mod world;

pub use life::{Verdict, live};
pub use many::{Failed, run_seeds};
pub use world::ENCRYPTED_FROM;
