//! Requests to the model: what they use and cost, what comes back, and how some of them fail.

use super::event::{self, Fact, Request};
use super::price::{Model, Usage, small_model};
use super::record::{self, Asker, Failure};
use super::session::{CacheLife, Session};
use super::text;
use super::turn::OPENING_TOKENS;

const API_ERROR_SHARE: f64 = 0.015;
const CACHE_MINUTES_MS: u64 = 5 * 60_000;
const CACHE_HOUR_MS: u64 = 60 * 60_000;

/// Errors that a request ends with: status and text.
const API_ERRORS: &[(Option<u64>, &str)] = &[
    (Some(529), "Overloaded"),
    (
        Some(429),
        "This request would exceed your account's rate limit. Please try again later.",
    ),
    (Some(500), "Internal server error"),
    (None, "Connection error."),
    (None, "Request was aborted."),
];

/// A subagent at work.
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) model: &'static Model,
    pub(super) context_tokens: u64,
}

impl Agent {
    pub(super) fn new(session: &mut Session) -> Agent {
        let model = if session.random.chance(0.4) {
            small_model()
        } else {
            session.model
        };
        Agent {
            id: session.random.hex("a", 16),
            model,
            context_tokens: 0,
        }
    }
}

impl Session {
    fn asker<'a>(&self, agent: Option<&'a Agent>, compacts: bool) -> Asker<'a> {
        let query_source = match (agent, compacts, self.is_interactive) {
            (Some(_), ..) => "agent:builtin:general-purpose",
            (None, true, _) => "compact",
            (None, false, true) => "repl_main_thread",
            (None, false, false) => "sdk",
        };
        Asker {
            query_source,
            agent: agent.map(|agent| (agent.id.as_str(), "general-purpose")),
            skill: self.skill.filter(|_| agent.is_none()),
            mcp: self.after_mcp.filter(|_| agent.is_none()),
        }
    }

    /// Asks the model; the request id, or nothing when it failed for good.
    pub(super) fn request(&mut self, mut agent: Option<&mut Agent>) -> Option<String> {
        if self.random.chance(API_ERROR_SHARE) {
            self.fail(agent.as_deref());
            return None;
        }
        let request = self.answered(agent.as_deref_mut(), false);
        Some(self.send_request(request, agent.as_deref(), false))
    }

    pub(super) fn answered(&mut self, agent: Option<&mut Agent>, is_auxiliary: bool) -> Request {
        let duration_ms = self.random.log_normal(4200.0, 0.75).clamp(300.0, 300_000.0) as u64;
        let output = self.random.log_normal(260.0, 1.1) as u64 + 1;
        let new = self.random.log_normal(900.0, 1.0) as u64 + 1;
        let input = self.random.between(1, 12);
        let (model, is_agent) = match &agent {
            Some(agent) => (agent.model, true),
            None => (self.model, false),
        };
        let context = agent.map_or(&mut self.context_tokens, |agent| &mut agent.context_tokens);
        let (cache_read, written) = match *context {
            0 => (0, OPENING_TOKENS + new),
            held if !is_agent && self.now_ms > self.cached_until_ms => {
                (OPENING_TOKENS, held.saturating_sub(OPENING_TOKENS) + new)
            }
            held => (held, new),
        };
        *context = (cache_read + written + output).min(190_000);
        let write_1h = match self.cache_life {
            _ if !self.client.is_modern() => 0,
            CacheLife::Minutes => 0,
            CacheLife::Hour => written,
            CacheLife::Mixed => written * 3 / 4,
        };
        let life_ms = if write_1h > 0 {
            CACHE_HOUR_MS
        } else {
            CACHE_MINUTES_MS
        };
        let usage = Usage {
            input,
            output,
            cache_read,
            write_5m: written - write_1h,
            write_1h,
        };
        self.now_ms += duration_ms;
        self.cached_until_ms = self.now_ms + life_ms;
        let fast = self.fast && model.has_fast_mode();
        Request {
            model,
            usage,
            cost_usd: model.cost_usd(&usage, fast, self.now_ms),
            duration_ms,
            fast,
            effort: self.effort,
            agent: is_agent.then_some("general-purpose"),
            is_auxiliary,
        }
    }

    pub(super) fn send_request(
        &mut self,
        request: Request,
        agent: Option<&Agent>,
        compacts: bool,
    ) -> String {
        let request_id = match self.client.is_modern() {
            false => String::new(),
            true => event::request_id(&mut self.random),
        };
        let ttft_ms = request
            .duration_ms
            .min(self.random.log_normal(900.0, 0.5) as u64 + 80);
        let asker = self.asker(agent, compacts);
        let own = record::api_request(self.client, &request, ttft_ms, &request_id, &asker);
        self.plan(
            self.now_ms,
            "claude_code.api_request",
            own,
            Fact::Request(request),
        );
        self.after_mcp = None;
        request_id
    }

    /// What the model says in words.
    pub(super) fn respond(&mut self, request_id: &str, agent: Option<&Agent>) {
        let text = self
            .content
            .then(|| text::answer(&mut self.random, self.surface));
        let length = match &text {
            Some(text) => text.encode_utf16().count() as u64,
            None => self.random.log_normal(320.0, 1.0) as u64 + 10,
        };
        let message = self.random.uuid();
        let model = agent.map_or(self.model, |agent| agent.model).name;
        let asker = self.asker(agent, false);
        let own = record::assistant_response(length, text, request_id, message, model, &asker);
        self.plan(
            self.now_ms + 1,
            "claude_code.assistant_response",
            own,
            Fact::Other,
        );
    }

    fn fail(&mut self, agent: Option<&Agent>) {
        let (status, error) = self.random.pick(API_ERRORS);
        let failure = Failure {
            model: agent.map_or(self.model, |agent| agent.model).name,
            effort: self.effort,
            error,
            status,
            duration_ms: self.random.log_normal(4200.0, 0.75).clamp(300.0, 300_000.0) as u64,
            attempts: self.random.between(1, 3),
        };
        self.now_ms += failure.duration_ms;
        let asker = self.asker(agent, false);
        let random = &mut self.random;
        let own = record::api_error(self.client, &failure, || event::request_id(random), &asker);
        self.plan(self.now_ms, "claude_code.api_error", own, Fact::ApiError);
        if failure.attempts > 1 && self.client.is_modern() {
            let own = record::api_retries_exhausted(&failure, &asker);
            self.plan(
                self.now_ms,
                "claude_code.api_retries_exhausted",
                own,
                Fact::Other,
            );
        }
        self.now_ms += 1000;
    }
}
