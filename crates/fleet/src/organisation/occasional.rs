//! Events beside the loop of requests and tool calls: start-up, hooks, MCP servers, modes, skills,
//! compaction, subagents. Only the newer client sends them.

use super::event::Own;
use crate::random::Random;

/// The plugins that come with the client, and the hash by which each is known.
const PLUGINS: [(&str, &str); 3] = [
    ("cc-plugin-agents-md", "da63145d0acbb62d"),
    ("cc-plugin-privacy", "a2f27f067781660d"),
    ("cc-plugin-plugin-authoring", "559932fe5f722b82"),
];

/// The events of a starting client, bodies and attributes, before the first prompt.
pub(super) fn startup(
    hooks: bool,
    servers: &[&'static str],
    random: &mut Random,
) -> Vec<(&'static str, Own)> {
    let mut events = vec![("claude_code.managed_settings_resolved", managed_settings())];
    events.extend(
        PLUGINS.map(|(name, hash)| ("claude_code.plugin_loaded", plugin_loaded(name, hash))),
    );
    if hooks {
        events.push(("claude_code.hook_registered", hook_registered()));
    }
    events.extend(servers.iter().map(|server| {
        (
            "claude_code.mcp_server_connection",
            mcp_server_connection(server, random),
        )
    }));
    events
}

fn managed_settings() -> Own {
    Own::with_room_for(5)
        .text("managed_settings.trigger", "startup")
        .array("managed_settings.sources", "[]")
        .text("managed_settings.source_behavior", "first-wins")
        .text("managed_settings.helper.state", "none")
        .text("managed_settings.helper.applied", "none")
}

fn plugin_loaded(name: &'static str, hash: &'static str) -> Own {
    Own::with_room_for(12)
        .text("plugin.name", name)
        .text("marketplace.name", "builtin")
        .text("plugin.scope", "default-bundle")
        .text("enabled_via", "default-enable")
        .text("plugin_id_hash", hash)
        .flag("has_hooks", true)
        .flag("has_mcp", false)
        .flag("host_owned_mcp", false)
        .int("skill_path_count", 0)
        .int("command_path_count", 0)
        .int("agent_path_count", 0)
        .text("safe_mode", "false")
}

fn hook_registered() -> Own {
    Own::with_room_for(4)
        .text("hook_event", "PreToolUse")
        .text("hook_type", "command")
        .text("hook_source", "projectSettings")
        .text("safe_mode", "false")
}

/// `server` is empty when names are not to be told.
fn mcp_server_connection(server: &'static str, random: &mut Random) -> Own {
    let fails = random.chance(0.05);
    let own = Own::with_room_for(8)
        .text("status", if fails { "failed" } else { "connected" })
        .text("transport_type", "http")
        .text("server_scope", "project")
        .digits("duration_ms", random.log_normal(250.0, 0.8) as u64)
        .maybe("error_code", fails.then_some("ECONNREFUSED"))
        .flag("is_plugin", false);
    if server.is_empty() {
        own
    } else {
        own.text("server_name", server)
    }
}

/// The names of a pre-tool hook of that tool.
fn hook(tool: &'static str) -> Own {
    Own::with_room_for(16)
        .text("hook_event", "PreToolUse")
        .text("hook_name", format!("PreToolUse:{tool}"))
        .text("num_hooks", "1")
}

fn hook_origin(own: Own) -> Own {
    own.text("managed_only", "false")
        .text("hook_source", "merged")
        .text("safe_mode", "false")
}

pub(super) fn hook_start(tool: &'static str) -> Own {
    hook_origin(hook(tool))
}

pub(super) fn hook_complete(tool: &'static str, duration_ms: u64, blocked: bool) -> Own {
    let own = hook(tool)
        .text("num_success", if blocked { "0" } else { "1" })
        .text("num_blocking", if blocked { "1" } else { "0" })
        .text("num_non_blocking_error", "0")
        .text("num_cancelled", "0")
        .digits("total_duration_ms", duration_ms)
        .text("stdout_chars", "143")
        .text("additional_context_chars", "0")
        .text("system_message_chars", "0")
        .text("initial_user_message_chars", "0")
        .text("num_outputs_persisted", "0");
    hook_origin(own)
}

pub(super) fn permission_mode_changed(from: &'static str, to: &'static str) -> Own {
    Own::with_room_for(3)
        .text("from_mode", from)
        .text("to_mode", to)
        .text("trigger", "shift_tab")
}

pub(super) fn at_mention(found: bool) -> Own {
    Own::with_room_for(2)
        .text("mention_type", "file")
        .yes_no("success", found)
}

pub(super) fn skill_activated(skill: &'static str) -> Own {
    Own::with_room_for(3)
        .text("skill.name", skill)
        .text("invocation_trigger", "claude-proactive")
        .text("skill.source", "projectSettings")
}

pub(super) fn compaction(duration_ms: u64, pre_tokens: u64, post_tokens: u64) -> Own {
    Own::with_room_for(6)
        .text("trigger", "auto")
        .text("success", "true")
        .digits("duration_ms", duration_ms)
        .digits("pre_tokens", pre_tokens)
        .digits("post_tokens", post_tokens)
        .text("precompute_reuse", "miss_not_ready")
}

/// A subagent that has come to its end.
pub(super) struct Finished<'a> {
    pub(super) agent_id: &'a str,
    pub(super) model: &'static str,
    pub(super) total_tokens: u64,
    pub(super) tool_uses: u64,
    pub(super) duration_ms: u64,
}

pub(super) fn subagent_completed(finished: &Finished<'_>) -> Own {
    Own::with_room_for(11)
        .text("agent_type", "general-purpose")
        .text("agent.source", "built-in")
        .flag("is_built_in", true)
        .flag("is_async", false)
        .int("total_tokens", finished.total_tokens)
        .int("total_tool_uses", finished.tool_uses)
        .int("duration_ms", finished.duration_ms)
        .text("model", finished.model)
        .text("final_model", finished.model)
        .flag("model_swapped", false)
        .text("agent_id", finished.agent_id.to_owned())
}
