//! Spans as the OpenTelemetry JavaScript exporter writes them.
//!
//! `contract::Span` is a row: it keeps events and links as text and has no flags. What a client writes
//! has its parts apart, so it has a type of its own here.
//!
//! Source: recorded requests of client 2.1.329 over http/json; over protobuf there is no recording, and
//! the form is that of the same exporter's log records.

use std::fmt::Write;

use contract::{Attribute, Origin};

use super::{hex, json, json_attributes, list, protobuf, text};
use crate::Encoding;
use crate::encode::write_attributes;
use crate::writer::{Size, Writer};

/// A span that has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span<'a> {
    /// The trace that it is part of.
    pub trace_id: [u8; 16],
    /// Its own id.
    pub span_id: [u8; 8],
    /// The span around it.
    pub parent_span_id: Option<[u8; 8]>,
    /// `tracestate`, as it came with the trace.
    pub trace_state: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// Nanoseconds since the Unix epoch.
    pub start_time_unix_nano: u64,
    /// Nanoseconds since the Unix epoch.
    pub end_time_unix_nano: u64,
    /// In wire order.
    pub attributes: Vec<Attribute<'a>>,
    /// What happened within it.
    pub events: Vec<SpanEvent<'a>>,
    /// Events beyond those.
    pub dropped_events_count: u32,
    /// Other spans that it has to do with.
    pub links: Vec<SpanLink<'a>>,
    /// Why it failed; `None` when it did not.
    pub error: Option<&'a str>,
    /// The trace's flags, and whether the parent is of another process.
    pub flags: u32,
}

/// Something within a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanEvent<'a> {
    /// Its name.
    pub name: &'a str,
    /// Nanoseconds since the Unix epoch.
    pub time_unix_nano: u64,
    /// In wire order.
    pub attributes: Vec<Attribute<'a>>,
}

/// Another span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanLink<'a> {
    /// The trace that it is part of.
    pub trace_id: [u8; 16],
    /// Its id.
    pub span_id: [u8; 8],
    /// In wire order.
    pub attributes: Vec<Attribute<'a>>,
    /// As of a span.
    pub flags: u32,
}

/// OTLP's number for a span within a program.
const KIND_INTERNAL: u64 = 1;
const STATUS_ERROR: u64 = 2;

/// An export request of spans of one origin.
pub fn spans(encoding: Encoding, origin: &Origin<'_>, spans: &[Span<'_>]) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => protobuf(origin, spans, write_span),
        Encoding::Json => json(["resourceSpans", "scopeSpans", "spans"], origin, |out| {
            list(out, spans, json_span);
        }),
    }
}

fn write_span(writer: &mut Writer, span: &Span<'_>) {
    writer.bytes_set(1, &span.trace_id);
    writer.bytes_set(2, &span.span_id);
    if let Some(state) = span.trace_state {
        writer.bytes_set(3, state.as_bytes());
    }
    if let Some(parent) = &span.parent_span_id {
        writer.bytes_set(4, parent);
    }
    writer.bytes_set(5, span.name.as_bytes());
    writer.varint_set(6, KIND_INTERNAL);
    writer.eight_set(7, span.start_time_unix_nano);
    writer.eight_set(8, span.end_time_unix_nano);
    write_attributes(writer, 9, &span.attributes);
    writer.varint_set(10, 0);
    for event in &span.events {
        let open = writer.open(11, Size::Medium);
        writer.eight_set(1, event.time_unix_nano);
        writer.bytes_set(2, event.name.as_bytes());
        write_attributes(writer, 3, &event.attributes);
        writer.varint_set(4, 0);
        writer.close(open);
    }
    writer.varint_set(12, u64::from(span.dropped_events_count));
    for link in &span.links {
        let open = writer.open(13, Size::Medium);
        writer.bytes_set(1, &link.trace_id);
        writer.bytes_set(2, &link.span_id);
        write_attributes(writer, 4, &link.attributes);
        writer.varint_set(5, 0);
        writer.four_set(6, link.flags);
        writer.close(open);
    }
    writer.varint_set(14, 0);
    let open = writer.open(15, Size::Small);
    if let Some(message) = span.error {
        writer.bytes_set(2, message.as_bytes());
    }
    writer.varint_set(3, status(span));
    writer.close(open);
    writer.four_set(16, span.flags);
}

fn status(span: &Span<'_>) -> u64 {
    if span.error.is_some() {
        STATUS_ERROR
    } else {
        0
    }
}

