//! Recorded requests written down by hand: which calls with which values a program makes for them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use otlp::Encoding;

use super::captures::{assert_same, scenario};
use crate::event::{
    ApiError, ApiRequest, ApiRetriesExhausted, AssistantResponse, ManagedSettingsResolved, Name,
    PluginLoaded, ToolDecision, ToolResult, UserPrompt,
};
use crate::session::{EditDecision, Session};
use crate::shared::lock;

/// A recorded request, and the calls that make it: the time of each, and the call.
type Call<'a> = (u64, &'a dyn Fn(&Session));

#[track_caller]
fn check(scenario_name: &str, number: usize, session_id: &str, calls: &[Call<'_>]) {
    let scenario = scenario(scenario_name).expect("of 2.1.329");
    let (shared, clock) = scenario.telemetry();
    let session = Session::new(&shared, session_id.to_owned());
    for (at_ms, call) in calls {
        clock.store(*at_ms * 1_000_000, Ordering::Relaxed);
        call(&session);
    }
    let file = format!("/{number:03}-");
    let request = scenario
        .requests
        .iter()
        .find(|request| request.file.contains(&file));
    let request = request.expect("a request");
    let rebuilt = match request.file.contains("-logs.") {
        true => {
            let batch = lock(&shared.queue).waiting.take_batch();
            shared.encode_events(&batch, request.encoding)
        }
        false => {
            let (mut bodies, _) = shared.encode_metrics(&[request.encoding]).expect("points");
            bodies.remove(0)
        }
    };
    assert_same(&request.file, &rebuilt, &request.settled());
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn plugin(name: &str, hash: &str) -> PluginLoaded {
    PluginLoaded {
        plugin_name: Name::BuiltIn(name.to_owned()),
        marketplace_name: Some(Name::BuiltIn("builtin".to_owned())),
        plugin_scope: some("default-bundle"),
        enabled_via: some("default-enable"),
        plugin_id_hash: some(hash),
        has_hooks: true,
        ..PluginLoaded::default()
    }
}

fn decision(tool: &str, id: &str, request: &str) -> ToolDecision {
    ToolDecision {
        decision: "accept".to_owned(),
        source: "config".to_owned(),
        tool_name: tool.to_owned(),
        tool_use_id: some(id),
        permission_mode: some("default"),
        request_id: some(request),
        ..ToolDecision::default()
    }
}

fn request(tokens: [u64; 4], cost_usd: f64, times: [u64; 2], id: &str) -> ApiRequest {
    let [
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_creation_tokens,
    ] = tokens;
    ApiRequest {
        model: "claude-opus-5-5".to_owned(),
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_creation_tokens,
        cache_creation_5m_tokens: Some(cache_creation_tokens),
        cache_creation_1h_tokens: Some(0),
        cost_usd,
        duration_ms: times[0],
        ttft_ms: Some(times[1]),
        request_id: some(id),
        query_source: some("sdk"),
        effort: some("medium"),
        ..ApiRequest::default()
    }
}

#[test]
fn a_session_of_cowork_with_all_content_withheld() {
    const PROMPT: &str = "49a53adf-2dc3-446e-afca-3c556c23bd3a";
    const FIRST: &str = "req_011C9d03f5bedd254ead8877";
    const SECOND: &str = "req_011C7f3b496d729568af9277";
    const BASH: &str = "toolu_01c3f96713b38f4ef69fdd1d";
    const WRITE: &str = "toolu_01ca542dbb87944757965be2";
    let in_prompt = |session: &Session| session.prompt_with_id(PROMPT);
    let result = |tool: &str, id, duration_ms, input, output, request| ToolResult {
        tool_name: tool.to_owned(),
        tool_use_id: some(id),
        success: true,
        duration_ms,
        tool_input: some("{\"secret\":true}"),
        tool_input_size_bytes: Some(input),
        tool_result_size_bytes: Some(output),
        request_id: some(request),
        ..ToolResult::default()
    };
    let at = |ms: u64| 1_795_219_324_000 + ms;
    let session = session_id("cowork_like_noterm_json");
    check(
        "cowork_like_noterm_json",
        1,
        &session,
        &[
            (at(229), &|session| {
                session.emit(ManagedSettingsResolved {
                    trigger: "startup".to_owned(),
                    source_behavior: "first-wins".to_owned(),
                    helper_state: "none".to_owned(),
                    helper_applied: "none".to_owned(),
                    ..ManagedSettingsResolved::default()
                });
            }),
            (at(293), &|session| {
                session.emit(plugin("cc-plugin-agents-md", "da63145d0acbb62d"));
            }),
            (at(297), &|session| {
                session.emit(plugin("cc-plugin-privacy", "a2f27f067781660d"));
            }),
            (at(561), &|session| {
                in_prompt(session).emit(UserPrompt {
                    message_uuid: some("41dde03c-f6cc-46f7-838b-f4d77745842c"),
                    ..UserPrompt::new("a secret text of exactly forty-four letters!")
                });
            }),
            (at(987), &|session| {
                in_prompt(session).emit(decision("Bash", BASH, FIRST))
            }),
            (at(1034), &|session| {
                let tokens = [210, 145, 44919, 12550];
                in_prompt(session).emit(request(tokens, 0.07547380000000001, [288, 200], FIRST));
            }),
            (at(1035), &|session| {
                in_prompt(session).emit(AssistantResponse {
                    response: "a secret, 25 letters long".to_owned(),
                    request_id: some(FIRST),
                    message_uuid: some("636aaac7-789d-4c30-9018-ebd6c91cf2e6"),
                    model: "claude-opus-5-5".to_owned(),
                    query_source: some("sdk"),
                    ..AssistantResponse::default()
                });
            }),
            (at(1059), &|session| {
                in_prompt(session).emit(result("Bash", BASH, 69, 46, 2, FIRST))
            }),
            (at(1224), &|session| {
                in_prompt(session).emit(decision("Write", WRITE, SECOND))
            }),
            (at(1246), &|session| {
                in_prompt(session).emit(result("Write", WRITE, 16, 150, 145, SECOND));
            }),
            (at(1265), &|session| {
                let tokens = [4, 20, 16578, 6990];
                in_prompt(session).emit(request(tokens, 0.0386816, [169, 96], SECOND));
            }),
        ],
    );
}

#[test]
fn a_request_that_fails_for_good() {
    let scenario_name = "cc329_fatal401_json";
    let scenario = scenario(scenario_name).expect("of 2.1.329");
    let (shared, clock) = scenario.telemetry();
    let session = Session::new(&shared, session_id(scenario_name));
    // Five events went before, in another request.
    for _ in 0..5 {
        session.emit(ApiError::default());
    }
    lock(&shared.queue).waiting.take_batch();
    clock.store(1_795_219_587_851_000_000, Ordering::Relaxed);
    let prompt = session.prompt_with_id("bd484daa-68c1-484c-9b71-602048a9f1c0");
    prompt.emit(ApiError {
        model: "claude-opus-5-5".to_owned(),
        error: "invalid x-api-key".to_owned(),
        status_code: Some(401),
        duration_ms: 58,
        attempt: 3,
        request_id: some("req_011C4ec53bbf46339a88eeb2"),
        query_source: some("sdk"),
        effort: some("medium"),
        ..ApiError::default()
    });
    prompt.emit(ApiRetriesExhausted {
        model: "claude-opus-5-5".to_owned(),
        error: "invalid x-api-key".to_owned(),
        status_code: Some(401),
        total_attempts: 3,
        total_retry_duration_ms: 2120,
        query_source: some("sdk"),
        effort: some("medium"),
        ..ApiRetriesExhausted::default()
    });
    let batch = lock(&shared.queue).waiting.take_batch();
    let mut requests = scenario.requests.iter().rev();
    let recorded = requests
        .find(|request| request.file.contains("-logs."))
        .expect("a request");
    assert_same(
        &recorded.file,
        &shared.encode_events(&batch, Encoding::Json),
        &recorded.settled(),
    );
}

#[test]
fn metrics_of_an_interactive_session() {
    let name = "cc329_interactive_json";
    let session = session_id(name);
    let one = |number, at_ms: u64, end_ms: u64, call: &dyn Fn(&Session)| {
        check(name, number, &session, &[(at_ms, call), (end_ms, &|_| {})]);
    };
    one(2, 1_795_219_078_342, 1_795_219_080_608, &|session| {
        session.count_start(crate::Start::Fresh);
    });
    one(6, 1_795_219_098_568, 1_795_219_098_909, &|session| {
        session.count_user_time(Duration::from_millis(829));
    });
    one(9, 1_795_219_106_561, 1_795_219_106_974, &|session| {
        session.count_edit_decision(EditDecision {
            decision: "accept".to_owned(),
            source: "user_temporary".to_owned(),
            tool_name: "Write".to_owned(),
            language: "TypeScript".to_owned(),
        });
    });
}

/// The session of a recorded run.
fn session_id(name: &str) -> String {
    let scenario = scenario(name).expect("of 2.1.329");
    let items = scenario
        .requests
        .iter()
        .flat_map(|request| request.items().logs);
    let mut attributes = items.flat_map(|record| record.attributes);
    let found = attributes.find(|(key, _)| key == "session.id");
    super::captures::text(&found.expect("a session").1)
}
