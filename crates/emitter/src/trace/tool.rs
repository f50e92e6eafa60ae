//! What a program says of a tool, and the order in which it is sent.

use super::part::{Scene, write_agent, write_call};
use super::program::describe;
use crate::content::utf16_length;
use crate::event::field::{AgentName, Detail, Flag, Int, MCP_PREFIX, Name, Own, Text, ToolName};

/// A tool that the model wants to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolUse {
    /// The tool; `mcp__SERVER__TOOL` for one of an MCP server.
    pub tool_name: String,
    /// The model's id of the tool's use.
    pub tool_use_id: Option<String>,
    /// The file that is read or changed; only with tool details.
    pub file_path: Option<String>,
    /// The shell command; it is sent only with tool details, its kind always.
    pub full_command: Option<String>,
    /// The skill; only with tool details.
    pub skill_name: Option<String>,
    /// The kind of subagent; only with tool details.
    pub subagent_type: Option<String>,
    /// The subagent that uses it.
    pub agent_id: Option<String>,
    /// The agent that made the subagent.
    pub parent_agent_id: Option<String>,
    /// The run of the workflow that made the subagent: `wf_…`
    pub workflow_run_id: Option<String>,
    /// The workflow's name; one that somebody gave needs tool details.
    pub workflow_name: Option<Name>,
}

impl ToolUse {
    pub(super) fn write(self, scene: &Scene, own: &mut Own<'_>) {
        own.put::<ToolName, _>("tool_name", self.tool_name.clone());
        // Tools of MCP servers have names that somebody gave.
        let safe = match self.tool_name.starts_with(MCP_PREFIX) {
            true => "mcp_other".to_owned(),
            false => self.tool_name.clone(),
        };
        own.put::<Text, _>("tool_name_safe", safe);
        own.put::<Text, _>("gen_ai.operation.name", "execute_tool".to_owned());
        own.put::<ToolName, _>("gen_ai.tool.name", self.tool_name);
        write_agent(own, self.agent_id, self.parent_agent_id);
        own.put::<Text, _>("workflow.run_id", self.workflow_run_id);
        own.put::<AgentName, _>("workflow.name", self.workflow_name);
        own.put::<Text, _>("gen_ai.conversation.id", scene.conversation.clone());
        own.put::<Detail, _>("file_path", self.file_path);
        own.put::<Detail, _>("skill_name", self.skill_name);
        own.put::<Detail, _>("subagent_type", self.subagent_type);
        let program = self.full_command.as_deref().map(describe);
        own.put::<Detail, _>("full_command", self.full_command);
        if let Some((class, program)) = program {
            own.put::<Text, _>("bash_command_class", class.to_owned());
            own.put::<Text, _>("bash_argv0", program.to_owned());
        }
        write_call(own, self.tool_use_id);
    }
}

/// What a tool gave back: the event `tool.output`, only with `OTEL_LOG_TOOL_CONTENT`, of the tools Read,
/// Bash, Edit and Write; of the last two only with tool details too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolOutput {
    /// What Read gave, or what Write was to write.
    pub content: Option<String>,
    /// What the command of Bash said, both outputs together.
    pub output: Option<String>,
    /// What Edit changed.
    pub diff: Option<String>,
    /// The file; only with tool details.
    pub file_path: Option<String>,
    /// The command; only with tool details.
    pub bash_command: Option<String>,
}

impl ToolOutput {
    /// Whether it may be sent of this tool.
    pub(super) fn is_allowed(tool: &str, content: &crate::Content) -> bool {
        match tool {
            "Read" | "Bash" => content.tool_content,
            "Edit" | "Write" => content.tool_content && content.tool_details,
            _ => false,
        }
    }

    pub(super) fn write(self, own: &mut Own<'_>) {
        let details = own.content().tool_details;
        let parts = [
            (
                ["content", "content_truncated", "content_original_length"],
                self.content,
                true,
            ),
            (
                ["output", "output_truncated", "output_original_length"],
                self.output,
                true,
            ),
            (
                ["diff", "diff_truncated", "diff_original_length"],
                self.diff,
                true,
            ),
            (
                [
                    "file_path",
                    "file_path_truncated",
                    "file_path_original_length",
                ],
                self.file_path,
                details,
            ),
            (
                [
                    "bash_command",
                    "bash_command_truncated",
                    "bash_command_original_length",
                ],
                self.bash_command,
                details,
            ),
        ];
        for ([key, cut_key, length_key], text, is_allowed) in parts {
            let Some(text) = text.filter(|_| is_allowed) else {
                continue;
            };
            let length = utf16_length(&text) as u64;
            let (text, is_cut) = own.content().cut(text);
            own.put::<Text, _>(key, text);
            if is_cut {
                own.put::<Flag, _>(cut_key, true);
                own.put::<Int, _>(length_key, length);
            }
        }
    }
}

/// How a tool ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolOutcome {
    /// How long it ran, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Whether it worked.
    pub success: bool,
    /// The error's text; only with tool details, otherwise the category stands for it.
    pub error: Option<String>,
    /// The error's category: ShellError, Error:ENOENT, …
    pub error_class: Option<String>,
}

impl ToolOutcome {
    /// Gives the error, if it failed.
    pub(super) fn write(self, age_ms: u64, own: &mut Own<'_>) -> Option<String> {
        own.put::<Int, _>("duration_ms", self.duration_ms.unwrap_or(age_ms));
        own.put::<Flag, _>("success", self.success);
        if self.success {
            return None;
        }
        let category = self.error_class.unwrap_or_else(|| "Error".to_owned());
        let details = own.content().tool_details;
        let error = self
            .error
            .filter(|_| details)
            .unwrap_or_else(|| category.clone());
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let class = category
            .chars()
            .map(|letter| if is_letter(letter) { letter } else { '_' });
        own.put::<Text, _>("error.type", "tool_error".to_owned());
        own.put::<Text, _>("error", error.clone());
        own.put::<Text, _>("error_class", class.collect::<String>());
        Some(error)
    }
}
