//! Items as the OpenTelemetry JavaScript exporter writes them, byte for byte: what Claude Code sends.
//!
//! Invariant: what is written here decodes to the same items as what `encode` writes; only the form
//! differs. The exporter writes counts of dropped attributes and empty units even when they are
//! their defaults, numbers as JavaScript prints them, and JSON members in an order of its own.
//!
//! Source: recorded requests of client 2.1.329 (exporter 0.208.0).

mod span;

use std::fmt::Write;

use contract::{
    Attribute, DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Temporality, Value,
};

use crate::Encoding;
use crate::encode::{MetricPoints, write_attributes, write_id, write_value};
use crate::writer::{Size, Writer};

pub use self::span::{Span, SpanEvent, SpanLink, spans};

/// An export request of log records of one origin.
pub fn logs(encoding: Encoding, origin: &Origin<'_>, records: &[LogRecord<'_>]) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => protobuf(origin, records, write_log),
        Encoding::Json => json(["resourceLogs", "scopeLogs", "logRecords"], origin, |out| {
            list(out, records, json_log);
        }),
    }
}

/// An export request of metrics of one origin. Sums are written as the client's sums are; points of
/// other kinds are left out, for the client has none.
pub fn metrics(encoding: Encoding, origin: &Origin<'_>, metrics: &[MetricPoints<'_>]) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => protobuf(origin, metrics, |writer, (metric, points)| {
            write_metric(writer, metric, points);
        }),
        Encoding::Json => json(
            ["resourceMetrics", "scopeMetrics", "metrics"],
            origin,
            |out| {
                list(out, metrics, |out, (metric, points)| {
                    json_metric(out, metric, points)
                });
            },
        ),
    }
}

fn protobuf<T>(origin: &Origin<'_>, items: &[T], write_item: impl Fn(&mut Writer, &T)) -> Vec<u8> {
    let mut writer = Writer::default();
    let resource_group = writer.open(1, Size::Large);
    let resource = writer.open(1, Size::Medium);
    write_attributes(&mut writer, 1, &origin.resource);
    writer.varint_set(2, u64::from(origin.resource_dropped));
    writer.close(resource);
    let scope_group = writer.open(2, Size::Large);
    let scope = writer.open(1, Size::Small);
    writer.bytes(1, origin.scope_name.as_bytes());
    writer.bytes(2, origin.scope_version.as_bytes());
    writer.close(scope);
    for item in items {
        let open = writer.open(2, Size::Medium);
        write_item(&mut writer, item);
        writer.close(open);
    }
    writer.close(scope_group);
    writer.close(resource_group);
    writer.out
}

fn write_log(writer: &mut Writer, record: &LogRecord<'_>) {
    writer.eight(1, record.time_unix_nano);
    if let Some(body) = &record.body {
        write_value(writer, 5, body);
    }
    write_attributes(writer, 6, &record.attributes);
    writer.varint_set(7, u64::from(record.dropped_attributes_count));
    writer.four(8, record.flags);
    write_id(writer, 9, &record.trace_id);
    write_id(writer, 10, &record.span_id);
    writer.eight(11, record.observed_time_unix_nano);
}

fn write_metric(writer: &mut Writer, metric: &Metric<'_>, points: &[DataPoint<'_>]) {
    writer.bytes_set(1, metric.name.as_bytes());
    writer.bytes_set(2, metric.description.as_bytes());
    writer.bytes_set(3, metric.unit.as_bytes());
    if metric.kind != MetricKind::Sum {
        return;
    }
    let sum = writer.open(7, Size::Medium);
    for point in points {
        let open = writer.open(1, Size::Medium);
        writer.eight(2, point.start_time_unix_nano);
        writer.eight(3, point.time_unix_nano);
        match point.value {
            PointValue::Double(number) => writer.eight_set(4, number.to_bits()),
            PointValue::Int(number) => writer.eight_set(6, number as u64),
            PointValue::Empty | PointValue::Distribution { .. } => {}
        }
        write_attributes(writer, 7, &point.attributes);
        writer.close(open);
    }
    writer.varint_set(2, u64::from(code(metric.temporality)));
    writer.varint_set(3, u64::from(metric.is_monotonic));
    writer.close(sum);
}

fn code(temporality: Temporality) -> u8 {
    match temporality {
        Temporality::Unspecified => 0,
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    }
}

/// `names` are those of the lists of resource groups, scope groups and items.
fn json(names: [&str; 3], origin: &Origin<'_>, items: impl FnOnce(&mut String)) -> Vec<u8> {
    let [resources, scopes, item] = names;
    let mut out = String::with_capacity(4096);
    let _ = write!(out, "{{\"{resources}\":[{{\"resource\":{{");
    json_attributes(&mut out, &origin.resource);
    let dropped = origin.resource_dropped;
    let _ = write!(out, ",\"droppedAttributesCount\":{dropped}}},");
    let _ = write!(out, "\"{scopes}\":[{{\"scope\":{{\"name\":");
    text(&mut out, &origin.scope_name);
    out.push_str(",\"version\":");
    text(&mut out, &origin.scope_version);
    let _ = write!(out, "}},\"{item}\":");
    items(&mut out);
    out.push_str("}]}]}");
    out.into_bytes()
}

fn json_log(out: &mut String, record: &LogRecord<'_>) {
    let (time, observed) = (record.time_unix_nano, record.observed_time_unix_nano);
    let _ = write!(
        out,
        "{{\"timeUnixNano\":\"{time}\",\"observedTimeUnixNano\":\"{observed}\","
    );
    if let Some(body) = &record.body {
        out.push_str("\"body\":");
        json_value(out, body);
        out.push(',');
    }
    json_attributes(out, &record.attributes);
    let dropped = record.dropped_attributes_count;
    let _ = write!(out, ",\"droppedAttributesCount\":{dropped}");
    if let (Some(trace), Some(span)) = (&record.trace_id, &record.span_id) {
        let _ = write!(out, ",\"flags\":{},\"traceId\":\"", record.flags);
        hex(out, trace);
        out.push_str("\",\"spanId\":\"");
        hex(out, span);
        out.push('"');
    }
    out.push('}');
}

