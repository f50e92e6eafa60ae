//! Requests to the model: answered, refused, failed.

use super::{Name, event};
use crate::bodies::{BodyFile, Entry, Place, request_name};
use crate::content::{Content, utf16_length};
use crate::meter::{Instrument, Measure};

event! {
    /// The model answered a request.
    ApiRequest "api_request" complete(complete_request) measures(measure_request) {
        /// The model's name.
        model: String = Text "model",
        /// Input tokens, those of the cache not counted.
        input_tokens: u64 = Int "input_tokens",
        /// Output tokens.
        output_tokens: u64 = Int "output_tokens",
        /// Tokens read from the cache.
        cache_read_tokens: u64 = Int "cache_read_tokens",
        /// Tokens written to the cache.
        cache_creation_tokens: u64 = Int "cache_creation_tokens",
        /// Those of them that live for five minutes.
        cache_creation_5m_tokens: Option<u64> = Int "cache_creation_5m_tokens",
        /// Those of them that live for an hour.
        cache_creation_1h_tokens: Option<u64> = Int "cache_creation_1h_tokens",
        /// Cost by list price, in US dollars.
        cost_usd: f64 = Number "cost_usd",
        /// Cost in millionths of a dollar; follows from the cost.
        cost_usd_micros: Option<u64> = Int "cost_usd_micros",
        /// From request to end of answer, in milliseconds.
        duration_ms: u64 = Int "duration_ms",
        /// From request to first token, in milliseconds.
        ttft_ms: Option<u64> = Int "ttft_ms",
        /// The model provider's id of the request.
        request_id: Option<String> = Text "request_id",
        /// The client's own id of the request.
        client_request_id: Option<String> = Text "client_request_id",
        /// normal (when nothing is said) or fast.
        speed: Option<String> = Text "speed",
        /// Who asked: sdk, repl_main_thread, agent:…, compact, …
        query_source: Option<String> = Text "query_source",
        /// How hard the model was to think: low, medium, high, …
        effort: Option<String> = Text "effort",
        /// The subagent that asked.
        agent_name: Option<Name> = AgentName "agent.name",
        /// The subagent's id.
        agent_id: Option<String> = Text "agent_id",
        /// The skill at work.
        skill_name: Option<Name> = SkillName "skill.name",
        /// The plugin at work.
        plugin_name: Option<Name> = PluginName "plugin.name",
        /// The marketplace that the plugin is from.
        marketplace_name: Option<Name> = PluginName "marketplace.name",
        /// The MCP server whose answer was sent.
        mcp_server_name: Option<Name> = McpName "mcp_server.name",
        /// The MCP server's tool.
        mcp_tool_name: Option<Name> = McpName "mcp_tool.name",
    }
}

fn complete_request(event: &mut ApiRequest, _: &Content) {
    let micros = (event.cost_usd * 1e6).round() as u64;
    event.cost_usd_micros.get_or_insert(micros);
    complete_speed(&mut event.speed);
}

fn complete_speed(speed: &mut Option<String>) {
    speed.get_or_insert_with(|| "normal".to_owned());
}

/// Cost and tokens, in the sums of the metrics.
fn measure_request(event: &ApiRequest, content: &Content) -> Vec<Measure> {
    let mut own = vec![("model", event.model.clone())];
    let source = query_category(event.query_source.as_deref());
    own.push(("query_source", source.to_owned()));
    if event.speed.as_deref() == Some("fast") {
        own.push(("speed", "fast".to_owned()));
    }
    own.extend(event.effort.clone().map(|effort| ("effort", effort)));
    let names = [
        ("agent.name", &event.agent_name, "custom"),
        ("skill.name", &event.skill_name, "custom_skill"),
        ("plugin.name", &event.plugin_name, "third-party"),
        ("marketplace.name", &event.marketplace_name, "third-party"),
        ("mcp_server.name", &event.mcp_server_name, "custom"),
        ("mcp_tool.name", &event.mcp_tool_name, "custom"),
    ];
    own.extend(names.into_iter().filter_map(|(key, name, placeholder)| {
        let shown = name.clone()?.shown(placeholder, content);
        Some((key, shown))
    }));
    let mut measures = vec![Measure::new(Instrument::Cost, own.clone(), event.cost_usd)];
    for (kind, tokens) in [
        ("input", event.input_tokens),
        ("output", event.output_tokens),
        ("cacheRead", event.cache_read_tokens),
        ("cacheCreation", event.cache_creation_tokens),
    ] {
        let mut own = own.clone();
        own.push(("type", kind.to_owned()));
        measures.push(Measure::new(Instrument::Tokens, own, tokens as f64));
    }
    measures
}

