//! What content may leave: the gates, the redaction and the cuts.
//!
//! Invariant: every gate is shut until a setting opens it, and text behind a shut gate never enters
//! a record, a queue or a log.
//!
//! Sources: recorded requests of client 2.1.329 for the redaction; the vendor's documentation and
//! client for the cuts of `tool_input`.

use std::fmt::Write;
use std::path::PathBuf;

/// What stands where a text may not be shown.
pub const REDACTED: &str = "<REDACTED>";

/// Which content may leave, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What people ask (`OTEL_LOG_USER_PROMPTS`).
    pub prompts: bool,
    /// What the assistant answers (`OTEL_LOG_ASSISTANT_RESPONSES`).
    pub responses: bool,
    /// Parameters, inputs and errors of tools, and names that people gave (`OTEL_LOG_TOOL_DETAILS`).
    pub tool_details: bool,
    /// The settings of hooks: tool details and detailed tracing together.
    pub hook_definitions: bool,
    /// What tools gave back, in spans (`OTEL_LOG_TOOL_CONTENT`).
    pub tool_content: bool,
    /// Whole requests to the model and its whole answers (`OTEL_LOG_RAW_API_BODIES`).
    pub raw_bodies: bool,
    /// The directory into which they are written, uncut; an event names the file then. Without it
    /// events hold them, cut.
    pub body_dir: Option<PathBuf>,
    /// The administrator's settings (`OTEL_LOG_MANAGED_SETTINGS`).
    pub managed_settings: bool,
    /// How long a content text may be, in UTF-16 units, the mark of the cut included.
    pub length_max: usize,
    /// How long any text attribute may be, in UTF-16 units, where there is such a limit.
    pub value_length_max: Option<usize>,
}

impl Default for Content {
    fn default() -> Self {
        Content {
            prompts: false,
            responses: false,
            tool_details: false,
            tool_content: false,
            hook_definitions: false,
            raw_bodies: false,
            body_dir: None,
            managed_settings: false,
            length_max: 61_440,
            value_length_max: None,
        }
    }
}

impl Content {
    /// How long a content text may be, in UTF-16 units.
    pub(crate) fn text_max(&self) -> usize {
        self.value_length_max
            .map_or(self.length_max, |value| value.min(self.length_max))
    }

    /// A content text within its limit. Says whether it was cut.
    pub(crate) fn cut(&self, text: String) -> (String, bool) {
        let limit = self.text_max();
        if utf16_length(&text) <= limit {
            return (text, false);
        }
        let kept = prefix(&text, limit.saturating_sub(utf16_length(CUT_MARK)));
        let mark = prefix(CUT_MARK, limit);
        (format!("{kept}{mark}"), true)
    }

    /// Any other text within the limit for attributes, cut without a mark as the SDK does it.
    pub(crate) fn limited(&self, text: String) -> String {
        match self.value_length_max {
            Some(limit) if utf16_length(&text) > limit => prefix(&text, limit).to_owned(),
            _ => text,
        }
    }
}

/// Stands at the end of a content text that was cut.
const CUT_MARK: &str = "…[truncated]";

/// The length of a text as JavaScript counts it, which is how the clients count.
pub fn utf16_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The beginning of a text, at most `units` UTF-16 units long; no character is split.
fn prefix(text: &str, units: usize) -> &str {
    let mut taken = 0;
    for (index, character) in text.char_indices() {
        taken += character.len_utf16();
        if taken > units {
            return &text[..index];
        }
    }
    text
}

/// A string of a tool's input is cut when it is longer than this.
const INPUT_TEXT_MAX: usize = 512;
/// What is left of a string that was cut.
const INPUT_TEXT_KEPT: usize = 128;
const INPUT_ELEMENTS_MAX: usize = 20;
const INPUT_DEPTH_MAX: usize = 2;
const INPUT_MAX: usize = 4096;

/// A tool's input, cut as the clients cut it: a string of more than 512 characters to its first 128,
/// lists and objects to 20 elements and two levels, the whole to 4,096 characters.
///
/// What is not JSON is taken as one string.
pub(crate) fn tool_input(json: &str) -> String {
    let mut out = String::with_capacity(json.len().min(INPUT_MAX));
    let mut reader = serde_json::Deserializer::from_str(json);
    let whole = input::Cut {
        out: &mut out,
        depth: 0,
    };
    let read = serde::de::DeserializeSeed::deserialize(whole, &mut reader);
    if read.and_then(|()| reader.end()).is_err() {
        out.clear();
        input::text(json, &mut out);
    }
    if utf16_length(&out) > INPUT_MAX {
        out = format!("{}{CUT_MARK}", prefix(&out, INPUT_MAX));
    }
    out
}

/// JSON in, shorter JSON out, in the order of its members.
mod input {
    use std::fmt;

    use serde::de::{
        DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
    };

    use super::{
        INPUT_DEPTH_MAX, INPUT_ELEMENTS_MAX, INPUT_TEXT_KEPT, INPUT_TEXT_MAX, Write, prefix,
        utf16_length,
    };

