//! Tool calls of a turn: who decides, what comes out, and the subagents that some of them start.

use super::ClientVersion;
use super::event::{self, Fact, Work};
use super::occasional::{self, Finished};
use super::record::{self, Outcome, ToolUse};
use super::request::Agent;
use super::session::Session;
use super::tool::{self, Call, Kind, Manner};

const REJECTED_SHARE: f64 = 0.03;
const FAILED_SHARE: f64 = 0.05;

/// Who accepts: mostly the configuration, without asking.
const ACCEPTING: &[(&str, f64)] = &[
    ("config", 0.6),
    ("user_temporary", 0.2),
    ("user_permanent", 0.2),
];

impl Session {
    /// The tools that one answer calls, one after the other.
    pub(super) fn call_tools(&mut self, request_id: &str, agent: &mut Option<Agent>) {
        let count = match self.client.is_modern() {
            false => 1,
            true => {
                self.random
                    .weighted(&[(1, 0.8), (2, 0.15), (3, 0.05)], |(_, w)| *w)
                    .0
            }
        };
        for _ in 0..count {
            let tool = tool::choose(&mut self.random, self.client, agent.is_some());
            let manner = Manner {
                home: &self.home,
                surface: self.surface,
                content: self.content,
                client: self.client,
            };
            let call = Call::new(tool, &manner, &mut self.random);
            let went_on = self.call_tool(&call, request_id, agent);
            if !went_on {
                break;
            }
        }
        self.now_ms += self.random.between(20, 250);
    }

    /// One tool call; false when the person stopped it, and with it the turn.
    fn call_tool(&mut self, call: &Call, request_id: &str, agent: &mut Option<Agent>) -> bool {
        let id = match self.client {
            ClientVersion::V2_1_45 => String::new(),
            ClientVersion::V2_0_76 | ClientVersion::V2_1_329 => {
                event::tool_use_id(&mut self.random)
            }
        };
        let agent_id = agent.as_ref().map(|agent| agent.id.clone());
        let number = self.calls;
        self.calls += 1;
        let tool_use = ToolUse {
            call,
            number,
            id: &id,
            request_id,
            permission_mode: self.permission_mode,
            agent_id: agent_id.as_deref(),
        };
        let hook_blocks = self.run_hook(call);
        let (accepted, source) = self.decide(hook_blocks);
        let asks = source.starts_with("user");
        if asks {
            self.now_ms += self.random.log_normal(3500.0, 0.8).min(600_000.0) as u64;
        }
        self.now_ms += self.random.between(1, 40);
        if self.head.run.tells_decisions {
            let fact = Fact::Decision {
                call: number,
                tool: call.name,
                accepted,
                source,
                language: call.language,
            };
            let own = record::tool_decision(self.client, &tool_use, accepted, source);
            self.plan(self.now_ms, "claude_code.tool_decision", own, fact);
        }
        if !accepted {
            if asks {
                self.turns_left = 0;
            }
            return !asks;
        }
        self.finish(&tool_use, source);
        true
    }

    /// A hook that looks at shell commands; true when it forbids this one.
    fn run_hook(&mut self, call: &Call) -> bool {
        let applies = self.client.is_modern() && call.tool.kind == Kind::Shell;
        if !self.has_hooks || !applies {
            return false;
        }
        let blocks = self.random.chance(0.02);
        let own = occasional::hook_start(call.tool.name);
        self.plan(
            self.now_ms,
            "claude_code.hook_execution_start",
            own,
            Fact::Other,
        );
        let duration_ms = self.random.log_normal(120.0, 0.5) as u64 + 1;
        self.now_ms += duration_ms;
        let own = occasional::hook_complete(call.tool.name, duration_ms, blocks);
        self.plan(
            self.now_ms,
            "claude_code.hook_execution_complete",
            own,
            Fact::Other,
        );
        blocks
    }

    /// Whether the call may run, and who says so.
    fn decide(&mut self, hook_blocks: bool) -> (bool, &'static str) {
        let rejects = self.random.chance(REJECTED_SHARE);
        match (hook_blocks, self.is_interactive, rejects) {
            (true, ..) => (false, "hook"),
            (false, true, true) => (false, "user_reject"),
            (false, false, true) => (false, "config"),
            (false, true, false) => (
                true,
                self.random.weighted(ACCEPTING, |(_, weight)| *weight).0,
            ),
            (false, false, false) => (true, "config"),
        }
    }

    /// The call runs and its result is reported.
    fn finish(&mut self, tool_use: &ToolUse<'_>, source: &'static str) {
        let call = tool_use.call;
        let delegates = call.tool.kind == Kind::Delegates && self.client.is_modern();
        let started_ms = self.now_ms;
        if delegates {
            self.delegate();
        } else {
            self.now_ms += call.tool.duration_ms(&mut self.random);
        }
        let duration_ms = self.now_ms - started_ms;
        let succeeded = !self.random.chance(FAILED_SHARE);
        let commits = succeeded && self.content && call.work.commits > 0;
        let tells_decision =
            self.head.run.tells_decisions && (self.is_interactive || !self.client.is_modern());
        let decided_by = tells_decision.then_some(source);
        let outcome = Outcome {
            duration_ms,
            failure: (!succeeded).then(|| call.failure(&mut self.random)),
            result_bytes: self.random.log_normal(1800.0, 1.5) as u64,
            decided_by,
            revision: commits.then(|| self.random.hex("", 40)),
            content: self.content,
        };
        let own = record::tool_result(self.client, tool_use, outcome);
        let work = if succeeded {
            call.work
        } else {
            Work::default()
        };
        let fact = Fact::Result {
            call: tool_use.number,
            tool: call.name,
            decided_by,
            succeeded,
            duration_ms,
            work,
        };
        self.plan(self.now_ms, "claude_code.tool_result", own, fact);
        self.after_mcp = call.mcp.map(|mcp| {
            if self.content {
                (mcp.server, mcp.tool)
            } else {
                ("custom", "custom")
            }
        });
        self.now_ms += self.random.between(5, 60);
    }

    /// A subagent works by itself and comes back.
    fn delegate(&mut self) {
        let started_ms = self.now_ms;
        let outer_turns = self.turns_left;
        let mut agent = Some(Agent::new(self));
        let mut tool_uses = 0;
        for _ in 0..self.random.between(1, 4) {
            self.now_ms += self.random.between(10, 80);
            let Some(request_id) = self.request(agent.as_mut()) else {
                break;
            };
            self.call_tools(&request_id, &mut agent);
            tool_uses += 1;
        }
        if let Some(request_id) = self.request(agent.as_mut()) {
            self.respond(&request_id, agent.as_ref());
        }
        self.turns_left = outer_turns;
        if let Some(agent) = agent {
            let finished = Finished {
                agent_id: &agent.id,
                model: agent.model.name,
                total_tokens: agent.context_tokens,
                tool_uses,
                duration_ms: self.now_ms - started_ms,
            };
            let own = occasional::subagent_completed(&finished);
            self.plan(
                self.now_ms + 2,
                "claude_code.subagent_completed",
                own,
                Fact::Other,
            );
        }
        self.now_ms += 5;
    }
}