/// The three words of the metrics for who asked.
fn query_category(source: Option<&str>) -> &'static str {
    match source {
        None | Some("sdk") => "main",
        Some(source) if source.starts_with("repl_main_thread") => "main",
        Some(source) if source.starts_with("agent:") || source == "hook_agent" => "subagent",
        Some(_) => "auxiliary",
    }
}

event! {
    /// A request to the model failed for good.
    ApiError "api_error" complete(complete_error) {
        /// The model's name.
        model: String = Text "model",
        /// What went wrong.
        error: String = Text "error",
        /// The HTTP status, where there was an answer.
        status_code: Option<u64> = Int "status_code",
        /// How long the last attempt took, in milliseconds.
        duration_ms: u64 = Int "duration_ms",
        /// How many attempts there were; 1 without a retry.
        attempt: u64 = Int "attempt",
        /// The model provider's id of the request.
        request_id: Option<String> = Text "request_id",
        /// The client's own id of the request.
        client_request_id: Option<String> = Text "client_request_id",
        /// normal (when nothing is said) or fast.
        speed: Option<String> = Text "speed",
        /// Who asked: sdk, repl_main_thread, agent:…
        query_source: Option<String> = Text "query_source",
        /// How hard the model was to think.
        effort: Option<String> = Text "effort",
        /// The subagent that asked.
        agent_name: Option<Name> = AgentName "agent.name",
        /// The subagent's id.
        agent_id: Option<String> = Text "agent_id",
        /// The skill at work.
        skill_name: Option<Name> = SkillName "skill.name",
    }
}

fn complete_error(event: &mut ApiError, _: &Content) {
    complete_speed(&mut event.speed);
}

event! {
    /// The model refused to answer.
    ApiRefusal "api_refusal" complete(complete_refusal) {
        /// The model's name.
        model: String = Text "model",
        /// The model provider's id of the request.
        request_id: Option<String> = Text "request_id",
        /// normal (when nothing is said) or fast.
        speed: Option<String> = Text "speed",
        /// Which attempt was refused.
        attempt: u64 = Int "attempt",
        /// Whether the provider had turned to another model.
        server_fallback_hop: bool = Flag "server_fallback_hop",
        /// Who asked: sdk, repl_main_thread, agent:…
        query_source: Option<String> = Text "query_source",
        /// How hard the model was to think.
        effort: Option<String> = Text "effort",
        /// Whether the refusal names a category.
        has_category: bool = Flag "has_category",
        /// Whether the refusal explains itself.
        has_explanation: bool = Flag "has_explanation",
        /// The category.
        category: Option<String> = Detail "category",
    }
}

fn complete_refusal(event: &mut ApiRefusal, _: &Content) {
    complete_speed(&mut event.speed);
}

event! {
    /// A request was tried more than once, and failed.
    ApiRetriesExhausted "api_retries_exhausted" complete(complete_retries) {
        /// The model's name.
        model: String = Text "model",
        /// What went wrong the last time.
        error: String = Text "error",
        /// The HTTP status, where there was an answer.
        status_code: Option<u64> = Int "status_code",
        /// How many attempts there were.
        total_attempts: u64 = Int "total_attempts",
        /// From the first attempt to the end of the last, in milliseconds.
        total_retry_duration_ms: u64 = Int "total_retry_duration_ms",
        /// normal (when nothing is said) or fast.
        speed: Option<String> = Text "speed",
        /// Who asked: sdk, repl_main_thread, agent:…
        query_source: Option<String> = Text "query_source",
        /// How hard the model was to think.
        effort: Option<String> = Text "effort",
    }
}

