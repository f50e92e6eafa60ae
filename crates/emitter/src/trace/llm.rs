//! What a program says of a request to the model, and the order in which it is sent.

use super::part::{Scene, write_agent};
use crate::event::field::{AgentName, Flag, Int, List, Name, Own, PromptText, Text};
use crate::event::{ApiError, ApiRequest};

/// A request to the model, when it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LlmRequest {
    /// The model's name.
    pub model: String,
    /// normal (when nothing is said) or fast.
    pub speed: Option<String>,
    /// Who asks: sdk, repl_main_thread, agent:builtin:…, compact, …
    pub query_source: Option<String>,
    /// The subagent that asks.
    pub agent_id: Option<String>,
    /// The agent that made the subagent.
    pub parent_agent_id: Option<String>,
    /// The run of the workflow that made the subagent: `wf_…`
    pub workflow_run_id: Option<String>,
    /// The workflow's name; one that somebody gave needs tool details.
    pub workflow_name: Option<Name>,
    /// What is new to the model; only with detailed tracing and prompts.
    pub new_context: Option<String>,
    /// The system prompt that the host gave; only with detailed tracing and prompts.
    pub user_system_prompt: Option<String>,
}

impl LlmRequest {
    pub(super) fn write(self, context: &str, scene: &Scene, own: &mut Own<'_>) {
        own.put::<Text, _>("model", self.model.clone());
        own.put::<Text, _>("gen_ai.system", "anthropic".to_owned());
        own.put::<Text, _>("gen_ai.request.model", self.model);
        own.put::<Text, _>("llm_request.context", context.to_owned());
        let speed = self.speed.unwrap_or_else(|| "normal".to_owned());
        own.put::<Text, _>("speed", speed);
        write_agent(own, self.agent_id, self.parent_agent_id);
        own.put::<Text, _>("workflow.run_id", self.workflow_run_id);
        own.put::<AgentName, _>("workflow.name", self.workflow_name);
        own.put::<Text, _>("gen_ai.conversation.id", scene.conversation.clone());
        let safe = self.query_source.as_deref().map(safe_source);
        if scene.is_detailed {
            own.put::<Text, _>("query_source", self.query_source);
        }
        own.put::<Text, _>("query_source_safe", safe);
        if scene.is_detailed && own.content().prompts {
            own.put::<PromptText, _>("new_context", self.new_context);
            own.put::<PromptText, _>("user_system_prompt", self.user_system_prompt);
        }
    }
}

/// Who asks, without names that somebody gave.
fn safe_source(source: &str) -> String {
    match source.strip_prefix("agent:") {
        Some(agent) if !agent.starts_with("builtin:") => "agent.custom".to_owned(),
        _ => source.replace(':', "."),
    }
}

/// How a request to the model ended. `From` takes over what the event says of the same request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LlmOutcome {
    /// From request to end of answer, attempts that failed included, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Input tokens, those of the cache not counted.
    pub input_tokens: Option<u64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// Tokens read from the cache.
    pub cache_read_tokens: Option<u64>,
    /// Tokens written to the cache.
    pub cache_creation_tokens: Option<u64>,
    /// Whether the model answered.
    pub success: Option<bool>,
    /// How many attempts there were; without a word as many as were told, or 1.
    pub attempt: Option<u64>,
    /// The model provider's id of the request.
    pub request_id: Option<String>,
    /// The client's own id of the last attempt.
    pub client_request_id: Option<String>,
    /// From request to first token, in milliseconds.
    pub ttft_ms: Option<u64>,
    /// From request to the first content of the attempt that worked, in milliseconds.
    pub first_content_ms: Option<u64>,
    /// Said when the answer asks for a tool.
    pub has_tool_call: Option<bool>,
    /// How hard the model was to think.
    pub effort: Option<String>,
    /// end_turn, tool_use, max_tokens, refusal, …
    pub stop_reason: Option<String>,
    /// The HTTP status, where the request failed with one.
    pub status_code: Option<u64>,
    /// Why it failed. With it the span has failed.
    pub error: Option<String>,
    /// The same in a word: api_timeout, server_overload, …
    pub error_class: Option<String>,
}

impl LlmOutcome {
    /// Gives the error, if it failed.
    pub(super) fn write(self, age_ms: u64, attempts: u64, own: &mut Own<'_>) -> Option<String> {
        own.put::<Int, _>("duration_ms", self.duration_ms.unwrap_or(age_ms));
        own.put::<Int, _>("input_tokens", self.input_tokens);
        own.put::<Int, _>("output_tokens", self.output_tokens);
        own.put::<Int, _>("cache_read_tokens", self.cache_read_tokens);
        own.put::<Int, _>("cache_creation_tokens", self.cache_creation_tokens);
        own.put::<Flag, _>("success", self.success);
        own.put::<Int, _>("status_code", self.status_code);
        own.put::<Text, _>("error", self.error.clone());
        own.put::<Text, _>("error_class", self.error_class);
        own.put::<Int, _>("attempt", self.attempt.unwrap_or(attempts.max(1)));
        own.put::<Text, _>("request_id", self.request_id.clone());
        own.put::<Text, _>("gen_ai.response.id", self.request_id);
        own.put::<Text, _>("client_request_id", self.client_request_id);
        own.put::<Int, _>("ttft_ms", self.ttft_ms);
        own.put::<Int, _>("first_content_ms", self.first_content_ms);
        own.put::<Flag, _>("response.has_tool_call", self.has_tool_call);
        own.put::<Text, _>("effort", self.effort);
        own.put::<Text, _>("stop_reason", self.stop_reason.clone());
        let reasons = self.stop_reason.map(|reason| vec![reason]);
        own.put::<List, _>("gen_ai.response.finish_reasons", reasons);
        self.error
    }
}

impl From<&ApiRequest> for LlmOutcome {
    fn from(event: &ApiRequest) -> LlmOutcome {
        LlmOutcome {
            duration_ms: Some(event.duration_ms),
            input_tokens: Some(event.input_tokens),
            output_tokens: Some(event.output_tokens),
            cache_read_tokens: Some(event.cache_read_tokens),
            cache_creation_tokens: Some(event.cache_creation_tokens),
            success: Some(true),
            request_id: event.request_id.clone(),
            client_request_id: event.client_request_id.clone(),
            ttft_ms: event.ttft_ms,
            effort: event.effort.clone(),
            ..LlmOutcome::default()
        }
    }
}

impl From<&ApiError> for LlmOutcome {
    fn from(event: &ApiError) -> LlmOutcome {
        LlmOutcome {
            success: Some(false),
            status_code: event.status_code,
            error: Some(event.error.clone()),
            attempt: Some(event.attempt),
            request_id: event.request_id.clone(),
            client_request_id: event.client_request_id.clone(),
            effort: event.effort.clone(),
            ..LlmOutcome::default()
        }
    }
}