    pub(super) struct Cut<'o> {
        pub(super) out: &'o mut String,
        pub(super) depth: usize,
    }

    pub(super) fn text(text: &str, out: &mut String) {
        let length = utf16_length(text);
        if length > INPUT_TEXT_MAX {
            quoted(
                &format!("{}…[{length} chars]", prefix(text, INPUT_TEXT_KEPT)),
                out,
            );
        } else {
            quoted(text, out);
        }
    }

    fn quoted(text: &str, out: &mut String) {
        // Writing a string cannot fail.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }

    impl Cut<'_> {
        fn plain<E: Error>(self, value: impl fmt::Display) -> Result<(), E> {
            let _ = write!(self.out, "{value}");
            Ok(())
        }
    }

    impl<'de> DeserializeSeed<'de> for Cut<'_> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_any(self)
        }
    }

    impl<'de> Visitor<'de> for Cut<'_> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("any JSON value")
        }

        fn visit_unit<E: Error>(self) -> Result<(), E> {
            self.plain("null")
        }

        fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
            self.plain(flag)
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
            self.plain(number)
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
            self.plain(number)
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
            self.plain(number)
        }

        fn visit_str<E: Error>(self, content: &str) -> Result<(), E> {
            text(content, self.out);
            Ok(())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
            if self.depth >= INPUT_DEPTH_MAX {
                while elements.next_element::<IgnoredAny>()?.is_some() {}
                return self.plain("\"<nested>\"");
            }
            let mut count = 0;
            self.out.push('[');
            while count < INPUT_ELEMENTS_MAX {
                let before = self.out.len();
                if count > 0 {
                    self.out.push(',');
                }
                let element = Cut {
                    out: &mut *self.out,
                    depth: self.depth + 1,
                };
                if elements.next_element_seed(element)?.is_none() {
                    self.out.truncate(before);
                    break;
                }
                count += 1;
            }
            while elements.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            if count > INPUT_ELEMENTS_MAX {
                let _ = write!(self.out, ",\"…[{count} items]\"");
            }
            self.out.push(']');
            Ok(())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
            if self.depth >= INPUT_DEPTH_MAX {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return self.plain("\"<nested>\"");
            }
            let mut count = 0;
            self.out.push('{');
            while let Some(key) = members.next_key::<String>()? {
                count += 1;
                if count > INPUT_ELEMENTS_MAX {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
                if count > 1 {
                    self.out.push(',');
                }
                quoted(&key, self.out);
                self.out.push(':');
                members.next_value_seed(Cut {
                    out: &mut *self.out,
                    depth: self.depth + 1,
                })?;
            }
            if count > INPUT_ELEMENTS_MAX {
                let _ = write!(self.out, ",\"…\":\"{count} keys\"");
            }
            self.out.push('}');
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_input(json: &str, cut: &str) {
        assert_eq!(tool_input(json), cut);
    }

    #[test]
    fn a_tool_s_input_is_cut_as_the_clients_cut_it() {
        let short = r#"{"command":"ls","n":3,"f":1.5,"b":true,"none":null,"a":["x",1]}"#;
        check_input(short, short);
        let long = "x".repeat(513);
        check_input(
            &format!("{{\"content\":\"{long}\"}}"),
            &format!("{{\"content\":\"{}…[513 chars]\"}}", "x".repeat(128)),
        );
        let just = format!("{{\"content\":\"{}\"}}", "x".repeat(512));
        check_input(&just, &just);
        check_input(
            r#"{"a":{"b":{"c":1}},"d":[[{"e":1}]]}"#,
            r#"{"a":{"b":"<nested>"},"d":["<nested>"]}"#,
        );
        let many: Vec<String> = (0..25).map(|n| n.to_string()).collect();
        let kept = many[..20].join(",");
        check_input(
            &format!("[{}]", many.join(",")),
            &format!("[{kept},\"…[25 items]\"]"),
        );
        check_input("not json", "\"not json\"");
        let wide: Vec<String> = (0..20)
            .map(|n| format!("\"k{n}\":\"{}\"", "y".repeat(500)))
            .collect();
        let cut = tool_input(&format!("{{{}}}", wide.join(",")));
        assert_eq!(utf16_length(&cut), INPUT_MAX + utf16_length(CUT_MARK));
    }

    #[test]
    fn a_cut_counts_its_mark() {
        let content = Content {
            length_max: 20,
            ..Content::default()
        };
        assert_eq!(content.cut("a".repeat(20)), ("a".repeat(20), false));
        let (cut, was_cut) = content.cut("a".repeat(21));
        assert_eq!(
            (utf16_length(&cut), cut.starts_with("aaaaaaaa…"), was_cut),
            (20, true, true)
        );
        let tight = Content {
            value_length_max: Some(3),
            ..content
        };
        assert_eq!(tight.cut("abcd".to_owned()).0, "…[t");
        assert_eq!(tight.limited("😀bc".to_owned()), "😀b", "UTF-16 units");
    }
}