fn complete_retries(event: &mut ApiRetriesExhausted, _: &Content) {
    complete_speed(&mut event.speed);
}

event! {
    /// A whole request to the model; only with raw bodies.
    ApiRequestBody "api_request_body" complete(complete_request_body) behind(raw_bodies) files(request_file) {
        /// The body as JSON, cut to the limit of content.
        body: String = Body "body",
        /// The file that holds it uncut, where bodies go into files; follows from the settings.
        body_ref: Option<String> = Text "body_ref",
        /// Its length before a cut: in UTF-16 units, of a file in bytes; follows from the body.
        body_length: Option<u64> = Digits "body_length",
        /// Said when it was cut; follows from the body.
        body_truncated: Option<bool> = YesNo "body_truncated",
        /// The model's name.
        model: String = Text "model",
        /// Who asked: sdk, repl_main_thread, agent:…
        query_source: Option<String> = Text "query_source",
        /// An id that request and answer share.
        request_body_id: Option<String> = Text "request_body_id",
    }
}

event! {
    /// A whole answer of the model; only with raw bodies.
    ApiResponseBody "api_response_body" complete(complete_response_body) behind(raw_bodies) files(response_file) {
        /// The body as JSON, cut to the limit of content.
        body: String = Body "body",
        /// The file that holds it uncut, where bodies go into files; follows from the settings.
        body_ref: Option<String> = Text "body_ref",
        /// Its length before a cut: in UTF-16 units, of a file in bytes; follows from the body.
        body_length: Option<u64> = Digits "body_length",
        /// Said when it was cut; follows from the body.
        body_truncated: Option<bool> = YesNo "body_truncated",
        /// The model's name.
        model: String = Text "model",
        /// Who asked: sdk, repl_main_thread, agent:…
        query_source: Option<String> = Text "query_source",
        /// An id that request and answer share.
        request_body_id: Option<String> = Text "request_body_id",
        /// The model provider's id of the request.
        request_id: Option<String> = Text "request_id",
        /// The provider's id of the message.
        message_id: Option<String> = Text "message.id",
        /// The message's id.
        message_uuid: Option<String> = Text "message.uuid",
    }
}

fn complete_request_body(event: &mut ApiRequestBody, content: &Content) {
    complete_body(
        &event.body,
        &mut event.body_length,
        &mut event.body_truncated,
        content,
    );
}

fn complete_response_body(event: &mut ApiResponseBody, content: &Content) {
    complete_body(
        &event.body,
        &mut event.body_length,
        &mut event.body_truncated,
        content,
    );
}

fn complete_body(
    body: &str,
    length: &mut Option<u64>,
    is_cut: &mut Option<bool>,
    content: &Content,
) {
    let known = *length.get_or_insert(utf16_length(body) as u64);
    if content.body_dir.is_none() && known > content.text_max() as u64 {
        is_cut.get_or_insert(true);
    }
}

fn request_file(event: &mut ApiRequestBody, place: &Place<'_>) -> BodyFile {
    let body = std::mem::take(&mut event.body);
    let file = place.request(event.request_body_id.as_deref(), body);
    event.body_ref.get_or_insert_with(|| file.reference());
    event.body_length.get_or_insert(file.length());
    file
}

fn response_file(event: &mut ApiResponseBody, place: &Place<'_>) -> BodyFile {
    let body = std::mem::take(&mut event.body);
    let entry = Entry {
        query_source: event.query_source.clone(),
        model: event.model.clone(),
        request_id: event.request_id.clone(),
        message_id: event.message_id.clone(),
        message_uuid: event.message_uuid.clone(),
        request_file: request_name(event.request_body_id.as_deref()),
        ..Entry::default()
    };
    let file = place.response(event.request_id.as_deref(), body, entry);
    event.body_ref.get_or_insert_with(|| file.reference());
    event.body_length.get_or_insert(file.length());
    file
}
