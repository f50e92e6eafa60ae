//! A simulated organisation at work: generated on one thread, put where it is to go by others.
//!
//! Invariant: what a checkpoint counts is durable where it went. A run that is interrupted and started
//! again generates the same requests anew and passes over those that are counted; what had gone out
//! beyond the count goes out again byte for byte, and is recognised there.
//!
//! | file | what is in it |
//! |---|---|
//! | `plan.rs` | what is simulated; what two runs must have in common to be one |
//! | `stream.rs` | the thread that generates |
//! | `drive.rs` | from the stream to the sink, each request at its time |
//! | `sink.rs` | where requests go: a store without a server, a running server's own store |
//! | `wire.rs` | over the wire to any server |
//! | `checkpoint.rs` | how far a simulation is, in a file |
//! | `progress.rs` | how far it is, for whoever waits |

mod checkpoint;
mod drive;
mod plan;
mod progress;
mod sink;
mod stream;
mod wire;

pub(crate) use checkpoint::{Checkpoint, write_result};
pub(crate) use drive::{Drive, Ended, Pace, now_ms};
pub(crate) use plan::{Kinds, Plan, Speed, disorder, moment_ms};
pub(crate) use progress::{Progress, plain_time};
pub(crate) use sink::{Append, Load, Sink};
pub(crate) use stream::{Parcel, Stream, Whole};
pub(crate) use wire::Wire;
