//! What spans have in common, and what a program says of hooks.
//!
//! A duration that is not said is that of the span itself.

use crate::event::field::{Detail, Int, Own, Text};

/// What all spans of a session have in common.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// The session's id, unless settings keep it out.
    pub(crate) conversation: Option<String>,
    pub(crate) is_detailed: bool,
}

pub(super) fn write_agent(own: &mut Own<'_>, agent: Option<String>, parent: Option<String>) {
    own.put::<Text, _>("agent_id", agent);
    own.put::<Text, _>("parent_agent_id", parent);
}

pub(super) fn write_call(own: &mut Own<'_>, id: Option<String>) {
    own.put::<Text, _>("tool_use_id", id.clone());
    own.put::<Text, _>("gen_ai.tool.call.id", id);
}

/// Hooks that run at one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hook {
    /// The event: PreToolUse, …
    pub hook_event: String,
    /// The hooks' name: PreToolUse:Write, …
    pub hook_name: String,
    /// How many of them run.
    pub num_hooks: u64,
    /// Their settings as JSON; only with tool details.
    pub hook_definitions: Option<String>,
}

impl Hook {
    pub(super) fn write(self, scene: &Scene, own: &mut Own<'_>) {
        own.put::<Text, _>("hook_event", self.hook_event);
        own.put::<Text, _>("hook_name", self.hook_name);
        own.put::<Int, _>("num_hooks", self.num_hooks);
        own.put::<Detail, _>("hook_definitions", self.hook_definitions);
        own.put::<Text, _>("gen_ai.conversation.id", scene.conversation.clone());
    }
}

/// How hooks ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookOutcome {
    /// How long all of them took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// How many worked.
    pub num_success: u64,
    /// How many forbade what was to come.
    pub num_blocking: u64,
    /// How many failed without forbidding it.
    pub num_non_blocking_error: u64,
    /// How many were broken off.
    pub num_cancelled: u64,
    /// Why the span has failed, if it has.
    pub error: Option<String>,
}

impl HookOutcome {
    /// Gives the error, if it failed.
    pub(super) fn write(self, age_ms: u64, own: &mut Own<'_>) -> Option<String> {
        own.put::<Int, _>("duration_ms", self.duration_ms.unwrap_or(age_ms));
        own.put::<Int, _>("num_success", self.num_success);
        own.put::<Int, _>("num_blocking", self.num_blocking);
        own.put::<Int, _>("num_non_blocking_error", self.num_non_blocking_error);
        own.put::<Int, _>("num_cancelled", self.num_cancelled);
        self.error
    }
}
