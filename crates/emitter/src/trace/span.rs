//! The six kinds of spans, as a program holds them while they are open.

use std::mem;

use super::context::{Parent, TraceContext};
use super::llm::{LlmOutcome, LlmRequest};
use super::open::OpenSpan;
use super::part::{Hook, HookOutcome, Scene, write_call};
use super::tool::{ToolOutcome, ToolOutput, ToolUse};
use crate::content::utf16_length;
use crate::event::field::{Int, Own, PromptText, Text};
use crate::session::Prompt;

/// What every kind holds: the span, unless spans are off, and the prompt within which events name it.
#[derive(Debug)]
struct Held {
    open: Option<OpenSpan>,
    prompt: Prompt,
    /// Of a tool: its name, and the model's id of its use.
    tool: (String, Option<String>),
}

impl Held {
    fn start(
        kind: &'static str,
        parent: &Parent,
        around: &Prompt,
        write: impl FnOnce(&Scene, &mut Own<'_>),
    ) -> Held {
        let session = around.session();
        let shared = &session.shared;
        let open = shared.has_spans().then(|| {
            let scene = session.scene();
            let start = |own: &mut Own<'_>| write(&scene, own);
            OpenSpan::start(shared, &session.head, kind, parent, start)
        });
        let prompt = match &open {
            Some(open) => around.within(open.active()),
            None => around.clone(),
        };
        Held {
            open,
            prompt,
            tool: Default::default(),
        }
    }

    /// A span within this one.
    fn within(&self, kind: &'static str, write: impl FnOnce(&Scene, &mut Own<'_>)) -> Held {
        let parent = match &self.open {
            Some(open) => Parent::Local(open.active().clone()),
            None => Parent::None,
        };
        Held::start(kind, &parent, &self.prompt, write)
    }

