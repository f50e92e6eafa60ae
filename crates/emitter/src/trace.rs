//! Spans: what one prompt made the agent do, and for how long.
//!
//! ```text
//! claude_code.interaction                     Session::interaction
//! ├── claude_code.llm_request                 Interaction::llm_request
//! ├── claude_code.hook                        Interaction::hook (detailed tracing)
//! └── claude_code.tool                        Interaction::tool
//!     ├── claude_code.tool.blocked_on_user    Tool::blocked_on_user
//!     ├── claude_code.tool.execution          Tool::execution
//!     └── of a subagent: llm_request, tool    Tool::llm_request, Tool::tool
//! ```
//!
//! A span is open until it is ended or dropped. While spans are off, all of this can be called and does
//! nothing beyond the events. Events name the span that they are emitted within, or the one that came
//! in `TRACEPARENT`.
//!
//! Sources: recorded requests of client 2.1.329 for names, order and types; the vendor's documentation
//! for what no recording shows, which `docs/emitter.md` lists.
//!
//! | file | what is in it |
//! |---|---|
//! | `context.rs` | a span's place in a trace, and `traceparent` |
//! | `open.rs` | a span while it is open, and when it has ended |
//! | `span.rs` | the six kinds of spans, as a program holds them |
//! | `llm.rs`, `tool.rs`, `part.rs` | what a program says of them, and the order of attributes |
//! | `program.rs` | the first program of a shell command |

mod context;
mod llm;
mod open;
mod part;
mod program;
mod span;
mod tool;

pub use context::TraceContext;
pub(crate) use context::{Active, Parent};
pub use llm::{LlmOutcome, LlmRequest};
pub(crate) use open::Ended;
pub(crate) use part::Scene;
pub use part::{Hook, HookOutcome};
pub use span::{BlockedOnUser, Execution, HookRun, Interaction, LlmCall, Tool};
pub use tool::{ToolOutcome, ToolOutput, ToolUse};
