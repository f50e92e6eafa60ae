//! What attributes are about, by their keys.
//!
//! Invariant: what counts is `Counted` and is never dropped, cut or hashed: times, numbers, ids of
//! sessions and requests, names of events and models. So no policy changes a cost or a count.

use std::collections::HashMap;
use std::sync::LazyLock;

use contract::{Col, Kind, REDACTED, column_of};

/// What an attribute is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// What is counted, or by what.
    Counted,
    /// Who it was.
    People,
    /// What was said and done: prompts, responses, tool inputs and outputs, bodies.
    Content,
    /// What else the contract knows: teams, connectors, errors, paths.
    Known,
    /// What the contract does not know.
    Other,
}

/// Keys beside the columns that say who it was.
const PEOPLE: &[&str] = &[
    "actor.email",
    "enduser.id",
    "installation.id",
    "process.owner",
    "user",
    "user.full_name",
    "user.hash",
    "user.name",
    "vcs.author.email",
    "vcs.author.name",
];

/// Keys beside the columns that hold what was said and done.
const CONTENT: &[&str] = &[
    "agent.response",
    "arguments",
    "bash_command",
    "body",
    "content",
    "diff",
    "error_body",
    "file_path",
    "full_command",
    "gen_ai.completion",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.prompt",
    "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.tool.definitions",
    "hook_definitions",
    "managed_settings.settings",
    "new_context",
    "output",
    "request_body",
    "request_text",
    "response.model_output",
    "response_body",
    "response_text",
    "system_prompt",
    "system_prompt_preview",
    "system_reminders",
    "tool.arguments",
    "tool.input",
    "tool.output",
    "tool_output",
    "tool_result",
    "user.message",
    "user_system_prompt",
];

/// Keys beside the columns by which is counted.
const COUNTED: &[&str] = &[
    REDACTED,
    "app.name",
    "event.name",
    "event.timestamp",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.system",
    "interaction.sequence",
    "language",
    "service.name",
    "service.version",
    "span.type",
    "start_type",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
];

/// The class of each key beside the columns.
static BESIDE_COLUMNS: LazyLock<HashMap<&'static str, Class>> = LazyLock::new(|| {
    let lists = [
        (PEOPLE, Class::People),
        (CONTENT, Class::Content),
        (COUNTED, Class::Counted),
    ];
    let keys = lists.into_iter();
    keys.flat_map(|(keys, class)| keys.iter().map(move |key| (*key, class)))
        .collect()
});

impl Class {
    /// The class of an attribute.
    pub fn of(key: &str) -> Class {
        match column_of(key) {
            Some((col, _)) => Class::of_column(col),
            None => BESIDE_COLUMNS.get(key).copied().unwrap_or(Class::Other),
        }
    }

    fn of_column(col: Col) -> Class {
        match col {
            Col::UserId | Col::UserEmail | Col::UserAccountUuid | Col::UserAccountId => {
                Class::People
            }
            Col::Prompt | Col::Response | Col::ToolInput | Col::ToolParameters => Class::Content,
            Col::SessionId
            | Col::PromptId
            | Col::OrganizationId
            | Col::AppVersion
            | Col::AppEntrypoint
            | Col::Model
            | Col::QuerySource
            | Col::Speed
            | Col::Effort
            | Col::RequestId
            | Col::ClientRequestId
            | Col::ErrorType
            | Col::ToolName
            | Col::ToolUseId
            | Col::Decision
            | Col::DecisionSource
            | Col::PromptKind
            | Col::MessageUuid
            | Col::Type => Class::Counted,
            other if other.def().kind == Kind::Text => Class::Known,
            _ => Class::Counted,
        }
    }

    /// The name in reports and counters.
    pub fn name(self) -> &'static str {
        match self {
            Class::Counted => "counted",
            Class::People => "people",
            Class::Content => "content",
            Class::Known => "known",
            Class::Other => "other",
        }
    }
}

/// Whether a text is a plain number, which nothing is looked for in.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
}

/// Whether a text of a counted attribute can say nothing but what it is there for: a number, a
/// time, an id in the usual form, a word. Asked when nothing else could be asked.
pub(crate) fn is_plain_claim(text: &str) -> bool {
    let is_word = text.len() <= 48
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-:[]".contains(&b))
        && text.bytes().filter(u8::is_ascii_digit).count() <= 12;
    let is_uuid = text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        });
    let is_time = text.len() <= 32
        && text.contains('T')
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"TZ:.+-".contains(&b));
    is_number(text) || is_word || is_uuid || is_time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_class() {
        for (key, class) in [
            ("cost_usd", Class::Counted),
            ("input_tokens", Class::Counted),
            ("success", Class::Counted),
            ("session.id", Class::Counted),
            ("event.timestamp", Class::Counted),
            ("user.email", Class::People),
            ("actor.user_id", Class::People),
            ("enduser.id", Class::People),
            ("prompt_text", Class::Content),
            ("tool_parameters", Class::Content),
            ("body", Class::Content),
            ("team", Class::Known),
            ("error", Class::Known),
            ("deploy.note", Class::Other),
        ] {
            assert_eq!(Class::of(key), class, "{key}");
        }
        for key in PEOPLE.iter().chain(CONTENT).chain(COUNTED) {
            assert!(column_of(key).is_none(), "{key} is a column's key already");
        }
    }
}
