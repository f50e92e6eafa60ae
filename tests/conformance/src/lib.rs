//! Does a receiver of OTLP do what OTLP asks of it? The 26 points of the server's side, and what
//! becomes of bad input.
//!
//! Invariant: nothing here is taken from the server's own code. Requests are written byte by byte,
//! answers are read by hand, and what is expected was written down from the specification, so that a
//! wrong server cannot make a check pass.
//!
//! | file | what is in it |
//! |---|---|
//! | `way.rs` | the three ways to a receiver, the three signals |
//! | `wire.rs`, `wire/` | what goes over the wire, written and read by hand |
//! | `telemetry.rs` | export requests, item by item |
//! | `receiver.rs` | whom the suite asks |
//! | `seen.rs` | an answer in words that are the same for all ways |
//! | `check.rs` | one check and what came of it |
//! | `checks.rs`, `checks/` | all checks, by what they look at |
//! | `corpus.rs`, `corpus/` | bad input, described case by case, and its answers |
//! | `bad_input.rs` | sends the corpus and looks at what comes of it |
//! | `bombs.rs` | structural bombs |
//! | `suite.rs` | runs checks one after the other |
//! | `table.rs` | the results, for people and for programs |

pub mod bad_input;
pub mod bombs;
pub mod check;
pub mod checks;
pub mod corpus;
pub mod receiver;
pub mod seen;
pub mod suite;
pub mod table;
pub mod telemetry;
pub mod way;
pub mod wire;
