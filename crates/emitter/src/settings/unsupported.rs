//! What is known and not supported: refused by name, never ignored in silence.

use super::reading::{Reading, switched};

/// Variables that ask for what is not built, and what to do instead.
const REFUSED: [(&str, &str); 7] = [
    ("OTEL_TRACES_EXPORTER", SPANS),
    ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", SPANS),
    ("ENABLE_ENHANCED_TELEMETRY_BETA", SPANS),
    ("ENABLE_BETA_TRACING_DETAILED", SPANS),
    ("BETA_TRACING_ENDPOINT", SPANS),
    ("CLAUDE_CODE_PROPAGATE_TRACEPARENT", SPANS),
    (
        "OTEL_LOG_TOOL_CONTENT",
        "shows content in spans only, and spans are not built",
    ),
];

const SPANS: &str =
    "asks for spans, which are not built: events and metrics are sent, spans are not";

pub(super) fn refuse(reading: &mut Reading) {
    for (name, message) in REFUSED {
        match reading.text(name) {
            Some(value) if value != "none" && switched(&value) != Some(false) => {
                reading.error(name, message);
            }
            _ => {}
        }
    }
}
