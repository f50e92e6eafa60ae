//! The session around the prompts: settings, permissions, servers, compaction, subagents.

use super::{Name, event};

event! {
    /// The permission mode was changed.
    PermissionModeChanged "permission_mode_changed" {
        /// The mode before.
        from_mode: String = Text "from_mode",
        /// The mode from now on.
        to_mode: String = Text "to_mode",
        /// What led to it: shift_tab, exit_plan_mode, auto_gate_denied or auto_opt_in.
        trigger: Option<String> = Text "trigger",
    }
}

event! {
    /// Somebody signed in or out.
    Auth "auth" {
        /// login or logout.
        action: String = Text "action",
        /// Whether it worked.
        success: bool = YesNo "success",
        /// How they signed in.
        auth_method: Option<String> = Text "auth_method",
        /// What kind of error it was.
        error_category: Option<String> = Text "error_category",
        /// The HTTP status, where there was an answer.
        status_code: Option<u64> = Digits "status_code",
    }
}

event! {
    /// The connection to an MCP server came up, failed or went down.
    McpServerConnection "mcp_server_connection" {
        /// connected, failed or disconnected.
        status: String = Text "status",
        /// stdio, sse, http or claudeai-proxy.
        transport_type: String = Text "transport_type",
        /// Where the server is configured: user, project, local, dynamic, claudeai.
        server_scope: String = Text "server_scope",
        /// How long connecting took or the connection lasted, in milliseconds.
        duration_ms: Option<u64> = Digits "duration_ms",
        /// The error's code.
        error_code: Option<String> = Text "error_code",
        /// Whether a plugin brought the server.
        is_plugin: bool = Flag "is_plugin",
        /// A hash that tells plugins apart without naming them.
        plugin_id_hash: Option<String> = Text "plugin_id_hash",
        /// The plugin.
        plugin_name: Option<Name> = PluginName "plugin.name",
        /// The server.
        server_name: Option<String> = Detail "server_name",
        /// The error's text.
        error: Option<String> = Detail "error",
    }
}

event! {
    /// Something inside the agent failed.
    InternalError "internal_error" {
        /// The error's name.
        error_name: String = Text "error_name",
        /// Its code.
        error_code: Option<String> = Text "error_code",
    }
}

event! {
    /// The conversation was compacted, or was to be.
    Compaction "compaction" {
        /// auto or manual.
        trigger: String = Text "trigger",
        /// Whether it worked.
        success: bool = YesNo "success",
        /// How long it took, in milliseconds.
        duration_ms: u64 = Digits "duration_ms",
        /// Tokens before.
        pre_tokens: u64 = Digits "pre_tokens",
        /// Tokens after.
        post_tokens: Option<u64> = Digits "post_tokens",
        /// What went wrong.
        error: Option<String> = Text "error",
        /// Whether work done beforehand could be used.
        precompute_reuse: Option<String> = Text "precompute_reuse",
    }
}

event! {
    /// A subagent has done its work.
    SubagentCompleted "subagent_completed" {
        /// The subagent's type.
        agent_type: Name = AgentName "agent_type",
        /// Where it is from: built-in, user, project, plugin.
        agent_source: String = Text "agent.source",
        /// Whether it comes with the agent.
        is_built_in: bool = Flag "is_built_in",
        /// Whether it worked in the background.
        is_async: bool = Flag "is_async",
        /// Tokens of its last request.
        total_tokens: u64 = Int "total_tokens",
        /// How often it used tools.
        total_tool_uses: u64 = Int "total_tool_uses",
        /// How long it worked, in milliseconds.
        duration_ms: u64 = Int "duration_ms",
        /// The model that it was to use.
        model: String = Text "model",
        /// The model that it ended with.
        final_model: Option<String> = Text "final_model",
        /// Whether they differ.
        model_swapped: bool = Flag "model_swapped",
        /// A hash that tells plugins apart without naming them.
        plugin_id_hash: Option<String> = Text "plugin_id_hash",
        /// The plugin.
        plugin_name: Option<Name> = PluginName "plugin.name",
        /// The subagent's id.
        agent_id: Option<String> = Text "agent_id",
    }
}

event! {
    /// A survey was shown or answered.
    FeedbackSurvey "feedback_survey" {
        /// appeared, responded, …
        event_type: String = Text "event_type",
        /// Which showing of it.
        appearance_id: String = Text "appearance_id",
        /// Which survey.
        survey_type: String = Text "survey_type",
        /// The answer.
        response: Option<String> = Text "response",
        /// Whether a setting enabled it.
        enabled_via_override: Option<bool> = Flag "enabled_via_override",
    }
}

event! {
    /// Old transcripts were removed.
    RetentionSweep "retention_sweep" {
        /// How it ended.
        result: String = Text "result",
        /// How long transcripts are kept, in days.
        period_days: u64 = Digits "period_days",
        /// Whether nobody had set that.
        used_default: bool = YesNo "used_default",
        /// Why it was left out.
        skip_reason: Option<String> = Text "skip_reason",
        /// Transcripts removed.
        transcripts_deleted: Option<u64> = Digits "transcripts_deleted",
        /// Transcripts of the desktop app that were left.
        transcripts_exempted_desktop: Option<u64> = Digits "transcripts_exempted_desktop",
        /// Other files of sessions removed.
        session_files_deleted: Option<u64> = Digits "session_files_deleted",
        /// Artifacts removed.
        artifacts_deleted: Option<u64> = Digits "artifacts_deleted",
        /// Files that were too young.
        files_retained_fresh: Option<u64> = Digits "files_retained_fresh",
        /// Files that were old enough.
        files_past_cutoff: Option<u64> = Digits "files_past_cutoff",
        /// Errors.
        error_count: Option<u64> = Digits "error_count",
    }
}

event! {
    /// It was settled which of the administrator's settings hold.
    ManagedSettingsResolved "managed_settings_resolved" {
        /// startup, change or refused.
        trigger: String = Text "managed_settings.trigger",
        /// What kind of error it was.
        error_type: Option<String> = Text "error.type",
        /// Where settings were found.
        sources: Vec<String> = List "managed_settings.sources",
        /// How several places are put together: first-wins.
        source_behavior: String = Text "managed_settings.source_behavior",
        /// The state of the helper.
        helper_state: String = Text "managed_settings.helper.state",
        /// What of the helper holds.
        helper_applied: String = Text "managed_settings.helper.applied",
        /// The helper's entry.
        helper_entry: Option<String> = Text "managed_settings.helper.entry",
        /// The helper's path.
        helper_path: Option<String> = Text "managed_settings.helper.path",
        /// A hash of the settings that hold.
        resolved_sha256: Option<String> = Text "managed_settings.resolved_sha256",
        /// The settings that hold, as JSON.
        settings: Option<String> = ManagedText "managed_settings.settings",
        /// Whether they were cut.
        settings_truncated: Option<bool> = Flag "managed_settings.settings_truncated",
    }
}