fn json_metric(out: &mut String, metric: &Metric<'_>, points: &[DataPoint<'_>]) {
    out.push_str("{\"name\":");
    text(out, &metric.name);
    out.push_str(",\"description\":");
    text(out, &metric.description);
    out.push_str(",\"unit\":");
    text(out, &metric.unit);
    if metric.kind == MetricKind::Sum {
        let temporality = code(metric.temporality);
        let monotonic = metric.is_monotonic;
        let _ = write!(
            out,
            ",\"sum\":{{\"aggregationTemporality\":{temporality},\"isMonotonic\":{monotonic},\"dataPoints\":"
        );
        list(out, points, json_point);
        out.push('}');
    }
    out.push('}');
}

fn json_point(out: &mut String, point: &DataPoint<'_>) {
    out.push('{');
    json_attributes(out, &point.attributes);
    let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
    let _ = write!(
        out,
        ",\"startTimeUnixNano\":\"{start}\",\"timeUnixNano\":\"{time}\""
    );
    match point.value {
        PointValue::Double(number) => {
            out.push_str(",\"asDouble\":");
            write_number(out, number);
        }
        PointValue::Int(number) => {
            let _ = write!(out, ",\"asInt\":{number}");
        }
        PointValue::Empty | PointValue::Distribution { .. } => {}
    }
    out.push('}');
}

fn json_attributes(out: &mut String, attributes: &[Attribute<'_>]) {
    out.push_str("\"attributes\":");
    list(out, attributes, |out, (key, value)| {
        out.push_str("{\"key\":");
        text(out, key);
        out.push_str(",\"value\":");
        json_value(out, value);
        out.push('}');
    });
}

fn json_value(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Empty => out.push_str("{}"),
        Value::Str(content) => {
            out.push_str("{\"stringValue\":");
            text(out, content);
            out.push('}');
        }
        Value::Bool(flag) => {
            let _ = write!(out, "{{\"boolValue\":{flag}}}");
        }
        Value::Int(number) => {
            let _ = write!(out, "{{\"intValue\":{number}}}");
        }
        Value::Double(number) => {
            out.push_str("{\"doubleValue\":");
            write_number(out, *number);
            out.push('}');
        }
        Value::Bytes(bytes) => {
            out.push_str("{\"bytesValue\":");
            crate::to_json::write_base64(bytes, out);
            out.push('}');
        }
        Value::Array(json) | Value::Map(json) => match serde_json::from_str(json) {
            Ok(nested) => json_nested(out, &nested),
            // Not JSON, so not written by `decode`: kept as the text that it is.
            Err(_) => json_value(out, &Value::from(&**json)),
        },
    }
}

fn json_nested(out: &mut String, nested: &serde_json::Value) {
    match nested {
        serde_json::Value::Null => out.push_str("{}"),
        serde_json::Value::Bool(flag) => json_value(out, &Value::Bool(*flag)),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => json_value(out, &Value::Int(whole)),
            None => json_value(out, &Value::Double(number.as_f64().unwrap_or(f64::NAN))),
        },
        serde_json::Value::String(content) => json_value(out, &Value::from(content.as_str())),
        serde_json::Value::Array(elements) => {
            out.push_str("{\"arrayValue\":{\"values\":");
            list(out, elements, json_nested);
            out.push_str("}}");
        }
        serde_json::Value::Object(members) => {
            out.push_str("{\"kvlistValue\":{\"values\":");
            let members: Vec<_> = members.iter().collect();
            list(out, &members, |out, (key, value)| {
                out.push_str("{\"key\":");
                text(out, key);
                out.push_str(",\"value\":");
                json_nested(out, value);
                out.push('}');
            });
            out.push_str("}}");
        }
    }
}

fn list<T>(out: &mut String, items: &[T], write_item: impl Fn(&mut String, &T)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_item(out, item);
    }
    out.push(']');
}

fn text(out: &mut String, content: &str) {
    // Writing a string cannot fail.
    out.push_str(&serde_json::to_string(content).unwrap_or_default());
}

fn hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

/// A number as JavaScript's `JSON.stringify` prints it: as few digits as read back the same,
/// without a fraction where there is none, with an exponent from 1e21 on and below 1e-6; `null` when
/// it is not finite.
fn write_number(out: &mut String, number: f64) {
    if !number.is_finite() {
        out.push_str("null");
        return;
    }
    if number == 0.0 {
        out.push('0');
        return;
    }
    if (1e-6..1e21).contains(&number.abs()) {
        let _ = write!(out, "{number}");
        return;
    }
    let scientific = format!("{number:e}");
    match scientific.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => {
            let _ = write!(out, "{digits}e+{exponent}");
        }
        _ => out.push_str(&scientific),
    }
}

#[cfg(test)]
mod tests {
    use super::write_number;

    fn check(number: f64, written: &str) {
        let mut out = String::new();
        write_number(&mut out, number);
        assert_eq!(out, written);
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        check(1.0, "1");
        check(-0.0, "0");
        check(0.0027651900000000003, "0.0027651900000000003");
        check(123456789.25, "123456789.25");
        check(1e20, "100000000000000000000");
        check(1e21, "1e+21");
        check(1.5e300, "1.5e+300");
        check(0.000001, "0.000001");
        check(1.25e-7, "1.25e-7");
        check(-2.5e-9, "-2.5e-9");
        check(f64::NAN, "null");
    }
}
