//! What happens in a session: a prompt, then turns of request, answer and tool calls.

use std::sync::Arc;

use super::calendar::Trigger;
use super::event::{Fact, Prompt};
use super::session::Session;
use super::{occasional, record, text};

/// One prompt of so many is counted event by event.
const SAMPLE_SHARE: f64 = 0.01;
/// System prompt and tool definitions: what every conversation starts with.
pub(super) const OPENING_TOKENS: u64 = 14_000;
const COMPACT_ABOVE_TOKENS: u64 = 165_000;

const SKILLS: &[&str] = &["release-notes", "incident-review", "brand-voice"];

impl Session {
    /// The person asks for something.
    pub(super) fn plan_prompt(&mut self) {
        self.prompts_left -= 1;
        self.turns_left = match self.trigger {
            Trigger::Person => self.random.at_least_one(6.5),
            Trigger::Schedule => self.random.between(25, 40),
            Trigger::Runaway => self.random.between(500, 700),
        };
        if self.client.is_modern() && self.is_interactive && self.random.chance(0.08) {
            self.change_mode();
        }
        let id = self.random.uuid();
        self.prompt = Some(Arc::new(Prompt {
            id,
            is_sample: self.random.chance(SAMPLE_SHARE),
        }));
        let text = self
            .content
            .then(|| text::prompt(&mut self.random, self.surface));
        let length = match &text {
            Some(text) => text.encode_utf16().count() as u64,
            None => self.random.log_normal(120.0, 1.2) as u64 + 3,
        };
        let random = &mut self.random;
        let own = record::user_prompt(self.client, length, text, || random.uuid());
        self.plan(self.now_ms, "claude_code.user_prompt", own, Fact::Prompt);
        self.skill = None;
        if self.client.is_modern() {
            self.accompany_prompt();
        }
        self.now_ms += self.random.between(30, 230);
    }

    fn change_mode(&mut self) {
        let to = if self.permission_mode == "default" {
            "acceptEdits"
        } else {
            "default"
        };
        let own = occasional::permission_mode_changed(self.permission_mode, to);
        self.plan(
            self.now_ms,
            "claude_code.permission_mode_changed",
            own,
            Fact::Other,
        );
        self.permission_mode = to;
        self.now_ms += self.random.between(800, 6000);
    }

    fn accompany_prompt(&mut self) {
        if self.is_interactive && self.random.chance(0.05) {
            let own = occasional::at_mention(self.random.chance(0.9));
            self.plan(self.now_ms, "claude_code.at_mention", own, Fact::Other);
        }
        if self.random.chance(0.04) {
            let skill = if self.content {
                self.random.pick(SKILLS)
            } else {
                "custom_skill"
            };
            self.skill = Some(skill);
            let own = occasional::skill_activated(skill);
            self.plan(
                self.now_ms + 20,
                "claude_code.skill_activated",
                own,
                Fact::Other,
            );
        }
    }

    /// One round: a request, its answer, the tools it calls. The last one calls none.
    pub(super) fn plan_turn(&mut self) {
        self.turns_left -= 1;
        match self.request(None) {
            Some(request_id) => {
                let is_last = self.turns_left == 0;
                if self.client.is_modern() && (is_last || self.random.chance(0.35)) {
                    self.respond(&request_id, None);
                }
                if !is_last {
                    self.call_tools(&request_id, &mut None);
                }
            }
            // Nobody is there to stop it.
            None if self.trigger == Trigger::Runaway => {}
            None => self.turns_left = 0,
        }
        if self.turns_left == 0 {
            self.rest();
        }
    }

    /// Between two prompts: the answer is read, and a long conversation is made shorter.
    fn rest(&mut self) {
        if self.context_tokens > COMPACT_ABOVE_TOKENS {
            self.compact();
        }
        self.now_ms += self.random.log_normal(45_000.0, 1.0).min(3_600_000.0) as u64;
    }

    fn compact(&mut self) {
        let before = self.context_tokens;
        if self.client.is_modern() {
            let started_ms = self.now_ms;
            let request = self.answered(None, true);
            self.send_request(request, None, true);
            self.context_tokens = OPENING_TOKENS + 6000;
            let own = occasional::compaction(self.now_ms - started_ms, before, self.context_tokens);
            self.plan(self.now_ms, "claude_code.compaction", own, Fact::Other);
        }
        self.context_tokens = OPENING_TOKENS + 6000;
        self.cached_until_ms = 0;
    }
}
