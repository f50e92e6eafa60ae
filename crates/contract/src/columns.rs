//! The promoted columns: what every table has for an item's attributes.
//!
//! Each line gives a column's name, its kind, and the attribute keys that feed it, the canonical key
//! first and its aliases after it, in falling rank. Everything not listed stays in `attributes`.
//! Units are in the names. The order is the order of columns in tables and may only be appended to.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a column holds, which decides how a value is coerced into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number from 0 to 2^53: tokens, bytes, milliseconds, counts.
    Count,
    /// US dollars: finite, from 0 to one million.
    Usd,
    /// True or false.
    Flag,
}

/// One promoted column.
#[derive(Debug)]
pub struct Column {
    /// The column's name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The attribute keys that feed it, best first.
    pub keys: &'static [&'static str],
}

macro_rules! columns {
    ($($id:ident $name:literal $kind:ident [$($key:literal),+];)+) => {
        /// The promoted columns by name, in table order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each is documented by its column name and keys in the table below")]
        pub enum Col { $($id),+ }

        /// The promoted columns, in table order.
        pub const COLUMNS: &[Column] = &[
            $(Column { name: $name, kind: Kind::$kind, keys: &[$($key),+] }),+
        ];

        const ALL: &[Col] = &[$(Col::$id),+];
    };
}

columns! {
    SessionId "session_id" Text ["session.id", "conversation.id", "gen_ai.conversation.id"];
    Sequence "sequence" Count ["event.sequence"];
    PromptId "prompt_id" Text ["prompt.id", "prompt_id"];
    UserId "user_id" Text ["user.id"];
    UserEmail "user_email" Text ["user.email"];
    UserAccountUuid "user_account_uuid" Text ["user.account_uuid"];
    UserAccountId "user_account_id" Text ["user.account_id", "actor.user_id"];
    OrganizationId "organization_id" Text ["organization.id"];
    TerminalType "terminal_type" Text ["terminal.type"];
    AppVersion "app_version" Text ["app.version"];
    AppEntrypoint "app_entrypoint" Text ["app.entrypoint"];
    WorkspaceHostPaths "workspace_host_paths" Text ["workspace.host_paths"];
    Team "team" Text ["team", "team.id", "team.name"];
    Department "department" Text ["department", "department.id"];
    CostCenter "cost_center" Text ["cost_center", "cost_center.id", "cost.center"];
    Model "model" Text ["model", "gen_ai.request.model"];
    QuerySource "query_source" Text ["query_source"];
    Speed "speed" Text ["speed"];
    Effort "effort" Text ["effort"];
    RequestId "request_id" Text ["request_id", "gen_ai.response.id"];
    ClientRequestId "client_request_id" Text ["client_request_id"];
    CostUsd "cost_usd" Usd ["cost_usd"];
    CostUsdMicros "cost_usd_micros" Count ["cost_usd_micros"];
    InputTokens "input_tokens" Count ["input_tokens", "gen_ai.usage.input_tokens", "input_token_count"];
    OutputTokens "output_tokens" Count ["output_tokens", "gen_ai.usage.output_tokens", "output_token_count"];
    CacheReadTokens "cache_read_tokens" Count [
        "cache_read_tokens", "gen_ai.usage.cache_read.input_tokens", "cached_token_count",
        "cached_content_token_count", "cacheRead"];
    CacheCreationTokens "cache_creation_tokens" Count [
        "cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens", "cacheCreation"];
    CacheCreation5mTokens "cache_creation_5m_tokens" Count ["cache_creation_5m_tokens"];
    CacheCreation1hTokens "cache_creation_1h_tokens" Count ["cache_creation_1h_tokens"];
    DurationMs "duration_ms" Count ["duration_ms"];
    TtftMs "ttft_ms" Count ["ttft_ms"];
    StatusCode "status_code" Count ["status_code", "http.response.status_code", "http.status_code"];
    Attempt "attempt" Count ["attempt", "retry_attempt"];
    Error "error" Text ["error", "error.message"];
    ErrorType "error_type" Text ["error_type", "error.type"];
    ToolName "tool_name" Text ["tool_name", "gen_ai.tool.name", "tool.name", "function_name", "tool"];
    ToolUseId "tool_use_id" Text [
        "tool_use_id", "gen_ai.tool.call.id", "tool.call_id", "tool.id", "call_id"];
    Success "success" Flag ["success", "tool.success"];
    Decision "decision" Text ["decision", "tool.decision", "decision_type"];
    DecisionSource "decision_source" Text ["decision_source", "decision.source", "source"];
    ToolSource "tool_source" Text ["tool_source"];
    PermissionMode "permission_mode" Text ["permission_mode"];
    ToolInputSizeBytes "tool_input_size_bytes" Count ["tool_input_size_bytes"];
    ToolResultSizeBytes "tool_result_size_bytes" Count ["tool_result_size_bytes"];
    McpServerName "mcp_server_name" Text ["mcp_server.name", "mcp_server_name", "server_name"];
    McpToolName "mcp_tool_name" Text ["mcp_tool.name", "mcp_tool_name"];
    SkillName "skill_name" Text ["skill.name", "skill_name"];
    PluginName "plugin_name" Text ["plugin.name", "plugin_name"];
    AgentName "agent_name" Text ["agent.name", "agent_type", "subagent_type"];
    AgentId "agent_id" Text ["agent_id"];
    PromptLength "prompt_length" Count ["prompt_length", "prompt.length", "user_prompt_length"];
    Prompt "prompt" Text ["prompt", "prompt_text", "user_prompt"];
    PromptKind "prompt_kind" Text ["prompt_kind"];
    CommandName "command_name" Text ["command_name"];
    MessageUuid "message_uuid" Text ["message.uuid"];
    ResponseLength "response_length" Count ["response_length"];
    Response "response" Text ["response"];
    ToolInput "tool_input" Text ["tool_input"];
    ToolParameters "tool_parameters" Text ["tool_parameters", "function_args"];
    Type "type" Text ["type"];
}

/// How many promoted columns there are.
pub const COLUMN_COUNT: usize = COLUMNS.len();

impl Col {
    /// All of them, in table order.
    pub fn all() -> &'static [Col] {
        ALL
    }

    /// Its definition.
    pub fn def(self) -> &'static Column {
        &COLUMNS[self as usize]
    }
}

type KeyTable = HashMap<&'static str, (Col, u8), foldhash::fast::FixedState>;

static BY_KEY: LazyLock<KeyTable> = LazyLock::new(|| {
    let mut table = KeyTable::default();
    for col in ALL {
        for (rank, key) in col.def().keys.iter().enumerate() {
            let taken = table.insert(key, (*col, rank as u8));
            assert!(taken.is_none(), "attribute key {key} feeds two columns");
        }
    }
    table
});

/// The column that an attribute key feeds, and the key's rank there (0 is the canonical key).
pub fn column_of(key: &str) -> Option<(Col, u8)> {
    BY_KEY.get(key).copied()
}

/// The column of that name, if there is one.
pub fn find_column(name: &str) -> Option<Col> {
    ALL.iter().copied().find(|col| col.def().name == name)
}
