//! What people ask, what they are answered, and what they point at.

use super::event;
use crate::content::{Content, utf16_length};

event! {
    /// A person, or a schedule, asked for something.
    UserPrompt "user_prompt" complete(complete_prompt) {
        /// Length in UTF-16 units; follows from the prompt.
        prompt_length: Option<u64> = Digits "prompt_length",
        /// The text; `<REDACTED>` unless prompts may be shown.
        prompt: String = PromptText "prompt",
        /// The same text again; follows from the prompt.
        prompt_text: Option<String> = PromptText "prompt_text",
        /// The message's id.
        message_uuid: Option<String> = Text "message.uuid",
        /// The slash command, where the prompt is one.
        command_name: Option<String> = Text "command_name",
        /// Where the command is from: builtin, custom or mcp.
        command_source: Option<String> = Text "command_source",
    }
}

impl UserPrompt {
    /// A prompt of this text.
    pub fn new(prompt: impl Into<String>) -> UserPrompt {
        UserPrompt {
            prompt: prompt.into(),
            ..UserPrompt::default()
        }
    }
}

fn complete_prompt(event: &mut UserPrompt, _: &Content) {
    let length = utf16_length(&event.prompt) as u64;
    event.prompt_length.get_or_insert(length);
    let prompt = &event.prompt;
    event.prompt_text.get_or_insert_with(|| prompt.clone());
}

event! {
    /// The assistant answered in text.
    AssistantResponse "assistant_response" complete(complete_response) {
        /// Length in UTF-16 units; follows from the response.
        response_length: Option<u64> = Int "response_length",
        /// The text; `<REDACTED>` unless responses may be shown.
        response: String = ResponseText "response",
        /// The request to the model that gave it.
        request_id: Option<String> = Text "request_id",
        /// The message's id.
        message_uuid: Option<String> = Text "message.uuid",
        /// The model's name.
        model: String = Text "model",
        /// Who asked the model: sdk, repl_main_thread, agent:…
        query_source: Option<String> = Text "query_source",
        /// The subagent's id, where one answered.
        agent_id: Option<String> = Text "agent_id",
    }
}

fn complete_response(event: &mut AssistantResponse, _: &Content) {
    let length = utf16_length(&event.response) as u64;
    event.response_length.get_or_insert(length);
}

event! {
    /// A prompt pointed at something with an @.
    AtMention "at_mention" {
        /// What it is: file, directory, agent, mcp_resource or peer.
        mention_type: String = Text "mention_type",
        /// Whether it was found.
        success: bool = YesNo "success",
    }
}
