//! How one attribute travels: its wire type, and the gate before it.
//!
//! A field has a Rust type, in which a program says it, and a wire, in which it is sent: `Digits` are
//! numbers that the clients send as text, `YesNo` truth values that they send as text.

use std::borrow::Cow;

use contract::{Attribute, Value};

use crate::content::{self, Content, REDACTED};

/// A wire, described for people.
pub(crate) trait Wire {
    /// What a value is called in messages.
    const KIND: &'static str;
    /// The setting without which the value is not sent as it is; empty when there is none.
    const GATE: &'static str = "";
}

/// A Rust type that a wire can carry.
pub(crate) trait Field<W: Wire>: Sized + Default {
    /// Whether text must name it.
    const IS_REQUIRED: bool = true;
    /// Appends the attribute, or nothing.
    fn write(self, key: &'static str, own: &mut Own<'_>);
    /// Reads it from text.
    fn parse(text: &str) -> Option<Self>;
    /// Takes what is left over, for a field that holds any key.
    fn take_rest(_rest: &mut Vec<(String, String)>) -> Option<Self> {
        None
    }
}

/// An event's or a span's own attributes while they are written.
pub(crate) struct Own<'c> {
    pub(crate) attributes: Vec<Attribute<'static>>,
    content: &'c Content,
}

impl<'c> Own<'c> {
    pub(crate) fn new(content: &'c Content) -> Own<'c> {
        Own {
            attributes: Vec::with_capacity(16),
            content,
        }
    }

    /// Appends an attribute by its wire.
    pub(crate) fn put<W: Wire, T: Field<W>>(&mut self, key: &'static str, value: T) {
        value.write(key, self);
    }

    pub(crate) fn content(&self) -> &Content {
        self.content
    }

    fn push(&mut self, key: impl Into<Cow<'static, str>>, value: Value<'static>) {
        self.attributes.push((key.into(), value));
    }

    fn text(&mut self, key: &'static str, text: String) {
        let text = self.content.limited(text);
        self.push(key, Value::Str(Cow::Owned(text)));
    }
}

/// A custom name that only tool details show; names that come with the agent are always shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// Comes with the agent.
    BuiltIn(String),
    /// Somebody gave it.
    Custom(String),
}

impl Default for Name {
    fn default() -> Self {
        Name::Custom(String::new())
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Name::Custom(name.to_owned())
    }
}

impl Name {
    /// The name as it may be sent: a custom one only with tool details, else the placeholder.
    pub(crate) fn shown(self, placeholder: &str, content: &Content) -> String {
        match self {
            Name::BuiltIn(name) => name,
            Name::Custom(name) if content.tool_details => name,
            Name::Custom(_) => placeholder.to_owned(),
        }
    }
}

/// The value of a free key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FreeValue {
    /// A truth value.
    Flag(bool),
    /// A number; a whole one is sent as an integer.
    Number(f64),
}

