//! The fleet: an organisation of simulated clients, recorded requests, and a client to send both.
//!
//! Invariant: a seed decides every byte. Nothing here reads a clock to decide what is sent; the
//! caller says when the simulated days end.
//!
//! | file | what is in it |
//! |---|---|
//! | `organisation.rs` | people who work with agents: the exports their clients would send, in time order |
//! | `truth_file.rs`, `roster.rs` | what is true of them as JSON, and who they are as CSV |
//! | `disorder.rs` | what a network does to exports: repeated, overtaken, late, lost, forwarded twice |
//! | `capture.rs` | requests of the real client, as recorded, with the client's own ledger |
//! | `client.rs` | an OTLP client over HTTP and gRPC |
//! | `replay.rs` | sends a recorded scenario as its client would, retries included |
//! | `restamp.rs` | moves the times of a request body |
//! | `reshape.rs` | splits, merges and shuffles request bodies without changing their content |
//! | `layout.rs` | where the items of a request body are, in both encodings |
//! | `random.rs` | seeded randomness |

mod capture;
mod client;
mod disorder;
mod layout;
mod organisation;
mod random;
mod replay;
mod reshape;
mod restamp;
mod roster;
mod truth_file;

pub use capture::{CaptureError, Ledger, PermissionDenial, Recorded, Scenario, list};
pub use client::{Answer, Client, ContentEncoding, SendError, Target, Transport};
pub use disorder::{Deliveries, Delivery, Disorder, Passed, Request, Requests};
pub use layout::MalformedBody;
pub use organisation::{
    Batch, Batched, Call, ClientVersion, Config, CostRow, Export, Facts, Habits, Life, Limited,
    LogGroups, MetricGroups, Nanos, Organisation, Person, SessionFacts, Signals, Spent,
    SpentByDayModel, Surface, Tokens, ToolTruth, Truth, Variety, day_name,
};
pub use replay::{Options, Progress, Sent, send_scenario};
pub use reshape::{merge, shuffle, split};
pub use restamp::restamp;
pub use roster::roster;
pub use truth_file::{Amount, Lost, Outcomes, Totals, TruthFile};