fn json_span(out: &mut String, span: &Span<'_>) {
    out.push_str("{\"traceId\":\"");
    hex(out, &span.trace_id);
    out.push_str("\",\"spanId\":\"");
    hex(out, &span.span_id);
    out.push('"');
    if let Some(parent) = &span.parent_span_id {
        out.push_str(",\"parentSpanId\":\"");
        hex(out, parent);
        out.push('"');
    }
    if let Some(state) = span.trace_state {
        out.push_str(",\"traceState\":");
        text(out, state);
    }
    out.push_str(",\"name\":");
    text(out, span.name);
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    let _ = write!(
        out,
        ",\"kind\":{KIND_INTERNAL},\"startTimeUnixNano\":\"{start}\",\"endTimeUnixNano\":\"{end}\","
    );
    json_attributes(out, &span.attributes);
    out.push_str(",\"droppedAttributesCount\":0,\"events\":");
    list(out, &span.events, json_event);
    let dropped = span.dropped_events_count;
    let status = status(span);
    let _ = write!(
        out,
        ",\"droppedEventsCount\":{dropped},\"status\":{{\"code\":{status}"
    );
    if let Some(message) = span.error {
        out.push_str(",\"message\":");
        text(out, message);
    }
    out.push_str("},\"links\":");
    list(out, &span.links, json_link);
    let _ = write!(out, ",\"droppedLinksCount\":0,\"flags\":{}}}", span.flags);
}

fn json_event(out: &mut String, event: &SpanEvent<'_>) {
    out.push('{');
    json_attributes(out, &event.attributes);
    out.push_str(",\"name\":");
    text(out, event.name);
    let time = event.time_unix_nano;
    let _ = write!(
        out,
        ",\"timeUnixNano\":\"{time}\",\"droppedAttributesCount\":0}}"
    );
}

fn json_link(out: &mut String, link: &SpanLink<'_>) {
    out.push('{');
    json_attributes(out, &link.attributes);
    out.push_str(",\"spanId\":\"");
    hex(out, &link.span_id);
    out.push_str("\",\"traceId\":\"");
    hex(out, &link.trace_id);
    let _ = write!(
        out,
        "\",\"droppedAttributesCount\":0,\"flags\":{}}}",
        link.flags
    );
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use contract::{DataPoint, LogRecord, Metric, Quarantined, Signal, Sink, Value};

    use super::*;
    use crate::Limits;

    /// Spans as rows, without their own bytes.
    #[derive(Default)]
    struct Rows(Vec<String>);

    impl Sink for Rows {
        fn origin(&mut self, _: &Origin<'_>) {}
        fn log(&mut self, _: &LogRecord<'_>) {}
        fn point(&mut self, _: &Metric<'_>, _: &DataPoint<'_>) {}
        fn span(&mut self, span: &contract::Span<'_>) {
            let shown = contract::Span {
                raw: &[],
                ..span.clone()
            };
            self.0.push(format!("{shown:?}"));
        }
        fn quarantine(&mut self, item: Quarantined) {
            panic!("{item:?}");
        }
    }

    fn rows(protobuf: &[u8]) -> Vec<String> {
        let mut rows = Rows::default();
        crate::decode(Signal::Traces, protobuf, &Limits::default(), &mut rows).expect("valid");
        rows.0
    }

    fn attribute(key: &'static str, text: &'static str) -> Attribute<'static> {
        (Cow::Borrowed(key), Value::from(text))
    }

    #[test]
    fn both_encodings_say_the_same() {
        let span = Span {
            trace_id: [7; 16],
            span_id: [8; 8],
            parent_span_id: Some([9; 8]),
            trace_state: Some("a=\"b\""),
            name: "claude_code.tool",
            start_time_unix_nano: 1,
            end_time_unix_nano: 2_000_000_003,
            attributes: vec![attribute("a", "b"), attribute("c", "d")],
            events: vec![SpanEvent {
                name: "tool.output",
                time_unix_nano: 5,
                attributes: vec![attribute("e", "f")],
            }],
            dropped_events_count: 3,
            links: vec![SpanLink {
                trace_id: [1; 16],
                span_id: [2; 8],
                attributes: vec![attribute("link.type", "parent_of")],
                flags: 0x301,
            }],
            error: Some("it \"failed\""),
            flags: 0x101,
        };
        let plain = Span {
            name: "plain",
            trace_id: [7; 16],
            span_id: [6; 8],
            ..Span::default()
        };
        let origin = Origin {
            scope_name: Cow::Borrowed("scope"),
            ..Origin::default()
        };
        let both = [span, plain];
        let protobuf = spans(Encoding::Protobuf, &origin, &both);
        let json = spans(Encoding::Json, &origin, &both);
        let read = crate::from_json(Signal::Traces, &json, &Limits::default()).expect("valid");
        // The conversion leaves out counts of nothing, which the exporter writes.
        let counted = rows(&protobuf).concat();
        let shown = counted.replace(r#",\"droppedAttributesCount\":0"#, "");
        assert_eq!(shown, rows(&read.protobuf).concat());
        for protobuf in [&protobuf, &read.protobuf] {
            let json = crate::to_json(Signal::Traces, protobuf).expect("valid");
            let json = String::from_utf8(json).expect("text");
            let parts = [
                r#""traceState":"a=\"b\"""#,
                r#""flags":257"#,
                r#""flags":769"#,
                r#""droppedEventsCount":3"#,
            ];
            for part in parts {
                assert!(json.contains(part), "{part} in {json}");
            }
        }
        for part in ["it \\\"failed\\\"", "tool.output", "parent_of", "plain"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }
}