    fn end(&mut self, write: impl FnOnce(u64, &mut Own<'_>) -> Option<String>) {
        if let Some(open) = mem::take(&mut self.open) {
            let age_ms = open.age_ms();
            open.end(|own| write(age_ms, own));
        }
    }

    fn traceparent(&self) -> Option<String> {
        let context = &self.open.as_ref()?.active().context;
        let is_allowed = self.prompt.session().shared.propagates_traces();
        is_allowed.then(|| context.traceparent())
    }
}

/// Dropped without a word, a span ends with what is known.
fn end_with_duration(age_ms: u64, own: &mut Own<'_>) -> Option<String> {
    own.put::<Int, _>("duration_ms", age_ms);
    None
}

macro_rules! spans {
    ($( $(#[doc = $doc:literal])+ $name:ident $end:ident, )*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub struct $name(Held);

            impl $name {
                /// The prompt; what is emitted through it names this span.
                pub fn prompt(&self) -> &Prompt {
                    &self.0.prompt
                }

                /// The value of `traceparent` for whom this span calls; `None` while spans are off, and
                /// where the model is reached by way of another address, unless a setting says so.
                pub fn traceparent(&self) -> Option<String> {
                    self.0.traceparent()
                }
            }

            impl Drop for $name {
                fn drop(&mut self) {
                    self.0.end($end);
                }
            }
        )*
    };
}

spans! {
    /// One turn: everything from a prompt to the end of its answer (`claude_code.interaction`). It ends
    /// when it is dropped.
    Interaction end_interaction,
    /// A request to the model (`claude_code.llm_request`).
    LlmCall end_with_duration,
    /// The use of a tool, the wait for a decision included (`claude_code.tool`).
    Tool end_with_duration,
    /// The wait for a decision (`claude_code.tool.blocked_on_user`).
    BlockedOnUser end_with_duration,
    /// A tool while it runs (`claude_code.tool.execution`).
    Execution end_with_duration,
    /// Hooks while they run (`claude_code.hook`, with detailed tracing).
    HookRun end_with_duration,
}

fn end_interaction(age_ms: u64, own: &mut Own<'_>) -> Option<String> {
    own.put::<Int, _>("interaction.duration_ms", age_ms);
    None
}

impl Interaction {
    pub(crate) fn start(prompt: &Prompt, text: &str) -> Interaction {
        let session = prompt.session();
        let shared = &session.shared;
        let parent = shared.inbound_parent();
        let is_remote = matches!(parent, Parent::Remote(_));
        let sequence = shared.next_interaction();
        let held = Held::start("interaction", &parent, prompt, |scene, own| {
            own.put::<Text, _>("gen_ai.operation.name", "invoke_agent".to_owned());
            own.put::<Text, _>("gen_ai.conversation.id", scene.conversation.clone());
            own.put::<PromptText, _>("user_prompt", text.to_owned());
            own.put::<Int, _>("user_prompt_length", utf16_length(text) as u64);
            own.put::<Int, _>("interaction.sequence", sequence);
            let source = if is_remote { "env" } else { "none" };
            own.put::<Text, _>("parent.source", source.to_owned());
            own.put::<Int, _>("queued_sends", 0);
            if scene.is_detailed && own.content().prompts {
                own.put::<PromptText, _>("new_context", text.to_owned());
            }
        });
        if let Some(open) = &held.open {
            session.set_turn(open.active());
        }
        Interaction(held)
    }

    /// A request to the model, which is sent now.
    pub fn llm_request(&self, request: LlmRequest) -> LlmCall {
        LlmCall::start(&self.0, "interaction", request)
    }

    /// A tool that the model wants to use.
    pub fn tool(&self, tool: ToolUse) -> Tool {
        Tool::start(&self.0, tool)
    }

    /// Hooks that run now.
    pub fn hook(&self, hook: Hook) -> HookRun {
        HookRun::start(&self.0, hook)
    }

    /// Ends the turn, which took so long by the host's own count.
    pub fn end_after(mut self, duration_ms: u64) {
        self.0.end(|_, own| end_interaction(duration_ms, own));
    }
}

impl LlmCall {
    fn start(around: &Held, context: &str, request: LlmRequest) -> LlmCall {
        let write = |scene: &Scene, own: &mut Own<'_>| request.write(context, scene, own);
        LlmCall(around.within("llm_request", write))
    }

    pub(crate) fn standalone(prompt: &Prompt, request: LlmRequest) -> LlmCall {
        let parent = prompt.session().shared.inbound_parent();
        let held = Held::start("llm_request", &parent, prompt, |scene, own| {
            request.write("standalone", scene, own);
        });
        LlmCall(held)
    }

    /// An attempt starts, counted from 1.
    pub fn attempt(&mut self, attempt: u64, client_request_id: Option<&str>) {
        let Some(open) = &mut self.0.open else { return };
        open.event("gen_ai.request.attempt", |own| {
            own.put::<Int, _>("attempt", attempt);
            own.put::<Text, _>("client_request_id", client_request_id.map(str::to_owned));
        });
    }

    /// The answer's header `traceresponse` names the model provider's span. One that is not well-formed
    /// is left alone.
    pub fn answered_by(&mut self, traceresponse: &str) {
        let to = TraceContext::parse(traceresponse, None);
        if let (Some(open), Some(to)) = (&mut self.0.open, to) {
            open.link(to, |own| {
                own.put::<Text, _>("link.type", "parent_of".to_owned());
            });
        }
    }

    /// Ends the request.
    pub fn end(mut self, outcome: LlmOutcome) {
        let attempts = self.0.open.as_ref().map_or(0, OpenSpan::events);
        self.0
            .end(|age_ms, own| outcome.write(age_ms, attempts, own));
    }
}

impl Tool {
    fn start(around: &Held, tool: ToolUse) -> Tool {
        let known = (tool.tool_name.clone(), tool.tool_use_id.clone());
        let mut held = around.within("tool", |scene, own| tool.write(scene, own));
        held.tool = known;
        Tool(held)
    }

    /// Somebody, or something, is asked whether the tool may run.
    pub fn blocked_on_user(&self) -> BlockedOnUser {
        BlockedOnUser(self.0.within("tool.blocked_on_user", |scene, own| {
            own.put::<Text, _>("gen_ai.conversation.id", scene.conversation.clone());
        }))
    }

    /// The tool runs.
    pub fn execution(&self) -> Execution {
        let id = self.0.tool.1.clone();
        Execution(self.0.within("tool.execution", |scene, own| {
            own.put::<Text, _>("gen_ai.conversation.id", scene.conversation.clone());
            write_call(own, id);
        }))
    }

    /// What the tool gave back, within the gates.
    pub fn output(&mut self, output: ToolOutput) {
        let Some(open) = &mut self.0.open else { return };
        let content = &self.0.prompt.session().shared.span_content;
        if ToolOutput::is_allowed(&self.0.tool.0, content) {
            open.event("tool.output", |own| output.write(own));
        }
    }

    /// A request to the model by the subagent that this tool runs.
    pub fn llm_request(&self, request: LlmRequest) -> LlmCall {
        LlmCall::start(&self.0, "tool", request)
    }

    /// A tool of the subagent that this tool runs.
    pub fn tool(&self, tool: ToolUse) -> Tool {
        Tool::start(&self.0, tool)
    }

    /// Hooks that run now.
    pub fn hook(&self, hook: Hook) -> HookRun {
        HookRun::start(&self.0, hook)
    }

    /// Ends the use; `result_tokens` is about the size of the result, `duration_ms` the host's own count.
    pub fn end(mut self, result_tokens: Option<u64>, duration_ms: Option<u64>) {
        self.0.end(|age_ms, own| {
            own.put::<Int, _>("duration_ms", duration_ms.unwrap_or(age_ms));
            own.put::<Int, _>("result_tokens", result_tokens);
            None
        });
    }
}

impl BlockedOnUser {
    /// Ends the wait: accept or reject, and who decided, as in `tool_decision`.
    pub fn end(mut self, decision: &str, source: &str, duration_ms: Option<u64>) {
        self.0.end(|age_ms, own| {
            own.put::<Int, _>("duration_ms", duration_ms.unwrap_or(age_ms));
            own.put::<Text, _>("decision", decision.to_owned());
            own.put::<Text, _>("source", source.to_owned());
            None
        });
    }
}

impl Execution {
    /// The tool has run.
    pub fn end(mut self, outcome: ToolOutcome) {
        self.0.end(|age_ms, own| outcome.write(age_ms, own));
    }
}

impl HookRun {
    fn start(around: &Held, hook: Hook) -> HookRun {
        let is_detailed = around.prompt.session().scene().is_detailed;
        let held = match is_detailed {
            true => around.within("hook", |scene, own| hook.write(scene, own)),
            // Only detailed tracing has spans of hooks.
            false => Held {
                open: None,
                prompt: around.prompt.clone(),
                tool: Default::default(),
            },
        };
        HookRun(held)
    }

    /// The hooks have run.
    pub fn end(mut self, outcome: HookOutcome) {
        self.0.end(|age_ms, own| outcome.write(age_ms, own));
    }
}