macro_rules! wires {
    ($( $(#[doc = $doc:literal])+ $wire:ident $kind:literal $(gate $gate:literal)?, )*) => {
        $(
            $(#[doc = $doc])+
            pub(crate) struct $wire;
            impl Wire for $wire {
                const KIND: &'static str = $kind;
                $(const GATE: &'static str = $gate;)?
            }
        )*
    };
}

wires! {
    /// Text.
    Text "text",
    /// A whole number as text.
    Digits "whole number",
    /// A whole number.
    Int "whole number",
    /// A JavaScript number: a whole one goes out as an integer.
    Number "number",
    /// A truth value.
    Flag "true or false",
    /// A truth value as text.
    YesNo "true or false",
    /// A list of texts.
    List "texts with commas",
    /// Text that is redacted unless prompts may be shown.
    PromptText "text" gate "OTEL_LOG_USER_PROMPTS",
    /// Text that is redacted unless responses may be shown.
    ResponseText "text" gate "OTEL_LOG_ASSISTANT_RESPONSES",
    /// Text that is left out unless tool details may be shown.
    Detail "text" gate "OTEL_LOG_TOOL_DETAILS",
    /// The settings of hooks; left out unless tool details may be shown and tracing is detailed.
    Definitions "JSON" gate "OTEL_LOG_TOOL_DETAILS",
    /// A tool's input, cut; left out unless tool details may be shown.
    Input "JSON" gate "OTEL_LOG_TOOL_DETAILS",
    /// The administrator's settings.
    ManagedText "text" gate "OTEL_LOG_MANAGED_SETTINGS",
    /// A text of any length, cut to the limit of content.
    Body "text" gate "OTEL_LOG_RAW_API_BODIES",
    /// A tool's name; a tool of an MCP server is called `mcp_tool`.
    ToolName "text",
    /// An agent's name, or `custom`.
    AgentName "name" gate "OTEL_LOG_TOOL_DETAILS",
    /// A skill's name, or `custom_skill`.
    SkillName "name" gate "OTEL_LOG_TOOL_DETAILS",
    /// A plugin's or marketplace's name, or `third-party`.
    PluginName "name" gate "OTEL_LOG_TOOL_DETAILS",
    /// The name of an MCP server or its tool, or `custom`.
    McpName "name" gate "OTEL_LOG_TOOL_DETAILS",
    /// Any keys with numbers and truth values.
    Free "numbers and truth values under any keys",
}

impl<W: Wire, T: Field<W>> Field<W> for Option<T> {
    const IS_REQUIRED: bool = false;

    fn write(self, key: &'static str, own: &mut Own<'_>) {
        if let Some(value) = self {
            value.write(key, own);
        }
    }

    fn parse(text: &str) -> Option<Self> {
        T::parse(text).map(Some)
    }
}

/// Texts differ in what is written only.
macro_rules! texts {
    ($( $wire:ident => |$key:ident, $text:ident, $own:ident| $write:expr; )*) => {
        $(
            impl Field<$wire> for String {
                fn write(self, $key: &'static str, $own: &mut Own<'_>) {
                    let $text = self;
                    $write
                }

                fn parse(text: &str) -> Option<Self> {
                    Some(text.to_owned())
                }
            }
        )*
    };
}

texts! {
    Text => |key, text, own| own.text(key, text);
    PromptText => |key, text, own| {
        let shown = own.content.prompts;
        content_text(key, text, shown, own);
    };
    ResponseText => |key, text, own| {
        let shown = own.content.responses;
        content_text(key, text, shown, own);
    };
    Detail => |key, text, own| if own.content.tool_details {
        own.text(key, text);
    };
    Definitions => |key, text, own| if own.content.hook_definitions {
        own.text(key, text);
    };
    Input => |key, text, own| if own.content.tool_details {
        own.text(key, content::tool_input(&text));
    };
    ManagedText => |key, text, own| if own.content.managed_settings {
        own.text(key, text);
    };
    // Where bodies go into files, the event names the file instead.
    Body => |key, text, own| if own.content.body_dir.is_none() {
        let (text, _) = own.content.cut(text);
        own.push(key, Value::Str(Cow::Owned(text)));
    };
    ToolName => |key, text, own| {
        let is_mcp = text.starts_with(MCP_PREFIX);
        own.text(key, if is_mcp { "mcp_tool".to_owned() } else { text });
    };
}

/// How the name of an MCP server's tool starts: `mcp__server__tool`.
pub(crate) const MCP_PREFIX: &str = "mcp__";

fn content_text(key: &'static str, text: String, is_shown: bool, own: &mut Own<'_>) {
    let text = if is_shown {
        own.content.cut(text).0
    } else {
        REDACTED.to_owned()
    };
    own.push(key, Value::Str(Cow::Owned(text)));
}

macro_rules! names {
    ($( $wire:ident $placeholder:literal; )*) => {
        $(
            impl Field<$wire> for Name {
                fn write(self, key: &'static str, own: &mut Own<'_>) {
                    let shown = self.shown($placeholder, own.content);
                    own.text(key, shown);
                }

                fn parse(text: &str) -> Option<Self> {
                    Some(match text.strip_prefix("builtin:") {
                        Some(name) => Name::BuiltIn(name.to_owned()),
                        None => Name::Custom(text.to_owned()),
                    })
                }
            }
        )*
    };
}

names! {
    AgentName "custom";
    SkillName "custom_skill";
    PluginName "third-party";
    McpName "custom";
}

impl Field<Digits> for u64 {
    fn write(self, key: &'static str, own: &mut Own<'_>) {
        own.push(key, Value::Str(Cow::Owned(self.to_string())));
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Field<Int> for u64 {
    fn write(self, key: &'static str, own: &mut Own<'_>) {
        let number = i64::try_from(self).unwrap_or(i64::MAX);
        own.push(key, Value::Int(number));
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A JavaScript number on the wire.
fn javascript_number(number: f64) -> Value<'static> {
    // Beyond 2^53 a double cannot tell whole numbers apart.
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        Value::Int(number as i64)
    } else {
        Value::Double(number)
    }
}

impl Field<Number> for f64 {
    fn write(self, key: &'static str, own: &mut Own<'_>) {
        own.push(key, javascript_number(self));
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

impl Field<Flag> for bool {
    fn write(self, key: &'static str, own: &mut Own<'_>) {
        own.push(key, Value::Bool(self));
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Field<YesNo> for bool {
    fn write(self, key: &'static str, own: &mut Own<'_>) {
        let text = if self { "true" } else { "false" };
        own.push(key, Value::Str(Cow::Borrowed(text)));
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Field<List> for Vec<String> {
    fn write(self, key: &'static str, own: &mut Own<'_>) {
        let json = serde_json::Value::from(self).to_string();
        own.push(key, Value::Array(Cow::Owned(json)));
    }

    fn parse(text: &str) -> Option<Self> {
        let elements = text.split(',').filter(|element| !element.is_empty());
        Some(elements.map(str::to_owned).collect())
    }
}

/// More keys than this are not sent.
const FREE_KEYS_MAX: usize = 20;

/// `^[a-z][a-z0-9_]{0,39}$`
fn is_free_key(key: &str) -> bool {
    key.len() <= 40
        && key.starts_with(|first: char| first.is_ascii_lowercase())
        && key
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

impl Field<Free> for Vec<(String, FreeValue)> {
    const IS_REQUIRED: bool = false;

    fn write(self, _: &'static str, own: &mut Own<'_>) {
        let allowed = self.into_iter().filter(|(key, _)| is_free_key(key));
        for (key, value) in allowed.take(FREE_KEYS_MAX) {
            let value = match value {
                FreeValue::Flag(flag) => Value::Bool(flag),
                FreeValue::Number(number) => javascript_number(number),
            };
            own.push(key, value);
        }
    }

    fn parse(_: &str) -> Option<Self> {
        None
    }

    fn take_rest(rest: &mut Vec<(String, String)>) -> Option<Self> {
        let mut free = Vec::new();
        rest.retain(|(key, text)| {
            let value = match text.parse().map(FreeValue::Flag) {
                Ok(flag) => Some(flag),
                Err(_) => text.parse().ok().map(FreeValue::Number),
            };
            let fits = is_free_key(key) && free.len() < FREE_KEYS_MAX;
            match value.filter(|_| fits) {
                Some(value) => {
                    free.push((key.clone(), value));
                    false
                }
                None => true,
            }
        });
        Some(free)
    }
}
