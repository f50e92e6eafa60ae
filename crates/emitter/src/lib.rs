//! Lets any agent send the telemetry that Claude Code and Claude Cowork send: the same events, the
//! same metrics, the same spans, the same settings.
//!
//! ```no_run
//! use emitter::event::{ApiRequest, ToolResult};
//! use emitter::{Start, Telemetry};
//!
//! let telemetry = Telemetry::from_env("my-agent", env!("CARGO_PKG_VERSION"));
//! let session = telemetry.session(Start::Fresh);
//! let prompt = session.prompt("Why does the test fail?");
//! prompt.emit(ApiRequest { model: "claude-opus-5-5".into(), input_tokens: 812, output_tokens: 96, cost_usd: 0.005168, ..ApiRequest::default() });
//! prompt.emit(ToolResult { tool_name: "Read".into(), success: true, duration_ms: 4, ..ToolResult::default() });
//! telemetry.shutdown();
//! ```
//!
//! Invariants: nothing here blocks, ends or crashes the program that uses it. Events wait in a bounded
//! queue, a thread of its own sends them, and what is dropped is counted and said. Telemetry is off
//! until a setting turns it on.
//!
//! | file | what is in it |
//! |---|---|
//! | `telemetry.rs` | the entry: the telemetry of one process, from start to end |
//! | `session.rs` | sessions and their prompts |
//! | `shared.rs` | what they and the sending thread share |
//! | `event.rs`, `event/` | all events, their attributes and wire types |
//! | `meter.rs` | the eight metrics |
//! | `content.rs` | gates, redaction and cuts of content |
//! | `bodies.rs` | whole requests and answers in files |
//! | `head.rs` | resource, scope, and what every record of a session repeats |
//! | `repository.rs` | the repository that a session works in |
//! | `command.rs` | another program's output, within bounds |
//! | `settings.rs`, `settings/` | every setting, from files and environment |
//! | `record.rs` | events as log records, and the bounded queue |
//! | `counts.rs` | what became of everything recorded |
//! | `worker.rs` | the thread that sends: intervals, batches, flush, end |
//! | `export.rs`, `export/` | OTLP over HTTP and gRPC, retries, the headers helper, the console |
//! | `trace.rs`, `trace/` | spans |
//! | `tls.rs` | whom we trust, and who we are |
//! | `spool.rs` | what cannot be delivered, kept on disk |
//! | `surroundings.rs` | clock and ids, which tests replace |
//! | `finding.rs` | what is wrong, said in a line |

mod bodies;
mod command;
mod content;
mod counts;
pub mod event;
mod export;
mod finding;
mod head;
mod meter;
mod record;
mod repository;
mod session;
pub mod settings;
mod shared;
mod spool;
mod surroundings;
mod telemetry;
mod tls;
pub mod trace;
mod worker;

#[cfg(test)]
mod tests;

/// The guide's examples are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/emitter.md")]
mod guide {}

pub use content::{Content, REDACTED, utf16_length};
pub use counts::{Counts, SignalCounts};
pub use finding::{Finding, Severity};
pub use head::Agent;
pub use meter::{Instrument, Measure};
pub use session::{EditDecision, Prompt, Session, Start};
pub use settings::Settings;
pub use telemetry::{Builder, Telemetry};
