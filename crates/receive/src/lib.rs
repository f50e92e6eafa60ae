//! The OTLP servers: HTTP on one port, gRPC on another, one way in behind both.
//!
//! Invariant: a client is told that its data is kept only after [`Admit::admit`] said so, and every
//! other answer tells the truth about trying again: what the client did wrong is refused for good,
//! what is wrong here is refused with an answer that OTLP lists as retryable.
//!
//! **Architecture Invariant:** this crate knows no store, no journal and no attribute. What an
//! export request means is behind [`Admit`]; what bounds it (bytes, time, memory, connections) is here.
//!
//! | file | what is in it |
//! |---|---|
//! | `admit.rs` | the seam: who may send, what is handed on, and what may come back |
//! | `config.rs` | the settings and their limits |
//! | `listener.rs` | both ports: bind, accept, drain |
//! | `connection.rs` | one connection: its protocol, its shutdown, its end when nobody speaks |
//! | `pulse.rs` | what a connection is doing, and by when it must do something else |
//! | `intake.rs` | what all connections share; the call of `admit` |
//! | `body.rs` | a request's body within its limits of size and time |
//! | `inflate.rs` | gzip and zstd within the same limits |
//! | `meters.rs` | what is counted and timed |
//! | `unpack.rs` | the same steps on bytes at hand, without a connection |
//! | `budget.rs` | the memory that all requests share |
//! | `fault.rs` | everything that can go wrong with a request, and its code on either transport |
//! | `reply.rs` | the body of an answer |
//! | `http/` | OTLP/HTTP: paths, media types, answers |
//! | `grpc/` | OTLP/gRPC: methods, frames, statuses |

mod admit;
mod body;
mod budget;
mod config;
mod connection;
mod fault;
mod grpc;
mod http;
mod inflate;
mod intake;
mod listener;
mod meters;
mod pulse;
mod reply;
mod unpack;

pub use admit::{
    Admit, Admitted, AskedFor, Denied, ExportRequest, Head, NotAdmitted, Refusal, RefusedRequest,
    Transport,
};
pub use config::{Config, ConfigError};
pub use inflate::Coding;
pub use listener::{BindError, Bound, Server};
pub use unpack::{Unusable, Wrapping, unpack};

#[cfg(test)]
mod tests;
