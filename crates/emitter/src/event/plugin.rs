//! Plugins, skills and hooks: installed, loaded, at work.

use super::{FreeValue, Name, event};

event! {
    /// A plugin was installed.
    PluginInstalled "plugin_installed" {
        /// Whether the marketplace is the vendor's.
        marketplace_is_official: bool = YesNo "marketplace.is_official",
        /// What led to it: cli, ui, …
        install_trigger: String = Text "install.trigger",
        /// The plugin.
        plugin_name: Name = PluginName "plugin.name",
        /// Its version.
        plugin_version: Option<String> = Text "plugin.version",
        /// Where it is from.
        marketplace_name: Option<Name> = PluginName "marketplace.name",
    }
}

event! {
    /// A plugin was loaded when the session started.
    PluginLoaded "plugin_loaded" {
        /// The plugin.
        plugin_name: Name = PluginName "plugin.name",
        /// Where it is from.
        marketplace_name: Option<Name> = PluginName "marketplace.name",
        /// Its version.
        plugin_version: Option<String> = Text "plugin.version",
        /// For whom it is: user, project, default-bundle, …
        plugin_scope: Option<String> = Text "plugin.scope",
        /// What enabled it.
        enabled_via: Option<String> = Text "enabled_via",
        /// A hash that tells plugins apart without naming them.
        plugin_id_hash: Option<String> = Text "plugin_id_hash",
        /// Whether it has hooks.
        has_hooks: bool = Flag "has_hooks",
        /// Whether it has MCP servers.
        has_mcp: bool = Flag "has_mcp",
        /// Whether the host runs its MCP servers.
        host_owned_mcp: bool = Flag "host_owned_mcp",
        /// How many paths of skills it has.
        skill_path_count: u64 = Int "skill_path_count",
        /// How many paths of commands it has.
        command_path_count: u64 = Int "command_path_count",
        /// How many paths of agents it has.
        agent_path_count: u64 = Int "agent_path_count",
        /// Whether the session runs in safe mode.
        safe_mode: bool = YesNo "safe_mode",
    }
}

event! {
    /// A skill was put to work.
    SkillActivated "skill_activated" {
        /// The skill.
        skill_name: Name = SkillName "skill.name",
        /// What led to it: user-slash, claude-proactive or nested-skill.
        invocation_trigger: String = Text "invocation_trigger",
        /// Where it is configured: userSettings, projectSettings, plugin, …
        skill_source: Option<String> = Text "skill.source",
        /// What kind of skill it is.
        skill_kind: Option<String> = Text "skill.kind",
        /// The plugin that it is from.
        plugin_name: Option<Name> = PluginName "plugin.name",
        /// The marketplace that the plugin is from.
        marketplace_name: Option<Name> = PluginName "marketplace.name",
    }
}

event! {
    /// A hook was registered when the session started.
    HookRegistered "hook_registered" {
        /// When it runs: PreToolUse, PostToolUse, Stop, …
        hook_event: String = Text "hook_event",
        /// What it is: command, prompt, mcp_tool, http or agent.
        hook_type: String = Text "hook_type",
        /// Where it is configured.
        hook_source: String = Text "hook_source",
        /// Whether the session runs in safe mode.
        safe_mode: bool = YesNo "safe_mode",
        /// Which tools it is for.
        hook_matcher: Option<String> = Detail "hook_matcher",
        /// The plugin that it is from.
        plugin_name: Option<Name> = PluginName "plugin.name",
        /// A hash that tells plugins apart without naming them.
        plugin_id_hash: Option<String> = Text "plugin_id_hash",
    }
}

event! {
    /// Hooks start to run.
    HookExecutionStart "hook_execution_start" {
        /// When they run: PreToolUse, PostToolUse, Stop, …
        hook_event: String = Text "hook_event",
        /// The event, and for what: PreToolUse:Bash.
        hook_name: String = Text "hook_name",
        /// How many there are.
        num_hooks: u64 = Digits "num_hooks",
        /// Whether only the administrator's hooks may run.
        managed_only: bool = YesNo "managed_only",
        /// Where they are configured: policySettings or merged.
        hook_source: String = Text "hook_source",
        /// Whether the session runs in safe mode.
        safe_mode: bool = YesNo "safe_mode",
        /// Their settings as JSON; only with detailed tracing too.
        hook_definitions: Option<String> = Definitions "hook_definitions",
    }
}

event! {
    /// Hooks have run.
    HookExecutionComplete "hook_execution_complete" {
        /// When they run: PreToolUse, PostToolUse, Stop, …
        hook_event: String = Text "hook_event",
        /// The event, and for what: PreToolUse:Bash.
        hook_name: String = Text "hook_name",
        /// How many there were.
        num_hooks: u64 = Digits "num_hooks",
        /// How many worked.
        num_success: u64 = Digits "num_success",
        /// How many forbade what they were asked about.
        num_blocking: u64 = Digits "num_blocking",
        /// How many failed without forbidding.
        num_non_blocking_error: u64 = Digits "num_non_blocking_error",
        /// How many were stopped.
        num_cancelled: u64 = Digits "num_cancelled",
        /// How long they took together, in milliseconds.
        total_duration_ms: u64 = Digits "total_duration_ms",
        /// How many characters they wrote.
        stdout_chars: Option<u64> = Digits "stdout_chars",
        /// How many characters of context they added.
        additional_context_chars: Option<u64> = Digits "additional_context_chars",
        /// How many characters of system messages they added.
        system_message_chars: Option<u64> = Digits "system_message_chars",
        /// How many characters of a first message they added.
        initial_user_message_chars: Option<u64> = Digits "initial_user_message_chars",
        /// How many outputs were kept.
        num_outputs_persisted: Option<u64> = Digits "num_outputs_persisted",
        /// Whether only the administrator's hooks may run.
        managed_only: bool = YesNo "managed_only",
        /// Where they are configured: policySettings or merged.
        hook_source: String = Text "hook_source",
        /// Whether the session runs in safe mode.
        safe_mode: bool = YesNo "safe_mode",
        /// Their settings as JSON; only with detailed tracing too.
        hook_definitions: Option<String> = Definitions "hook_definitions",
    }
}

event! {
    /// A plugin's hook reports numbers of its own.
    HookPluginMetrics "hook_plugin_metrics" {
        /// The plugin.
        plugin_id: String = Text "plugin_id",
        /// When the hook ran: PreToolUse, PostToolUse, Stop, …
        hook_event: String = Text "hook_event",
        /// Up to 20 keys of lower-case letters, digits and underscores.
        metrics: Vec<(String, FreeValue)> = Free "*",
    }
}
